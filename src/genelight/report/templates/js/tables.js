// Every table sorts by its heads, filters by words and saves itself; without scripts it reads as it stands.
// The first number of a cell as the page writes it: "1,234", "−0.5", "4 6%", "2 × 10⁻⁴".
const numeral = (words) => {
  const found = words.replaceAll(",", "").replaceAll("−", "-").match(/-?\d+(?:\.\d+)?(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?/);
  if (!found) return NaN;
  const power = [...(found[1] ?? "⁰")].map((c) => "-0123456789"["⁻⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(c)]).join("");
  return parseFloat(found[0]) * 10 ** Number(power);
};
const cellValue = (row, column) => {
  const cell = row.cells[column];
  if (!cell.classList.contains("n")) return cell.textContent.trim().toLowerCase();
  return cell.dataset.v === undefined ? numeral(cell.textContent) : cell.dataset.v === "" ? NaN : Number(cell.dataset.v);
};
const WORDS = new Intl.Collator(undefined, { numeric: true });
const compare = (a, b) => {
  if (typeof a === "string") return WORDS.compare(a, b);
  return Number.isNaN(a) || Number.isNaN(b) ? 0 : a - b;
};
const sortTable = (table, column, down) => {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [cellValue(row, column), row]);
  const last = ([v]) => (Number.isNaN(v) ? 1 : 0);
  rows.sort((a, b) => last(a) - last(b) || (down ? compare(b[0], a[0]) : compare(a[0], b[0])));
  body.append(...rows.map(([, row]) => row));
};
const sortable = (table) => {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = el("button", { type: "button" });
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      sortTable(table, column, down);
    });
  });
};
const tableRows = (table) => {
  const cells = (row) => [...row.cells].map((c) => (c.dataset.v !== undefined ? (c.dataset.v === "None" ? "" : c.dataset.v) : c.textContent.trim().replace(/\s+/g, " ")));
  return [cells(table.tHead.rows[0]), ...[...table.tBodies[0].rows].filter((row) => !row.hidden).map(cells)];
};
const tools = (table) => {
  const name = table.dataset.name ?? table.closest("[aria-label]").getAttribute("aria-label").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "_").slice(0, 60);
  const saving = el("button", { type: "button", onclick: () => save(`${name}.csv`, csv(tableRows(table)), "text/csv"), "aria-label": `Save the table ${name} as CSV` }, "CSV");
  const rows = [...table.tBodies[0].rows];
  const bar = el("div", { class: "controls table-tools" });
  if (rows.length > 8 && table.id !== "node-table") {
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const count = el("output", {}, counted(rows.length, "row"));
    const find = el("input", { type: "search", placeholder: "words in a row", autocomplete: "off" });
    const filter = () => {
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word)) || (table.only && !table.only(row));
        shown += row.hidden ? 0 : 1;
      });
      count.textContent = shown === rows.length ? counted(shown, "row") : `${shown} of ${counted(rows.length, "row")}`;
    };
    table.filter = filter;
    find.addEventListener("input", filter);
    bar.append(el("label", {}, "Filter ", find), count);
  }
  bar.append(fullLink(table.dataset.full, "Full table") ?? "", saving);
  const box = table.closest(".scroll");
  if (table.filter) box.before(bar);
  else if (box.parentElement.matches(".pair")) box.append(bar);
  else box.after(bar);
};
const nodeFilter = (table) => {
  const [find, layer, supported, count] = ["find", "layer", "supported", "count"].map((id) => byId(`node-${id}`));
  const rows = [...table.tBodies[0].rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/);
    let shown = 0;
    rows.forEach((row, i) => {
      const fits = words.every((word) => texts[i].includes(word));
      row.hidden = !fits || (layer.value && row.dataset.layer !== layer.value) || (supported.checked && row.dataset.support === "0");
      shown += row.hidden ? 0 : 1;
    });
    count.textContent = `${shown} of ${rows.length} nodes`;
  };
  for (const control of [find, layer, supported]) control.addEventListener("input", filter);
  find.closest(".controls").hidden = false;
  filter();
};
