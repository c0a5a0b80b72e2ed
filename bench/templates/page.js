"use strict";

// The gallery and the viewer. Names come from the run and may hold anything: they are
// only ever set as text, and pictures have names that the page's maker chose.

const byId = (id) => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// gallery

const { views } = JSON.parse(byId("data").textContent);
const filters = byId("filters");
const gallery = byId("gallery");
const ALL = "all";
const AT_ONCE = 24; // styles
let view = views[0];

// the cells of one view and style lie in a script of their own, see bench/report/page/chunks.py

for (const each of views) each.cells = [];
const arrivals = new Map();

function cellsAre(viewIndex, styleIndex, cells) {
  views[viewIndex].cells[styleIndex] = cells;
}

// resolves when the cells are there, or cannot be had
function cellsOf(wanted, styleIndex) {
  const name = `data/${views.indexOf(wanted)}-${styleIndex}.js`;
  if (!arrivals.has(name)) {
    arrivals.set(name, new Promise((resolve) => {
      const script = make("script", { src: name, onload: resolve, onerror: resolve });
      document.head.append(script);
    }));
  }
  return arrivals.get(name);
}

const cellOf = (method, styleIndex) => view.cells[styleIndex]?.[method];

const thumbnail = (name, alt) =>
  make("img", {
    alt,
    loading: "lazy",
    decoding: "async",
    width: 160,
    height: 160,
    src: `thumbnails/${name}.webp`,
  });

function options(select, entries) {
  select.replaceChildren(...entries.map(([value, text]) => make("option", { value }, text)));
}

function showFilters() {
  const { style, content } = filters.elements;
  options(style, [[ALL, "all"], ...view.styles.map(({ name }, i) => [i, name])]);
  options(content, [[ALL, "all"], ...view.contents.map(({ name }, i) => [i, name])]);
  const boxes = view.methods.map((method, i) => {
    const box = make("input", { type: "checkbox", name: "method", value: i });
    box.checked = !method.anchor;
    return make("label", {}, box, method.label);
  });
  byId("filter-methods").replaceChildren(...[byId("filter-methods").firstElementChild, ...boxes]);
}

const chosen = (select, all) =>
  select.value === ALL ? all.map((_, i) => i) : [Number(select.value)];

function tile(method, styleIndex, contentIndex) {
  const cell = cellOf(method, styleIndex);
  const { label } = view.methods[method];
  const name = cell?.pictures[contentIndex];
  const status = cell ? (cell.status === "ok" ? "missing" : cell.status) : "not run";
  const what = `${view.contents[contentIndex].name} in ${view.styles[styleIndex].name}`;
  const button = make("button", {
    type: "button",
    className: name ? "tile" : "tile failed",
    title: name ? label : `${label}: ${cell?.reason || status}`,
  });
  button.append(name ? thumbnail(name, `${what} by ${label}`) : status);
  button.addEventListener("click", () => openViewer(styleIndex, contentIndex, method));
  return button;
}

function given(entry, role) {
  const box = make("div", { className: "tile", title: entry.name });
  box.append(entry.picture ? thumbnail(entry.picture, `${role} ${entry.name}`) : "missing");
  return box;
}

// a sheet is filled when it comes near the window
const near = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) fill(target);
  },
  { rootMargin: "100% 0px" },
);
const filling = new WeakMap();

async function fill(section) {
  near.unobserve(section);
  const { shown, styleIndex, contents, methods } = filling.get(section);
  await cellsOf(shown, styleIndex);
  section.style.minHeight = "";
  if (section.isConnected) section.append(grid(styleIndex, contents, methods));
}

