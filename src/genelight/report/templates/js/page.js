"use strict";
// What every part uses: elements from plain text only, numbers as the page writes them, and the run's tables.
const make = (space, tag, attributes, children) => {
  const made = space ? document.createElementNS(space, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
};
const el = (tag, attributes = {}, ...children) => make(null, tag, attributes, children);
const shape = (tag, attributes = {}, ...children) => make("http://www.w3.org/2000/svg", tag, attributes, children);
const byId = (id) => document.getElementById(id);

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const number = (value, digits = 2) => (isNumber(value) ? value.toFixed(digits).replace(/^-(0\.?0*)$/, "$1").replace("-", "−") : "–");
const percent = (value) => (isNumber(value) ? `${number(100 * value, 0)}%` : "–");
const raised = (text) => [...text].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("");
const tail = (value) => {
  if (!isNumber(value)) return "–";
  if (value < 1e-300) return "below 10⁻³⁰⁰";
  if (value >= 0.001) return String(Number(value.toPrecision(2)));
  const [digit, exponent] = value.toExponential(0).split("e");
  return `${digit} × 10${raised(String(Number(exponent)))}`;
};
const counted = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;

const bytes = (text) => {
  const letters = atob(text);
  const made = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) made[i] = letters.charCodeAt(i);
  return made;
};
const KINDS = { uint8: Uint8Array, int8: Int8Array, int16: Int16Array, uint16: Uint16Array, uint32: Uint32Array };
const unpack = (packed) => (packed ? new KINDS[packed.type](bytes(packed.data).buffer) : null);
// Thousandths, the smallest for a gap.
const thousandths = (packed) => Array.from(unpack(packed), (v) => (v === -32768 ? null : v / 1000));

const loaded = async () => {
  const packed = bytes(byId("payload").textContent);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const said = (text) => { byId("said").textContent = text; };
const DATA = {};
const link = (kind, name, text = name) => el("a", { href: `#${kind}=${encodeURIComponent(name)}` }, text);
