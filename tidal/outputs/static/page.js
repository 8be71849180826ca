// The page from top to bottom: the most important first.

const run = data.run;
const totals = data.endpoints.rows[0];
const isOver = run.exit_code !== null;

// ------------------------------------------------------------------ head

function verdictBadge() {
  if (!data.verdict) return null;
  const look = { valid: "good", suspect: "warn", invalid: "bad" }[data.verdict.word] ?? "";
  return el("span", { class: `badge ${look}`, text: data.verdict.word, title: data.verdict.reasons.join("; ") });
}

function head() {
  const place = byId("head");
  const outcome = run.outcome || run.phase;
  const look = !isOver ? "live" : run.exit_code === 0 ? "good" : run.outcome === "finished" || run.outcome === "stopped" ? "warn" : "bad";
  const file = run.file.split("/").pop() || "run";
  const facts = [
    ["run", run.run],
    ["target", run.host],
    ["began", dayAndClock(run.began_ms || run.opened_ms)],
    ["by", run.author],
    ["fleet", run.fleet === "default" ? "" : run.fleet],
  ].filter(([, value]) => value);
  place.append(
    el("div", { class: "title" },
      el("h1", { text: file }),
      el("span", { class: `badge ${look}`, text: outcome }),
      verdictBadge(),
      isOver ? el("span", { class: `badge ${run.exit_code ? "warn" : "good"} thin`, text: `exit code ${run.exit_code}` }) : null,
      el("span", { class: "lasted", text: `${isOver ? "ran" : "running for"} ${span(run.elapsed_ms)}${run.planned_ms ? ` of ${span(run.planned_ms)}` : ""}` })),
    run.reason ? el("p", { class: "reason", text: run.reason }) : "",
    el("dl", { class: "facts" }, ...facts.map(([name, value]) => el("div", {}, el("dt", { text: name }), el("dd", { text: value })))),
    bigNumbers(),
    ...notes().map(([level, text]) => el("p", { class: `note ${level}`, text })),
  );
}

function bigNumbers() {
  const at = (q) => totals.percentiles_us[data.endpoints.percentiles.indexOf(q)];
  const peak = Math.max(0, ...chart.users_running_milli) / 1000;
  const planned = Math.max(0, ...chart.users_planned);
  const { planned_user_ms: wanted, ran_user_ms: ran, surplus_user_ms: surplus } = data.ledger;
  const tiles = [
    ["requests", number(totals.requests), `${plural(data.totals.endpoints, "endpoint")}`, ""],
    ["requests/s", number(totals.total_rps_milli / 1000, 1), `peak ${number(Math.max(0, ...chart.rps_milli) / 1000, 1)}`, ""],
    ["failed", share(totals.failures, totals.requests), plural(totals.failures, "request"), totals.failures ? "bad" : "good"],
    ["median", latency(at(0.5)), `mean ${latency(totals.average_us)}`, ""],
    ["95 %", latency(at(0.95)), `98 %: ${latency(at(0.98))}`, ""],
    ["99 %", latency(at(0.99)), `max ${latency(totals.max_us)}`, ""],
    ["users", number(Math.round(peak)), `${number(planned)} planned`, ""],
    ["load that ran", share(ran - surplus, wanted), "of the plan", wanted && (ran - surplus) / wanted < 0.99 ? "warn" : ""],
  ];
  return el("div", { class: "tiles" }, ...tiles.map(([name, value, more, look]) =>
    el("div", { class: `tile ${look}` }, el("div", { class: "tile-name", text: name }), el("div", { class: "tile-value", text: value }), el("div", { class: "tile-more", text: more }))));
}

/** What a reader must know before believing the figures. */
function notes() {
  const said = [];
  const { workers_reporting: reporting, workers_expected: expected, complete_to_ms: complete } = data.completeness;
  if (data.verdict && data.verdict.reasons.length) said.push([data.verdict.word === "invalid" ? "bad" : "warn", `${data.verdict.word}: ${data.verdict.reasons.join("; ")}`]);
  for (const remark of data.verdict?.remarks ?? []) said.push(["", remark]);
  if (!totals.requests) said.push(["warn", "No request was made."]);
  const lost = data.workers.filter((row) => row.state === "lost").map((row) => row.name);
  if (lost.length) said.push(["warn", `Lost on the way: ${lost.join(", ")}. Their users went to the others; what they had not handed in is in no figure.`]);
  if (data.ledger.lost_intervals) said.push(["warn", `${plural(data.ledger.lost_intervals, "interval")} of killed processes never sent: the story names each.`]);
  if (expected && reporting < expected) said.push(["warn", `${reporting} of ${expected} workers reported; figures are complete to ${clock(complete)}.`]);
  if (data.totals.bad_entries) said.push(["warn", `${plural(data.totals.bad_entries, "entry", "entries")} of the log refused.`]);
  if (data.totals.skipped_entries) said.push(["warn", `${plural(data.totals.skipped_entries, "entry", "entries")} of a newer tidal skipped.`]);
  if (!isOver) said.push(["", `The run goes on: this is how it stood at ${dayAndClock(data.at_ms)}.`]);
  return said;
}