function sheet(styleIndex, contents, methods) {
  const heading = make("h3", { id: `sheet-${styleIndex}` }, view.styles[styleIndex].name);
  const section = make("section", { className: "sheet" }, heading);
  // until it is filled and drawn, a sheet is as high as its rows are going to be
  const thumb = parseInt(gallery.style.getPropertyValue("--thumb"));
  const high = (contents.length + 1) * (thumb + 4) + 40;
  section.style.containIntrinsicSize = `auto 40rem auto ${high}px`;
  section.style.minHeight = `${high}px`;
  filling.set(section, { shown: view, styleIndex, contents, methods });
  return section;
}

function grid(styleIndex, contents, methods) {
  const style = view.styles[styleIndex];
  const head = make("tr", {}, make("th", { scope: "col" }, given(style, "style")));
  for (const method of methods) {
    const label = make("span", { className: "clip" }, view.methods[method].label);
    head.append(make("th", { scope: "col", title: view.methods[method].label }, label));
  }
  const rows = contents.map((contentIndex) => {
    const row = make("tr");
    row.append(make("th", { scope: "row" }, given(view.contents[contentIndex], "content")));
    row.append(...methods.map((method) => make("td", {}, tile(method, styleIndex, contentIndex))));
    return row;
  });
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  const scroll = make("div", { className: "scroll", tabIndex: 0 }, table);
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-labelledby", `sheet-${styleIndex}`);
  return scroll;
}

const shownMethods = () =>
  [...filters.querySelectorAll("[name=method]:checked")].map((box) => Number(box.value));

// thumbnails as large as the columns allow, from a size that can be seen to that of most pictures
function showSize() {
  const room = gallery.clientWidth / (shownMethods().length + 1) - 6;
  gallery.style.setProperty("--thumb", `${Math.floor(Math.min(Math.max(room, 112), 256))}px`);
}

function showGallery() {
  const styles = chosen(filters.elements.style, view.styles);
  const contents = chosen(filters.elements.content, view.contents);
  const methods = shownMethods();
  showSize();
  near.disconnect();
  gallery.replaceChildren(...styles.map((style) => sheet(style, contents, methods)));
  // those of a small page at once, so that they are printed and found
  for (const section of gallery.children) styles.length > AT_ONCE ? near.observe(section) : fill(section);
  const count = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
  byId("shown").textContent = [
    count(methods.length, "method"),
    count(styles.length, "style"),
    count(contents.length, "content"),
  ].join(", ");
}

filters.addEventListener("change", (event) => {
  if (event.target.name === "view") {
    view = views[Number(event.target.value)];
    showFilters();
  }
  showGallery();
});
addEventListener("resize", showSize);
filters.addEventListener("submit", (event) => event.preventDefault());
options(filters.elements.view, views.map(({ label }, i) => [i, label]));
byId("filter-view").hidden = views.length < 2;
filters.hidden = false;
showFilters();
showGallery();

// viewer

const viewer = byId("viewer");
const stage = byId("stage");
const split = byId("split");
const CONTENT = "content";
const STYLE = "style";
const at = { style: 0, content: 0 };
const sides = ["left", "right"].map((name) => {
  const box = viewer.querySelector(`[data-side=${name}]`);
  return {
    box,
    image: byId(`stage-${name}`),
    label: byId(`label-${name}`),
    select: box.querySelector("select"),
    steps: box.querySelector(".steps"),
    step: box.querySelector("input"),
    output: box.querySelector("output"),
    failure: box.querySelector(".failure"),
  };
});

// a side's moments: the pictures along the adaptation, and the result as the last
function moments(cell) {
  const result = { text: "the last step", pictures: cell.pictures };
  const along = cell.steps.map(({ step, seconds, pictures }) => ({
    text: `${step} ${step === 1 ? "step" : "steps"}, ${seconds}`,
    pictures,
  }));
  return [...along, result];
}

