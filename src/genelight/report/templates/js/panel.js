// What is known of one gene, node, set or sample, in a panel beside the page.
const facts = (pairs) => el("dl", { class: "plain" }, pairs.filter(([, value]) => value !== null && value !== "").map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
const heading = (words) => el("h3", {}, words);
const small = (heads, rows) => el("div", { class: "scroll" }, el("table", {},
  el("thead", {}, el("tr", {}, heads.map(([words, n]) => el("th", { scope: "col", class: n ? "n" : null }, words)))),
  el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, i) => el(i ? "td" : "th", { scope: i ? null : "row", class: heads[i][1] ? "n" : null }, cell)))))));
const listed = (items, most, one) => {
  const more = items.length - most;
  const shown = items.slice(0, most).flatMap((item, i) => [i ? ", " : "", one(item)]);
  const list = el("p", { class: "names" }, shown);
  if (more > 0) list.append(" ", el("button", { type: "button", class: "link", onclick: (e) => { e.target.remove(); list.append(...items.slice(most).flatMap((item) => [", ", one(item)])); } }, `and ${more.toLocaleString("en")} more`));
  return list;
};
const GROUPS = { case: "cases", control: "controls", neither: "in neither group" };

// Values of samples by group, a dot each, a line at the median.
const strip = (values, label, unit) => {
  const { group } = DATA.samples;
  const present = ["case", "control", "neither"].filter((g) => group.includes(g));
  const plot = axes({ width: 400, height: 40 * present.length + 56, x: extent(values), y: [-0.5, present.length - 0.5], xLabel: unit, yLabel: "", left: 108, label });
  plot.svg.querySelectorAll("path, text[text-anchor=end]").forEach((mark) => mark.remove());
  present.forEach((g, k) => {
    const mine = values.map((v, i) => [v, i]).filter(([v, i]) => group[i] === g && isNumber(v)).sort((a, b) => a[0] - b[0]);
    const y = plot.up(present.length - 1 - k);
    plot.svg.append(dots(mine.map(([v, i]) => [plot.across(v), y + ((i * 7919) % 17) - 8]), 5, `stroke: var(--${g === "case" ? "ink" : "soft"}); stroke-opacity: ${g === "neither" ? 0.35 : 0.7}`));
    const middle = mine.length ? mine[Math.floor(mine.length / 2)][0] : null;
    if (middle !== null) plot.svg.append(shape("path", { d: `M${plot.across(middle)} ${y - 13}V${y + 13}`, "stroke-width": 2.5, style: "stroke: var(--ochre)" }));
    plot.svg.append(text(100, y + 4, GROUPS[g], { "text-anchor": "end", style: "fill: var(--ink)" }));
  });
  return el("div", { class: "frame" }, plot.svg);
};

const litBy = () => {
  // Which nodes have a gene among their strongest, and at which place; made once, when first asked.
  if (DATA.litBy) return DATA.litBy;
  const { lit } = DATA;
  const found = new Map();
  const half = lit.per / 2;
  lit.node.forEach((_, k) => {
    for (let j = 0; j < lit.per; j += 1) {
      const gene = lit.genes[k * lit.per + j];
      if (!found.has(gene)) found.set(gene, []);
      found.get(gene).push([k, (j % half) + 1, (lit.values[k * lit.per + j] / 127) * lit.scale[k]]);
    }
  });
  DATA.litBy = found;
  return found;
};
const setsOf = (gene) => {
  const { starts, members, sizes } = DATA.sets;
  if (!starts) return [];
  const found = [];
  for (let s = 0; s < sizes.length; s += 1) for (let i = starts[s]; i < starts[s + 1]; i += 1) if (members[i] === gene) { found.push(s); break; }
  const q = (s) => DATA.setTest.get(s)?.q ?? 2;
  return found.sort((a, b) => q(a) - q(b));
};
const neighboursOf = (gene) => {
  const found = [];
  const pairs = DATA.edges?.ends;
  for (let i = 0; pairs && i < pairs.length; i += 2) {
    if (pairs[i] === gene) found.push(pairs[i + 1]);
    else if (pairs[i + 1] === gene) found.push(pairs[i]);
  }
  const rank = DATA.genes.rank;
  return rank ? found.sort((a, b) => rank[a] - rank[b]) : found;
};
const geneLink = (g) => {
  const made = link("gene", DATA.genes.gene[g]);
  if (DATA.genes.selected?.[g]) made.classList.add("in-module");
  return made;
};
const setLink = (s) => link("set", DATA.sets.reference[s], DATA.sets.name[s]);

