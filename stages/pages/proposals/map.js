"use strict";
// The map: a point for each proposal of the pool. Round points have base names, square ones other names. The most
// frequent names have a colour of their own, the next ones the same colours as rings.

const SHEET = { width: 1000, height: 750 };
// Paul Tol's "bright" colours: the colour-blind tell them apart, and they show on light and on dark paper
const COLOURS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377"];
const REACH = 16; // pixels between the pointer and a point that is meant
const CUTOUT_ZOOM = 3, CUTOUTS = 48, APART = 0.085; // of the width
const MOST_ZOOM = 64;

// `x,y,zoom` of the address, the middle of what is shown; all is shown without it.
function readView(text) {
  const [x, y, zoom] = text.split(",").map(Number);
  return text && Number.isFinite(x + y + zoom) ? { x, y, zoom } : { x: 0, y: 0, zoom: 1 };
}

const within = (value, low, high) => Math.min(Math.max(value, low), high);

// The nearest view that shows nothing beyond the sheet, with its borders.
function framed(view) {
  const zoom = within(view.zoom, 1, MOST_ZOOM);
  const width = SHEET.width / zoom, height = SHEET.height / zoom;
  const x = within(view.x, width / 2, SHEET.width - width / 2);
  const y = within(view.y, height / 2, SHEET.height - height / 2);
  return { x, y, zoom, left: x - width / 2, top: y - height / 2, width, height };
}

// Label to its colour, whether as a ring, and how many points; the most frequent first.
function marksOf(points) {
  const counts = new Map();
  for (const { label } of points) counts.set(label, (counts.get(label) ?? 0) + 1);
  const order = [...counts].sort(([a, most], [b, fewer]) => fewer - most || a - b);
  return new Map(order.map(([label, count], rank) => {
    const colour = rank < 2 * COLOURS.length ? COLOURS[rank % COLOURS.length] : "var(--place)";
    return [label, { colour, ring: colour === COLOURS[rank - COLOURS.length], count }];
  }));
}

// Points in view that are far enough from each other to be pictures.
function spread(points, { left, top, width, height }) {
  const kept = [];
  for (const point of points) {
    const inside = point.x > left && point.x < left + width && point.y > top && point.y < top + height;
    const free = kept.every((other) => Math.abs(other.x - point.x) > APART * width || Math.abs(other.y - point.y) > APART * width);
    if (inside && free && kept.push(point) === CUTOUTS) break;
  }
  return kept;
}

class ProposalMap {
  constructor(browser, points) {
    this.browser = browser;
    this.node = document.getElementById("map");
    this.sheet = this.node.querySelector("svg");
    this.points = points.x.map((x, at) => {
      const position = points.positions[at], place = points.places[at];
      return { position, place, x, y: points.y[at], label: browser.index.labels[position][place] };
    });
    this.marks = marksOf(this.points);
    document.getElementById("share").textContent = `${(100 * points.share).toFixed(0)} %`;
    this.listen();
  }

  show(chosen) {
    this.chosen = new Set(this.points.filter((point) => isChosen(this.browser, chosen, point.position, point.place)));
    this.draw();
    this.drawKey(chosen);
  }

  draw() {
    const groups = new Map();
    for (const point of this.points) {
      const key = this.chosen.has(point) ? point.label : -1;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(point);
    }
    const order = [...groups.keys()].sort((a, b) => (b < 0) - (a < 0) || groups.get(b).length - groups.get(a).length);
    this.sheet.replaceChildren(...order.flatMap((label) => this.group(label, groups.get(label))));
  }

  // Many points are one path of dots: a line of no length is as wide as its stroke, at every zoom.
  group(label, points) {
    const d = points.map(({ x, y }) => `M${x} ${y}h.01`).join("");
    if (label < 0) return [svg("path", { d, class: "faded" })];
    const { colour, ring } = this.marks.get(label), side = this.browser.overview.groups[label];
    const dots = svg("path", { d, class: side, style: `stroke:${colour}` });
    return ring ? [dots, svg("path", { d, class: `${side} hole` })] : [dots];
  }

  drawKey(chosen) {
    const { overview } = this.browser;
    const rows = [...this.marks].map(([label, { colour, ring, count }]) => {
      const name = overview.names[label], current = chosen.name === name;
      const link = { href: address({ name: current ? "" : name, page: "1", open: "" }), class: overview.groups[label] };
      return element("li", {},
        element("i", { class: `${overview.groups[label]}${ring ? " ring" : ""}`, style: `--mark:${colour}` }),
        element("a", current ? { ...link, "aria-current": "true" } : link, marked(overview, label)), String(count));
    });
    document.getElementById("key").replaceChildren(...rows);
  }

