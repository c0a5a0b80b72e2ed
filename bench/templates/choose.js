"use strict";

// `bench choose` on the page: the rule of bench/report/choice.py, the words of choice_text.py.

// times and memory, as bench/report/quantities.py says them

const threeDigits = (value) => String(Number(value.toPrecision(3)));

function duration(seconds) {
  if (seconds < 1) return `${threeDigits(1e3 * seconds)} ms`;
  if (seconds < 59.5) return `${threeDigits(seconds)} s`;
  for (const [large, small, unit, below] of [["min", "s", 60, 3600], ["h", "min", 3600, 86400]]) {
    const all = Math.round(seconds / (unit / 60));
    const [whole, rest] = [Math.floor(all / 60), all % 60];
    if (seconds < below - unit / 120) return `${whole} ${large}${rest ? ` ${rest} ${small}` : ""}`;
  }
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)} d${hours % 24 ? ` ${hours % 24} h` : ""}`;
}

function memory(bytes) {
  for (const [unit, scale] of [["GB", 1e9], ["MB", 1e6]]) {
    if (bytes >= scale) return `${threeDigits(bytes / scale)} ${unit}`;
  }
  return `${threeDigits(bytes / 1e3)} kB`;
}

// the rule

function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
}

function reasonAgainst(row, total, need) {
  if (need.commercial && row.barred !== null) return row.barred;
  if (need.training && row.training === null) {
    return "what the training of its weights took is not known";
  }
  const limits = [
    [row.adapt, need.newStyleIn, "a new style", duration],
    [row.picture, need.pictureIn, "a picture", duration],
    [row.memory, need.memory, "it", memory],
    [total, need.totalIn, "all", duration],
  ];
  for (const [value, limit, what, said] of limits) {
    if (limit !== null && value !== null && value > limit) {
      return `${what} takes ${said(value)}, more than ${said(limit)}`;
    }
  }
  return null;
}

// The least by a number, the first of several.
const least = (rows, number) => rows.reduce((best, row) => (number(row) < number(best) ? row : best));

function inOrder(candidates, prefer, clearly) {
  const left = [...candidates];
  const ordered = [];
  while (left.length) {
    let best = least(left, (c) => c.error);
    if (prefer === "time") best = least(left, (c) => c.total);
    if (prefer === "balance") {
      const good = left.filter((c) => c.much_worse[best.place] < clearly);
      best = least(good, (c) => c.total);
    }
    ordered.push(...left.splice(left.indexOf(best), 1));
  }
  return ordered;
}

// The candidates, the first choice first, and who is excluded by what.
function choose(facts, need) {
  const candidates = [];
  const excluded = [...facts.excluded];
  facts.rows.forEach((row, place) => {
    const training = need.training ? row.training : 0;
    const total = training + need.styles * row.adapt + need.pictures * row.picture;
    const reason = reasonAgainst(row, total, need);
    if (reason !== null) {
      excluded.push([row.label, reason]);
      return;
    }
    let [low, high] = [null, null];
    if (row.times !== null) {
      const [adapt, picture] = row.times;
      const totals = adapt.map((a, i) => training + need.styles * a + need.pictures * picture[i]);
      [low, high] = [0.025, 0.975].map((share) => quantile(totals, share));
    }
    candidates.push({ ...row, place, total, low, high });
  });
  return { ordered: inOrder(candidates, need.prefer, facts.clearly), excluded };
}

// the words

const counted = (number, noun) =>
  `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;

function costText(c, need) {
  const known = c.low !== null && c.low !== c.high;
  const interval = known ? ` [${duration(c.low)} to ${duration(c.high)}]` : "";
  const [styles, pictures] = [need.styles, need.pictures].map((n) => n.toLocaleString("en-US"));
  const training = need.training && c.training ? `its training ${duration(c.training)}, ` : "";
  return (
    `${duration(c.total)}${interval} in all (${training}${styles} × ${duration(c.adapt)} and ` +
    `${pictures} × ${duration(c.picture)})`
  );
}

const qualityText = (c) =>
  `style error ${c.style.toFixed(2)} (0 as the style itself, 1 as the photograph), content error ` +
  `${c.content.toFixed(2)} (the other way round)`;

function besideText(other, best) {
  const more = other.total - best.total;
  const worse = other.worse[best.place];
  const share = Math.round(100 * (worse >= 0.5 ? worse : 1 - worse));
  return (
    `${duration(Math.abs(more))} ${more > 0 ? "more" : "less"}, pictures ` +
    `${worse >= 0.5 ? "worse" : "better"} in ${share}% of the resamples of the styles`
  );
}

