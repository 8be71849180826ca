// Charts: the ones over time share one axis, one cursor and one zoom. Colours are read when they are drawn.

const everyChart = [];
const timeCharts = [];
const chart = data.chart;
const points = chart.rps_milli.length;
const startS = chart.start_ms / 1000;
const stepS = chart.step_ms / 1000;
const bounds = { min: startS, max: startS + Math.max(1, points) * stepS };
const times = Array.from({ length: points }, (_, i) => startS + (i + 0.5) * stepS);
const sharedCursor = { key: "time", scales: ["x", null] };
let shownRange = { ...bounds };
let showEvents = true;
let isSettingRange = false;

const TICKS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800];
const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

function axis(props) {
  return {
    stroke: () => colour("muted"),
    grid: { stroke: () => colour("grid"), width: 1 },
    ticks: { show: false },
    font: FONT,
    gap: 6,
    ...props,
  };
}

function timeAxis(props) {
  return axis({ incrs: TICKS_S, space: 70, values: (_, ticks) => ticks.map((s) => span(s * 1000)), size: 24, ...props });
}

/** The marks of a logarithmic axis: 1, 2, 5 of every decade, fewer where many decades are shown. */
function decades(_plot, _axis, low, high) {
  const digits = high / low > 500 ? [1, 3] : [1, 2, 5];
  const marks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    for (const digit of digits) {
      const mark = +`${digit}e${power}`;
      if (mark >= low && mark <= high) marks.push(mark);
    }
  }
  return marks;
}

const LOGARITHMIC = { splits: decades, filter: (_plot, marks) => marks };

