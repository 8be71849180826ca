// Tables: sorted by their headings, filtered by a word, every cell made of text.

/**
 * A table in its own scrolling frame.
 *
 * columns: { title, hint, text(row), value(row) for sorting, left (text stands left), class(row), node(row) }
 */
function table(columns, rows, { total = null, sort = null, filter = null, caption = "" } = {}) {
  const state = { column: sort?.column ?? -1, down: sort?.down ?? true, word: "" };
  const headings = columns.map((column, i) => {
    const button = column.value ? el("button", { type: "button", text: column.title, title: column.hint, on: { click: () => sortBy(i) } }) : el("span", { text: column.title, title: column.hint });
    return el("th", { scope: "col", class: column.left ? "left" : "" }, button);
  });
  const body = el("tbody");
  const foot = total ? el("tfoot", {}, line(total)) : null;
  const node = el("table", {}, caption ? el("caption", { class: "only-read", text: caption }) : null, el("thead", {}, el("tr", {}, ...headings)), body, foot);
  const frame = el("div", { class: "frame", tabindex: "0", role: "region", "aria-label": caption }, node);
  const found = el("span", { class: "hint", "aria-live": "polite" });
  const word = filter ? el("input", { type: "search", placeholder: filter, "aria-label": filter, on: { input: () => { state.word = word.value.toLowerCase(); fill(); } } }) : null;

  function line(row) {
    return el("tr", {}, ...columns.map((column) => {
      const cell = el(column.heads ? "th" : "td", { class: [column.left ? "left" : "", column.class?.(row) ?? ""].join(" ").trim() || null, scope: column.heads ? "row" : null });
      if (column.node) cell.append(column.node(row) ?? "");
      else cell.textContent = column.text(row);
      return cell;
    }));
  }

  function sortBy(i) {
    const textual = typeof columns[i].value(rows[0] ?? total ?? {}) === "string";
    state.down = state.column === i ? !state.down : !textual;
    state.column = i;
    fill();
  }

  function fill() {
    const shown = state.word ? rows.filter((row) => columns.some((c) => c.left && c.text && c.text(row).toLowerCase().includes(state.word))) : [...rows];
    const value = columns[state.column]?.value;
    if (value) shown.sort((a, b) => compare(value(a), value(b)) * (state.down ? -1 : 1));
    headings.forEach((heading, i) => {
      if (i === state.column) heading.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else heading.removeAttribute("aria-sort");
    });
    body.replaceChildren(...shown.map(line));
    found.textContent = state.word ? `${number(shown.length)} of ${number(rows.length)}` : "";
  }

  fill();
  return el("div", { class: "card table" }, word ? el("div", { class: "chart-head" }, word, found) : null, frame);
}

function compare(a, b) {
  if (typeof a === "string" || typeof b === "string") return String(a).localeCompare(String(b), "en", { numeric: true });
  return (a ?? -Infinity) - (b ?? -Infinity);
}

function cutNote(shown, all, what) {
  return all > shown ? el("p", { class: "hint", text: `${number(all - shown)} more ${what} are in the archive; the report shows ${number(shown)}.` }) : null;
}

// ------------------------------------------------------------------ endpoints

