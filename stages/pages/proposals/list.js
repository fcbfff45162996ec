"use strict";
// The photos with matching proposals, one page at a time.

const DRAWN = 6; // proposals of a photo that the list draws and names

function scoreRange(index) {
  let low = Infinity, high = -Infinity;
  for (const scores of index.scores) {
    for (const score of scores) {
      low = Math.min(low, score);
      high = Math.max(high, score);
    }
  }
  return { low, high };
}

function scoreColour({ overview, range }, score) {
  const last = overview.colours.length - 1;
  return overview.colours[Math.round(last * (score - range.low) / (range.high - range.low || 1))];
}

// Whether a proposal passes the filters.
function isChosen({ overview, index }, chosen, position, place) {
  const score = index.scores[position][place];
  return (chosen.min === "" || score >= Number(chosen.min)) && (chosen.max === "" || score <= Number(chosen.max))
    && (chosen.name === "" || overview.names[index.labels[position][place]] === chosen.name)
    && (chosen.photo === "" || index.ids[position] === Number(chosen.photo));
}

// Positions of photos and places of their matching proposals, in the chosen order.
function find(browser, chosen) {
  const { overview, index } = browser;
  const found = [];
  for (let position = 0; position < overview.photos; position++) {
    const scores = index.scores[position];
    const places = [...scores.keys()].filter((place) => isChosen(browser, chosen, position, place));
    if (places.length) {
      const matching = places.map((place) => scores[place]);
      found.push({ position, places, best: Math.max(...matching), worst: Math.min(...matching) });
    }
  }
  const orders = { score: (a, b) => b.best - a.best, entropy: (a, b) => a.worst - b.worst };
  if (orders[chosen.sort]) found.sort(orders[chosen.sort]); // stable: ties keep the order of the data
  if (chosen.sort === "entropy") for (const photo of found) photo.places.reverse();
  return found;
}

async function showList(browser, chosen, status) {
  const found = find(browser, chosen);
  const pages = Math.max(1, Math.ceil(found.length / browser.overview.page));
  const page = Math.min(Math.max(1, Math.trunc(Number(chosen.page)) || 1), pages);
  const shown = found.slice((page - 1) * browser.overview.page, page * browser.overview.page);
  const photos = await Promise.all(shown.map(({ position }) => loadPhoto(browser.overview, position)));
  document.getElementById("list").replaceChildren(
    ...shown.map((match, place) => card(browser, match, photos[place])));
  showPages(page, pages);
  const total = found.reduce((sum, { places }) => sum + places.length, 0);
  status.textContent = found.length ? `${plural(total, "proposal")} on ${plural(found.length, "photo")}`
    : absence(browser, chosen);
}

function absence({ positions }, { photo }) {
  return photo === "" || positions.has(Number(photo)) ? "No proposal matches."
    : `Photo ${photo} is not here: it has no proposals, or is not among the photos shown.`;
}

function showPages(page, pages) {
  const link = (words, to, relation) => element("a", { href: address({ page: String(to), open: "" }), rel: relation }, words);
  document.getElementById("pages").replaceChildren(
    ...(page > 1 ? [link("← previous", page - 1, "prev")] : []),
    `page ${page.toLocaleString("en")} of ${pages.toLocaleString("en")}`,
    ...(page < pages ? [link("next →", page + 1, "next")] : []));
}

function card(browser, match, photo) {
  const { overview, index } = browser;
  const id = index.ids[match.position];
  const first = marked(overview, index.labels[match.position][match.places[0]]);
  const words = `training photo ${id}: ${plural(match.places.length, "proposal")}, first ${first}`;
  const drawn = match.places.slice(0, DRAWN);
  const lines = drawn.map((place) => proposalLine(browser, match.position, place));
  if (match.places.length > DRAWN) {
    const more = { href: opening(browser, match.position, match.places[DRAWN]) };
    lines.push(element("li", { class: "note" }, element("a", more, `and ${match.places.length - DRAWN} more`)));
  }
  return element("li", {}, element("figure", {},
    drawnPhoto(browser, match.position, photo, drawn, words),
    element("figcaption", {}, `photo ${id}`, element("ul", { class: "lines" }, ...lines))));
}

function opening({ index }, position, place) {
  return address({ open: `${index.ids[position]}.${place + 1}` });
}

// A square around a proposal, of the small photo: lighter than the sheet of crops, for many at once.
function cut(overview, { position, place }, { size, boxes }, words) {
  const [x0, y0, x1, y1] = boxes[place], side = Math.max(x1 - x0, y1 - y0, 1);
  const square = `${(x0 + x1 - side) / 2} ${(y0 + y1 - side) / 2} ${side} ${side}`;
  return svg("svg", { viewBox: square, class: "crop", role: "img", "aria-label": words },
    svg("image", { href: picture(overview, "thumbs", position), width: size[0], height: size[1] }));
}

function proposalLine(browser, position, place) {
  const { overview, index } = browser;
  const label = index.labels[position][place], score = index.scores[position][place];
  return element("li", {},
    element("i", { style: `background:${scoreColour(browser, score)}` }),
    element("a", { href: opening(browser, position, place), class: overview.groups[label] }, marked(overview, label)),
    score.toFixed(2));
}

// The photo with boxes on it, the first on top. The boxes repeat links of the text: keyboards and screen readers
// skip them.
function drawnPhoto(browser, position, photo, places, words) {
  const [width, height] = photo.size;
  const boxes = [...places].reverse().map((place) => {
    const [x0, y0, x1, y1] = photo.boxes[place];
    const frame = { x: x0, y: y0, width: Math.max(x1 - x0, 1), height: Math.max(y1 - y0, 1) };
    return svg("a", { href: opening(browser, position, place), tabindex: "-1" },
      svg("rect", { ...frame, class: "halo" }),
      svg("rect", { ...frame, stroke: scoreColour(browser, browser.index.scores[position][place]) }));
  });
  return element("div", { class: "photo", style: `--shape:${width}/${height}` },
    element("img", { src: picture(browser.overview, "thumbs", position), alt: words, loading: "lazy", width, height }),
    svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, ...boxes));
}