const ofGene = (name) => {
  const { genes } = DATA;
  const g = DATA.geneAt.get(name);
  if (g === undefined) return null;
  const of = genes.gene.length.toLocaleString("en");
  const direction = (v) => el("span", { class: v > 0 ? "up" : "down" }, number(v, 3));
  const body = [facts([
    [DATA.words.one === "gene" ? "also called" : "leads to", genes.aliases?.[g].replaceAll("|", ", ") ?? ""],
    ["rank by the module's score", genes.rank ? `${genes.rank[g].toLocaleString("en")} of ${of}${genes.selected[g] ? ", in the module" : ", not in the module"}` : null],
    ["score", genes.score && isNumber(genes.score[g]) ? direction(genes.score[g]) : null],
    ["selected in bootstraps", genes.frequency && isNumber(genes.frequency[g]) ? percent(genes.frequency[g]) : null],
    [DATA.words.mean, genes.mean ? number(genes.mean[g]) : null],
    [DATA.words.change, genes.change ? number(genes.change[g]) : null],
    ["moderated t", genes.t ? `${number(genes.t[g], 1)} (p = ${tail(genes.p[g])}, q = ${tail(genes.q[g])})` : null],
  ])];
  const row = DATA.heat ? DATA.heat.gene.indexOf(g) : -1;
  if (row >= 0 && DATA.samples) {
    const n = DATA.samples.number.length;
    body.push(heading("In the samples"), strip([...DATA.heat.values.subarray(row * n, (row + 1) * n)].map((v) => v / 40), `${name} by group`, "standard deviations from the mean"));
  }
  const over = forestOf(g);
  if (over) {
    const figure = el("figure", {}, el("div", { class: "frame" }, forestPlot(over.row, over.cohorts, 400).svg), el("figcaption", {}, `Effect in each cohort with its 95% interval, in ${DATA.cohorts.unit}; the diamond is their mean, the bar under it where one more cohort is expected.`));
    saves(figure, `forest_${name}`, { rows: () => forestPlot(over.row, over.cohorts, 400).rows });
    body.push(heading("Over cohorts"), el("p", {}, `p = ${tail(over.row.p)}, q = ${tail(over.row.q)}`), figure);
  }
  if (DATA.lit) {
    const nodes = (litBy().get(g) ?? []).sort((a, b) => a[1] - b[1]);
    body.push(heading("Nodes that it lights"));
    body.push(nodes.length ? small([["Node"], ["Place", 1], ["Value", 1]], nodes.slice(0, 15).map(([k, place, v]) => [link("node", DATA.lit.node[k]), `${place} ${v > 0 ? "up" : "down"}`, el("span", { class: v > 0 ? "raises" : "lowers" }, number(v))])) : el("p", {}, `It is among the ${DATA.lit.per / 2} strongest of no node.`));
    body.push(fullLink("gene", "Its value in every node", name));
    if (nodes.length > 15) body.push(el("p", { class: "state" }, `and ${counted(nodes.length - 15, "node")} more, further down their lists`));
  }
  const sets = setsOf(g);
  if (DATA.sets.starts) body.push(heading(`Gene sets (${sets.length})`), sets.length ? listed(sets, 12, setLink) : el("p", {}, "In none of the sets tested."));
  if (DATA.edges) {
    const near = neighboursOf(g);
    body.push(heading(`Neighbours in the network (${near.length})`), near.length ? listed(near, 30, geneLink) : el("p", {}, `Not joined to any measured ${DATA.words.one}.`));
  }
  markGene(g);
  return { title: name, body };
};