function showSide(side) {
  const { value } = side.select;
  const cell = cellOf(value, at.style);
  const input = value === CONTENT ? view.contents[at.content] : view.styles[at.style];
  const shown = cell ? moments(cell) : [];
  side.steps.hidden = shown.length < 2;
  side.step.max = Math.max(shown.length - 1, 0);
  const moment = shown[Number(side.step.value)];
  if (moment) {
    side.output.textContent = moment.text;
    side.step.setAttribute("aria-valuetext", moment.text);
  }
  const isInput = value === CONTENT || value === STYLE;
  const name = isInput ? input.picture : moment?.pictures[at.content];
  const what = isInput ? `${value} ${input.name}` : view.methods[value].label;
  side.label.textContent = what;
  side.image.alt = name ? what : "";
  if (name) side.image.src = `pictures/${name}.png`;
  else side.image.removeAttribute("src");
  side.failure.hidden = Boolean(name);
  side.failure.textContent = name
    ? ""
    : [cell?.status ?? "not run", cell?.reason].filter(Boolean).join(": ");
}

function showFacts() {
  const cells = sides.map(({ select }) => cellOf(select.value, at.style));
  const rows = [];
  const add = (label, texts) => {
    if (!texts.some(Boolean)) return;
    const values = texts.map((text) => make("td", { className: "right" }, text || "–"));
    rows.push(make("tr", {}, make("th", { scope: "row" }, label), ...values));
  };
  view.metrics.forEach((metric, i) => add(metric, cells.map((cell) => cell?.scores[at.content][i])));
  const facts = cells.map((cell) => new Map(cell?.facts));
  for (const label of new Set(facts.flatMap((known) => [...known.keys()]))) {
    add(label, facts.map((known) => known.get(label)));
  }
  const links = sides.map(({ select }) => {
    const method = view.methods[select.value];
    const link = method && make("a", { href: `#${method.details}` }, "all");
    link?.setAttribute("aria-label", `all details of ${method.label}`);
    link?.addEventListener("click", () => viewer.close());
    return make("td", { className: "right" }, link ?? "");
  });
  rows.push(make("tr", {}, make("th", { scope: "row" }, "details"), ...links));
  byId("viewer-facts").tBodies[0].replaceChildren(...rows);
}

// the address of a pair: view, style, content, left, right
const address = () =>
  ["#pair", views.indexOf(view), at.style, at.content, ...sides.map(({ select }) => select.value)]
    .join("-");

function showPair() {
  const { name } = view.contents[at.content];
  byId("viewer-title").textContent = `${name} in ${view.styles[at.style].name}`;
  byId("previous").disabled = at.content === 0;
  byId("next").disabled = at.content === view.contents.length - 1;
  sides.forEach(showSide);
  showFacts();
  history.replaceState(null, "", address());
}

// both pictures enlarged alike, and moved together

const ZOOMS = [0, 1, 2, 4]; // of the pictures' own pixels; 0 fits the stage
const pan = { zoom: 0, x: 0, y: 0 };

function showZoom() {
  const { naturalWidth, naturalHeight } = sides[1].image;
  const { clientWidth, clientHeight } = stage;
  if (!naturalWidth) return; // not there yet
  const fit = Math.min(clientWidth / naturalWidth, clientHeight / naturalHeight);
  const scale = pan.zoom ? pan.zoom / fit : 1;
  const reach = (shown, room) => Math.max((shown - room) / 2, 0);
  const across = reach(naturalWidth * fit * scale, clientWidth);
  const down = reach(naturalHeight * fit * scale, clientHeight);
  pan.x = Math.min(Math.max(pan.x, -across), across);
  pan.y = Math.min(Math.max(pan.y, -down), down);
  stage.classList.toggle("zoomed", pan.zoom > 0);
  stage.style.setProperty("--scale", scale);
  stage.style.setProperty("--x", `${pan.x}px`);
  stage.style.setProperty("--y", `${pan.y}px`);
  byId("zoom").textContent = pan.zoom ? `${100 * pan.zoom} %` : "Fit";
}

function moveBy(x, y) {
  pan.x += x;
  pan.y += y;
  showZoom();
}

