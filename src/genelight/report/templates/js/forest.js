// A gene, or a programme, over several cohorts: an interval each, and a diamond for what they say together.
// `row` has label, unit, effects, ses, mean, low, high, nextLow, nextHigh, tau2, i2, p, q, differ; `cohorts` name and note.
const forestPlot = (row, cohorts, width) => {
  const [step, top, beside, bottom] = [26, 34, width < 460 ? 0 : 150, 46];
  const left = Math.min(Math.floor(width * 0.36), 14 + 6.6 * Math.max(...cohorts.map((c) => Math.max(c.name.length, c.note.length * 0.8)), 11));
  const there = cohorts.map((c, i) => ({ ...c, effect: row.effects[i], se: row.ses[i] }));
  const reach = (c) => (isNumber(c.effect) && isNumber(c.se) ? [c.effect - 1.96 * c.se, c.effect + 1.96 * c.se] : []);
  const x = extent([0, row.low, row.high, row.nextLow, row.nextHigh, ...there.flatMap(reach)]);
  const height = top + step * (there.length + 1) + bottom;
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${row.label} in ${there.length} cohorts: together ${number(row.mean)} (95% interval ${number(row.low)} to ${number(row.high)}), I² ${percent(row.i2)}` });
  const right = width - beside - 12;
  const across = (v) => left + ((v - x[0]) / (x[1] - x[0])) * (right - left);
  const side = (v) => (v > 0 ? "up" : "down");
  const cut = (words) => { const most = Math.floor((left - 10) / 6.6); return words.length > most ? `${words.slice(0, most - 1)}…` : words; };
  const figures = (y, mean, low, high) => (beside ? svg.append(text(width - 8, y + 4, `${number(mean)} (${number(low)} to ${number(high)})`, { "text-anchor": "end", style: "fill: var(--ink)" })) : null);
  svg.append(text(6, 15, `I² ${percent(row.i2)}${isNumber(row.differ) ? `, cohorts differ p ${tail(row.differ)}` : ""}`, { style: "fill: var(--ink)" }));
  for (const v of ticks(...x, Math.max(2, (right - left) / 80))) {
    svg.append(shape("path", { d: `M${across(v)} ${top - 8}V${height - bottom}`, style: `stroke: var(--${v === 0 ? "soft" : "faint"})` }));
    svg.append(text(across(v), height - bottom + 16, String(v).replace("-", "−"), { "text-anchor": "middle" }));
  }
  const weight = there.map((c) => (isNumber(c.effect) && isNumber(c.se) ? 1 / (c.se ** 2 + (row.tau2 ?? 0)) : 0));
  there.forEach((c, i) => {
    const y = top + step * i + step / 2;
    svg.append(text(left - 8, y - 1, cut(c.name), { "text-anchor": "end", style: "fill: var(--ink)" }), text(left - 8, y + 11, cut(c.note), { "text-anchor": "end", "font-size": 10 }));
    if (!weight[i]) { svg.append(text(across(0) + 5, y + 4, "not measured")); return; }
    const [low, high] = reach(c);
    svg.append(shape("path", { d: `M${across(low)} ${y}H${across(high)}`, "stroke-width": 1.4, style: "stroke: var(--soft)" }));
    const half = 3 + 5 * Math.sqrt(weight[i] / Math.max(...weight));
    svg.append(shape("rect", { x: across(c.effect) - half, y: y - half, width: 2 * half, height: 2 * half, style: `fill: var(--${side(c.effect)})` }));
    figures(y, c.effect, low, high);
  });
  const y = top + step * there.length + step / 2 + 4;
  svg.append(shape("path", { d: `M6 ${y - step / 2}H${width - 6}`, style: "stroke: var(--faint)" }), text(left - 8, y + 4, "together", { "text-anchor": "end", style: "fill: var(--ink)", "font-weight": 600 }));
  if (isNumber(row.nextLow)) svg.append(shape("path", { d: `M${across(row.nextLow)} ${y + 11}H${across(row.nextHigh)}`, "stroke-width": 2.6, style: `stroke: var(--${side(row.mean)}); stroke-opacity: .5` }));
  svg.append(shape("path", { d: `M${across(row.low)} ${y}L${across(row.mean)} ${y - 7}L${across(row.high)} ${y}L${across(row.mean)} ${y + 7}Z`, style: `fill: var(--${side(row.mean)})` }));
  figures(y, row.mean, row.low, row.high);
  svg.append(text((left + right) / 2, height - 8, row.unit, { "text-anchor": "middle", style: "fill: var(--ink)" }));
  const rows = [["cohort", "effect", "se", "low", "high"], ...there.map((c) => [c.name, c.effect, c.se, ...(reach(c).length ? reach(c) : [null, null])]), ["together", row.mean, null, row.low, row.high]];
  if (isNumber(row.nextLow)) rows.push(["one more cohort", null, null, row.nextLow, row.nextHigh]);
  return { svg, rows: [...rows, ["I2", row.i2]] };
};
const forestOf = (g) => {
  const { cohorts } = DATA;
  const k = cohorts ? cohorts.place.get(g) : undefined;
  if (k === undefined) return null;
  const [n, at] = [cohorts.place.size, (name) => cohorts[name][k]];
  const over = (name) => cohorts.name.map((_, c) => cohorts[name][c * n + k]);
  const row = { label: DATA.genes.gene[g], unit: `${cohorts.unit} (right of zero: up in cases)`, effects: over("effects"), ses: over("ses"), mean: at("effect"), low: at("low"), high: at("high"), nextLow: at("next_low"), nextHigh: at("next_high"), tau2: at("tau2"), i2: at("i2"), p: at("p"), q: at("q"), differ: at("heterogeneity_p") };
  return { row, cohorts: cohorts.name.map((name, c) => ({ name, note: `${cohorts.cases[c]} against ${cohorts.controls[c]}` })) };
};
let forestFigure = null;
const geneForest = (figure) => {
  forestFigure = figure;
  figure.gene ??= marked !== null && forestOf(marked) ? marked : [...DATA.cohorts.place.keys()].reduce((best, g) => (best < g ? best : g));
  const found = () => forestOf(figure.gene);
  figure.draw = () => {
    const { row, cohorts } = found();
    figure.querySelector(".options").replaceChildren(el("strong", {}, link("gene", row.label)), el("span", {}, `p ${tail(row.p)}, q ${tail(row.q)}`), el("span", { class: "state" }, "another gene: by the search above, or from the table of genes"));
    figure.querySelector(".frame").replaceChildren(forestPlot(row, cohorts, roomFor(figure, 820)).svg);
  };
  figure.hidden = false;
  figure.draw();
  saves(figure, "forest", { rows: () => [["gene", found().row.label], ...forestPlot(found().row, found().cohorts, 600).rows] });
};
const markForest = (g) => {
  if (!forestFigure || !forestOf(g)) return;
  forestFigure.gene = g;
  forestFigure.draw();
};