function sureText(facts, ordered) {
  const said = [`quality is of ${counted(facts.styles, "style")}`];
  if (facts.styles < facts.few) {
    said.push("which is few: measure more (bench run --profile standard)");
  }
  const [best, other] = ordered;
  if (other !== undefined) {
    const apart = best.low === null || other.low === null
      || other.low > best.high || best.low > other.high;
    said.push(`the times of ${best.label} and ${other.label} ${apart ? "lie apart" : "overlap"}`);
  }
  return said.join("; ");
}

// the page

{
  const element = (tag, properties, ...children) => {
    const created = Object.assign(document.createElement(tag), properties);
    created.append(...children);
    return created;
  };
  const data = document.getElementById("answers");
  const answers = data === null ? [] : JSON.parse(data.textContent);
  const form = document.getElementById("need");
  const shown = document.getElementById("answer-text");
  const steps = (decades) =>
    [...Array(decades).keys()].flatMap((n) => [1, 2, 5].map((digit) => digit * 10 ** n));
  const scales = { pictures: [...steps(6), 1e6], styles: [...steps(3), 1e3] };
  const seconds = [0.01, 0.04, 0.1, 1, 5, 60, 600, 3600, 86400];
  const limits = {
    newStyleIn: [seconds, duration],
    pictureIn: [seconds.slice(0, 6), duration],
    totalIn: [seconds.slice(3), duration],
    memory: [[1e8, 2.5e8, 5e8, 1e9, 2e9, 4e9, 8e9, 1.6e10], memory],
  };
  const preferences = {
    balance: "the quickest of the good ones",
    quality: "the best pictures",
    time: "the least time",
  };

  const fill = (select, entries) =>
    select.replaceChildren(...entries.map(([value, text]) => element("option", { value }, text)));

  const need = () => {
    const { elements } = form;
    const asked = { prefer: elements.prefer.value };
    for (const name of ["commercial", "training"]) asked[name] = elements[name].checked;
    for (const [name, scale] of Object.entries(scales)) asked[name] = scale[elements[name].value];
    for (const name of Object.keys(limits)) {
      asked[name] = elements[name].value === "" ? null : Number(elements[name].value);
    }
    return asked;
  };

  const link = (c) => element("a", { href: `#${c.id}` }, c.label);

  const show = () => {
    const asked = need();
    const facts = answers[form.elements.measured.value];
    const { ordered, excluded } = choose(facts, asked);
    for (const name of Object.keys(scales)) {
      const text = asked[name].toLocaleString("en-US");
      const input = form.elements[name];
      input.previousElementSibling.value = text;
      input.setAttribute("aria-valuetext", text);
    }
    const [best, ...others] = ordered;
    const said = [];
    if (best === undefined) {
      said.push(element("p", { className: "choice" }, "No method meets the limits."));
    } else {
      said.push(
        element("p", { className: "choice" }, "Take ", link(best), `: ${costText(best, asked)}`),
        element("p", { className: "where" }, qualityText(best)),
      );
      if (!asked.training && best.training) {
        const whole = duration(best.training + best.total);
        const text = `with its training, on a domain of your own: ${whole} in all`;
        said.push(element("p", { className: "where" }, text));
      }
    }
    others.slice(0, 2).forEach((other, number) => {
      const beside = `: ${besideText(other, best)}; ${costText(other, asked)}; ${qualityText(other)}`;
      said.push(element("p", {}, number ? "Then " : "Next best ", link(other), beside));
    });
    if (others.length > 2) {
      const rest = others.slice(2).flatMap((other, i) => [i ? ", " : "", link(other)]);
      said.push(element("p", {}, "Then ", ...rest));
    }
    if (excluded.length) {
      const lines = excluded.map(([label, reason]) => element("li", {}, `${label}: ${reason}`));
      const summary = element("summary", {}, `Excluded: ${excluded.length}`);
      said.push(element("details", { open: best === undefined }, summary, element("ul", {}, ...lines)));
    }
    said.push(element("p", { className: "where" }, `How sure: ${sureText(facts, ordered)}`));
    if (best !== undefined) {
      const code = element("code", {}, best.commands.join("\n"));
      said.push(element("pre", { className: "command", tabIndex: 0 }, code));
    }
    shown.replaceChildren(...said);
  };

  const start = () => {
    const { elements } = form;
    for (const [name, scale] of Object.entries(scales)) {
      elements[name].max = scale.length - 1;
      elements[name].value = scale.indexOf(name === "pictures" ? 100 : 1);
    }
    for (const [name, [values, said]] of Object.entries(limits)) {
      fill(elements[name], [["", "any"], ...values.map((value) => [value, said(value)])]);
    }
    fill(elements.prefer, Object.entries(preferences));
    fill(elements.measured, answers.map((facts, place) => [place, facts.where]));
    elements.measured.parentElement.hidden = answers.length === 1;
    form.addEventListener("input", show);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    show();
  };

  if (answers.length) start();
}