// ------------------------------------------------------------------ over time

function overTime() {
  const parent = open("time");
  const events = el("button", { type: "button", class: "quiet", "aria-pressed": "true", text: "events", title: "show or hide the marks of events", on: { click: () => {
    showEvents = !showEvents;
    events.setAttribute("aria-pressed", String(showEvents));
    redrawAll();
  } } });
  const tool = (text, title, act, id) => el("button", { type: "button", class: "quiet", text, title, "aria-label": title, id, on: { click: act } });
  parent.classList.add("tools");
  parent.append(
    el("span", { id: "moment", "aria-hidden": "true" }), el("span", { class: "spring" }), el("span", { id: "window", class: "hint", "aria-live": "polite" }), events,
    tool("◀", "earlier", () => pan(-0.5)), tool("▶", "later", () => pan(0.5)), tool("−", "zoom out", () => zoom(2)), tool("+", "zoom in", () => zoom(0.5)), tool("whole run", "show the whole run", reset, "reset"));
  const charts = byId("time-charts");
  const hasAnswer = chart.p50_us.map((us) => us > 0);
  const ms = (values) => values.map((us, i) => (hasAnswer[i] ? us / 1000 : null));
  const perSecond = (values) => values.map((milli) => milli / 1000);
  const tellMs = (value) => latency(Math.round(value * 1000));
  timeChart(charts, { title: "Requests", unit: "per second", height: 190, axis: brief, format: (v) => number(v, 1), limits: limitsOf("requests", 1000), series: [
    { label: "requests", values: perSecond(chart.rps_milli), colour: "rps", fill: true },
    { label: "failures", values: perSecond(chart.failures_milli), colour: "fail", fill: true },
  ] });
  timeChart(charts, { title: "Response time", unit: `ms, over ${plural(stepS, "second")}`, height: 210, axis: brief, format: tellMs, canBeLogarithmic: true, limits: limitsOf("latency", 1000), series: [
    { label: "99 %", values: ms(chart.p99_us), colour: "p99" },
    { label: "95 %", values: ms(chart.p95_us), colour: "p95" },
    { label: "median", values: ms(chart.p50_us), colour: "p50", width: 2 },
  ] });
  timeChart(charts, { title: "Users", unit: "", height: 150, axis: brief, format: (v) => number(v, v % 1 ? 1 : 0), limits: limitsOf("users", 1000), series: [
    { label: "running", values: chart.users_running_milli.map((milli) => milli / 1000), colour: "users", fill: true },
    { label: "planned", values: chart.users_planned, colour: "plan", dash: [6, 4] },
  ] });
  if (data.heat) heatmap(charts, data.heat);
  if (stepS > 1) charts.append(el("p", { class: "hint", id: "rolled-up", text: `The run is long, so its seconds are rolled up: each point is of ${plural(stepS, "second")}. The archive has them one by one: tidal replay ${run.run} --between FROM TO, tidal report --csv.` }));
  reset();
}

// ------------------------------------------------------------------ ledger

