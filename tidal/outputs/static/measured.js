// What users measure beside requests: the tree of transactions, checks, metrics, tags, and failed requests to be read.

/** A row's own name, or below the row of all the tags of one. */
function taggedName(row, name) {
  return row.tags ? el("span", { class: "tags", text: `{${row.tags}}` }) : el("span", { text: name });
}

function runTime(row, us) {
  return row.times ? latency(us) : "–";
}

function transactionsTable(parent) {
  const folded = new Set();
  const rows = data.transactions;
  const keyOf = (row) => JSON.stringify([...row.path, row.tags ? [row.tags] : []]);
  const isInside = (row, other) => (row.path.length > other.path.length || (row.tags && !other.tags)) && other.path.every((name, i) => row.path[i] === name);
  const isHidden = (row) => rows.some((other) => folded.has(keyOf(other)) && isInside(row, other));
  const body = el("div");
  const timed = (title, hint, us) => ({ title, hint, text: (row) => runTime(row, us(row)) });
  const columns = [
    { title: "transaction", left: true, heads: true, node: (row) => branch(row), text: (row) => row.path.join(" / ") },
    { title: "times", text: (row) => number(row.times) },
    { title: "failures", text: (row) => number(row.failures), class: (row) => (row.failures ? "bad" : "calm") },
    { title: "failed", hint: "share of its runs that failed", text: (row) => (row.failures ? share(row.failures, row.times) : "–"), class: (row) => (row.failures ? "bad" : "calm") },
    { title: "cut off", hint: "the user was stopped in it; in no other figure", text: (row) => number(row.cancelled) },
    { title: "requests", hint: "that ended inside", text: (row) => number(row.requests) },
    timed("average", "mean time from begin to end", (row) => row.average_us),
    timed("50 %", "half of its runs took no longer", (row) => row.median_us),
    timed("95 %", "95 % of its runs took no longer", (row) => row.p95_us),
    timed("99 %", "99 % of its runs took no longer", (row) => row.p99_us),
    timed("max", "the longest", (row) => row.max_us),
    timed("busy average", "mean time without waiting", (row) => row.busy_average_us),
    timed("busy 50 %", "without waiting", (row) => row.busy_median_us),
    timed("busy 95 %", "without waiting", (row) => row.busy_p95_us),
    timed("busy max", "without waiting", (row) => row.busy_max_us),
  ];

  function branch(row) {
    const inner = rows.some((other) => isInside(other, row));
    const isOpen = !folded.has(keyOf(row));
    const name = taggedName(row, row.path[row.path.length - 1]);
    const fold = inner ? el("button", { type: "button", class: "quiet fold", text: isOpen ? "▾" : "▸", "aria-expanded": String(isOpen), "aria-label": `${row.path.join(" / ")}: ${isOpen ? "fold" : "unfold"}`, on: { click: () => {
      if (isOpen) folded.add(keyOf(row));
      else folded.delete(keyOf(row));
      fill();
    } } }) : el("span", { class: "fold" });
    const node = el("span", { class: "branch" }, fold, name);
    node.style.paddingLeft = `${1.1 * (row.depth + (row.tags ? 1 : 0))}em`;
    return node;
  }

  function fill() {
    body.replaceChildren(table(columns, rows.filter((row) => !isHidden(row)), { caption: "Transactions" }));
  }

  fill();
  parent.append(body);
  parent.append(el("p", { class: "hint", text: "A branch lies inside the one above it. Busy: without the time that the user slept meanwhile." }));
  parent.append(cutNote(rows.length, data.totals.transactions, "rows of transactions") ?? "");
}

function checksTable(parent) {
  const columns = [
    { title: "check", left: true, heads: true, node: (row) => taggedName(row, row.name), text: (row) => row.name },
    { title: "passed", text: (row) => number(row.passes) },
    { title: "failed", text: (row) => number(row.fails), class: (row) => (row.fails ? "bad" : "calm") },
    { title: "share", hint: "how often it was so", text: (row) => share(row.passes, row.passes + row.fails), class: (row) => (row.fails ? "bad" : "") },
  ];
  parent.append(table(columns, data.checks, { caption: "Checks" }));
  parent.append(cutNote(data.checks.length, data.totals.checks, "rows of checks") ?? "");
}

/** A number of any size with enough digits. */
function figure(value) {
  if (Number.isInteger(value)) return number(value);
  return Math.abs(value) >= 1000 ? number(value, 0) : String(+value.toPrecision(4)).replace("-", "−");
}

