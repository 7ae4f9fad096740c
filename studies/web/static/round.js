// A round or the tutorial: the play page's game, between a start button and a way on.

import { announce, byId, button, icon, notice, show } from "/static/js/dom.js";
import { Game } from "/static/js/game.js";
import * as net from "/static/js/net.js";
import * as settings from "/static/js/settings.js";
import * as sound from "/static/js/sound.js";

const go = () => location.replace("/study");
const said = byId("notice").dataset;
let refused = false;

const game = new Game({ onEnd: ended, onLeave: go, keptS: null });

function ended({ score, reason }) {
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

net.on("wait", () => {
  if (game.running) game.close();
  byId("start").disabled = false;
  show("ready");
  byId("start").focus();
});
net.on("game", (message) => {
  game.open(message);
  performed(message.performed);
});
net.on("tick", (message) => game.tick(message));
net.on("task", (message) => performed(message.performed));
net.on("stalled", () => game.stalled());
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
net.currentGame(() => game.current?.id ?? null);
net.connect();
