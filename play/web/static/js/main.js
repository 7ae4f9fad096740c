// Puts the pages together: what the server says decides which screen is shown.

import { Controls } from "./controls.js";
import { announce, button, byId, icon, notice } from "./dom.js";
import { showEnd } from "./end.js";
import { Game } from "./game.js";
import { Lobby } from "./lobby.js";
import { Menu } from "./menu.js";
import * as net from "./net.js";
import * as settings from "./settings.js";
import * as sound from "./sound.js";

const goal = location.pathname.match(/^\/(join|watch)\/([A-Z2-9]{8})$/);
let pending = goal ? { kind: goal[1], code: goal[2] } : null;
let refused = false;
let finished = null; // the last game, for "play again"

const menu = new Menu({ onStart: start });
const lobby = new Lobby({ onLeave: toMenu });
const game = new Game({ onEnd: ended, onLeave: toMenu });
const controls = new Controls();

function forgetPath() {
  pending = null;
  if (location.pathname !== "/") history.replaceState(null, "", "/");
}

async function toMenu() {
  if (!game.running) net.tell("leave", {});
  forgetPath();
  if (refused) {
    refused = false;
    net.connect();
    return;
  }
  try {
    await menu.open();
  } catch {
    notice("The game is closed", "The menu could not be loaded; is the server still running?",
      button("Try again", () => location.reload(), "primary"));
  }
}

async function start(wish) {
  sound.unlock();
  byId("play").disabled = true;
  const answer = await net.ask("start", wish);
  byId("play").disabled = false;
  if (!answer.ok) menu.fail(answer.error);
}

function ended(message) {
  finished = message;
  forgetPath();
  showEnd(message);
}

async function again() {
  sound.unlock();
  byId("again").disabled = true;
  const answer = await net.ask("again");
  if (!answer.ok) {
    byId("again").disabled = false;
    byId("end-text").textContent = answer.error;
  } else if (answer.waiting) {
    byId("end-text").textContent = "Waiting for the other player to say yes…";
    announce("Waiting for the other player");
  }
}

async function enter() {
  const { kind, code } = pending;
  const answer = await net.ask(kind, { code });
  pending = null;
  if (answer.ok) return;
  notice("This link leads nowhere", answer.error, button("Menu", toMenu, "primary"));
}

net.on("welcome", ({ active, own }) => {
  if (own) {
    const code = pending.code;
    notice(
      "This is your own link",
      "You made it in this browser. Send it to somebody else, or play both seats from here.",
      button("Sit down as the other player", () => net.becomeSomebodyElse(), "primary"),
      button("Move my seat to this tab", () => {
        pending = null;
        net.connect();
      }),
    );
    announce(`Your own link, ${code}`);
  } else if (active) pending = null;
  else if (pending) enter();
  else if (game.running) {
    game.close();
    notice("That game is over", "Nobody could keep it waiting any longer.",
      button("Menu", toMenu, "primary"));
  } else if (!["menu", "end", "notice"].includes(document.body.dataset.screen)) toMenu();
});

net.on("lobby", (message) => {
  if (game.running) game.close();
  lobby.open(message);
});
net.on("game", (message) => game.open(message));
net.on("tick", (message) => game.tick(message));
net.on("status", (message) => game.setStatus(message));
net.on("stalled", () => game.stalled());
net.on("end", (message) => game.end(message));
net.on("again", ({ yes, of }) => {
  if (finished) byId("end-text").textContent = `${yes} of ${of} want to play again.`;
});
net.on("gone", () => {
  byId("again").disabled = true;
  byId("end-text").textContent = "The other player has left.";
  announce("The other player has left");
  if (document.body.dataset.screen === "lobby") toMenu();
});
net.on("replaced", () => {
  refused = true;
  game.close();
  net.close();
  notice("The game moved to another tab", "You are playing in the tab that you opened last.",
    button("Take it back here", () => {
      refused = false;
      net.connect();
    }, "primary"));
});
net.on("refused", ({ error }) => {
  refused = true;
  game.close();
  net.close();
  notice("The server ended the connection", error,
    button("Try again", () => {
      refused = false;
      net.connect();
    }, "primary"));
});
net.onLost((reason) => {
  if (!refused && reason !== "io client disconnect") game.lost();
});

function showMute() {
  const muted = settings.get("muted");
  for (const node of document.querySelectorAll('[data-action="mute"]')) {
    node.setAttribute("aria-pressed", String(muted));
    node.setAttribute("aria-label", "Mute");
    node.replaceChildren(icon(muted ? "silent" : "sound"));
  }
}

document.addEventListener("click", (event) => {
  const action = event.target.closest("[data-action]")?.dataset.action;
  if (action === "mute") {
    settings.set("muted", !settings.get("muted"));
    sound.unlock();
  } else if (action === "settings" && menu.data) controls.open(menu.family().controls);
});
addEventListener("pointerdown", sound.unlock);
addEventListener("keydown", sound.unlock);
settings.onChange(showMute);
showMute();

byId("again").addEventListener("click", again);
byId("end-menu").addEventListener("click", toMenu);
net.currentGame(() => game.current?.id ?? null);
net.connect(pending?.kind === "join" ? { join: pending.code } : {});