sides[1].image.addEventListener("load", showZoom);
byId("zoom").addEventListener("click", () => {
  pan.zoom = ZOOMS[(ZOOMS.indexOf(pan.zoom) + 1) % ZOOMS.length];
  showZoom();
});
stage.addEventListener("pointerdown", (event) => {
  if (pan.zoom) stage.setPointerCapture(event.pointerId);
});
stage.addEventListener("pointermove", (event) => {
  if (stage.hasPointerCapture(event.pointerId)) moveBy(event.movementX, event.movementY);
});

// a swipe over the title turns to the next content

let swipe = null;
const viewerHead = viewer.querySelector("header");
viewerHead.addEventListener("pointerdown", (event) => {
  swipe = event.pointerType === "mouse" ? null : event.clientX; // which selects the title's text
});
viewerHead.addEventListener("pointerup", (event) => {
  const moved = swipe === null ? 0 : event.clientX - swipe;
  swipe = null;
  if (Math.abs(moved) > 60) turn(moved < 0 ? 1 : -1);
});

function showSplit() {
  stage.style.setProperty("--split", `${split.value}%`);
  split.setAttribute("aria-valuetext", `${split.value} percent`);
}

const toLastStep = (side) => {
  const cell = cellOf(side.select.value, at.style);
  side.step.max = cell ? cell.steps.length : 0;
  side.step.value = side.step.max;
};

function openViewer(style, content, method, other) {
  const entries = [[CONTENT, "content"], [STYLE, "style"]];
  entries.push(...view.methods.map(({ label }, i) => [i, label]));
  const [left, right] = sides;
  const kept = other ?? left.select.value;
  sides.forEach(({ select }) => options(select, entries));
  right.select.value = method;
  // the other side stays as it was chosen, so that a method can be held against all others
  left.select.value = entries.some(([value]) => String(value) === kept) ? kept : CONTENT;
  if (left.select.value === right.select.value) left.select.value = CONTENT;
  Object.assign(at, { style, content });
  sides.forEach(toLastStep);
  split.value = 50;
  Object.assign(pan, { zoom: 0, x: 0, y: 0 });
  showSplit();
  showPair();
  if (!viewer.open) viewer.showModal();
  showZoom();
  split.focus();
}

function turn(by) {
  const next = at.content + by;
  if (next < 0 || next >= view.contents.length) return;
  at.content = next;
  showPair();
}

for (const side of sides) {
  side.select.addEventListener("change", () => {
    toLastStep(side);
    showPair();
  });
  side.step.addEventListener("input", () => showSide(side));
}
split.addEventListener("input", showSplit);
byId("previous").addEventListener("click", () => turn(-1));
byId("next").addEventListener("click", () => turn(1));
byId("viewer-close").addEventListener("click", () => viewer.close());
viewer.addEventListener("close", () => {
  if (location.hash.startsWith("#pair-")) history.replaceState(null, "", "#pictures");
});
viewer.addEventListener("keydown", (event) => {
  const arrows = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
  if (event.key === "PageUp") turn(-1);
  else if (event.key === "PageDown") turn(1);
  else if (pan.zoom && event.shiftKey && arrows[event.key]) moveBy(...arrows[event.key]);
  else return;
  event.preventDefault();
});
viewer.addEventListener("click", (event) => {
  if (event.target === viewer) viewer.close(); // the backdrop
});

// an address leads to a pair

async function reveal() {
  const name = decodeURIComponent(location.hash.slice(1));
  const [place, style, content, left, right] = name.startsWith("pair-") ? name.split("-").slice(1) : [];
  const known = (side) => side === CONTENT || side === STYLE || views[place].methods[side];
  if (!views[place]?.styles[style] || !views[place].contents[content] || !known(right)) return;
  view = views[place];
  filters.elements.view.value = place;
  showFilters();
  showGallery();
  await cellsOf(view, style);
  openViewer(Number(style), Number(content), right, left);
}
addEventListener("hashchange", reveal);
reveal();
