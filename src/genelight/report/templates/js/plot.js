// Drawing: axes whose ends lie outside all points, and figures that save themselves.
const ticks = (low, high, n = 6) => {
  const rough = (high - low) / n || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const found = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step / 1e6; v += step) found.push(Number(v.toPrecision(10)));
  return found;
};
const extent = (values, { zero = false, pad = 0.06 } = {}) => {
  let [low, high] = zero ? [0, 0] : [Infinity, -Infinity];
  for (const v of values) if (isNumber(v)) { if (v < low) low = v; if (v > high) high = v; }
  if (!(low <= high)) [low, high] = [0, 1];
  const span = high - low || Math.abs(high) || 1;
  return [low - (zero && low === 0 ? 0 : pad * span), high + pad * span];
};
const text = (x, y, words, more = {}) => shape("text", { x, y, "font-size": 12, style: "fill: var(--soft)", ...more }, words);

const axes = ({ width, height, x, y, xLabel, yLabel, left = 52, label }) => {
  const [top, right, bottom] = [14, 14, 42];
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label });
  const across = (v) => left + ((v - x[0]) / (x[1] - x[0])) * (width - left - right);
  const up = (v) => height - bottom - ((v - y[0]) / (y[1] - y[0])) * (height - top - bottom);
  for (const v of ticks(...y, Math.max(2, height / 60))) {
    svg.append(shape("path", { d: `M${left} ${up(v)}H${width - right}`, style: "stroke: var(--faint)" }));
    svg.append(text(left - 6, up(v) + 4, String(v).replace("-", "−"), { "text-anchor": "end" }));
  }
  for (const v of ticks(...x, Math.max(2, width / 90))) svg.append(text(across(v), height - bottom + 18, String(v).replace("-", "−"), { "text-anchor": "middle" }));
  svg.append(text((left + width - right) / 2, height - 6, xLabel, { "text-anchor": "middle", style: "fill: var(--ink)" }));
  const turned = `rotate(-90 13 ${(top + height - bottom) / 2})`;
  svg.append(text(13, (top + height - bottom) / 2, yLabel, { "text-anchor": "middle", transform: turned, style: "fill: var(--ink)" }));
  return { svg, across, up, x, y, box: { left, top, right: width - right, bottom: height - bottom } };
};
// Many dots as one path: round ends of lines without length.
const dots = (points, size, style) => shape("path", {
  d: points.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join(""), "stroke-width": size, "stroke-linecap": "round", fill: "none", style,
});

const save = (name, content, type) => {
  const a = el("a", { href: URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type })), download: name });
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
  said(`Saved ${name}`);
};
const quoted = (value) => {
  const cell = value === null || value === undefined ? "" : String(value);
  return /[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
};
const csv = (rows) => rows.map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";

// A drawing that stands alone: colours resolved, on the page's paper, with its size.
const alone = (svg) => {
  const copy = svg.cloneNode(true);
  const [, , width, height] = copy.getAttribute("viewBox").split(/\s+/).map(Number);
  copy.querySelectorAll("[data-passing]").forEach((mark) => mark.remove());
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("xmlns:xlink", "http://www.w3.org/1999/xlink");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.setAttribute("font-family", "Helvetica, Arial, sans-serif");
  copy.prepend(shape("rect", { width, height, style: "fill: var(--card)" }));
  const words = new XMLSerializer().serializeToString(copy).replace(/var\(--([\w-]+)(?:,\s*[^)]*)?\)/g, (_, name) => colour(name));
  return { words, width, height };
};
const picture = (svg) => new Promise((resolve, reject) => {
  const { words, width, height } = alone(svg);
  const image = new Image();
  image.onload = () => {
    const canvas = el("canvas", { width: 2 * width, height: 2 * height });
    canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png");
  };
  image.onerror = () => reject(new Error("no picture"));
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(words)}`;
});

// Buttons under a figure: `rows` gives the table behind it, `svg` and `png` stand in where there is no drawing to copy.
const saves = (figure, name, { rows = null, svg = null, png = null } = {}) => {
  const drawing = () => figure.querySelector(".frame > svg");
  const button = (label, act) => el("button", { type: "button", onclick: act, "aria-label": `Save ${name} as ${label}` }, label);
  const bar = el("div", { class: "saves" },
    button("SVG", () => save(`${name}.svg`, svg ? svg() : alone(drawing()).words, "image/svg+xml")),
    button("PNG", async () => save(`${name}.png`, png ? png() : await picture(drawing()), "image/png")),
    rows ? button("CSV", () => save(`${name}.csv`, typeof rows() === "string" ? rows() : csv(rows()), "text/csv")) : null);
  figure.querySelector(".saves")?.remove();
  figure.append(bar);
};
const roomFor = (figure, most = 1200) => Math.max(280, Math.min(most, Math.floor(figure.querySelector(".frame").clientWidth)));

// Names beside bars to the right and left of zero.
const signedBars = (rows, { width, label, kind = "gene", plus = "accent", minus = "teal" }) => {
  const [step, left] = [19, 110];
  const most = Math.max(...rows.map((r) => Math.abs(r.value)), 1e-12);
  const [low, high] = [Math.min(0, ...rows.map((r) => r.value)), Math.max(0, ...rows.map((r) => r.value))];
  const height = rows.length * step + 8;
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": label });
  const span = Math.max(high - low, most / 100);
  const at = (v) => left + 46 + ((v - low) / span) * (width - left - 98);
  rows.forEach((row, i) => {
    const y = 4 + i * step;
    const [from, to] = [at(0), at(row.value)].sort((a, b) => a - b);
    svg.append(shape("rect", { x: from, y: y + 3, width: Math.max(1, to - from), height: step - 6, style: `fill: var(--${row.value >= 0 ? plus : minus})` }));
    const name = text(left - 6, y + 14, row.name.length > 14 ? `${row.name.slice(0, 13)}…` : row.name, { "text-anchor": "end", style: "fill: var(--ink); text-decoration: underline" });
    svg.append(shape("a", { href: `#${kind}=${encodeURIComponent(row.name)}` }, name));
    svg.append(text(row.value >= 0 ? to + 4 : from - 4, y + 14, number(row.value), { "text-anchor": row.value >= 0 ? "start" : "end" }));
  });
  return svg;
};

// Pictures are drawn when they come into view, anew when the page's width or colours change, and all before print.
const whenSeen = (figure, draw) => {
  figure.hidden = false;
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((e) => e.isIntersecting)) return;
    seen.disconnect();
    figure.drawNow = null;
    draw();
  }, { rootMargin: "600px" });
  figure.drawNow = () => { seen.disconnect(); figure.drawNow = null; draw(); };
  seen.observe(figure);
};
const redrawing = () => {
  let width = innerWidth;
  let waiting = null;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (innerWidth !== width) { width = innerWidth; document.querySelectorAll("figure.drawn").forEach((f) => f.draw?.()); } }, 200);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.querySelectorAll("figure.drawn").forEach((f) => f.draw?.()));
  addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((d) => { d.open = true; });
    document.querySelectorAll("figure.drawn").forEach((f) => f.drawNow?.());
  });
};
