"use strict";
// The address holds the current choice: #name=plain cup&photo=ID&min=1.5&max=3&sort=entropy&page=2&map=X,Y,ZOOM&open=ID.RANK

const DEFAULTS = { name: "", photo: "", min: "", max: "", sort: "score", page: "1", map: "", open: "" };

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(Object.entries(DEFAULTS).map(([key, preset]) => [key, given.get(key) ?? preset]));
}

// The address of the current choice with some changes.
function address(changes) {
  const chosen = { ...readAddress(), ...changes };
  const changed = Object.entries(chosen).filter(([key, value]) => value !== DEFAULTS[key]);
  return `#${new URLSearchParams(changed)}`;
}

function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

// Text stays text: names may hold anything.
function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const marked = (overview, label) => (overview.groups[label] === "novel" ? "★ " : "") + overview.names[label];
const plural = (count, thing) => `${count.toLocaleString("en")} ${thing}${count === 1 ? "" : "s"}`;

function fillForm(form, overview, index) {
  const counts = new Map();
  for (const labels of index.labels) for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const labels = [...counts.keys()].sort((a, b) => overview.names[a].localeCompare(overview.names[b], "en"));
  form.elements.name.append(...labels.map((label) =>
    element("option", { value: overview.names[label] }, `${marked(overview, label)} (${counts.get(label)})`)));
}

function showChoice(form, chosen) {
  for (const field of ["name", "photo", "min", "max", "sort"]) form.elements[field].value = chosen[field];
}

function showRange({ low, high }) {
  const form = document.getElementById("filter");
  const shown = { lowest: low.toFixed(2), highest: high.toFixed(2) };
  for (const [id, score] of Object.entries(shown)) document.getElementById(id).textContent = score;
  form.elements.min.placeholder = shown.lowest;
  form.elements.max.placeholder = shown.highest;
}

async function start() {
  const overview = loaded.get("overview");
  const status = document.getElementById("status");
  try {
    const index = await loadIndex(overview);
    const range = scoreRange(index);
    const browser = { overview, index, range, positions: new Map(index.ids.map((id, place) => [id, place])) };
    showRange(range);
    await run(browser, status);
  } catch (error) {
    status.textContent = `This page is incomplete: ${error.message}. Make it again.`;
  }
}

async function run(browser, status) {
  const form = document.getElementById("filter");
  fillForm(form, browser.overview, browser.index);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => {
    location.hash = address({ ...Object.fromEntries(new FormData(form)), page: "1", open: "" });
  });
  form.addEventListener("reset", () => { location.hash = ""; });
  listenInDialog();
  const map = browser.overview.embedded ? new ProposalMap(browser, await load("map")) : null;
  let listed = null;
  const show = async () => {
    const chosen = readAddress();
    showChoice(form, chosen);
    const list = JSON.stringify({ ...chosen, map: "", open: "" });
    if (list !== listed) { // else the focus stays where it was
      map?.show(chosen);
      await showList(browser, chosen, status);
    }
    listed = list;
    map?.look(readView(chosen.map));
    await showOpened(browser, chosen);
  };
  addEventListener("hashchange", () => show().catch((error) => { status.textContent = error.message; }));
  await show();
}

start();
