// What the run had to keep to, and the search for its limit: the knee as a picture.

const THRESHOLD_LOOKS = { failed: "bad", failing: "bad", unjudged: "warn", waiting: "", holds: "good", passed: "good" };

function momentButton(ms, text) {
  return el("button", { type: "button", class: "quiet", text, title: "show it on the charts", on: { click: () => showMoment(ms) } });
}

function thresholdsTable(parent) {
  const columns = [
    { title: "threshold", left: true, heads: true, text: (row) => row.text, value: (row) => row.text },
    { title: "", left: true, node: (row) => el("span", { class: `badge thin ${THRESHOLD_LOOKS[row.word] ?? ""}`, text: row.word }) },
    { title: "value", hint: "what it was when it failed, else what it is", text: (row) => row.tripped_value || row.value || "–" },
    { title: "when", left: true, node: (row) => (row.tripped_to_ms === null || row.why ? el("span", { text: row.why || "–" }) : momentButton(row.tripped_to_ms, `${span(row.tripped_from_ms)} to ${span(row.tripped_to_ms)}`)) },
    { title: "meaning", left: true, text: (row) => row.meaning, class: () => "wide" },
  ];
  parent.append(table(columns, data.thresholds, { caption: "Thresholds" }));
}

// ------------------------------------------------------------------ the limit

const LIMIT_CHARTS_MAX = 4;

function limitCharts(parent) {
  const limit = data.limit;
  parent.append(el("p", { class: "note", text: limit.told || "The search is not over." }));
  limit.until.slice(0, LIMIT_CHARTS_MAX).forEach((text, i) => {
    if (limit.probes.some((probe) => probe.values_milli[i] !== null)) limitChart(parent, text, i);
  });
  const columns = [
    { title: "probe", value: (row) => row.number, text: (row) => number(row.number) },
    { title: limit.unit, value: (row) => row.level_milli, text: (row) => brief(row.level_milli / 1000) },
    ...limit.until.map((text, i) => ({ title: text, value: (row) => row.values_milli[i], text: (row) => row.values[i] || "–" })),
    { title: "thresholds", left: true, node: (row) => el("span", { class: `badge thin ${row.passed ? "good" : "bad"}`, text: row.passed ? "met" : "not met" }) },
    { title: "measured", left: true, node: (row) => momentButton(row.from_ms, `${span(row.from_ms)} to ${span(row.to_ms)}`) },
  ];
  parent.append(table(columns, limit.probes, { sort: { column: 1, down: false }, caption: "Levels that were held" }));
}

/** One threshold: what it was at each level, where its limit lies, and between which levels the search puts the edge. */
function limitChart(parent, text, i) {
  const limit = data.limit;
  const tell = (value) => (limit.units[i] === "ms" ? latency(Math.round(value * 1000)) : `${brief(value)}${limit.units[i] ? ` ${limit.units[i]}` : ""}`);
  const probes = limit.probes.filter((probe) => probe.values_milli[i] !== null).sort((a, b) => a.level_milli - b.level_milli || a.number - b.number);
  const levels = probes.map((probe) => probe.level_milli / 1000);
  const values = probes.map((probe) => probe.values_milli[i] / 1000);
  const most = limit.limits_milli[i] / 1000;
  const isWide = Math.min(...values, most) > 0 && Math.max(...values, most) / Math.min(...values, most) > 20;
  const only = (passed) => values.map((value, at) => (probes[at].passed === passed ? value : null));
  const told = el("span", { class: "unit", "aria-hidden": "true" });
  const key = (name, look) => el("span", { class: "key" }, el("span", { class: `swatch ${look}`, "aria-hidden": "true" }), name);
  const host = el("div", { class: "chart", role: "img", "aria-label": `${text} by ${limit.unit}: ${limit.told}` });
  parent.append(el("div", { class: "card" }, el("div", { class: "chart-head" }, el("h3", { text: `${text}, by ${limit.unit}` }), told,
    el("div", { class: "keys" }, key("met", "c-good"), key("not met", "c-bad"), key("the threshold", "dashed c-plan"), limit.level_milli === null ? null : key("the limit and its bounds", "c-users"))), host));

  function drawLimit(plot) {
    if (limit.level_milli === null) return;
    const { ctx, bbox } = plot;
    const at = (milli) => Math.min(bbox.left + bbox.width, Math.max(bbox.left, plot.valToPos(milli / 1000, "x", true)));
    ctx.save();
    ctx.fillStyle = colour("users-fill");
    ctx.fillRect(at(limit.low_milli), bbox.top, Math.max(1, at(limit.high_milli) - at(limit.low_milli)), bbox.height);
    ctx.strokeStyle = colour("users");
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(at(limit.level_milli), bbox.top);
    ctx.lineTo(at(limit.level_milli), bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }

  function tellProbe(plot) {
    const probe = probes[plot.cursor.idx ?? -1];
    told.textContent = probe && plot.cursor.left >= 0 ? `probe ${probe.number}: ${brief(probe.level_milli / 1000)} ${limit.unit}, ${probe.values[i]}` : "";
  }

  const dots = (name) => ({ stroke: () => colour(name), points: { show: true, size: 8, fill: () => colour(name) }, paths: () => null });
  const options = () => ({
    height: 260,
    legend: { show: false },
    padding: [10, 26, 0, 0],
    scales: {
      x: { time: false, range: (_, lo, hi) => [0, (hi || 1) * 1.05] },
      y: isWide ? { distr: 3, range: (_, lo, hi) => [lo * 0.8, hi * 1.25] } : { range: (_, lo, hi) => [0, (hi || 1) * 1.1] },
    },
    axes: [axis({ size: 30, values: (_, ticks) => ticks.map(brief) }), axis({ size: 66, values: (_, ticks) => ticks.map(tell), ...(isWide ? LOGARITHMIC : {}) })],
    series: [{}, { stroke: () => colour("muted"), width: 1, points: { show: false } }, dots("good"), dots("bad"), { stroke: () => colour("plan"), width: 1.6, dash: [6, 4], points: { show: false } }],
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    hooks: { drawClear: [drawLimit], setCursor: [tellProbe] },
  });
  mount(host, options, () => [levels, values, only(true), only(false), levels.map(() => most)]);
}