function ledger() {
  const { planned_user_ms: wanted, ran_user_ms: ran, missing_user_ms: missing, surplus_user_ms: surplus } = data.ledger;
  const whole = Math.max(1, wanted + surplus);
  const time = (ms) => (ms >= 7.2e6 ? `${number(ms / 3.6e6, 1)} user-hours` : ms >= 1.2e5 ? `${number(ms / 6e4, 1)} user-minutes` : `${number(ms / 1000, 1)} user-seconds`);
  const parts = [["done", "ran as planned", ran - surplus], ["missing", "missing", missing], ["surplus", "surplus", surplus]].filter(([, , ms]) => ms > 0);
  const bar = el("div", { class: "ledger", role: "img", "aria-label": parts.map(([, name, ms]) => `${name} ${time(ms)}`).join(", ") });
  for (const [look, , ms] of parts) {
    const part = el("span", { class: look });
    part.style.flexGrow = String(ms / whole);
    bar.append(part);
  }
  const { workers_reporting: reporting, workers_expected: expected, complete_to_ms: complete } = data.completeness;
  const { gaps, losses, ...counts } = data.ledger;
  const begun = counts.iterations_started;
  const ends = ["finished", "failed", "cancelled", "in_flight", "unknown"].map((name) => [name.replace("_", " "), counts[`iterations_${name}`]]).filter(([name, count]) => count || name === "finished");
  const more = [
    ...(counts.after_user_ms ? [["ran on while stopping", time(counts.after_user_ms)]] : []),
    ...(counts.arrivals_planned ? [["arrivals", `${number(counts.arrivals_planned)} planned${counts.arrivals_surplus ? ` + ${number(counts.arrivals_surplus)} surplus` : ""} = ${number(counts.arrivals_started)} started + ${number(counts.arrivals_dropped)} dropped + ${number(counts.arrivals_unknown)} unknown`]] : []),
    ...(begun ? [["iterations", `${number(begun)} = ${ends.map(([name, count]) => `${number(count)} ${name}`).join(" + ")}`]] : []),
    ...(counts.users_ended ? [["users that ended by themselves", `${number(counts.users_ended)}: ${number(counts.users_restarted)} restarted, ${number(counts.users_let_go)} let go`]] : []),
  ];
  const off = [
    ...gaps.map((gap) => [gap.from_ms, `${span(gap.from_ms)} to ${span(gap.to_ms)}: ${[[gap.missing_user_ms, "missing"], [gap.surplus_user_ms, "too many"]].filter(([ms]) => ms).map(([ms, what]) => `${time(ms)} ${what}`).join(" and ")}`]),
    ...losses.map((loss) => [loss.to_ms, `${span(loss.to_ms)}: the last ${number((loss.to_ms - loss.from_ms) / 1000, 1)} s of ${loss.who} were never reported (${loss.why})`]),
  ].sort((a, b) => a[0] - b[0]);
  const rows = [["planned", time(wanted)], ["ran", time(ran)], ["missing", time(missing)], ["surplus", time(surplus)], ["complete to", complete ? clock(complete) : "nothing was reported"], ["workers that reported", expected ? `${reporting} of ${expected}` : "–"], ...more];
  open("ledger").append(el("div", { class: "card" }, bar,
    el("dl", { class: "facts wide" }, ...rows.map(([name, value]) => el("div", {}, el("dt", { text: name }), el("dd", { text: value })))),
    off.length ? el("ol", { class: "story" }, ...off.map(([at, text]) => el("li", { class: "warning" }, el("button", { type: "button", class: "quiet when", text: span(at), title: "show it on the charts", on: { click: () => showMoment(at) } }), el("span", { text })))) : "",
    el("p", { class: "hint", text: "One user that runs for one second is a user-second. Planned + surplus = ran + missing, each second by itself." })));
}

// ------------------------------------------------------------------ what changed when

function explained() {
  const summary = el("ul", { class: "said" }, ...data.explained.summary.map((text) => el("li", { text })));
  const list = el("ol", { class: "story" }, ...data.explained.findings.map((row) =>
    el("li", { class: row.level },
      el("button", { type: "button", class: "quiet when", text: span(row.at_ms), title: "show it on the charts", on: { click: () => showMoment(row.at_ms) } }),
      el("span", {}, el("span", { class: "sort", text: `${row.kind} ` }), row.text, ...row.evidence.map((text) => el("div", { class: "hint", text }))))));
  open("explained").append(el("div", { class: "card" }, summary, list));
}

// ------------------------------------------------------------------ story

function story() {
  const list = el("ol", { class: "story" });
  const fill = (onlyTrouble) => list.replaceChildren(...data.story.filter((row) => !onlyTrouble || row.level === "error" || row.level === "warning").map((row) =>
    el("li", { class: row.level }, el("button", { type: "button", class: "quiet when", text: span(row.offset_ms), title: `${dayAndClock(row.at_ms)}: show it on the charts`, on: { click: () => showMoment(row.offset_ms) } }), el("span", { text: row.text }))));
  const only = el("button", { type: "button", class: "quiet", "aria-pressed": "false", text: "only what went wrong", on: { click: () => {
    const isOn = only.getAttribute("aria-pressed") !== "true";
    only.setAttribute("aria-pressed", String(isOn));
    fill(isOn);
  } } });
  fill(false);
  open("story").append(el("div", { class: "card" }, el("div", { class: "chart-head" }, only), list, data.story_dropped ? el("p", { class: "hint", text: `${plural(data.story_dropped, "line")} of the middle were left out.` }) : ""));
}

const LOG_LEVELS = ["debug", "info", "warning", "error", "critical"];

function logLine(row) {
  return el("li", { class: row.level === "critical" ? "error" : row.level },
    el("button", { type: "button", class: "quiet when", text: span(row.offset_ms), title: `${dayAndClock(row.at_ms)}: show it on the charts`, on: { click: () => showMoment(row.offset_ms) } }),
    el("span", {}, el("b", { text: `${row.who} ${row.level} ` }), el("i", { text: row.logger }), el("span", { class: "said-line", text: ` ${row.text}` })));
}

