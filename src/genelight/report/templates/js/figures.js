// Volcano, MA, heat map and running sum.
const SCATTERS = [];
let marked = null;

const scatterFigure = (figure, { name, x, y, xLabel, yLabel, label, height = 380 }) => {
  const { genes } = DATA;
  const draw = () => {
    const plot = axes({ width: roomFor(figure, 760), height, x: extent(x), y: extent(y, { zero: name === "volcano" }), xLabel, yLabel, label });
    const places = x.map((v, g) => (isNumber(v) && isNumber(y[g]) ? [plot.across(v), plot.up(y[g])] : null));
    const pick = (test) => places.filter((p, g) => p && test(g));
    plot.svg.append(shape("path", name === "volcano" ? { d: `M${plot.across(0)} ${plot.box.top}V${plot.box.bottom}`, style: "stroke: var(--soft); stroke-dasharray: 4 3" } : { d: `M${plot.box.left} ${plot.up(0)}H${plot.box.right}`, style: "stroke: var(--soft); stroke-dasharray: 4 3" }));
    plot.svg.append(dots(pick((g) => !genes.selected[g]), 3.2, "stroke: var(--soft); stroke-opacity: .35"));
    plot.svg.append(dots(pick((g) => genes.selected[g] && genes.score[g] <= 0), 6, "stroke: var(--down); stroke-opacity: .85"));
    plot.svg.append(dots(pick((g) => genes.selected[g] && genes.score[g] > 0), 6, "stroke: var(--up); stroke-opacity: .85"));
    named(plot, places);
    const over = shape("g", { "data-passing": "", "pointer-events": "none" });
    plot.svg.append(over);
    figure.querySelector(".frame").replaceChildren(plot.svg);
    const mark = (g, words = true) => {
      over.replaceChildren();
      if (g === null || !places[g]) return;
      const [px, py] = places[g];
      over.append(shape("circle", { cx: px, cy: py, r: 7, fill: "none", "stroke-width": 2, style: "stroke: var(--ink)" }));
      if (words) beside(over, plot, [px, py], `${genes.gene[g]}  ${number(genes.change[g])}`);
    };
    pointing(plot, places, mark);
    if (marked !== null) mark(marked);
    figure.mark = mark;
  };
  figure.draw = draw;
  SCATTERS.push(figure);
  figure.hidden = false;
  draw();
  saves(figure, name, { rows: () => [["gene", "mean", "log2_fold_change", "t", "p", "q", "module_score", "selected"], ...genes.gene.map((g, i) => [g, genes.mean[i], genes.change[i], genes.t[i], genes.p[i], genes.q[i], genes.score[i], genes.selected[i]])] });
};
const beside = (over, plot, [px, py], words) => {
  const right = px < (plot.box.left + plot.box.right) / 2;
  const wide = words.length * 7 + 12;
  const x = right ? px + 12 : px - 12 - wide;
  const y = Math.max(plot.box.top + 12, py);
  over.append(shape("rect", { x, y: y - 12, width: wide, height: 22, rx: 4, style: "fill: var(--card); stroke: var(--soft)" }), text(x + 6, y + 4, words, { style: "fill: var(--ink)" }));
};
// The leading genes by name, each where no other name stands.
const named = (plot, places) => {
  const taken = [];
  const ranked = places.map((_, g) => g).filter((g) => places[g] && DATA.genes.selected[g]);
  const far = [...ranked].sort((a, b) => Math.abs(DATA.genes.change[b]) - Math.abs(DATA.genes.change[a]));
  const order = new Set(ranked.slice(0, 30).flatMap((g, i) => [g, far[i]]));
  let left = 16;
  for (const g of order) {
    const [px, py] = places[g];
    const words = DATA.genes.gene[g];
    if (words.length > 16) continue;
    const wide = words.length * 6.6 + 4;
    const right = px + wide + 8 < plot.box.right;
    const box = [right ? px + 5 : px - 5 - wide, py - 8, wide, 14];
    if (box[0] < plot.box.left || taken.some((t) => box[0] < t[0] + t[2] && t[0] < box[0] + box[2] && box[1] < t[1] + t[3] && t[1] < box[1] + box[3])) continue;
    taken.push(box);
    plot.svg.append(text(right ? px + 6 : px - 6, py + 4, words, { "font-size": 11, "text-anchor": right ? "start" : "end", style: "fill: var(--ink); stroke: var(--card); stroke-width: 3px; paint-order: stroke", "pointer-events": "none" }));
    left -= 1;
    if (!left) break;
  }
};
// Point to name the nearest gene, click to open it, drag to keep the table's genes inside a box.
const pointing = (plot, places, mark) => {
  const { svg } = plot;
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  };
  const nearest = ([px, py]) => {
    let [best, distance] = [null, 14 ** 2];
    places.forEach((p, g) => {
      if (!p) return;
      const d = (p[0] - px) ** 2 + (p[1] - py) ** 2 - (DATA.genes.selected[g] ? 9 : 0);
      if (d < distance) [best, distance] = [g, d];
    });
    return best;
  };
  let from = null;
  const box = shape("rect", { "data-passing": "", style: "fill: var(--accent); fill-opacity: .12; stroke: var(--accent)", "pointer-events": "none" });
  svg.style.touchAction = "pan-y";
  svg.addEventListener("pointermove", (event) => {
    const here = at(event);
    if (from && Math.hypot(here[0] - from[0], here[1] - from[1]) > 6) {
      svg.append(box);
      box.setAttribute("x", Math.min(here[0], from[0]));
      box.setAttribute("y", Math.min(here[1], from[1]));
      box.setAttribute("width", Math.abs(here[0] - from[0]));
      box.setAttribute("height", Math.abs(here[1] - from[1]));
      return;
    }
    const g = nearest(here);
    svg.style.cursor = g === null ? "crosshair" : "pointer";
    mark(g);
  });
  svg.addEventListener("pointerleave", () => mark(marked));
  svg.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse") { from = at(event); svg.setPointerCapture(event.pointerId); } });
  svg.addEventListener("pointerup", (event) => {
    const here = at(event);
    if (box.isConnected && from) {
      box.remove();
      const [x0, x1] = [from[0], here[0]].sort((a, b) => a - b);
      const [y0, y1] = [from[1], here[1]].sort((a, b) => a - b);
      keepInTable(places.map((p) => Boolean(p) && p[0] >= x0 && p[0] <= x1 && p[1] >= y0 && p[1] <= y1));
    } else {
      const g = nearest(here);
      if (g !== null) visit(`gene=${encodeURIComponent(DATA.genes.gene[g])}`);
    }
    from = null;
  });
};
const keepInTable = (inside) => {
  const table = byId("gene-table");
  if (!table) return;
  table.only = (row) => inside[DATA.geneAt.get(row.dataset.gene)];
  table.filter?.();
  byId("clear-box")?.remove();
  const bar = table.closest(".scroll").previousElementSibling;
  bar.append(el("button", { type: "button", id: "clear-box", onclick: (e) => { table.only = null; table.filter?.(); e.target.remove(); } }, `Show the ${DATA.words.many} outside the box too`));
};
const markGene = (g) => {
  marked = g;
  for (const figure of SCATTERS) figure.mark?.(g);
  markForest(g);
  for (const row of document.querySelectorAll("#gene-table tr.marked")) row.classList.remove("marked");
  const row = document.querySelector(`#gene-table tr[data-gene="${CSS.escape(DATA.genes.gene[g])}"]`);
  if (row) {
    row.classList.add("marked");
    const box = row.closest(".scroll");
    if (box) box.scrollTop = row.offsetTop - box.clientHeight / 2;
  }
};

