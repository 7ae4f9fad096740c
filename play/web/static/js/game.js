// One running game on the screen: what the server sends becomes picture, sound and words.

import { announce, button, byId, icon, show } from "./dom.js";
import { Hud } from "./hud.js";
import { Input } from "./input.js";
import * as net from "./net.js";
import * as settings from "./settings.js";
import * as sound from "./sound.js";
import { Stage } from "./stage.js";
import { t } from "./words.js";

const RESUME_S = 30;

export class Game {
  // `keptS` is for how many seconds a lost player's place is kept; null for as long as it takes,
  // in a game that nobody can leave. `onResume` lets a game go on that waits for this player.
  constructor({ onEnd, onLeave, onResume = () => this.togglePause(), keptS = RESUME_S }) {
    this.onEnd = onEnd;
    this.onLeave = onLeave;
    this.onResume = onResume;
    this.keptS = keptS;
    this.current = null;
    this.hud = new Hud();
    this.stage = new Stage(byId("canvas"), byId("stage"));
    this.input = new Input((action, down) => net.tell("key", { action, down, at: net.now() }));
    this.stage.onFrame = () => this.#frame();
    byId("pause").addEventListener("click", () => this.togglePause());
    byId("leave").addEventListener("click", () => this.leave());
    byId("leave").replaceChildren(icon("leave"));
    addEventListener("keydown", (event) => this.#shortcut(event));
    settings.onChange(() => this.#applySettings());
    this.#applySettings();
  }

  get running() {
    return this.current !== null;
  }

  async open(game) {
    this.current = game;
    this.ending = false;
    this.waiting = false;
    show("game");
    document.body.classList.toggle("spectating", game.seat === null);
    this.hud.open(game);
    this.#help();
    byId("pause").hidden = !game.can_pause;
    this.#keys();
    this.setStatus(game);
    await this.stage.open(game.static, game.scene, game.tick_ms, game.seat);
    this.#applySettings();
  }

  tick(message) {
    const game = this.current;
    if (!game || message.id !== game.id) return;
    if (this.waiting) {
      this.waiting = false;
      this.#hideOverlay();
    }
    if (message.t === game.t + 1) this.stage.push(message.scene, message.due);
    else this.stage.jump(message.scene);
    this.#effects(message, game.scene);
    const { t, scene, score, scores } = message;
    Object.assign(game, { t, scene, score, scores });
    this.hud.setTime(t);
    this.hud.setScore(score, scores);
  }

  end(message) {
    const game = this.current;
    if (!game) return this.onEnd(message); // this page was away when it happened
    if (message.id !== game.id) return undefined;
    this.input.disable();
    this.ending = true;
    sound.play("end");
    const pause = message.reason === "complete" ? 1100 : 0;
    setTimeout(() => {
      if (this.current !== game) return;
      this.close();
      this.onEnd(message);
    }, pause);
    return undefined;
  }

  close() {
    this.current = null;
    this.input.disable();
    this.stage.close();
    this.#hideOverlay();
    byId("countdown").hidden = true;
  }

  setStatus({ seats, paused, starts_in_ms: startsIn }) {
    const game = this.current;
    if (!game) return;
    game.seats = seats;
    game.paused = paused;
    this.hud.setSeats(seats);
    byId("pause").replaceChildren(icon(paused ? "play" : "pause"));
    if (paused?.reason === "away" || this.#another(paused)) this.#waitFor(paused);
    else if (paused) {
      this.#overlay(t("Paused"), t("The game is waiting for you."), this.#resumeActions());
    }
    else this.#hideOverlay();
    this.startsAt = performance.now() + startsIn;
    this.counted = null;
    this.#countDown(); // now, not with the first picture: that one may have to be loaded first
    if (paused) this.stage.jump(game.scene);
  }

  // The server cannot save the record; the game goes on when it can.
  stalled() {
    if (!this.current || this.ending) return;
    this.waiting = true;
    const text = t("The server cannot save the game right now and tries again.");
    this.#overlay(t("One moment"), text, this.#leaveActions("Leave"));
  }

  lost() {
    if (!this.current || this.ending) return;
    this.input.releaseAll();
    const until = performance.now() + this.keptS * 1000;
    const kept = (seconds) => (this.keptS === null ? "" : `Your place is kept for ${seconds} s. `);
    this.#countingOverlay(
      t("Connection lost"),
      (seconds) => `${kept(seconds)}${t("Trying to get back in…")}`,
      until,
      this.#leaveActions("Menu"),
    );
  }

  async leave() {
    net.tell("leave", {});
    this.close();
    this.onLeave();
  }

  togglePause() {
    const game = this.current;
    if (!game?.can_pause || this.ending) return;
    net.tell("pause", { on: !game.paused });
  }

  #leaveActions(label) {
    return this.keptS === null ? [] : [button(label, () => this.leave())];
  }

  #resumeActions() {
    const { can_pause: may, paused, seat } = this.current;
    if (!may && !(Number.isInteger(seat) && paused.seat === seat)) return [];
    return [button(t("Go on"), () => this.onResume(), "primary"), ...this.#leaveActions("Leave")];
  }

  // Whether a game stands still because of another player.
  #another(paused) {
    return Number.isInteger(paused?.seat) && paused.seat !== this.current.seat;
  }

