"use strict";

// Points of the trade-off plots: a link over each, which says what it is and leads to its details.
// Without this script the plot is the picture that it is. Names are only ever set as text.

const SPOTS = JSON.parse(document.getElementById("spots").textContent);

function element(tag, className, ...children) {
  const created = document.createElement(tag);
  created.className = className;
  created.append(...children);
  return created;
}

// the picture that the contact sheet has of a method, if there is one
function pictureOf(label) {
  const captions = [...document.querySelectorAll("#sheet .strip:first-of-type .method span:last-child")];
  const caption = captions.find((each) => each.textContent === label);
  const picture = caption?.parentElement.querySelector("img");
  if (!picture) return [];
  const copy = picture.cloneNode();
  copy.alt = "";
  return [copy];
}

function cardOf({ label, facts }) {
  const rows = facts.map(([name, value]) =>
    element("div", "", element("dt", "", name), element("dd", "", value)),
  );
  return element("div", "spot-card", ...pictureOf(label), element("strong", "", label), element("dl", "", ...rows));
}

function layOver(link, spots) {
  const box = element("div", "spots");
  link.replaceWith(box);
  box.append(link);
  let shown = null;
  const hide = () => {
    shown?.remove();
    shown = null;
  };
  for (const spot of spots) {
    const dot = element("a", "spot");
    dot.href = spot.href;
    dot.style.left = `${spot.x}%`;
    dot.style.top = `${spot.y}%`;
    const numbers = spot.facts.map((fact) => fact.join(" ")).join(", ");
    dot.setAttribute("aria-label", `${spot.label}: ${numbers}`);
    const show = () => {
      hide();
      shown = cardOf(spot);
      shown.style.top = `${spot.y}%`;
      shown.style[spot.x > 50 ? "right" : "left"] = `${(spot.x > 50 ? 100 - spot.x : spot.x) + 2}%`;
      box.append(shown);
    };
    dot.addEventListener("pointerenter", show);
    dot.addEventListener("focus", show);
    dot.addEventListener("pointerleave", () => dot.matches(":focus") || hide());
    dot.addEventListener("blur", hide);
    box.append(dot);
  }
  box.addEventListener("keydown", (event) => event.key === "Escape" && hide());
}

for (const link of document.querySelectorAll("[data-plot]")) layOver(link, SPOTS[link.dataset.plot]);
