"use strict";

// The blind test: the server says what is open, the page shows it and sends the choice.

const byId = (id) => document.getElementById(id);
const KEYS = { ArrowLeft: "left", ArrowRight: "right", " ": "same", ArrowDown: "same" };
let state = { trial: null };
let busy = false;

async function ask(place, body) {
  const request = body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const answer = await fetch(place, request);
  const told = await answer.json();
  if (answer.status === 409) return ask("state"); // another page, or a server before, had it
  if (!answer.ok) throw new Error(told.error);
  return told;
}

async function show(next) {
  state = next;
  byId("trial").hidden = byId("same").hidden = state.trial === null;
  byId("done").hidden = state.trial !== null;
  byId("undo").disabled = !state.undo;
  byId("progress").textContent = `${state.votes} of ${state.trials} possible comparisons judged`;
  if (state.trial === null) return;
  await Promise.all(
    ["content", "style", "left", "right"].map((what) => {
      const image = byId(what);
      image.src = `${what}/${state.trial}`;
      return image.decode();
    }),
  );
}

function setBusy(now) {
  busy = now;
  document.body.setAttribute("aria-busy", String(now));
}

async function act(place, body) {
  if (busy) return; // a vote is for what is on the screen
  setBusy(true);
  byId("problem").hidden = true;
  try {
    await show(await ask(place, body));
  } catch (error) {
    byId("problem").textContent = `That did not work: ${error.message}. Is bench vote still running?`;
    byId("problem").hidden = false;
  } finally {
    setBusy(false);
  }
}

const vote = (choice) => state.trial !== null && act("vote", { trial: state.trial, choice });
const undo = () => state.undo && act("undo", {});

document.querySelectorAll("[data-choice]").forEach((button) => {
  button.addEventListener("click", () => {
    button.blur(); // or space would press it again
    vote(button.dataset.choice);
  });
});
byId("undo").addEventListener("click", (event) => {
  event.currentTarget.blur();
  undo();
});
addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  // space and the arrows do what they always do on what has the focus
  if (event.key === " " && event.target.closest("button")) return;
  if (KEYS[event.key]) vote(KEYS[event.key]);
  else if (event.key === "Backspace" || event.key === "u") undo();
  else return;
  event.preventDefault();
});

act("state");
