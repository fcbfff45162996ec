"use strict";
// One proposal: its box, the crops that the teacher saw, its nearest names, and similar proposals.

async function showOpened(browser, chosen) {
  const dialog = document.getElementById("opened");
  const at = findOpened(browser, chosen.open);
  if (!at) {
    dialog.close();
    return;
  }
  const [photo, details] = await Promise.all(
    [loadPhoto(browser.overview, at.position), loadDetails(browser.overview, at.position)]);
  if (readAddress().open !== chosen.open) return; // another choice was made meanwhile
  dialog.replaceChildren(...opened(browser, at, photo, details?.[at.place]));
  dialog.scrollTop = 0;
  if (!dialog.open) dialog.showModal();
  document.getElementById("opened-title").focus();
}

// `ID.RANK` to a photo's position and the proposal's place, null when there is none.
function findOpened({ index, positions }, text) {
  const [id, rank] = text.split(".").map(Number);
  const position = positions.get(id);
  return position !== undefined && index.scores[position][rank - 1] !== undefined ? { position, place: rank - 1 } : null;
}

// The address closes the dialog: its own event waits for the browser to paint again.
function leave() {
  location.hash = address({ open: "" });
}

function listenInDialog() {
  const dialog = document.getElementById("opened");
  dialog.addEventListener("close", leave); // by Escape
  dialog.addEventListener("click", (event) => { if (event.target === dialog) leave(); });
  dialog.addEventListener("keydown", (event) => {
    const relation = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
    dialog.querySelector(`a[rel=${relation}]`)?.click();
  });
}

function opened(browser, at, photo, details) {
  const { overview, index } = browser;
  const label = index.labels[at.position][at.place], score = index.scores[at.position][at.place];
  const title = element("h2", { id: "opened-title", tabindex: "-1" },
    element("b", { class: overview.groups[label] }, marked(overview, label)),
    ` on photo ${index.ids[at.position]}`);
  const entropy = Math.max(0, Math.log(overview.names.length) - score).toFixed(3);
  const numbers = {
    rank: `${at.place + 1} of ${photo.boxes.length}`,
    score: score.toFixed(3),
    ...(overview.certain ? { entropy } : {}),
    confidence: photo.confidence[at.place].toFixed(3),
    "box x0 y0 x1 y1": photo.boxes[at.place].map((side) => side.toFixed(0)).join(" "),
    file: photo.file,
  };
  const words = `training photo ${index.ids[at.position]} with the box of this proposal`;
  return [
    topBar(browser, at, photo.boxes.length),
    title,
    element("div", { class: "columns" },
      element("div", {},
        drawnPhoto(browser, at.position, photo, [at.place], words),
        element("dl", { class: "facts" }, ...Object.entries(numbers).map(([name, value]) =>
          element("div", {}, element("dt", {}, name), element("dd", {}, value))))),
      element("div", {}, ...cropsSection(browser, at), ...namesSection(overview, details))),
    ...neighboursSection(browser, details),
  ];
}

function topBar(browser, at, count) {
  const link = (words, place, rel) => element("a", { href: opening(browser, at.position, place), rel }, words);
  const close = element("button", { type: "button" }, "Close");
  close.addEventListener("click", leave);
  return element("div", { class: "bar" },
    element("nav", { "aria-label": "Proposals of this photo" },
      ...(at.place > 0 ? [link("← previous", at.place - 1, "prev")] : []),
      ...(at.place + 1 < count ? [link("next →", at.place + 1, "next")] : [])),
    close);
}

// A tile of a photo's sheet of crops.
function crop({ overview, index }, at, column, words) {
  const side = overview.tile;
  const sheet = {
    href: picture(overview, "crops", at.position),
    x: -column * side,
    y: -at.place * side,
    width: overview.views.length * side,
    height: index.scores[at.position].length * side,
  };
  return svg("svg", { viewBox: `0 0 ${side} ${side}`, class: "crop", role: "img", "aria-label": words },
    svg("image", sheet));
}

function cropsSection(browser, at) {
  const views = browser.overview.views.map(([factor, purpose], column) => element("figure", {},
    crop(browser, at, column, `the crop that CLIP saw, ${factor} times the box`),
    element("figcaption", {}, `${factor}× the box: ${purpose}`)));
  return [element("h3", {}, "Crops that CLIP saw"), element("div", { class: "views" }, ...views)];
}

function namesSection(overview, details) {
  if (!details) return [element("p", { class: "note" }, "Nearest names need embeddings, which are missing.")];
  const rows = details.names.map(([label, probability]) => element("li", { class: "row" },
    element("span", { class: `label ${overview.groups[label]}` }, element("span", { class: "word" }, marked(overview, label))),
    element("span", { class: "track" },
      element("span", { class: `fill ${overview.groups[label]}`, style: `width:${100 * probability}%` })),
    element("span", { class: "number" }, `${(100 * probability).toFixed(1)} %`)));
  return [element("h3", {}, "Nearest names"), element("ol", { class: "guesses" }, ...rows)];
}

function neighboursSection(browser, details) {
  if (!details || !details.near.length) return [];
  const { overview, index } = browser;
  const near = details.near.map(([position, place, cosine]) => {
    const label = index.labels[position][place];
    const words = `proposal ${place + 1} of photo ${index.ids[position]}`;
    return element("li", {}, element("a", { href: opening(browser, position, place), class: overview.groups[label] },
      crop(browser, { position, place }, overview.views.length - 1, words),
      marked(overview, label), element("span", { class: "note" }, `cosine ${cosine.toFixed(3)}`)));
  });
  return [element("h3", {}, "Similar proposals of other photos"), element("ul", { class: "near" }, ...near)];
}