const heatFigure = (figure) => {
  const { heat, genes, samples } = DATA;
  const n = samples.number.length;
  const rank = { case: 0, control: 1, neither: 2 };
  const mean = samples.number.map((_, i) => heat.gene.reduce((sum, g, r) => sum + Math.sign(genes.score?.[g] ?? 1) * heat.values[r * n + i], 0));
  const order = samples.number.map((_, i) => i).sort((a, b) => rank[samples.group[a]] - rank[samples.group[b]] || mean[b] - mean[a]);
  const most = el("select", {}, ...[20, 40, 100].filter((k, i, all) => i === 0 || all[i - 1] < heat.gene.length).map((k) => el("option", { value: k, selected: k === 40 }, `${Math.min(k, heat.gene.length)} ${DATA.words.many}`)));
  const draw = () => {
    const rows = heat.gene.slice(0, Number(most.value)).map((g, r) => [g, r]).sort((a, b) => (genes.score?.[b[0]] ?? 0) - (genes.score?.[a[0]] ?? 0));
    const [width, step, left, top] = [roomFor(figure), 14, 92, 30];
    const height = top + rows.length * step + 40;
    const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": `Heat map of ${rows.length} ${DATA.words.many} in ${n} samples` });
    const canvas = el("canvas", { width: n, height: rows.length });
    const context = canvas.getContext("2d");
    const paint = context.createImageData(n, rows.length);
    const [up, down, none] = ["up", "down", "card"].map((c) => rgb(colour(c)));
    rows.forEach(([, r], y) => order.forEach((i, x) => {
      const z = heat.values[r * n + i] / 120;
      const to = z >= 0 ? up : down;
      const share = Math.min(1, Math.abs(z));
      for (let c = 0; c < 3; c += 1) paint.data[4 * (y * n + x) + c] = none[c] + share * (to[c] - none[c]);
      paint.data[4 * (y * n + x) + 3] = 255;
    }));
    context.putImageData(paint, 0, 0);
    const wide = width - left - 8;
    svg.append(shape("image", { x: left, y: top, width: wide, height: rows.length * step, preserveAspectRatio: "none", href: canvas.toDataURL(), style: "image-rendering: pixelated" }));
    rows.forEach(([g], y) => svg.append(shape("a", { href: `#gene=${encodeURIComponent(genes.gene[g])}` }, text(left - 6, top + y * step + 11, genes.gene[g].slice(0, 12), { "text-anchor": "end", "font-size": 11, style: "fill: var(--ink)" }))));
    let from = 0;
    for (const g of ["case", "control", "neither"]) {
      const k = samples.group.filter((s) => s === g).length;
      if (!k) continue;
      const [x0, x1] = [left + (wide * from) / n, left + (wide * (from + k)) / n];
      svg.append(shape("rect", { x: x0 + 1, y: 20, width: Math.max(1, x1 - x0 - 2), height: 6, style: `fill: var(--${g === "case" ? "ink" : g === "control" ? "soft" : "faint"})` }));
      if (x1 - x0 > 40) svg.append(text((x0 + x1) / 2, 13, GROUPS[g], { "text-anchor": "middle", style: "fill: var(--ink)" }));
      from += k;
    }
    legendBar(svg, left, height - 30, Math.min(220, wide));
    figure.querySelector(".frame").replaceChildren(svg);
  };
  figure.querySelector(".options").replaceChildren(el("label", {}, "Show ", most));
  most.addEventListener("input", draw);
  figure.draw = draw;
  figure.hidden = false;
  draw();
  saves(figure, "heat_map", { rows: () => [["gene", ...order.map((i) => samples.sample?.[i] ?? samples.number[i])], ...heat.gene.map((g, r) => [genes.gene[g], ...order.map((i) => heat.values[r * n + i] / 40)])] });
};
const rgb = (words) => {
  const hex = words.replace("#", "");
  return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
};
const legendBar = (svg, x, y, width) => {
  for (let i = 0; i < 24; i += 1) {
    const z = -1 + (2 * (i + 0.5)) / 24;
    svg.append(shape("rect", { x: x + (i * width) / 24, y, width: width / 24 + 0.5, height: 8, style: `fill: var(--${z >= 0 ? "up" : "down"}); fill-opacity: ${Math.abs(z)}` }));
  }
  ["−3 SD", "mean", "+3 SD"].forEach((words, i) => svg.append(text(x + (i * width) / 2, y + 22, words, { "text-anchor": ["start", "middle", "end"][i], "font-size": 11 })));
};

