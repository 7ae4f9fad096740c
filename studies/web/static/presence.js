// Waiting for a partner, and whether somebody who plays is there.

import { announce, byId, show } from "/static/js/dom.js";
import * as net from "/static/js/net.js";
import * as sound from "/static/js/sound.js";

const BEAT_MS = 4000;
const MARK = "\u25cf ";

const clock = (ms) => {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
};

// Marks the title of a page that nobody sees, until it is seen.
const title = document.title;
function call(words) {
  if (document.hidden) document.title = `${MARK}${words}`;
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.title = title;
});

export class Lobby {
  open(left) {
    const until = performance.now() + left;
    const write = () => {
      const place = byId("lobby-left");
      place.textContent = place.dataset.text.replace("{time}", clock(until - performance.now()));
    };
    clearInterval(this.writing);
    this.writing = setInterval(write, 500);
    write();
    if (document.body.dataset.screen !== "lobby") show("lobby");
  }

  close(found = false) {
    if (this.writing === undefined) return;
    clearInterval(this.writing);
    this.writing = undefined;
    if (!found) return;
    const { found: words } = byId("notice").dataset;
    sound.play("go");
    announce(words);
    call(words);
  }
}

export class Attention {
  constructor(game) {
    this.game = game;
    this.ms = null;
    document.addEventListener("visibilitychange", () => this.#tellHidden());
  }

  open() {
    if (!byId("attention")) return;
    byId("attention").hidden = true;
    if (document.hidden) this.#tellHidden();
    if (this.beating === undefined) this.beating = setInterval(() => this.#beat(), BEAT_MS);
  }

  close() {
    clearInterval(this.beating);
    this.beating = undefined;
  }

  heard({ what, now }) {
    const place = byId("attention");
    place.hidden = now === "fine" || now === "pause";
    if (now === "warned") {
      place.textContent = place.dataset[what];
      sound.play("count");
      call(byId("notice").dataset.away);
    }
  }

  #tellHidden() {
    if (this.game.running) net.tell("hidden", { on: document.hidden });
  }

  // A message there and back; how long it took goes along with the next one.
  async #beat() {
    if (!this.game.running || !net.connected()) return;
    const start = performance.now();
    await net.ask("beat", { ms: this.ms });
    this.ms = performance.now() - start;
  }
}