const ofNode = (name) => {
  const { lit } = DATA;
  const k = lit ? lit.node.indexOf(name) : -1;
  if (k < 0) return null;
  const record = DATA.nodeOf.get(name);
  const half = lit.per / 2;
  const take = (from, n) => Array.from({ length: n }, (_, j) => ({ name: DATA.genes.gene[lit.genes[k * lit.per + from + j]], value: (lit.values[k * lit.per + from + j] / 127) * lit.scale[k] }));
  const n = Math.min(12, half);
  const rows = [...take(0, n).filter((r) => r.value > 0), ...take(half, n).filter((r) => r.value < 0).reverse()];
  const body = [];
  if (record?.sentence) body.push(el("p", {}, record.sentence));
  if (record) body.push(facts([
    ["place among nodes", String(record.place)],
    ["state", record.state || null],
    ["cases against controls", isNumber(record.effect) ? `${number(record.effect)} SD (q = ${tail(record.q)})` : null],
    ["share of the module", isNumber(record.share) ? percent(record.share) : null],
    ["comes back", isNumber(record.trainings) ? `in ${record.trainings} of ${record.of_trainings} other trainings (q = ${tail(record.reproducibility_q)})` : null],
    ["closeness in the network", isNumber(record.network_z) ? `z ${number(record.network_z, 1)} (q = ${tail(record.network_q)})` : null],
  ]));
  else body.push(el("p", {}, `A component of ${lit.layer[k]}, shown beside the model.`));
  const figure = el("figure", {}, el("div", { class: "frame" }, signedBars(rows, { width: 400, label: `The ${DATA.words.many} that node ${name} raises and lowers most` })),
    el("figcaption", {}, `What it stands for: the ${DATA.words.many} that it raises (purple) and lowers (green) most when it is lit, in standard deviations.`));
  saves(figure, `node_${name}`, { rows: () => [["gene", "value"], ...take(0, half).map((r) => [r.name, r.value]), ...take(half, half).map((r) => [r.name, r.value])] });
  body.push(figure, fullLink("node", `All ${DATA.genes.gene.length.toLocaleString("en")} ${DATA.words.many} of ${name}`, name), fullLink("tests", "Every test of it", name));
  const c = DATA.codes ? DATA.codes.node.indexOf(name) : -1;
  if (c >= 0) {
    body.push(heading("In the samples"), strip(codesOf(c), `Activation of ${name} by group`, "activation"),
      el("button", { type: "button", onclick: () => { showOnMap(`node:${name}`); } }, "Colour the map of samples by it"));
  }
  if (record?.sets.length) body.push(heading("Gene sets"), small([["Gene set"], ["Shared", 1], ["Expected", 1], ["q", 1]], record.sets.map(([s, overlap, expected, q]) => [setLink(s), Number.isInteger(overlap) ? String(overlap) : "–", number(expected, 1), tail(q)])));
  if (record?.columns?.length) body.push(heading("Columns of the sample table"), small([["Column"], ["Effect", 1], ["Highest in"], ["q", 1]], record.columns.map((r) => [r.column, number(r.effect), r.highest ?? "–", tail(r.q)])));
  if (DATA.layers) {
    const { source, target, weight, q } = DATA.layers;
    const joined = source.map((s, i) => [s, target[i], weight[i], q[i]]).filter(([s, t]) => s === name || t === name).sort((a, b) => Math.abs(b[2]) - Math.abs(a[2]));
    if (joined.length) body.push(heading("Connections to other layers"), small([["From"], ["To"], ["Weight", 1], ["q", 1]], joined.slice(0, 10).map(([s, t, w, v]) => [link("node", s), link("node", t), number(w), tail(v)])));
  }
  return { title: name, body };
};