function markMs(ms) {
  return ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`;
}

/** A chart in a host that decides its width. */
function mount(host, makeOptions, columns) {
  const holder = { host, plot: null };
  holder.build = () => {
    holder.plot?.destroy();
    holder.plot = new uPlot({ ...makeOptions(), width: widthOf(host) }, columns(), host);
  };
  holder.build();
  everyChart.push(holder);
  return holder;
}

/** Wider than a page, and shrunk to it: two charts and the figures above them then fit on the first. */
const PAPER_WIDTH = 1250;

function widthOf(host) {
  return document.documentElement.classList.contains("printing") ? PAPER_WIDTH : Math.max(240, Math.floor(host.clientWidth));
}

function redrawAll() {
  for (const { plot } of everyChart) plot.redraw(false, true);
}

function resizeAll() {
  for (const { host, plot } of everyChart) {
    const width = widthOf(host);
    if (width !== plot.width) plot.setSize({ width, height: plot.height });
  }
}

// ------------------------------------------------------------------ the shared axis

function setRange(min, max) {
  const least = Math.min(bounds.max - bounds.min, Math.max(stepS * 2, 1));
  const width = Math.max(least, Math.min(max - min, bounds.max - bounds.min));
  const from = Math.max(bounds.min, Math.min((min + max - width) / 2, bounds.max - width));
  shownRange = { min: from, max: from + width };
  isSettingRange = true;
  for (const { plot } of timeCharts) plot.setScale("x", shownRange);
  isSettingRange = false;
  const isWhole = width >= bounds.max - bounds.min - 1e-6;
  byId("reset").disabled = isWhole;
  byId("window").textContent = isWhole ? "the whole run" : `${span(from * 1000)} to ${span((from + width) * 1000)}`;
}

function zoom(factor) {
  const middle = (shownRange.min + shownRange.max) / 2;
  const half = ((shownRange.max - shownRange.min) / 2) * factor;
  setRange(middle - half, middle + half);
}

function pan(part) {
  const by = (shownRange.max - shownRange.min) * part;
  setRange(shownRange.min + by, shownRange.max + by);
}

function reset() {
  setRange(bounds.min, bounds.max);
}

/** Show the surroundings of a moment of plan time, and where it is. */
function showMoment(ms) {
  const half = Math.max(15 * stepS, (bounds.max - bounds.min) / 12);
  setRange(ms / 1000 - half, ms / 1000 + half);
  byId("time").scrollIntoView({ block: "start" });
  byId("time-charts").querySelector(".chart").focus({ preventScroll: true });
}

function zoomKeys(event) {
  const act = { ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: reset, Escape: reset }[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
}

// ------------------------------------------------------------------ events on the charts

const MARKED = new Set(["rs", "so", "rc", "ts", "do", "wl", "wg", "wr", "gl"]);
const marks = data.story.filter((row) => row.level === "error" || row.level === "warning" || MARKED.has(row.kind));
const LEVEL_COLOURS = { error: "bad", warning: "warn", good: "good" };

function drawEvents(plot) {
  if (!showEvents) return;
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const pixel = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top - 6 * pixel, width, height + 6 * pixel);
  ctx.clip();
  for (const row of marks) {
    const x = Math.round(plot.valToPos(row.offset_ms / 1000, "x", true)) + 0.5;
    if (x < left || x > left + width) continue;
    ctx.strokeStyle = ctx.fillStyle = colour(LEVEL_COLOURS[row.level] ?? "muted");
    ctx.globalAlpha = row.level === "error" ? 0.75 : 0.4;
    ctx.lineWidth = pixel;
    ctx.setLineDash([3 * pixel, 3 * pixel]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.beginPath();
    ctx.moveTo(x - 4 * pixel, top - 5 * pixel);
    ctx.lineTo(x + 4 * pixel, top - 5 * pixel);
    ctx.lineTo(x, top + 1 * pixel);
    ctx.fill();
  }
  ctx.restore();
}

function eventNear(plot) {
  const at = plot.cursor.left;
  if (!showEvents || at === null || at < 0) return null;
  let found = null;
  let nearest = 7;
  for (const row of marks) {
    const distance = Math.abs(plot.valToPos(row.offset_ms / 1000, "x") - at);
    if (distance < nearest || (distance === nearest && row.level === "error")) [found, nearest] = [row, distance];
  }
  return found;
}

function tellMoment(plot) {
  if (plot.cursor.left === null || plot.cursor.left < 0) {
    byId("moment").textContent = "";
    return;
  }
  const ms = plot.posToVal(plot.cursor.left, "x") * 1000;
  const row = eventNear(plot);
  byId("moment").textContent = `${span(ms)} · ${clock(data.origin_ms + ms)}${row ? ` · ${row.text}` : ""}`;
}

// ------------------------------------------------------------------ thresholds on the charts

const NEAR = 2; // a limit up to so many times as high as what is measured is drawn to scale
const LIMITS_MAX = 4;

/** The limits of a chart, in the units of its axis; one that is a share of the requests has a height in every point. */
function limitsOf(name, unit) {
  return data.limits.filter((line) => line.chart === name).slice(0, LIMITS_MAX).map((line) => ({
    label: line.label.replace("<=", "≤").replace(">=", "≥"),
    colour: line.is_bad ? "warn" : "good",
    dash: line.is_bad ? [6, 3] : [2, 4],
    sign: line.is_bad ? "✘" : "✔",
    heights: line.is_share ? chart.rps_milli.map((milli) => (milli * line.value) / 1e8) : times.map(() => line.value / unit),
    highest: line.is_share ? 0 : line.value / unit,
    from: line.from_ms / 1000,
    to: line.to_ms === null ? bounds.max : line.to_ms / 1000,
  }));
}

function highestOf(series) {
  return series.reduce((most, { values }) => values.reduce((high, value) => Math.max(high, value ?? 0), most), 0);
}

function drawLimits(plot, limits) {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const pixel = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.lineWidth = 1.25 * pixel;
  for (const limit of limits) {
    ctx.strokeStyle = colour(limit.colour);
    ctx.setLineDash(limit.dash.map((length) => length * pixel));
    ctx.beginPath();
    let isDown = false;
    times.forEach((at, i) => {
      const isJudged = at >= limit.from && at < limit.to;
      for (const x of isJudged ? [at - stepS / 2, at + stepS / 2] : []) {
        const place = [plot.valToPos(x, "x", true), Math.round(plot.valToPos(Math.max(limit.heights[i], 1e-9), "y", true)) + 0.5];
        if (isDown) ctx.lineTo(...place); else ctx.moveTo(...place);
        isDown = true;
      }
      if (!isJudged) isDown = false;
    });
    ctx.stroke();
  }
  ctx.restore();
}

// ------------------------------------------------------------------ one chart over time

/** A heading, a legend of buttons that switch their series, and the chart. */
function timeChart(parent, spec) {
  const values = spec.series.map((series) => el("span", { class: "value" }));
  const buttons = spec.series.map((series, i) => el("button", { type: "button", class: "key", "aria-pressed": "true", title: "show or hide", on: { click: () => toggle(i) } },
    el("span", { class: `swatch ${series.dash ? "dashed" : ""} c-${series.colour}`, "aria-hidden": "true" }), series.label, values[i]));
  const highest = highestOf(spec.series);
  const near = spec.limits.filter((limit) => limit.highest <= NEAR * highest && Math.max(0, ...limit.heights) > highest / 30); // on the ground it would be taken for the axis
  const ceiling = Math.max(0, ...near.map((limit) => limit.highest));
  const told = spec.limits.map((limit) => el("span", { class: "limit", title: near.includes(limit) ? "a threshold, drawn at its limit" : "a threshold; its limit is not to scale here" },
    el("span", { class: `rule c-${limit.colour}${near.includes(limit) ? "" : " above"}`, "aria-hidden": "true" }), `${limit.label} `, el("span", { class: `sign ${limit.colour}`, text: limit.sign }), limit.highest > NEAR * highest ? " above" : null));
  const head = el("div", { class: "chart-head" }, el("h3", { text: spec.title }), el("span", { class: "unit", text: spec.unit }), el("div", { class: "keys" }, ...told, ...buttons));
  const host = el("div", { class: "chart", tabindex: "0", role: "group", "aria-label": `${spec.title} over time. Arrow keys move, plus and minus zoom, 0 shows all.`, on: { keydown: zoomKeys } });
  const card = el("div", { class: "card" }, head, host);
  parent.append(card);
  let logarithmic = false;
  const hidden = new Set();

  function toggle(i) {
    const isShown = hidden.delete(i) || !hidden.add(i);
    buttons[i].setAttribute("aria-pressed", String(isShown));
    holder.plot.setSeries(i + 1, { show: isShown });
  }

  function tell(plot) {
    const at = plot.cursor.idx;
    spec.series.forEach((series, i) => {
      const value = at === null || at === undefined ? null : plot.data[i + 1][at];
      values[i].textContent = value === null || value === undefined ? "" : ` ${spec.format(value)}`;
    });
    tellMoment(plot);
  }

  const options = () => ({
    height: spec.height,
    legend: { show: false },
    padding: [10, 22, 0, 0],
    scales: { x: { time: false, range: (_, lo, hi) => [lo ?? bounds.min, hi ?? bounds.max] }, y: logarithmic ? { distr: 3, range: (_, lo, hi) => [(lo || 1) * 0.8, Math.max(hi || 10, ceiling) * 1.25] } : { range: (_, lo, hi) => [0, uPlot.rangeNum(0, Math.max(hi, ceiling) || 1, 0.12, true)[1]] } },
    axes: [timeAxis({}), axis({ size: 58, space: 34, values: (_, ticks) => ticks.map(spec.axis), ...(logarithmic ? LOGARITHMIC : {}) })],
    series: [{}, ...spec.series.map((series, i) => ({
      label: series.label,
      show: !hidden.has(i),
      stroke: () => colour(series.colour),
      fill: series.fill ? () => colour(`${series.colour}-fill`) : undefined,
      width: series.width ?? 1.6,
      dash: series.dash,
      points: { show: points < 40, size: 5 },
      spanGaps: false,
    }))],
    cursor: { sync: sharedCursor, y: false, drag: { x: true, y: false, dist: 5 }, points: { size: 6 }, bind: { dblclick: () => () => { reset(); return null; } } },
    hooks: { draw: [(plot) => drawLimits(plot, near), drawEvents], setCursor: [tell], setScale: [followZoom] },
  });
  const holder = mount(host, options, () => [times, ...spec.series.map((series) => series.values)]);
  timeCharts.push(holder);
  if (spec.canBeLogarithmic) {
    const press = () => {
      logarithmic = !logarithmic;
      button.setAttribute("aria-pressed", String(logarithmic));
      holder.build();
      setRange(shownRange.min, shownRange.max);
    };
    const button = el("button", { type: "button", class: "quiet", "aria-pressed": "false", text: "log", title: "logarithmic scale", on: { click: press } });
    head.append(button);
  }
}

function followZoom(plot, key) {
  if (key === "x" && !isSettingRange) {
    const { min, max } = plot.scales.x;
    queueMicrotask(() => setRange(min, max));
  }
}

// ------------------------------------------------------------------ the heatmap

function heatmap(parent, heat) {
  const told = el("span", { class: "unit" });
  const ramp = el("span", { class: "ramp", "aria-hidden": "true" }, "few", el("span", { class: "ramp-bar" }), "many");
  const host = el("div", { class: "chart", tabindex: "0", role: "group", "aria-label": "Heatmap of response times over time. Arrow keys move, plus and minus zoom, 0 shows all.", on: { keydown: zoomKeys } });
  parent.append(el("div", { class: "card" }, el("div", { class: "chart-head" }, el("h3", { text: "Response time heatmap" }), told, el("div", { class: "keys" }, ramp)), host));
  const low = heat.edges_us[0] / 1000;
  const high = heat.edges_us[heat.edges_us.length - 1] / 1000;
  const [from, step] = [heat.start_ms / 1000, heat.step_ms / 1000];
  const most = Math.max(1, ...heat.columns.flatMap((cells) => cells.filter((_, i) => i % 2)));
  const middle = Math.sqrt(low * high);

  function paint(plot) {
    const { ctx } = plot;
    const steps = shades();
    ctx.save();
    ctx.beginPath();
    ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
    ctx.clip();
    const edges = heat.edges_us.map((us) => Math.round(plot.valToPos(Math.max(us, 0.1) / 1000, "y", true)));
    heat.columns.forEach((cells, column) => {
      const left = Math.round(plot.valToPos(from + column * step, "x", true));
      const right = Math.round(plot.valToPos(from + (column + 1) * step, "x", true));
      if (right < plot.bbox.left || left > plot.bbox.left + plot.bbox.width) return;
      for (let i = 0; i < cells.length; i += 2) {
        const strength = (cells[i + 1] / most) ** 0.45;
        ctx.fillStyle = steps[Math.min(steps.length - 1, Math.floor(strength * steps.length))];
        ctx.fillRect(left, edges[cells[i] + 1], Math.max(1, right - left), Math.max(1, edges[cells[i]] - edges[cells[i] + 1]));
      }
    });
    ctx.restore();
  }

  function tell(plot) {
    tellMoment(plot);
    told.textContent = "";
    const { left, top } = plot.cursor;
    if (left === null || left < 0) return;
    const cells = heat.columns[Math.floor((plot.posToVal(left, "x") - from) / step)];
    const us = plot.posToVal(top, "y") * 1000;
    const row = heat.edges_us.findIndex((edge, i) => edge <= us && us < heat.edges_us[i + 1]);
    if (!cells || row < 0) return;
    const at = cells.findIndex((cell, i) => i % 2 === 0 && cell === row);
    const count = at < 0 ? 0 : cells[at + 1];
    told.textContent = `${plural(count, "request")} in ${latency(heat.edges_us[row])} – ${latency(heat.edges_us[row + 1])}`;
  }

  const options = () => ({
    height: 250,
    legend: { show: false },
    padding: [10, 22, 0, 0],
    scales: { x: { time: false, range: (_, lo, hi) => [lo ?? bounds.min, hi ?? bounds.max] }, y: { distr: 3, range: () => [low, Math.max(high, low * 1.1)] } },
    axes: [timeAxis({}), axis({ size: 58, values: (_, ticks) => ticks.map(markMs), ...LOGARITHMIC })],
    series: [{}, { stroke: "transparent", points: { show: false } }],
    cursor: { sync: sharedCursor, drag: { x: true, y: false, dist: 5 }, points: { show: false }, bind: { dblclick: () => () => { reset(); return null; } } },
    hooks: { draw: [paint, drawEvents], setCursor: [tell], setScale: [followZoom] },
  });
  const columns = [heat.columns.map((_, i) => from + (i + 0.5) * step), heat.columns.map(() => middle)];
  timeCharts.push(mount(host, options, () => columns));
}

/** The steps of the heatmap's colour, from the theme's two or three colours. */
function shades() {
  const stops = [colour("heat-0"), colour("heat-1"), colour("heat-2")].map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  return Array.from({ length: 32 }, (_, i) => {
    const at = (i / 31) * 2;
    const [a, b] = at < 1 ? [stops[0], stops[1]] : [stops[1], stops[2]];
    const part = at < 1 ? at : at - 1;
    return `rgb(${a.map((v, j) => Math.round(v + (b[j] - v) * part)).join(",")})`;
  });
}

// ------------------------------------------------------------------ the spectrum of percentiles

const spectrum = { chosen: [], holder: null, logarithmic: true, keys: null, boxes: new Map() };
const SPECTRUM_COLOURS = 8;
const SPECTRUM_AT_FIRST = 5;

function spectrumChart(parent) {
  spectrum.keys = el("div", { class: "keys" });
  const button = el("button", { type: "button", class: "quiet", "aria-pressed": "true", text: "log", title: "logarithmic scale", on: { click: press } });
  function press() {
    spectrum.logarithmic = !spectrum.logarithmic;
    button.setAttribute("aria-pressed", String(spectrum.logarithmic));
    drawSpectrum();
  }
  const host = el("div", { class: "chart", role: "img", "aria-label": "Response time by percentile, for the chosen endpoints" });
  parent.append(el("div", { class: "card" }, el("div", { class: "chart-head" }, el("h3", { text: "Response time by percentile" }), spectrum.keys, button), host, el("p", { class: "hint on-screen", text: "Choose endpoints in the first column of the table above, eight at most. The axis gives every further nine the same room." })));
  spectrum.chosen = [0, ...heaviest().slice(0, SPECTRUM_AT_FIRST)];
  spectrum.holder = mount(host, spectrumOptions, () => [nines(), ...spectrum.chosen.map((i) => padded(data.endpoints.spectra[i]))]);
  drawSpectrum();
}

/** The endpoints over which users waited longest in all, by their place among the rows. */
function heaviest() {
  const weight = (i) => data.endpoints.rows[i].requests * data.endpoints.rows[i].average_us;
  const known = data.endpoints.spectra.map((_, i) => i).slice(1);
  return known.sort((a, b) => weight(b) - weight(a));
}

function nines() {
  return data.endpoints.quantiles.map((_, i) => i / 12);
}

function padded(values) {
  return data.endpoints.quantiles.map((_, i) => (i < values.length ? Math.max(values[i], 1) / 1000 : null));
}

function spectrumOptions() {
  const longest = Math.max(13, ...spectrum.chosen.map((i) => data.endpoints.spectra[i].length));
  const end = Math.ceil((longest - 1) / 6 - 1e-9) / 2;
  const splits = [0, Math.log10(2), Math.log10(4), 1, Math.log10(20), 2, 3, 4, 5].filter((x) => x <= end);
  const label = (x) => `${+((1 - 10 ** -x) * 100).toFixed(3)} %`;
  return {
    height: 300,
    legend: { show: false },
    padding: [10, 34, 0, 0],
    scales: { x: { time: false, range: () => [0, end] }, y: spectrum.logarithmic ? { distr: 3, range: (_, lo, hi) => [(lo || 1) * 0.85, (hi || 10) * 1.2] } : { range: (_, lo, hi) => [0, (hi || 1) * 1.08] } },
    axes: [axis({ splits: () => splits, values: () => splits.map(label), size: 30, space: 40 }), axis({ size: 62, space: 30, values: (_, ticks) => ticks.map(markMs), ...(spectrum.logarithmic ? LOGARITHMIC : {}) })],
    series: [{}, ...spectrum.chosen.map((_, i) => ({ stroke: () => colour(`c${i}`), width: i === 0 ? 2.4 : 1.6, points: { show: false } }))],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    hooks: { setCursor: [tellSpectrum] },
  };
}

function tellSpectrum(plot) {
  const at = plot.cursor.idx;
  spectrum.keys.querySelectorAll(".value").forEach((node, i) => {
    const us = at === null || at === undefined ? undefined : data.endpoints.spectra[spectrum.chosen[i]][at];
    node.textContent = us === undefined ? "" : ` ${latency(us)}`;
  });
}

function drawSpectrum() {
  spectrum.holder.build();
  spectrum.keys.replaceChildren(...spectrum.chosen.map((row, i) => el("button", { type: "button", class: "key", "aria-pressed": "true", title: `take ${nameOf(data.endpoints.rows[row])} out`, on: { click: () => choose(row, false) } },
    el("span", { class: `swatch c-c${i}`, "aria-hidden": "true" }), el("span", { class: "name", text: nameOf(data.endpoints.rows[row]) }), el("span", { class: "value" }))));
  for (const [row, box] of spectrum.boxes) box.checked = spectrum.chosen.includes(row);
}

function choose(row, isChosen) {
  const others = spectrum.chosen.filter((other) => other !== row);
  spectrum.chosen = isChosen ? [...others, row].slice(-SPECTRUM_COLOURS) : others;
  drawSpectrum();
}