/** What the processes logged: from a level on, of the levels that there are. */
function logLines() {
  const list = el("ol", { class: "story" });
  const choices = LOG_LEVELS.filter((level) => data.logs.some((row) => row.level === level));
  const buttons = choices.map((level, place) => el("button", { type: "button", class: "quiet", text: place ? `${level} and above` : "all", on: { click: () => choose(place) } }));
  if (choices.length > 1) buttons.at(-1).textContent = choices.at(-1);
  const choose = (place) => {
    buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === place)));
    list.replaceChildren(...data.logs.filter((row) => LOG_LEVELS.indexOf(row.level) >= LOG_LEVELS.indexOf(choices[place])).map(logLine));
  };
  choose(0);
  open("log").append(el("div", { class: "card" }, choices.length > 1 ? el("div", { class: "chart-head" }, ...buttons) : "", list, cutNote(data.logs.length, data.totals.logs, "lines") ?? "",
    data.totals.logs_left_out ? el("p", { class: "hint", text: `${plural(data.totals.logs_left_out, "line")} were held back where they were said: too many at once.` }) : ""));
}

// ------------------------------------------------------------------ configuration

function pairs(title, rows) {
  if (!rows.length) return null;
  return el("div", { class: "card pairs" }, el("h3", { text: title }), el("dl", {}, ...rows.map(([name, value, isChanged]) => el("div", { class: isChanged ? "changed" : "" }, el("dt", { text: name }), el("dd", { text: value || "–" })))));
}

function configuration() {
  const known = data.configuration;
  const place = open("configuration");
  place.append(el("div", { class: "columns" },
    pairs("Options", known.options),
    el("div", {}, pairs("The file's arguments", known.arguments), pairs("Versions", known.versions), pairs("Shipped files", known.files.map(([path, size, hash]) => [path, `${bytes(size)} · sha256 ${hash.slice(0, 12)}…`])))));
  for (const file of data.source) {
    place.append(el("details", { class: "card" }, el("summary", {}, el("span", { class: "mono", text: file.path }), el("span", { class: "hint", text: plural(file.text.split("\n").length, "line") })),
      el("pre", { class: "source" }, ...file.text.replace(/\n$/, "").split("\n").map((line) => el("span", { text: `${line}\n` }))),
      file.cut > 0 ? el("p", { class: "hint", text: `${bytes(file.cut)} more are in the archive.` }) : null));
  }
}

// ------------------------------------------------------------------ theme, print, size

const THEMES = ["auto", "light", "dark"];
const root = document.documentElement;

function setTheme(name, isKept = true) {
  if (name === "auto") root.removeAttribute("data-theme");
  else root.setAttribute("data-theme", name);
  byId("theme").textContent = `Theme: ${name}`;
  if (isKept) settings.set("theme", name);
  redrawAll();
}

function themes() {
  const kept = settings.get("theme");
  let theme = THEMES.includes(kept) ? kept : "auto";
  setTheme(theme, false);
  byId("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    setTheme(theme);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
  addEventListener("beforeprint", () => {
    root.classList.add("printing");
    for (const details of document.querySelectorAll("#exceptions details, #samples details:nth-child(-n + 3)")) details.open = true; // a few say what all look like
    resizeAll();
    redrawAll();
  });
  addEventListener("afterprint", () => {
    root.classList.remove("printing");
    resizeAll();
    redrawAll();
  });
  byId("print").addEventListener("click", () => print());
  new ResizeObserver(resizeAll).observe(document.querySelector("main"));
}

function navigation() {
  const shown = [...document.querySelectorAll("main > section:not([hidden]) > h2")];
  byId("nav").append(...shown.map((heading) => el("a", { href: `#${heading.parentElement.id}`, text: heading.textContent.replace(" in user code", "").replace("Percentile spectrum", "Spectrum").replace(", a few", "").replace("Requests by tags", "Tags") })));
}

head();
if (points) overTime();
if (data.thresholds.length) thresholdsTable(open("thresholds"));
if (data.limit && data.limit.probes.length) limitCharts(open("limit"));
if (totals.requests || data.endpoints.rows.length > 1) {
  endpointsTable(open("endpoints"));
  spectrumChart(open("spectrum"));
}
if (data.transactions.length) transactionsTable(open("transactions"));
if (data.checks.length) checksTable(open("checks"));
if (data.metrics.length) metricsTable(open("metrics"));
if (data.tagged.length) taggedTable(open("tagged"));
if (data.failures.length) failuresTable(open("failures"));
if (data.samples.length) sampleList(open("samples"));
if (data.exceptions.length) exceptionList(open("exceptions"));
ledger();
if (data.workers.length) workersTable(open("workers"));
if (data.classes.length) classesTable(open("users"));
if (data.explained.findings.length) explained();
if (data.story.length) story();
if (data.logs.length) logLines();
configuration();
navigation();
themes();
byId("foot").append(`Made by tidal from the run's log; rewind it with: tidal replay ${run.run}`);
root.classList.add("ready");