  look(view) {
    this.view = framed(view);
    const { left, top, width, height, zoom } = this.view;
    this.sheet.setAttribute("viewBox", `${left} ${top} ${width} ${height}`);
    this.node.classList.toggle("zoomed", zoom > 1);
    this.drawCutouts();
  }

  // Changes the view and writes it into the address, without a step of the browser's history.
  move(view) {
    this.look(view);
    const { x, y, zoom } = this.view;
    const words = zoom === 1 ? "" : [x.toFixed(1), y.toFixed(1), zoom.toFixed(2)].join(",");
    history.replaceState(null, "", address({ map: words }));
  }

  // Keeps what is under (x, y) of the sheet where it is.
  zoom(factor, { x, y } = this.view) {
    const zoom = within(this.view.zoom * factor, 1, MOST_ZOOM), part = this.view.zoom / zoom;
    this.move({ x: x + (this.view.x - x) * part, y: y + (this.view.y - y) * part, zoom });
  }

  pan(right, down) {
    this.move({ ...this.view, x: this.view.x + right * this.view.width, y: this.view.y + down * this.view.height });
  }

  async drawCutouts() {
    const view = this.view, shown = view.zoom < CUTOUT_ZOOM ? [] : spread([...this.chosen], view);
    const cutouts = await Promise.all(shown.map((point) => this.cutout(point)));
    if (view !== this.view) return; // another view was chosen meanwhile
    shown.forEach((point, at) => {
      cutouts[at].style.left = `${100 * (point.x - view.left) / view.width}%`;
      cutouts[at].style.top = `${100 * (point.y - view.top) / view.height}%`;
    });
    document.getElementById("cutouts").replaceChildren(...cutouts);
  }

  async cutout(point) {
    const { overview, index } = this.browser, { colour } = this.marks.get(point.label);
    const words = `${marked(overview, point.label)}, photo ${index.ids[point.position]}`;
    const photo = await loadPhoto(overview, point.position);
    return element("a", {
      href: opening(this.browser, point.position, point.place), class: "cutout", title: words, style: `--mark:${colour}`,
    }, cut(overview, point, photo, words));
  }

  async point(event) {
    const point = this.nearest(event), pointed = document.getElementById("pointed");
    if (point === this.pointed) return;
    this.pointed = point;
    this.node.classList.toggle("pointing", point !== null);
    const cutout = point && await this.cutout(point);
    if (point !== this.pointed) return;
    pointed.replaceChildren(...(point ? [cutout, element("span", {}, cutout.title)] : []));
  }

  nearest(event) {
    const at = this.place(event), reach = REACH * this.view.width / this.node.clientWidth;
    let best = null, least = reach;
    for (const point of this.chosen) {
      const distance = Math.hypot(point.x - at.x, point.y - at.y);
      if (distance < least) [best, least] = [point, distance];
    }
    return best;
  }

  // Where on the sheet a pointer is.
  place(event) {
    const frame = this.node.getBoundingClientRect(), { left, top, width, height } = this.view;
    return {
      x: left + width * (event.clientX - frame.left) / frame.width,
      y: top + height * (event.clientY - frame.top) / frame.height,
    };
  }

  listen() {
    const keys = {
      "+": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5), 0: () => this.zoom(0),
      ArrowLeft: () => this.pan(-.2, 0), ArrowRight: () => this.pan(.2, 0),
      ArrowUp: () => this.pan(0, -.2), ArrowDown: () => this.pan(0, .2),
    };
    this.node.addEventListener("keydown", (event) => {
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });
    for (const button of document.querySelectorAll("#zoom button")) {
      button.addEventListener("click", () => keys[button.value]());
    }
    this.node.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // else the page could not be scrolled past the map
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 200), this.place(event));
    }, { passive: false });
    this.node.addEventListener("dblclick", (event) => this.zoom(2, this.place(event)));
    this.listenToDrags();
  }

  listenToDrags() {
    let held = null;
    this.node.addEventListener("pointerdown", ({ clientX: x, clientY: y }) => { held = { x, y, moved: false }; });
    this.node.addEventListener("pointermove", (event) => {
      if (held) held = this.drag(held, event);
      else this.point(event);
    });
    addEventListener("pointerup", () => setTimeout(() => { held = null; })); // after the click that ends a drag
    this.node.addEventListener("click", (event) => {
      if (held?.moved) event.preventDefault();
      else if (!event.target.closest("a")) this.open(this.nearest(event));
    });
  }

  drag(held, { clientX: x, clientY: y }) {
    const right = x - held.x, down = y - held.y;
    if (!held.moved && Math.hypot(right, down) < 4) return held; // a click with an unsteady hand
    this.pan(-right / this.node.clientWidth, -down / this.node.clientHeight);
    return { x, y, moved: true };
  }

  open(point) {
    if (point) location.hash = opening(this.browser, point.position, point.place);
  }
}
