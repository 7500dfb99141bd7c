"use strict";
// Sorting and filtering only; without scripts every table reads as it stands.
(() => {
  const value = (row, column) => {
    const cell = row.cells[column];
    if (!cell.classList.contains("n")) return cell.textContent.trim().toLowerCase();
    const text = cell.dataset.v ?? cell.textContent.trim();
    return text === "" || text === "None" ? NaN : Number(text);
  };
  const compare = (a, b) => {
    if (typeof a === "string") return a.localeCompare(b, undefined, { numeric: true });
    if (Number.isNaN(a) || Number.isNaN(b)) return 0;
    return a - b;
  };
  const sort = (table, column, down) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [value(row, column), row]);
    const last = ([v]) => (Number.isNaN(v) ? 1 : 0);
    rows.sort((a, b) => last(a) - last(b) || (down ? compare(b[0], a[0]) : compare(a[0], b[0])));
    body.append(...rows.map(([, row]) => row));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        sort(table, column, down);
      });
    });
  }
  const table = document.getElementById("node-table");
  if (table) {
    const [find, layer, supported, count] = ["find", "layer", "supported", "count"].map((id) => document.getElementById("node-" + id));
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
    document.querySelector(".controls").hidden = false;
    filter();
  }
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
})();
