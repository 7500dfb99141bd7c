// One box for everything. Names are compared letter by letter, exact ones first, then beginnings, then parts.
const INDEX = { words: [], kind: [], at: [] };
const ORDER = { gene: 0, node: 1, set: 2, sample: 3 };
const indexed = (kind, names) => names.forEach((name, i) => {
  INDEX.words.push(`|${name.toLowerCase()}|`);
  INDEX.kind.push(kind);
  INDEX.at.push(i);
});
const buildIndex = () => {
  const { genes, lit, sets, samples } = DATA;
  if (genes) indexed("gene", genes.gene.map((g, i) => (genes.aliases?.[i] ? `${g}|${genes.aliases[i]}` : g)));
  if (lit) indexed("node", lit.node);
  if (sets?.name) indexed("set", sets.name.map((n, i) => `${n}|${sets.reference[i].split(": ").pop()}`));
  if (samples) indexed("sample", samples.number.map((n, i) => [`sample ${n}`, samples.sample?.[i], samples.subject?.[i]].filter(Boolean).join("|")));
};
const search = (query, most = 12) => {
  const asked = query.trim().toLowerCase();
  if (!asked) return [];
  const [whole, start] = [`|${asked}|`, `|${asked}`];
  const { words, kind } = INDEX;
  // The best so far, in order; one number says how good a name is.
  const best = [];
  for (let i = 0; i < words.length; i += 1) {
    const at = words[i].indexOf(asked);
    if (at < 0) continue;
    const fit = words[i].startsWith(whole) ? 0 : words[i].includes(whole) ? 1 : at === 1 ? 2 : words[i].includes(start) ? 3 : 4;
    // Genes stand in the order of their rank, nodes and samples in that of their numbers.
    const cost = (4 * fit + ORDER[kind[i]]) * 1e6 + (kind[i] === "set" ? words[i].length : INDEX.at[i]);
    if (best.length === most && cost >= best[most - 1][0]) continue;
    let k = best.length;
    while (k > 0 && best[k - 1][0] > cost) k -= 1;
    best.splice(k, 0, [cost, i]);
    if (best.length > most) best.pop();
  }
  return best.map(([, i]) => ({ kind: kind[i], at: INDEX.at[i], ...described(kind[i], INDEX.at[i], asked) }));
};
const described = (kind, at, asked) => {
  const { genes, lit, sets, samples } = DATA;
  if (kind === "gene") {
    const alias = genes.gene[at].toLowerCase().includes(asked) ? null : genes.aliases?.[at].split("|").find((a) => a.toLowerCase().includes(asked));
    const place = genes.rank ? `rank ${genes.rank[at].toLocaleString("en")}${genes.selected[at] ? ", in the module" : ""}` : "";
    const change = isNumber(genes.change?.[at]) ? `${DATA.words.change} ${number(genes.change[at])}` : "";
    return { name: genes.gene[at], note: [alias ? `also ${alias}` : "", place, change].filter(Boolean).join(" · ") };
  }
  if (kind === "node") return { name: lit.node[at], note: `node of ${lit.layer[at]}` };
  if (kind === "set") return { name: sets.name[at], note: sets.collection[at], key: sets.reference[at] };
  const of = { case: "case", control: "control", neither: "in neither group" }[samples.group[at]];
  return { name: `sample ${samples.number[at]}`, note: [samples.sample?.[at], of].filter(Boolean).join(" · "), key: samples.number[at] };
};

const searchBox = () => {
  const [box, list] = [byId("search"), byId("found")];
  let active = -1;
  const options = () => [...list.children].filter((option) => option.dataset.go);
  const mark = (i) => {
    active = i;
    options().forEach((option, k) => option.setAttribute("aria-selected", k === i ? "true" : "false"));
    const id = i >= 0 ? options()[i].id : null;
    if (id) { box.setAttribute("aria-activedescendant", id); options()[i].scrollIntoView({ block: "nearest" }); } else box.removeAttribute("aria-activedescendant");
  };
  const close = () => { list.hidden = true; box.setAttribute("aria-expanded", "false"); mark(-1); };
  const go = (option) => { close(); box.blur(); visit(option.dataset.go); };
  const show = () => {
    const results = search(box.value);
    list.replaceChildren(...results.map((r, i) => el("li", { role: "option", id: `found-${i}`, "aria-selected": "false", "data-go": `${r.kind}=${encodeURIComponent(r.key ?? r.name)}` },
      el("b", {}, r.name), " ", el("span", {}, r.note), el("i", {}, r.kind === "gene" ? DATA.words.one : r.kind))));
    const nothing = box.value.trim() && !results.length;
    if (nothing) list.append(el("li", { role: "option", "aria-disabled": "true", "aria-selected": "false", class: "nothing" }, "Nothing of that name in this run"));
    list.hidden = !results.length && !nothing;
    box.setAttribute("aria-expanded", list.hidden ? "false" : "true");
    mark(results.length ? 0 : -1);
    if (box.value.trim()) said(nothing ? "nothing found" : counted(results.length, "result"));
  };
  box.addEventListener("input", show);
  box.addEventListener("focus", () => { if (box.value) show(); });
  box.addEventListener("blur", () => setTimeout(() => { if (document.activeElement !== box) close(); }, 150));
  box.addEventListener("keydown", (event) => {
    const n = options().length;
    if (event.key === "ArrowDown" && n) { mark((active + 1) % n); event.preventDefault(); }
    if (event.key === "ArrowUp" && n) { mark((active - 1 + n) % n); event.preventDefault(); }
    if (event.key === "Enter" && active >= 0) go(options()[active]);
    if (event.key === "Escape") { box.value = ""; close(); }
  });
  list.addEventListener("pointerdown", (event) => {
    const option = event.target.closest("[data-go]");
    if (option) { event.preventDefault(); go(option); }
  });
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { box.focus(); event.preventDefault(); }
  });
  box.closest(".search").hidden = false;
};
