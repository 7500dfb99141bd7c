// Links from what the page shows in part to the full tables, where `genelight view` serves it.
const SERVED = new Set((document.documentElement.dataset.served ?? "").split(" ").filter(Boolean));
const fullLink = (table, words, of = "") => (SERVED.has(table) ? el("a", { class: "full", href: `${table}?of=${encodeURIComponent(of)}` }, words) : null);
