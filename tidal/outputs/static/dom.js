"use strict";
// What every part of the page needs: elements made of text, and numbers as people read them.
// Nothing here or elsewhere ever reads text as markup.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const NNBSP = "\u202f";

/** An element; `props`: class, text, title, on (listeners), any attribute. */
function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "text") node.textContent = value;
    else if (name === "on") for (const [event, listen] of Object.entries(value)) node.addEventListener(event, listen);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Three digits of an integer over its unit, cut rather than rounded, as in the terminal. */
function threeDigits(value, unit) {
  const decimals = value < 10 * unit ? 2 : value < 100 * unit ? 1 : 0;
  return (Math.floor((value * 10 ** decimals) / unit) / 10 ** decimals).toFixed(decimals);
}

function latency(us) {
  if (us < 1e3) return `${us} µs`;
  return us < 1e6 ? `${threeDigits(us, 1e3)} ms` : `${threeDigits(us, 1e6)} s`;
}

function grouped(digits) {
  return digits.replace(/\B(?=(\d{3})+$)/g, NNBSP);
}

/** A number with so many decimals, its thousands apart. */
function number(value, decimals = 0) {
  const [whole, part] = Math.abs(value).toFixed(decimals).split(".");
  return (value < 0 ? "−" : "") + grouped(whole) + (part ? `.${part}` : "");
}

/** A short number for an axis: 1.2k, 3M. */
function brief(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${+(value / 1e6).toFixed(2)}M`;
  return size >= 1e4 ? `${+(value / 1e3).toFixed(1)}k` : `${+value.toFixed(2)}`;
}

function bytes(value) {
  const [unit, name] = value >= 1e9 ? [1e9, "GB"] : value >= 1e6 ? [1e6, "MB"] : value >= 1e3 ? [1e3, "kB"] : [1, "B"];
  return `${unit === 1 ? value : threeDigits(value, unit)} ${name}`;
}

/** A percentage with two decimals, never rounded up to 100 or down to 0. */
function share(part, whole) {
  if (!whole) return "0 %";
  const basis = Math.floor((part * 10000) / whole);
  if (part && !basis) return "<0.01 %";
  return `${Math.floor(basis / 100)}.${String(basis % 100).padStart(2, "0")} %`;
}

function span(ms) {
  const sign = ms <= -1000 ? "−" : "";
  const all = Math.floor(Math.abs(ms) / 1000);
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (n) => String(n).padStart(2, "0");
  return sign + (h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`);
}

function isoOf(ms) {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}

/** A moment of Redis time in UTC: the same run reads the same everywhere. */
function clock(ms) {
  return isoOf(ms) ? `${isoOf(ms).slice(11, 19)}Z` : "?";
}

function dayAndClock(ms) {
  return isoOf(ms) ? `${isoOf(ms).slice(0, 10)} ${clock(ms)}` : "?";
}

function plural(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`;
}

function nameOf(row) {
  return row.method || row.name ? `${row.method} ${row.name}`.trim() : "Total";
}

/** A colour of the theme, as it is now. */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** The body of a section, which is shown from now on. */
function open(id) {
  const section = byId(id);
  section.hidden = false;
  return section.querySelector("div");
}

/** Settings outlive the page where the browser allows it. */
const settings = {
  get(name) {
    try { return localStorage.getItem(`tidal-${name}`); } catch { return null; }
  },
  set(name, value) {
    try { localStorage.setItem(`tidal-${name}`, value); } catch { /* a page from a file may keep nothing */ }
  },
};