function metricsTable(parent) {
  const only = (kinds, tell) => (row) => (kinds.includes(row.kind) ? tell(row) : "–");
  const columns = [
    { title: "metric", left: true, heads: true, node: (row) => taggedName(row, row.name), text: (row) => row.name },
    { title: "kind", left: true, text: (row) => row.kind },
    { title: "unit", left: true, text: (row) => row.unit },
    { title: "values", hint: "how many were recorded", text: (row) => number(row.count) },
    { title: "value", hint: "a counter's sum, a gauge's last, a rate's share, a trend's mean", text: (row) => (row.kind === "rate" ? share(row.hits, row.count) : figure(row.value)) },
    { title: "per s", hint: "a counter's sum over the time of the run", text: only(["counter"], (row) => figure(row.rate)) },
    { title: "min", text: only(["gauge", "trend"], (row) => figure(row.min)) },
    { title: "50 %", text: only(["trend"], (row) => figure(row.median)) },
    { title: "95 %", text: only(["trend"], (row) => figure(row.p95)) },
    { title: "99 %", text: only(["trend"], (row) => figure(row.p99)) },
    { title: "max", text: only(["gauge", "trend"], (row) => figure(row.max)) },
  ].filter((column) => column.title !== "unit" || data.metrics.some((row) => row.unit));
  parent.append(table(columns, data.metrics, { caption: "Metrics of the file's own" }));
  parent.append(cutNote(data.metrics.length, data.totals.metrics, "rows of metrics") ?? "");
}

function taggedTable(parent) {
  const timed = (title, us) => ({ title, value: us, text: (row) => latency(us(row)) });
  const columns = [
    { title: "tags", left: true, heads: true, value: (row) => row.tags, text: (row) => row.tags },
    { title: "endpoint", left: true, value: nameOf, text: nameOf, node: (row) => endpointName(row) },
    { title: "requests", value: (row) => row.requests, text: (row) => number(row.requests) },
    { title: "failures", value: (row) => row.failures, text: (row) => number(row.failures), class: (row) => (row.failures ? "bad" : "calm") },
    timed("average", (row) => row.average_us),
    timed("50 %", (row) => row.median_us),
    timed("95 %", (row) => row.p95_us),
    timed("99 %", (row) => row.p99_us),
    timed("max", (row) => row.max_us),
  ];
  parent.append(table(columns, data.tagged, { sort: { column: 2, down: true }, filter: data.tagged.length > 8 ? "filter tags" : null, caption: "Requests by tags" }));
  parent.append(cutNote(data.tagged.length, data.totals.tagged, "rows of tags") ?? "");
}

// ------------------------------------------------------------------ failed requests

function message(title, lines, body) {
  if (!lines.length && !body) return null;
  const text = [...lines.map(([name, value]) => `${name}: ${value}`), ...(body ? ["", body] : [])].join("\n");
  return el("div", {}, el("h3", { text: title }), el("pre", { text }));
}

function sampleList(parent) {
  for (const row of data.samples) {
    const facts = [
      ["when", `${span(row.offset_ms)} (${dayAndClock(row.at_ms)})`],
      ["took", row.took_us === null ? "" : latency(row.took_us)],
      ["worker", row.worker],
      ["user", row.user],
      ["in", row.transaction.join(" / ")],
      ["tags", row.tags],
    ].filter(([, value]) => value);
    parent.append(el("details", { class: "card" },
      el("summary", {}, el("span", { class: "bad count", text: row.status ? String(row.status) : "–" }), el("span", { text: `${row.method} ${row.url || row.name}` }), el("span", { class: "hint", text: row.error })),
      el("dl", { class: "facts" }, ...facts.map(([name, value]) => el("div", {}, el("dt", { text: name }), el("dd", { text: value })))),
      message("Request", row.request_headers, row.request_body),
      message(row.status ? "Response" : "No answer", row.response_headers, row.response_body)));
  }
  parent.append(el("p", { class: "hint", text: "The first few of each endpoint and message, as each worker saw them; passwords, tokens, cookies and the like are taken out." }));
  const dropped = data.totals.samples - data.samples.length;
  parent.append(dropped > 0 ? el("p", { class: "hint", text: `${number(dropped)} more were handed in; there was no room for them.` }) : "");
}