  #waitFor(paused) {
    const name = this.current.seats[paused.seat]?.label ?? "The other player";
    const lost = paused.reason === "away";
    this.#countingOverlay(
      lost ? t("{name} lost the connection", { name }) : t("{name} is not at the game", { name }),
      (seconds) =>
        t("The game goes on as soon as they are back, and ends in {seconds} s if not.", { seconds }),
      performance.now() + paused.left_ms,
      this.#leaveActions("Leave"),
    );
  }

  #countingOverlay(title, text, until, actions) {
    const write = () => {
      const seconds = Math.max(0, Math.ceil((until - performance.now()) / 1000));
      byId("overlay-text").textContent = text(seconds);
    };
    this.#overlay(title, "", actions);
    write();
    this.counting = setInterval(write, 500);
  }

  #overlay(title, text, actions) {
    clearInterval(this.counting);
    byId("overlay-title").textContent = title;
    byId("overlay-text").textContent = text;
    byId("overlay-actions").replaceChildren(...actions);
    byId("overlay").hidden = false;
    actions[0]?.focus();
    this.input.releaseAll();
    announce(`${title}. ${text}`);
  }

  #hideOverlay() {
    clearInterval(this.counting);
    byId("overlay").hidden = true;
  }

  #shortcut(event) {
    if (!this.current || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    const taken = byId("overlay").hidden && this.input.map.has(event.code);
    if (taken) return;
    if (event.code === "KeyP" || event.code === "Escape") this.togglePause();
    else if (event.code === "KeyM") settings.set("muted", !settings.get("muted"));
    else return;
    event.preventDefault();
  }

  #keys() {
    const game = this.current;
    if (game && game.seat !== null && !this.ending) this.input.enable(game.actions, game.keys);
    else this.input.disable();
  }

  #applySettings() {
    // A picture that a finger can be dragged over needs no pad, unless somebody wants it.
    const pad = this.stage.drags ? settings.get("touch") === true : settings.touching();
    document.body.classList.toggle("touching", pad);
    byId("canvas").classList.toggle("drags", this.stage.drags);
    this.#keys();
    if (this.current) this.#help();
  }

  #help() {
    const game = this.current;
    const keys = game.can_pause ? t("P pauses, M mutes.") : t("M mutes.");
    const byFinger = game.touch && this.stage.drags && settings.touching();
    const help = byFinger ? game.touch : `${game.help} ${keys}`;
    byId("help").textContent = game.seat === null ? "You are watching." : help;
    document.querySelector(".pad-act").hidden = game.keys.Space === undefined;
  }

  #frame() {
    this.input.pollGamepads();
    if (this.stage.drags) this.input.follow((x, y) => this.stage.direction(x, y));
    if (this.current) this.#countDown();
  }

  #countDown() {
    const game = this.current;
    const left = this.startsAt - performance.now();
    const counting = left > 0 && !game.paused;
    byId("countdown").hidden = !counting;
    if (counting) this.#count(Math.ceil(left / 1000));
    else if (this.counted && !game.paused) this.#go();
  }

  #count(seconds) {
    if (this.counted === seconds) return;
    this.counted = seconds;
    const place = byId("countdown");
    const number = document.createElement("span");
    number.textContent = String(seconds);
    const hint = document.createElement("small");
    hint.textContent = this.current.t === 0 ? this.current.goal : "";
    place.replaceChildren(number, hint);
    sound.play("count");
    announce(String(seconds));
  }

  #go() {
    this.counted = 0;
    sound.play("go");
    announce(t("Go!"));
  }

  #effects(message, before) {
    const effects = new Set();
    for (const name of message.events.flat()) {
      const effect = sound.cue(name);
      if (effect) effects.add(effect);
    }
    for (const effect of this.stage.cues(before, message.scene)) effects.add(effect);
    for (const effect of effects) sound.play(effect);
  }
}
