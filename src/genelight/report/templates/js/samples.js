// The map of samples: principal components, coloured by whatever is asked for.
const codesOf = (c) => {
  const { codes, samples } = DATA;
  const n = samples.number.length;
  const span = codes.high[c] - codes.low[c];
  return Array.from(codes.values.subarray(c * n, (c + 1) * n), (v) => codes.low[c] + (v / 255) * span);
};
const SCALE = ["#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725"];
const graded = (share) => {
  const at = Math.min(SCALE.length - 1.001, Math.max(0, share * (SCALE.length - 1)));
  const [a, b] = [rgb(SCALE[Math.floor(at)]), rgb(SCALE[Math.floor(at) + 1])];
  return `rgb(${a.map((v, i) => Math.round(v + (at % 1) * (b[i] - v))).join(",")})`;
};
const HUES = ["teal", "ochre", "accent", "ink", "soft"];
const MARKS = [
  (x, y) => `M${x - 4} ${y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0`,
  (x, y) => `M${x - 4} ${y - 4}h8v8h-8z`,
  (x, y) => `M${x} ${y - 5}l5 9h-10z`,
  (x, y) => `M${x} ${y - 5}l5 5l-5 5l-5 -5z`,
  (x, y) => `M${x - 5} ${y - 4}h10l-5 9z`,
];
let mapFigure = null;
let chosenSample = null;
const coloured = (asked) => {
  const { samples, codes, heat, genes } = DATA;
  const [kind, ...rest] = asked.split(":");
  const name = rest.join(":");
  if (kind === "column") {
    const column = samples.columns.find((c) => c.name === name);
    return column.levels ? { levels: column.levels, codes: column.codes } : { values: column.values };
  }
  if (kind === "node") return { values: codesOf(codes.node.indexOf(name)) };
  if (kind === "gene") {
    const row = heat.gene.indexOf(DATA.geneAt.get(name));
    const n = samples.number.length;
    return { values: [...heat.values.subarray(row * n, (row + 1) * n)].map((v) => v / 40) };
  }
  const levels = ["case", "control", "neither"].filter((g) => samples.group.includes(g));
  return { levels: levels.map((g) => GROUPS[g]), codes: samples.group.map((g) => levels.indexOf(g)) };
};
const sampleMap = (figure) => {
  const { codes, samples, heat, genes } = DATA;
  mapFigure = figure;
  const groupOf = (label, kind, names) => (names.length ? el("optgroup", { label }, names.map((name) => el("option", { value: `${kind}:${name}` }, name))) : null);
  const layers = new Map();
  codes.node.forEach((name) => { const layer = name.split(".")[0]; layers.set(layer, [...(layers.get(layer) ?? []), name]); });
  const choice = el("select", {}, el("option", { value: "group" }, "group"), groupOf("Columns of the sample table", "column", samples.columns.map((c) => c.name)),
    ...[...layers].map(([layer, names]) => groupOf(`Nodes of ${layer}`, "node", names)), heat ? groupOf(`Leading ${DATA.words.many}`, "gene", heat.gene.map((g) => genes.gene[g])) : null);
  const flip = el("select", {}, ...codes.place.slice(1).map((_, i) => el("option", { value: i + 1 }, `PC 1 and PC ${i + 2}`)));
  const draw = () => {
    const [xs, ys] = [codes.place[0], codes.place[Number(flip.value)]];
    const width = roomFor(figure);
    const plot = axes({ width, height: Math.min(460, Math.max(320, width * 0.6)), x: extent(xs), y: extent(ys), xLabel: "principal component 1", yLabel: `principal component ${Number(flip.value) + 1}`, label: `Map of ${samples.number.length} samples coloured by ${choice.value}` });
    const found = coloured(choice.value);
    const [low, high] = found.values ? extent(found.values, { pad: 0 }) : [0, 1];
    samples.number.forEach((_, i) => {
      const place = [plot.across(xs[i]), plot.up(ys[i])];
      const level = found.levels ? found.codes[i] : 0;
      const known = found.levels ? level >= 0 : isNumber(found.values[i]);
      const fill = !known ? "none" : found.levels ? `var(--${HUES[level % HUES.length]})` : graded((found.values[i] - low) / (high - low || 1));
      plot.svg.append(shape("path", { d: MARKS[found.levels && level >= 0 ? (level + Math.floor(level / HUES.length)) % MARKS.length : 0](...place.map((v) => Number(v.toFixed(1)))), style: `fill: ${fill}; fill-opacity: .85; stroke: ${known ? "var(--card)" : "var(--soft)"}; stroke-width: .8; cursor: pointer`, "data-sample": i }));
    });
    if (chosenSample !== null) plot.svg.append(shape("circle", { cx: plot.across(xs[chosenSample]), cy: plot.up(ys[chosenSample]), r: 9, fill: "none", "stroke-width": 2, style: "stroke: var(--ink)", "data-passing": "" }));
    figure.querySelector(".frame").replaceChildren(plot.svg, mapLegend(found, low, high));
    const tip = el("div", { class: "tip", hidden: true });
    figure.querySelector(".frame").append(tip);
    plot.svg.addEventListener("pointermove", (event) => {
      const i = event.target.dataset?.sample;
      tip.hidden = i === undefined;
      if (tip.hidden) return;
      const value = found.levels ? found.levels[found.codes[i]] ?? "unknown" : number(found.values[i]);
      tip.textContent = `sample ${samples.number[i]}${samples.sample ? ` (${samples.sample[i]})` : ""}: ${value}`;
      const box = figure.querySelector(".frame").getBoundingClientRect();
      tip.style.left = `${Math.min(event.clientX - box.left + 12, box.width - 180)}px`;
      tip.style.top = `${event.clientY - box.top + 12}px`;
    });
    plot.svg.addEventListener("pointerleave", () => { tip.hidden = true; });
    plot.svg.addEventListener("click", (event) => { const i = event.target.dataset?.sample; if (i !== undefined) visit(`sample=${samples.number[i]}`); });
  };
  figure.querySelector(".options").replaceChildren(el("label", {}, "Colour by ", choice), el("label", {}, "Axes ", flip));
  choice.addEventListener("input", draw);
  flip.addEventListener("input", draw);
  figure.choice = choice;
  figure.draw = draw;
  figure.hidden = false;
  draw();
  saves(figure, "map_of_samples", { rows: () => {
    const found = coloured(choice.value);
    return [["sample", "group", ...codes.place.map((_, k) => `PC${k + 1}`), choice.value], ...samples.number.map((s, i) => [samples.sample?.[i] ?? s, samples.group[i], ...codes.place.map((p) => p[i]), found.levels ? found.levels[found.codes[i]] : found.values[i]])];
  } });
};
const mapLegend = (found, low, high) => {
  if (!found.levels) return el("p", { class: "legend" }, number(low), " ", el("span", { class: "ramp", style: `background: linear-gradient(90deg, ${SCALE.join(",")})` }), " ", number(high));
  return el("p", { class: "legend" }, found.levels.map((level, i) => {
    const svg = shape("svg", { viewBox: "-7 -7 14 14", width: 14, height: 14, "aria-hidden": "true" }, shape("path", { d: MARKS[(i + Math.floor(i / HUES.length)) % MARKS.length](0, 0), style: `fill: var(--${HUES[i % HUES.length]})` }));
    return el("span", {}, svg, " ", level);
  }));
};
const showOnMap = (asked) => {
  if (!mapFigure) return;
  mapFigure.choice.value = asked;
  mapFigure.draw();
  closePanel();
  mapFigure.scrollIntoView({ block: "center" });
};
const markSample = (i) => { chosenSample = i; mapFigure?.draw?.(); };
