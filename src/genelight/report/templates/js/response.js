// The page of response: tables sort and save themselves, figures save themselves, and any programme has its forest.
for (const table of document.querySelectorAll("main table")) { sortable(table); tools(table); }
document.documentElement.classList.add("scripted");
const programmeForest = (figure, forest) => {
  const names = el("datalist", { id: "programmes-known" }, forest.name.map((name) => el("option", { value: name })));
  const box = el("input", { type: "search", list: "programmes-known", value: forest.name[0], autocomplete: "off" });
  const known = new Map(forest.name.map((name, k) => [name.toLowerCase(), k]));
  let k = 0;
  const row = () => ({ label: forest.name[k], unit: "responders less others, standard deviations", effects: forest.effects[k], ses: forest.ses[k], mean: forest.effect[k], low: forest.low[k], high: forest.high[k], tau2: forest.tau2?.[k], i2: forest.i2?.[k], p: forest.p?.[k], q: forest.q?.[k] });
  figure.draw = () => {
    const { p, q } = row();
    figure.querySelector(".options").replaceChildren(el("label", {}, "Programme ", box), names, el("span", {}, `p ${tail(p)}, q ${tail(q)}`));
    figure.querySelector(".frame").replaceChildren(forestPlot(row(), forest.cohorts, roomFor(figure, 820)).svg);
  };
  box.addEventListener("input", () => {
    const found = known.get(box.value.trim().toLowerCase());
    if (found === undefined) return;
    k = found;
    figure.draw();
    box.focus();
    said(`${forest.name[k]} shown`);
  });
  figure.draw();
  saves(figure, "forest_of_a_programme", { rows: () => [["programme", forest.name[k]], ...forestPlot(row(), forest.cohorts, 600).rows] });
};
loaded().then((content) => {
  for (const figure of document.querySelectorAll("figure[data-name]")) saves(figure, figure.dataset.name, { rows: () => content.figures[figure.dataset.name] });
  const figure = document.querySelector("[data-draw=programme]");
  whenSeen(figure, () => programmeForest(figure, content.forest));
  document.documentElement.dataset.ready = "yes";
});
redrawing();