function endpointsTable(parent) {
  const [total, ...rows] = data.endpoints.rows;
  const indexes = new Map(data.endpoints.rows.map((row, i) => [row, i]));
  const largest = Math.max(...data.endpoints.rows.map((row) => row.max_us));
  const decimals = largest < 1e4 ? 2 : 1;
  const ms = (us) => number(us / 1000, decimals);
  const timed = (title, hint, us) => ({ title, hint, value: us, text: (row) => ms(us(row)) });
  const quantiles = data.endpoints.percentiles.map((q, i) => {
    const title = `${+(q * 100).toFixed(3)} %`;
    return timed(title, `${title} of the requests were no slower (ms)`, (row) => row.percentiles_us[i]);
  });
  const most = Math.max(1, ...rows.map((row) => row.requests));
  const columns = [
    { title: "", hint: "in the spectrum below", node: (row) => spectrumBox(row, indexes.get(row)), class: () => "box" },
    { title: "endpoint", left: true, heads: true, value: nameOf, text: nameOf, node: (row) => endpointName(row) },
    { title: "requests", value: (row) => row.requests, text: (row) => number(row.requests), node: (row) => (row === total ? number(row.requests) : barred(number(row.requests), row.requests / most)) },
    { title: "failures", value: (row) => row.failures, text: (row) => number(row.failures), class: (row) => (row.failures ? "bad" : "calm") },
    { title: "failed", hint: "share of the requests that failed", value: (row) => row.failures / Math.max(1, row.requests), text: (row) => (row.failures ? share(row.failures, row.requests) : "–"), class: (row) => (row.failures ? "bad" : "calm") },
    { title: "req/s", hint: "over the whole run", value: (row) => row.total_rps_milli, text: (row) => number(row.total_rps_milli / 1000, 1) },
    timed("average", "mean response time (ms)", (row) => row.average_us),
    timed("min", "shortest response time (ms)", (row) => row.min_us),
    ...quantiles,
    timed("max", "longest response time (ms)", (row) => row.max_us),
    { title: "size", hint: "mean size of a response", value: (row) => row.average_bytes, text: (row) => bytes(row.average_bytes) },
  ];
  if (total.response_count) {
    const from = "from the moment at which the iteration was to begin (ms)";
    const response = (title, field) => ({ title: `resp. ${title}`, hint: `${title} of the response times, ${from}`, value: (row) => (row.response_count ? row[field] : null), text: (row) => (row.response_count ? ms(row[field]) : "–") });
    columns.splice(-1, 0, response("50 %", "response_p50_us"), response("95 %", "response_p95_us"), response("99 %", "response_p99_us"), response("max", "response_max_us"));
  }
  if (total.cancelled) columns.splice(5, 0, { title: "cut off", hint: "sent, but not awaited, because the user was stopped; in no other figure", value: (row) => row.cancelled, text: (row) => number(row.cancelled) });
  parent.append(table(columns, rows, { total, sort: { column: 2, down: true }, filter: rows.length > 8 ? "filter endpoints" : null, caption: "Endpoints, response times in ms" }));
  parent.append(el("p", { class: "hint", text: "Response times in ms; percentiles are within 0.5 % of the truth. Failed requests are in every figure." + (total.response_count ? " Columns with resp. count from the moment at which the iteration was to begin, the others from the sending of the request." : "") }));
  pacingTable(parent);
  cutTable(parent, "stage", data.stages.filter((row) => row.lasted_ms || row.total.requests), "Stages: rates are means over each");
  if (data.by_class.length > 1) cutTable(parent, "users of", data.by_class, "User classes");
  parent.append(cutNote(rows.length, data.totals.endpoints, "endpoints") ?? "");
}

/** Wanted against achieved, of users that keep a pace. */
function pacingTable(parent) {
  if (!data.pacing.length) return;
  const rate = (field) => ({ value: (row) => row[field], text: (row) => number(row[field] / 1000, 1) });
  const part = (field) => ({ value: (row) => row[field], text: (row) => share(row[field], 1000) });
  const columns = [
    { title: "users of", left: true, heads: true, value: (row) => row.user_class, text: (row) => row.user_class },
    { title: "wanted/s", hint: "iterations a second that their pace asks for", ...rate("wanted_milli") },
    { title: "achieved/s", hint: "iterations a second that they began", ...rate("achieved_milli") },
    { title: "reached", ...part("reached_permille"), class: (row) => (row.reached_permille < 950 ? "bad" : "calm") },
    { title: "late", hint: "began more than 5 ms after the intended moment", ...part("late_permille") },
    { title: "begun", value: (row) => row.begun, text: (row) => number(row.begun) },
  ];
  parent.append(table(columns, data.pacing, { sort: { column: 0 }, caption: "Pacing: wanted and achieved" }));
}

/** What was measured in each stage of the plan, or by each class. */
function cutTable(parent, title, rows, caption) {
  if (!rows.length) return;
  const count = (field) => ({ value: (row) => row.total[field], text: (row) => number(row.total[field]) });
  const time = (field) => ({ value: (row) => row.total[field], text: (row) => (row.total.requests > row.total.untimed ? number(row.total[field] / 1000, 1) : "–") });
  const columns = [
    { title, left: true, heads: true, value: (row) => row.name, text: (row) => row.name },
    { title: "requests", ...count("requests") },
    { title: "failed", value: (row) => row.total.failures, text: (row) => share(row.total.failures, row.total.requests), class: (row) => (row.total.failures ? "bad" : "calm") },
    { title: "p50", ...time("median_us") },
    { title: "p95", ...time("p95_us") },
    { title: "p99", ...time("p99_us") },
    { title: "max", ...time("max_us") },
    { title: "req/s", value: (row) => row.total.total_rps_milli, text: (row) => number(row.total.total_rps_milli / 1000, 1) },
  ];
  parent.append(table(columns, rows, { caption }));
}

function endpointName(row) {
  return el("span", { class: "endpoint" }, row.method ? el("span", { class: "method", text: row.method }) : null, row.method || row.name ? row.name : "Total");
}

function spectrumBox(row, index) {
  if (index >= data.endpoints.spectra.length) return null;
  const known = spectrum.boxes.get(index);
  if (known) return known;
  const box = el("input", { type: "checkbox", "aria-label": `${nameOf(row)} in the spectrum`, on: { change: () => choose(index, box.checked) } });
  spectrum.boxes.set(index, box);
  return box;
}

function barred(text, part) {
  const bar = el("span", { class: "bar-fill", "aria-hidden": "true" });
  bar.style.width = `${Math.max(1, Math.round(part * 100))}%`;
  return el("span", { class: "barred" }, bar, el("span", { text }));
}

// ------------------------------------------------------------------ what went wrong

