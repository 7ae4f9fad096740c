// Replays a recorded episode: the states as they were, and what the policies were thinking.

import { announce, byId, icon, points } from "./dom.js";
import { minds } from "./minds.js";
import { Stage } from "./stage.js";

const stage = new Stage(byId("canvas"), byId("stage"));
let episode = null;
let position = 0;
let playing = false;
let stepAt = 0;

async function open() {
  const id = document.body.dataset.episode;
  const response = await fetch(`/api/episodes/${id}`);
  const body = await response.json();
  if (!response.ok) {
    byId("status").textContent = body.error;
    return;
  }
  episode = body;
  byId("title").textContent = `${episode.title}, ${episode.frames.length - 1} steps`;
  byId("scrub").max = String(episode.frames.length - 1);
  if (episode.problem) byId("status").textContent = episode.problem;
  await stage.open(episode.static, episode.frames[0].scene, episode.tick_ms, null);
  stage.onFrame = frame;
  go(0, false);
  play(true);
}

const rate = () => Number(byId("speed").value);

function frame() {
  if (!playing || performance.now() < stepAt) return;
  stepAt = Math.max(stepAt + episode.tick_ms / rate(), performance.now() - 50);
  if (position >= episode.frames.length - 1) play(false);
  else go(position + 1, true);
}

function go(wanted, smooth) {
  position = Math.max(0, Math.min(episode.frames.length - 1, wanted));
  const { scene, score, scores } = episode.frames[position];
  stage.tickMs = episode.tick_ms / rate();
  if (smooth) stage.push(scene, performance.now());
  else stage.jump(scene);
  byId("scrub").value = String(position);
  byId("position").textContent = `${position} / ${episode.frames.length - 1}`;
  byId("score").textContent = points(score);
  byId("minds").replaceChildren(
    ...minds(episode, episode.frames[Math.min(position + 1, episode.frames.length - 1)], scores),
  );
}

function play(on) {
  if (on && position >= episode.frames.length - 1) go(0, false);
  playing = on;
  stepAt = performance.now() + episode.tick_ms / rate();
  byId("toggle").replaceChildren(icon(on ? "pause" : "play"));
  byId("toggle").setAttribute("aria-label", on ? "Pause" : "Play");
}

byId("back").replaceChildren(icon("back"));
byId("forward").replaceChildren(icon("step"));
byId("toggle").replaceChildren(icon("play"));
const step = (by) => {
  if (!episode) return;
  play(false);
  go(position + by, false);
  announce(`Step ${position}, score ${points(episode.frames[position].score)}`);
};
byId("back").addEventListener("click", () => step(-1));
byId("forward").addEventListener("click", () => step(1));
byId("toggle").addEventListener("click", () => episode && play(!playing));
byId("scrub").addEventListener("input", (event) => {
  if (!episode) return;
  play(false);
  go(Number(event.target.value), false);
});
addEventListener("keydown", (event) => {
  if (!episode || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("select, input, button")) return;
  if (event.code === "Space") play(!playing);
  else if (event.code === "ArrowLeft") step(-1);
  else if (event.code === "ArrowRight") step(1);
  else return;
  event.preventDefault();
});

open().catch(() => {
  byId("status").textContent = "The replay could not be loaded; is the server still running?";
});
