"use strict";

// Tables that are sorted by a click on a heading, and whose rows lead to details, which open.

function sortable(table) {
  const heads = [...table.querySelectorAll("thead tr:last-child > th")];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const first = head.dataset.better === "higher" ? "descending" : "ascending";
      const second = first === "ascending" ? "descending" : "ascending";
      const order = now === first ? second : first;
      heads.forEach((other) => other.setAttribute("aria-sort", other === head ? order : "none"));
      sortBy(table.tBodies[0], column, order === "ascending" ? 1 : -1);
    });
  });
}

function sortBy(body, column, sign) {
  const keyed = [...body.rows].map((row) => [row.cells[column].dataset.sort, row]);
  const numeric = keyed.every(([key]) => key === "" || !Number.isNaN(Number(key)));
  const compare = (a, b) => (numeric ? Number(a) - Number(b) : a.localeCompare(b));
  keyed.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === ""); // what is missing stays last
    return sign * compare(a, b);
  });
  body.append(...keyed.map(([, row]) => row));
}

document.querySelectorAll("table[data-sortable]").forEach(sortable);

function openDetails() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!(target instanceof HTMLDetailsElement)) return;
  target.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", openDetails);
openDetails();
