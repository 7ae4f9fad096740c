// Watches a round from its record: live, a moment behind, or anywhere in what was played so far.

import { byId, icon, points } from "/static/js/dom.js";
import { minds } from "/static/js/minds.js";
import { Stage } from "/static/js/stage.js";

const POLL_MS = 250;
const BEHIND = 3; // steps that are held back, so that motion stays even between two answers

const place = byId("watch").dataset.round;
const stage = new Stage(byId("canvas"), byId("stage"));
let round = null; // what does not change
let frames = [];
let ended = null;
let position = 0;
let playing = true;
let atTheEnd = true; // whether it keeps up with the game
let stepAt = 0;

async function read() {
  const response = await fetch(`/desk/rounds/${place}?after=${frames.length}`, { cache: "no-store" });
  if (response.redirected) location.reload();
  const told = await response.json();
  if (!response.ok) throw new Error(told.error);
  if (!round) {
    round = told;
    atTheEnd = !told.ended;
    await stage.open(told.static, told.frames[0].scene, told.tick_ms, null);
    stage.onFrame = frame;
  }
  frames.push(...told.frames);
  ended = told.ended;
  byId("scrub").max = String(frames.length - 1);
  if (position === 0) go(atTheEnd ? frames.length - 1 : 0, false);
  else go(position, null);
  byId("status").textContent = ended
    ? `This round is over after ${frames.length - 1} steps.`
    : `Live: step ${frames.length - 1} of ${round.horizon}.`;
}

function frame() {
  if (!playing || performance.now() < stepAt) return;
  const waiting = frames.length - 1 - position;
  if (waiting <= 0) return;
  const hurry = atTheEnd && waiting > BEHIND ? 2 : 1;
  stepAt = Math.max(stepAt + round.tick_ms / hurry, performance.now() - 50);
  stage.tickMs = round.tick_ms / hurry;
  go(atTheEnd && waiting > 20 ? frames.length - BEHIND : position + 1, waiting <= 20);
}

// smooth: true moves, false jumps, null leaves the picture as it is.
function go(wanted, smooth) {
  position = Math.max(0, Math.min(frames.length - 1, wanted));
  const { scene, score, late_ms: late } = frames[position];
  if (smooth) stage.push(scene, performance.now());
  else if (smooth === false) stage.jump(scene);
  byId("scrub").value = String(position);
  byId("position").textContent = `${position} / ${frames.length - 1}`;
  byId("score").textContent = points(score);
  byId("lag").textContent = `${Math.round(late)} ms`;
  byId("now").hidden = Boolean(ended) || atTheEnd;
  byId("minds").replaceChildren(...minds(round, frames[Math.min(position + 1, frames.length - 1)], null));
}

function play(on) {
  playing = on;
  stepAt = performance.now();
  if (on && ended && position >= frames.length - 1) go(0, false);
  byId("toggle").replaceChildren(icon(on ? "pause" : "play"));
  byId("toggle").setAttribute("aria-label", on ? "Pause" : "Play");
}

byId("toggle").addEventListener("click", () => {
  if (playing) atTheEnd = false;
  play(!playing);
});
byId("scrub").addEventListener("input", (event) => {
  atTheEnd = false;
  play(false);
  go(Number(event.target.value), false);
});
byId("now").addEventListener("click", () => {
  atTheEnd = true;
  play(true);
  go(frames.length - 1, false);
});

async function loop() {
  try {
    if (!document.hidden || !round) await read();
  } catch (error) {
    byId("status").textContent = `It cannot be watched at the moment (${error.message}).`;
  }
  if (!ended) setTimeout(loop, POLL_MS);
}

play(true);
loop();