function failuresTable(parent) {
  const columns = [
    { title: "times", value: (row) => row.occurrences, text: (row) => number(row.occurrences), class: () => "bad" },
    { title: "endpoint", left: true, value: nameOf, text: nameOf, node: (row) => endpointName(row) },
    { title: "error", left: true, value: (row) => row.error, text: (row) => row.error, class: () => "wide" },
    { title: "first", hint: "when it was first seen, from the start", value: (row) => row.first_ms, text: (row) => span(row.first_ms - data.origin_ms) },
    { title: "last", hint: "when it was last seen, from the start", value: (row) => row.last_ms, text: (row) => span(row.last_ms - data.origin_ms) },
  ];
  parent.append(table(columns, data.failures, { sort: { column: 0, down: true }, filter: data.failures.length > 8 ? "filter failures" : null, caption: "Failures" }));
  parent.append(cutNote(data.failures.length, data.totals.failures, "kinds of failures") ?? "");
}

function exceptionList(parent) {
  for (const row of data.exceptions) {
    parent.append(el("details", { class: "card" },
      el("summary", {}, el("span", { class: "bad count", text: `${number(row.occurrences)} ×` }), el("span", { text: row.message }), el("span", { class: "hint", text: row.workers.join(", ") })),
      el("pre", { text: row.traceback || "no traceback" })));
  }
  parent.append(cutNote(data.exceptions.length, data.totals.exceptions, "kinds of exceptions") ?? "");
}

// ------------------------------------------------------------------ who did the work

function lamp(name, isOn, row) {
  const gone = row.state === "lost" || row.state === "left" || row.state === "refused";
  const look = isOn ? "on" : gone && row.state !== "lost" ? "off" : row.state === "lost" ? "lost" : "off";
  return el("span", { class: `lamp ${look}`, role: "img", "aria-label": `${name}: ${isOn ? "yes" : "no"}`, title: `${name}: ${isOn ? "yes" : "no"}` });
}

function workersTable(parent) {
  const columns = [
    { title: "worker", left: true, heads: true, value: (row) => row.name, text: (row) => row.name },
    { title: "lamps", hint: "alive, running, reporting", left: true, node: (row) => el("span", { class: "lamps" }, lamp("alive", row.alive, row), lamp("running", row.running, row), lamp("reporting", row.reporting, row)) },
    { title: "state", left: true, value: (row) => row.state, text: (row) => row.state, class: (row) => (row.state === "lost" || row.state === "refused" ? "bad" : "") },
    { title: "host", left: true, value: (row) => row.host, text: (row) => row.host },
    { title: "pid", text: (row) => String(row.pid) },
    { title: "users", value: (row) => row.users, text: (row) => number(row.users) },
    { title: "load", hint: "share of the plan's slots", value: (row) => row.share_permille, text: (row) => `${(row.share_permille / 10).toFixed(1)} %` },
    { title: "generators", hint: "alive of all", value: (row) => row.generators, text: (row) => `${row.generators_alive}/${row.generators}` },
    { title: "CPU", hint: "of one core, when it was last heard of", value: (row) => row.cpu_permille, text: (row) => `${Math.floor(row.cpu_permille / 10)} %` },
    { title: "memory", value: (row) => row.memory_bytes, text: (row) => bytes(row.memory_bytes) },
    { title: "lag", hint: "worst scheduling lag of its generators", value: (row) => row.lag_ms, text: (row) => `${number(row.lag_ms)} ms` },
    { title: "why", left: true, text: (row) => row.why, class: () => "wide" },
  ];
  const told = columns.filter((column) => column.title !== "why" || data.workers.some((row) => row.why));
  parent.append(table(told, data.workers, { sort: { column: 0, down: false }, caption: "Workers as they were last seen" }));
  parent.append(el("p", { class: "hint", text: "The lamps: alive, running, reporting. Figures are the last that were heard." }));
  parent.append(cutNote(data.workers.length, data.totals.workers, "workers") ?? "");
}

function classesTable(parent) {
  const isOver = data.run.phase === "closed";
  const columns = [
    { title: "user class", left: true, heads: true, value: (row) => row.name, text: (row) => row.name },
    { title: "weight", value: (row) => (row.fixed_count ? null : row.weight), text: (row) => (row.fixed_count ? "–" : number(row.weight, row.weight % 1 ? 2 : 0)) },
    { title: "fixed", hint: "fixed count of users", value: (row) => row.fixed_count, text: (row) => (row.fixed_count ? number(row.fixed_count) : "–") },
    { title: "at the most", hint: "users at the plan's highest point", value: (row) => row.most, text: (row) => (row.most === null ? "–" : number(row.most)) },
    { title: "now", value: (row) => row.now, text: (row) => number(row.now) },
    { title: "tasks", left: true, text: (row) => row.tasks.map(([name, part]) => `${name} ${(part * 100).toFixed(0)} %`).join(" · ") || "–", class: () => "wide" },
  ].filter((column) => !(isOver && column.title === "now"));
  parent.append(table(columns, data.classes, { caption: "User classes" }));
}
