// A round or the tutorial: the play page's game, between a start button and a way on.

import { announce, byId, button, icon, notice, show } from "/static/js/dom.js";
import { Game } from "/static/js/game.js";
import * as net from "/static/js/net.js";
import * as settings from "/static/js/settings.js";
import * as sound from "/static/js/sound.js";
import { loadRenderer } from "/static/js/stage.js";
import { Attention, Lobby } from "/own/presence.js";

const go = () => location.replace("/study");
const said = byId("notice").dataset;
let refused = false;

const game = new Game({ onEnd: ended, onLeave: go, onResume: here, keptS: null });
const lobby = new Lobby();
const attention = new Attention(game);

function here() {
  net.tell("here", {});
}

function ended({ score, reason }) {
  attention.close();
  if (reason !== "complete") return go();
  const text = byId("end-text");
  if (text) text.textContent = text.dataset.text.replace("{score}", score);
  show("end");
  byId("next").focus();
  announce(`${byId("end-title").textContent} ${text?.textContent ?? ""}`);
  return undefined;
}

function begin() {
  sound.unlock();
  byId("ready-problem").hidden = true;
  if ("fullScreen" in byId("start").dataset && !document.fullscreenElement) {
    document.documentElement.requestFullscreen?.().catch(() => {});
  }
  byId("start").disabled = true;
  net.tell("ready", {});
}

function performed(count) {
  const list = byId("tasks");
  if (!list) return;
  [...list.children].forEach((item, index) => {
    item.classList.toggle("done", index < count);
    item.toggleAttribute("aria-current", index === count);
    if (index < count) item.setAttribute("aria-label", `${item.textContent}: ${list.dataset.done}`);
  });
  const next = list.children[count];
  if (next) announce(next.textContent);
}

function ready() {
  if (game.running) game.close();
  lobby.close();
  byId("start").disabled = false;
  show("ready");
  byId("start").focus();
}

net.on("wait", ready);
net.on("lobby", ({ left_ms: left }) => {
  if (game.running) game.close();
  lobby.open(left);
});
net.on("game", (message) => {
  lobby.close(message.t === 0);
  game.open(message);
  attention.open();
  performed(message.performed);
});
net.on("status", (message) => game.setStatus(message));
net.on("attention", (message) => attention.heard(message));
net.on("tick", (message) => game.tick(message));
net.on("task", (message) => performed(message.performed));
net.on("stalled", () => {
  if (game.running) return game.stalled();
  ready();
  byId("ready-problem").hidden = false;
  return undefined;
});
net.on("end", (message) => game.end(message));
net.on("over", go);
net.on("replaced", () => {
  refused = true;
  game.close();
  net.close();
  notice(said.replaced, said.replacedText, button(said.replacedHere, () => location.reload(), "primary"));
});
net.on("refused", () => {
  refused = true;
  game.close();
  net.close();
  notice(said.refused, "", button(said.refusedAgain, () => location.reload(), "primary"));
});
net.onLost((reason) => {
  if (!refused && reason !== "io client disconnect") game.lost();
});

function showMute() {
  byId("mute").setAttribute("aria-pressed", String(settings.get("muted")));
  byId("mute").replaceChildren(icon(settings.get("muted") ? "silent" : "sound"));
}

byId("mute").addEventListener("click", () => {
  settings.set("muted", !settings.get("muted"));
  sound.unlock();
});
byId("start").addEventListener("click", begin);
addEventListener("pointerdown", sound.unlock);
addEventListener("keydown", sound.unlock);
settings.onChange(showMute);
showMute();
// The art is here before the countdown begins; what fails to load is loaded again with the game.
loadRenderer(byId("game").dataset.renderer).then(({ preload }) => preload().catch(() => {}));
net.currentGame(() => game.current?.id ?? null);
net.connect();
