// Uses all of a report's page; answers with what went wrong, and how many files were saved.
const [done, most] = [arguments[arguments.length - 1], arguments[0]];
const faults = [];
const fault = (words) => faults.push(words);
const some = (all) => [...all].filter((_, i, list) => i % Math.ceil(list.length / most) === 0);
document.querySelectorAll("details").forEach((d) => { d.open = true; });
document.querySelectorAll("figure.drawn").forEach((f) => f.drawNow?.());
for (const figure of document.querySelectorAll("main figure")) {
  if (!figure.hidden && !figure.querySelector(".frame > svg, .frame canvas")) fault(`${figure.id} is empty`);
  if (!figure.hidden && figure.querySelectorAll(".saves button").length < 3) fault(`${figure.id} is not saved three ways`);
}
for (const a of some(document.querySelectorAll('main a[href^="#"]'))) {
  const [, kind, name] = a.getAttribute("href").match(/^#(gene|node|set|sample)=(.*)$/s) ?? [];
  if (kind ? !PAGES[kind](decodeURIComponent(name)) : !document.getElementById(a.getAttribute("href").slice(1))) fault(`${a.getAttribute("href")} leads nowhere`);
}
const names = [["gene", DATA.genes?.gene], ["node", DATA.lit?.node], ["set", DATA.sets?.name], ["sample", DATA.samples?.number.map((n) => `sample ${n}`)]];
for (const [kind, all] of names) for (const name of some(all ?? []).slice(0, 20)) if (!search(name).some((r) => r.kind === kind && r.name === name)) fault(`${kind} ${name} is not found`);
for (const table of document.querySelectorAll("main table:not(.fixed)")) {
  const rows = () => [...table.tBodies[0].rows];
  const before = rows().length;
  table.querySelectorAll("thead button").forEach((head, column) => {
    head.click();
    const up = rows().map((row) => cellValue(row, column)).filter((v) => !Number.isNaN(v));
    if (up.some((v, i) => i && compare(up[i - 1], v) > 0)) fault(`${head.textContent} does not sort`);
    head.click();
  });
  if (rows().length !== before) fault("sorting lost rows");
}
for (const box of document.querySelectorAll("main .controls input[type=search]")) {
  const table = box.closest(".controls").nextElementSibling.querySelector("table");
  const shown = () => [...table.tBodies[0].rows].filter((row) => !row.hidden).length;
  const type = (words) => { box.value = words; box.dispatchEvent(new Event("input")); };
  const before = shown();
  type("no row has this");
  if (shown()) fault("a filter keeps rows that it should not");
  type("");
  if (shown() !== before) fault("a filter keeps rows away");
}
const saved = [];
const [make, click] = [URL.createObjectURL, HTMLAnchorElement.prototype.click];
URL.createObjectURL = (blob) => { saved.push(blob); return "blob:saved"; };
HTMLAnchorElement.prototype.click = () => {};
const buttons = [...document.querySelectorAll(".saves button, .table-tools > button:last-of-type")];
buttons.forEach((button) => button.click());
const wait = (left) => {
  if (saved.length < buttons.length && left) { setTimeout(() => wait(left - 1), 50); return; }
  URL.createObjectURL = make;
  HTMLAnchorElement.prototype.click = click;
  if (saved.length !== buttons.length) fault(`${buttons.length} buttons saved ${saved.length} files`);
  if (saved.some((blob) => blob.size < 20)) fault("a file is empty");
  if (document.documentElement.scrollWidth > innerWidth) fault("the page is wider than its window");
  done({ faults, saved: saved.length });
};
wait(1200);
