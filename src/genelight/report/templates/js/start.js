// Tables at once; what needs the run's tables after the first paint; pictures when they come into view.
for (const table of document.querySelectorAll("main table:not(.fixed)")) { sortable(table); tools(table); }
if (byId("node-table")) nodeFilter(byId("node-table"));
document.documentElement.classList.add("scripted");

const drawings = () => {
  const { genes, heat, codes, samples, network } = DATA;
  const of = (name) => document.querySelector(`[data-draw="${name}"]`);
  const when = (name, there, draw) => { const figure = of(name); if (figure && there) whenSeen(figure, () => draw(figure)); };
  const tested = genes?.score && genes.change;
  when("volcano", tested, (f) => scatterFigure(f, { name: "volcano", x: genes.change, y: genes.p.map((p) => (isNumber(p) ? -Math.log10(Math.max(p, 1e-300)) : null)), xLabel: `${DATA.words.change}, cases against controls`, yLabel: "−log10 p", label: `Volcano plot of all ${DATA.words.many}` }));
  when("ma", tested, (f) => scatterFigure(f, { name: "ma", x: genes.mean, y: genes.change, xLabel: DATA.words.mean, yLabel: DATA.words.change, label: `MA plot of all ${DATA.words.many}` }));
  when("heat", heat && samples, heatFigure);
  when("running", DATA.sets?.starts && genes?.score, runningFigure);
  when("map", codes?.place.length > 1 && samples, sampleMap);
  when("network", network, networkFigure);
  when("forest", DATA.cohorts?.place.size, geneForest);
};
const ready = (content) => {
  Object.assign(DATA, content);
  const { genes, lit, sets, edges, codes, heat, cohorts } = DATA;
  DATA.geneAt = new Map((genes?.gene ?? []).map((g, i) => [g, i]));
  DATA.nodeOf = new Map((DATA.nodes ?? []).map((n) => [n.node, n]));
  if (lit) { lit.genes = unpack(lit.gene); lit.values = unpack(lit.value); }
  DATA.sets ??= {};
  if (sets?.sizes) {
    sets.members = unpack(sets.members);
    sets.sizes = unpack(sets.sizes);
    sets.starts = [0];
    sets.sizes.forEach((size) => sets.starts.push(sets.starts.at(-1) + size));
  }
  const test = sets?.module;
  DATA.setTest = new Map((test?.at ?? []).map((s, i) => [s, { statistic: test.statistic[i], expected: test.null_mean[i], p: test.p[i], q: test.q[i] }]));
  if (edges) edges.ends = unpack(edges.pairs);
  if (codes) codes.values = unpack(codes.value);
  if (heat) heat.values = unpack(heat.value);
  if (cohorts) {
    cohorts.place = new Map([...unpack(cohorts.at)].map((g, k) => [g, k]));
    for (const name of ["effects", "ses", "effect", "low", "high", "next_low", "next_high", "tau2"]) cohorts[name] = thousandths(cohorts[name]);
  }
  buildIndex();
  searchBox();
  for (const figure of document.querySelectorAll("figure[data-name]")) saves(figure, figure.dataset.name, { rows: DATA.figures?.[figure.dataset.name] ? () => DATA.figures[figure.dataset.name] : null });
  drawings();
  for (const row of document.querySelectorAll("#gene-table tbody tr")) {
    row.addEventListener("pointerenter", () => { const g = DATA.geneAt.get(row.dataset.gene); SCATTERS.forEach((f) => f.mark?.(g)); });
    row.addEventListener("pointerleave", () => SCATTERS.forEach((f) => f.mark?.(marked)));
  }
  addEventListener("hashchange", route);
  route();
  document.documentElement.dataset.ready = "yes";
};
const pasting = (id, what) => {
  const from = byId(id);
  if (!from) return;
  const words = () => from.innerText;
  const button = el("button", { type: "button", class: "copy", onclick: async () => {
    try { await navigator.clipboard.writeText(words()); } catch {
      const box = el("textarea", {}, words());
      document.body.append(box);
      box.select();
      document.execCommand("copy");
      box.remove();
    }
    button.textContent = "Copied";
    said(`${what} copied`);
    setTimeout(() => { button.textContent = `Copy ${what}`; }, 2000);
  } }, `Copy ${what}`);
  from.after(button);
};
pasting("paragraph", "the paragraph");
pasting("bibtex", "the BibTeX");
byId("panel-close").addEventListener("click", closePanel);
addEventListener("keydown", (event) => { if (event.key === "Escape" && !byId("panel").hidden && document.activeElement !== byId("search")) closePanel(); });
const sections = new IntersectionObserver((entries) => {
  for (const entry of entries) document.querySelector(`.toc a[href="#${CSS.escape(entry.target.id)}"]`)?.classList.toggle("here", entry.isIntersecting);
}, { rootMargin: "-30% 0px -60% 0px" });
for (const section of document.querySelectorAll("main > section[id]")) sections.observe(section);

redrawing();
if (typeof DecompressionStream === "function") requestAnimationFrame(() => setTimeout(() => loaded().then(ready), 0));