// The running sum of a set along the genes in order of their score, highest first.
const runningSum = (s, width) => {
  const { genes, sets } = DATA;
  DATA.byScore ??= genes.gene.map((_, g) => g).filter((g) => isNumber(genes.score[g])).sort((a, b) => genes.score[b] - genes.score[a]);
  const inside = new Set(sets.members.subarray(sets.starts[s], sets.starts[s + 1]));
  const weight = DATA.byScore.reduce((sum, g) => sum + (inside.has(g) ? Math.abs(genes.score[g]) : 0), 0) || 1;
  const miss = 1 / Math.max(1, DATA.byScore.length - inside.size);
  let sum = 0;
  const [points, hits, rows] = [[[0, 0]], [], [["place", "gene", "score", "running_sum"]]];
  DATA.byScore.forEach((g, i) => {
    const hit = inside.has(g);
    if (hit) { points.push([i, sum]); hits.push([i, g]); }
    sum += hit ? Math.abs(genes.score[g]) / weight : -miss;
    if (hit) { points.push([i, sum]); rows.push([i + 1, genes.gene[g], genes.score[g], sum]); }
  });
  points.push([DATA.byScore.length, sum]);
  const plot = axes({ width, height: 230, x: [0, DATA.byScore.length], y: extent([...points.map((p) => p[1]), 0]), xLabel: `${DATA.words.many}, up in cases to down in cases`, yLabel: "running sum", label: `Running sum of ${sets.name[s]}` });
  plot.svg.append(shape("path", { d: `M${plot.box.left} ${plot.up(0)}H${plot.box.right}`, style: "stroke: var(--soft)" }));
  plot.svg.append(shape("path", { d: points.map(([x, y], i) => `${i ? "L" : "M"}${plot.across(x).toFixed(1)} ${plot.up(y).toFixed(1)}`).join(""), fill: "none", "stroke-width": 2, style: "stroke: var(--teal)" }));
  hits.forEach(([i, g]) => plot.svg.append(shape("path", { d: `M${plot.across(i).toFixed(1)} ${plot.box.bottom}v-9`, "stroke-width": genes.selected[g] ? 1.6 : 0.8, style: `stroke: var(--${genes.selected[g] ? (genes.score[g] > 0 ? "up" : "down") : "soft"})` })));
  return { svg: plot.svg, rows };
};
const runningFigure = (figure) => {
  const tested = [...DATA.setTest.entries()].filter(([, t]) => isNumber(t.q)).sort((a, b) => a[1].q - b[1].q).slice(0, 100);
  if (!tested.length) return;
  const choice = el("select", {}, ...tested.map(([s, t]) => el("option", { value: s }, `${DATA.sets.name[s]} (q ${tail(t.q)})`)));
  const draw = () => figure.querySelector(".frame").replaceChildren(runningSum(Number(choice.value), roomFor(figure)).svg);
  figure.querySelector(".options").replaceChildren(el("label", {}, "Gene set ", choice));
  choice.addEventListener("input", draw);
  figure.draw = draw;
  figure.hidden = false;
  draw();
  saves(figure, "running_sum", { rows: () => runningSum(Number(choice.value), 600).rows });
};
