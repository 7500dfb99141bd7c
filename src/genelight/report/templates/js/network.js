// The module's network, by Cytoscape.js: drag, point, filter.
const networkFigure = (figure) => {
  const { network } = DATA;
  if (typeof cytoscape !== "function") return;
  const frame = figure.querySelector(".frame");
  const n = network.gene.length;
  const near = new Array(n).fill(0);
  network.edges.forEach(([a, b]) => { near[a] += 1; near[b] += 1; });
  const score = network.score.map((v) => (isNumber(v) ? v : null));
  frame.classList.add("network");
  frame.setAttribute("role", "img");
  frame.setAttribute("aria-label", `Network of ${n} genes and ${network.edges.length} connections; every gene and part is named below`);
  figure.hidden = false;
  const elements = [
    ...network.gene.map((g, i) => ({ data: { id: `n${i}`, i, label: g, score: score[i] ?? 0, size: 16 + 4 * Math.sqrt(near[i]), role: network.role[i], part: network.part[i] }, classes: network.role[i] })),
    ...network.edges.map(([a, b], k) => ({ data: { id: `e${k}`, source: `n${a}`, target: `n${b}` } })),
  ];
  const style = () => [
    { selector: "node", style: { label: "data(label)", width: "data(size)", height: "data(size)", "font-size": 18, "min-zoomed-font-size": 7, color: colour("ink"), "text-outline-color": colour("card"), "text-outline-width": 2, "text-valign": "bottom", "text-margin-y": 2, "background-color": (e) => colour(e.data("score") > 0 ? "up" : e.data("score") < 0 ? "down" : "soft"), "border-width": 0 } },
    { selector: ".connector", style: { "background-color": colour("card"), "border-width": 2, "border-color": colour("soft"), color: colour("soft"), "font-size": 14, "min-zoomed-font-size": 9 } },
    { selector: "node.near", style: { "font-size": 20, "min-zoomed-font-size": 0, color: colour("ink"), "z-index": 9 } },
    { selector: "edge", style: { width: 1, "line-color": colour("soft"), opacity: 0.3, "curve-style": "haystack" } },
    { selector: ".dim", style: { opacity: 0.12 } },
    { selector: "edge.lit", style: { opacity: 0.9, width: 2, "line-color": colour("ink") } },
    { selector: ".off", style: { display: "none" } },
  ];
  const cy = cytoscape({ container: frame, elements, style: style(), minZoom: 0.2, maxZoom: 4, layout: { name: "null" } });
  arrange(cy, n);
  cy.userZoomingEnabled(false);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => cy.style(style()));
  cy.on("mouseover tapdragover", "node", (event) => {
    const around = event.target.closedNeighborhood();
    cy.elements().not(around).addClass("dim");
    around.edges().addClass("lit");
    around.nodes().addClass("near");
  });
  cy.on("mouseout tapdragout", "node", () => cy.elements().removeClass("dim lit near"));
  cy.on("tap", "node", (event) => visit(`gene=${encodeURIComponent(event.target.data("label"))}`));
  networkOptions(figure, cy);
  figure.cy = cy;
  const place = (i) => cy.getElementById(`n${i}`).position();
  saves(figure, "module_network", {
    rows: () => [["source", "target"], ...network.edges.map(([a, b]) => [network.gene[a], network.gene[b]])],
    png: () => { const words = cy.png({ full: true, scale: 2, bg: colour("card") }).split(",")[1]; return new Blob([bytes(words)], { type: "image/png" }); },
    svg: () => networkDrawing(cy, network, place),
  });
};
// Joined genes by forces from a circle of parts, so that the same run gives the same picture; the others in rows beside
// them where the frame is wide, below them where it is narrow.
const arrange = (cy, n) => {
  const joined = cy.nodes().filter((e) => e.degree() > 0);
  joined.forEach((e, k) => { const turn = (2 * Math.PI * k) / Math.max(1, joined.length); const far = 150 + 40 * (e.data("part") || 1); e.position({ x: far * Math.cos(turn), y: far * Math.sin(turn) }); });
  const size = n > 400 ? 150 : 600;
  const wide = cy.width() > cy.height();
  const [w, h] = wide ? [1200, 720] : [720, 720];
  joined.union(joined.connectedEdges()).layout({ name: "cose", animate: false, randomize: false, fit: false, numIter: size, nodeRepulsion: () => 600000, idealEdgeLength: () => 100, nodeOverlap: 40, nodeDimensionsIncludeLabels: true, gravity: 0.4, componentSpacing: 60, boundingBox: { x1: 0, y1: 0, w, h } }).run();
  const box = joined.length ? joined.boundingBox({ includeLabels: false }) : { x1: 0, x2: 0, y1: 0, y2: 0, w: 600, h: 300 };
  const rest = cy.nodes().filter((e) => e.degree() === 0);
  const rows = Math.max(8, Math.floor(box.h / 44));
  const columns = Math.max(5, Math.floor(box.w / 110));
  rest.forEach((e, k) => e.position(wide
    ? { x: box.x2 + 120 + 110 * Math.floor(k / rows), y: box.y1 + 44 * (k % rows) }
    : { x: box.x1 + 110 * (k % columns), y: box.y2 + 100 + 44 * Math.floor(k / columns) }));
  cy.fit(undefined, 20);
};
const networkOptions = (figure, cy) => {
  const { network } = DATA;
  const [low, high] = extent(cy.nodes().not(".connector").map((e) => Math.abs(e.data("score"))), { pad: 0 });
  const least = el("input", { type: "range", min: low, max: high, step: "any", value: low });
  const shown = el("output", {}, number(low));
  const connectors = el("input", { type: "checkbox", checked: true });
  const apart = el("input", { type: "checkbox", checked: true });
  const parts = [...new Set(network.part)].filter((p) => p > 0).sort((a, b) => a - b);
  const part = el("select", {}, el("option", { value: "" }, "all"), parts.map((p) => el("option", { value: p }, `part ${p}`)));
  const filter = () => {
    const from = Number(least.value);
    shown.textContent = number(from);
    cy.batch(() => cy.nodes().forEach((e) => {
      const connector = e.data("role") === "connector";
      const off = (connector ? !connectors.checked : Math.abs(e.data("score")) < from) || (!apart.checked && e.degree() === 0) || (part.value !== "" && String(e.data("part")) !== part.value);
      e.toggleClass("off", off);
    }));
    said(`${cy.nodes().filter((e) => !e.hasClass("off")).length} genes shown`);
  };
  for (const control of [least, connectors, apart, part]) control.addEventListener("input", filter);
  const zoom = (by) => cy.zoom({ level: cy.zoom() * by, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
  figure.querySelector(".options").replaceChildren(
    el("label", {}, "Score at least ", least, " ", shown), el("label", {}, "Part ", part),
    el("label", {}, connectors, " connectors"), el("label", {}, apart, " genes apart"),
    el("span", {}, el("button", { type: "button", "aria-label": "Closer", onclick: () => zoom(1.3) }, "+"), el("button", { type: "button", "aria-label": "Further", onclick: () => zoom(1 / 1.3) }, "−"), el("button", { type: "button", onclick: () => cy.fit(undefined, 20) }, "Fit")),
    el("p", { class: "legend" }, el("span", {}, el("i", { class: "dot up-dot" }), " up in cases"), el("span", {}, el("i", { class: "dot down-dot" }), " down in cases"), el("span", {}, el("i", { class: "dot hollow" }), " not of the module, connects it"), el("span", {}, "larger: more neighbours here")));
};
const networkDrawing = (cy, network, place) => {
  const box = cy.elements().not(".off").boundingBox();
  const [width, height] = [Math.ceil(box.w) + 40, Math.ceil(box.h) + 40];
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
  const at = (i) => { const p = place(i); return [p.x - box.x1 + 20, p.y - box.y1 + 20]; };
  const off = (i) => cy.getElementById(`n${i}`).hasClass("off");
  for (const [a, b] of network.edges) if (!off(a) && !off(b)) svg.append(shape("path", { d: `M${at(a)}L${at(b)}`, style: "stroke: var(--soft); stroke-opacity: .4" }));
  network.gene.forEach((g, i) => {
    if (off(i)) return;
    const [x, y] = at(i);
    const connector = network.role[i] === "connector";
    const r = cy.getElementById(`n${i}`).data("size") / 2;
    svg.append(shape("circle", { cx: x, cy: y, r, style: connector ? "fill: var(--card); stroke: var(--soft); stroke-width: 2" : `fill: var(--${network.score[i] > 0 ? "up" : network.score[i] < 0 ? "down" : "soft"})` }), text(x, y + r + 12, g, { "text-anchor": "middle", "font-size": 11, style: "fill: var(--ink)" }));
  });
  return alone(svg).words;
};