const ofSet = (reference) => {
  const s = DATA.sets?.reference ? DATA.sets.reference.indexOf(reference) : -1;
  if (s < 0 || !DATA.sets.starts) return null;
  const { starts, members, name, collection } = DATA.sets;
  const test = DATA.setTest.get(s);
  const genes = [...members.subarray(starts[s], starts[s + 1])];
  const selected = DATA.genes.selected ?? [];
  const inside = genes.filter((g) => selected[g]);
  const body = [facts([
    ["collection", collection[s]],
    [`measured ${DATA.words.many}`, String(genes.length)],
    ["in the module", test && Number.isInteger(test.statistic) ? `${test.statistic}, ${number(test.expected, 1)} expected by chance (q = ${tail(test.q)})` : String(inside.length)],
  ])];
  if (DATA.genes.score) {
    const figure = el("figure", {}, el("div", { class: "frame" }, runningSum(s, 400).svg), el("figcaption", {}, `Its ${DATA.words.many} along all ${DATA.words.many} ranked by the module's score.`));
    saves(figure, "running_sum", { rows: () => runningSum(s, 400).rows });
    body.push(figure);
  }
  body.push(heading(`${DATA.words.Many}, by rank`), listed(genes, 40, geneLink));
  const nodes = (DATA.nodes ?? []).filter((n) => n.sets.some(([at, , , q]) => at === s && isNumber(q) && q <= 0.05));
  body.push(heading("Nodes with it among their leading sets"), nodes.length ? listed(nodes, 20, (n) => link("node", n.node)) : el("p", {}, "None at a q of 0.05."));
  body.push(fullLink("set", "Everything tested against it", reference));
  return { title: name[s], body };
};

const ofSample = (key) => {
  const { samples, codes } = DATA;
  const i = samples ? samples.number.indexOf(key) : -1;
  if (i < 0) return null;
  const body = [facts([
    ["id", samples.sample?.[i] ?? null],
    ["subject", samples.subject?.[i] ?? null],
    ["group", GROUPS[samples.group[i]]],
    ...samples.columns.map((c) => [c.name, c.levels ? c.levels[c.codes[i]] ?? "–" : isNumber(c.values[i]) ? String(c.values[i]) : "–"]),
  ])];
  if (!samples.sample) body.push(el("p", { class: "state" }, "Samples have running numbers; their ids are in 02_samples.tsv."));
  if (codes) {
    const rows = codes.node.map((name, c) => {
      const values = codesOf(c);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const sd = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
      return { name, value: sd ? (values[i] - mean) / sd : 0 };
    }).sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, 12);
    body.push(heading("Nodes furthest from the other samples"), el("div", { class: "frame" }, signedBars(rows, { width: 400, label: "Nodes by distance from the mean", kind: "node", plus: "ink", minus: "soft" })),
      el("p", { class: "state" }, "Standard deviations from the mean over all samples."));
  }
  markSample(i);
  return { title: key, body };
};

const PAGES = { gene: ofGene, node: ofNode, set: ofSet, sample: ofSample };
let before = null;
const visit = (hash) => { if (location.hash === `#${hash}`) route(); else location.hash = hash; };
const route = () => {
  const found = location.hash.match(/^#(gene|node|set|sample)=(.*)$/s);
  const panel = byId("panel");
  if (!found) { panel.hidden = true; return; }
  const [, kind, coded] = found;
  let name = coded;
  try { name = decodeURIComponent(coded); } catch { /* as it stands */ }
  const shown = PAGES[kind](name) ?? { title: name, body: [el("p", {}, `This run has no ${kind} of that name.`)] };
  if (panel.hidden) before = document.activeElement;
  byId("panel-title").replaceChildren(el("span", { class: "kind" }, kind), " ", shown.title);
  byId("panel-body").replaceChildren(...shown.body.filter(Boolean));
  panel.hidden = false;
  panel.scrollTop = 0;
  byId("panel-title").focus({ preventScroll: true });
};
const closePanel = () => {
  byId("panel").hidden = true;
  history.replaceState(null, "", location.pathname + location.search);
  before?.focus?.({ preventScroll: true });
};
