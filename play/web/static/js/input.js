// Keys, touch pad and gamepad, all turned into presses and releases of actions.

import { byId } from "./dom.js";
import * as settings from "./settings.js";

const DIRECTIONS = ["ArrowUp", "ArrowLeft", "ArrowRight", "ArrowDown"];

export class Input {
  // `send(action, down)` is called for every press, and for a release when nothing holds the
  // action any longer.
  constructor(send) {
    this.send = send;
    this.held = new Map(); // source, such as "key:KeyW" -> action
    this.map = new Map();
    this.keys = {};
    this.enabled = false;
    this.finger = null; // where a finger is on the picture, in parts of its size
    addEventListener("keydown", (event) => this.#keyDown(event));
    addEventListener("keyup", (event) => this.#up(`key:${event.code}`));
    addEventListener("blur", () => this.releaseAll());
    // A clicked button gives the focus back, or the space bar would press it for the rest of the game.
    byId("game").addEventListener("click", (event) => {
      if (event.detail > 0) document.activeElement?.blur();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.releaseAll();
    });
    this.#listenToPad();
    this.#listenToPicture(byId("canvas"));
  }

  enable(actions, keys) {
    this.keys = keys;
    this.map = settings.keyMap(actions, keys);
    this.enabled = true;
  }

  disable() {
    this.releaseAll();
    this.enabled = false;
  }

  releaseAll() {
    this.finger = null;
    for (const source of [...this.held.keys()]) this.#up(source);
  }

  #keyDown(event) {
    if (!this.enabled || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]") || !byId("overlay").hidden) return;
    const action = this.map.get(event.code);
    if (action === undefined || pressesButton(event)) return;
    event.preventDefault();
    if (!event.repeat) this.#down(`key:${event.code}`, action);
  }

  #down(source, action) {
    if (!this.enabled || action === undefined || this.held.get(source) === action) return;
    this.#up(source);
    this.held.set(source, action);
    this.send(action, true);
  }

  #up(source) {
    const action = this.held.get(source);
    if (action === undefined) return;
    this.held.delete(source);
    if (![...this.held.values()].includes(action)) this.send(action, false);
  }

  // The thumb may slide over the pad: the direction is where it is, not where it went down.
  #listenToPad() {
    const pad = byId("pad");
    const act = document.querySelector(".pad-act");
    const buttons = new Map([...pad.children].map((node) => [node.dataset.code, node]));
    const point = (event) => {
      const code = padDirection(pad.getBoundingClientRect(), event);
      for (const [name, node] of buttons) node.classList.toggle("down", name === code);
      if (code) this.#down(`touch:${event.pointerId}`, this.keys[code]);
      else this.#up(`touch:${event.pointerId}`);
    };
    const lift = (event) => {
      for (const node of buttons.values()) node.classList.remove("down");
      this.#up(`touch:${event.pointerId}`);
    };
    pad.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      pad.setPointerCapture(event.pointerId);
      point(event);
    });
    pad.addEventListener("pointermove", (event) => {
      if (pad.hasPointerCapture(event.pointerId)) point(event);
    });
    pad.addEventListener("pointerup", lift);
    pad.addEventListener("pointercancel", lift);
    act.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      act.setPointerCapture(event.pointerId);
      act.classList.add("down");
      this.#down(`touch:${event.pointerId}`, this.keys[act.dataset.code]);
    });
    const release = (event) => {
      act.classList.remove("down");
      this.#up(`touch:${event.pointerId}`);
    };
    act.addEventListener("pointerup", release);
    act.addEventListener("pointercancel", release);
    byId("touch").addEventListener("contextmenu", (event) => event.preventDefault());
  }

  // A finger, or the mouse, that is dragged over the picture.
  #listenToPicture(canvas) {
    const point = (event) => {
      const box = canvas.getBoundingClientRect();
      this.finger = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    const lift = () => {
      this.finger = null;
      this.#up("drag");
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.enabled) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      point(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) point(event);
    });
    canvas.addEventListener("pointerup", lift);
    canvas.addEventListener("pointercancel", lift);
  }

  // Called once per drawn frame: the player follows the finger, where the picture knows the way.
  follow(direction) {
    if (!this.finger) return;
    const code = direction(...this.finger);
    if (code) this.#down("drag", this.keys[code]);
    else this.#up("drag");
  }

  // Called once per drawn frame: the gamepad API has no events for buttons.
  pollGamepads() {
    for (const pad of navigator.getGamepads?.() ?? []) {
      if (pad) this.#pollGamepad(pad);
    }
  }

  #pollGamepad(pad) {
    const pressed = (index) => pad.buttons[index]?.pressed ?? false;
    const code = stickDirection(pad, pressed);
    if (code) this.#down(`pad:${pad.index}:move`, this.keys[code]);
    else this.#up(`pad:${pad.index}:move`);
    if ([0, 1, 2, 3].some(pressed)) this.#down(`pad:${pad.index}:act`, this.keys.Space);
    else this.#up(`pad:${pad.index}:act`);
  }
}

// Enter and space belong to a button that somebody has gone to with Tab.
const pressesButton = ({ code, target }) =>
  (code === "Enter" || code === "Space") && target.matches("button, a");

function padDirection(box, event) {
  const x = (event.clientX - box.left) / box.width - 0.5;
  const y = (event.clientY - box.top) / box.height - 0.5;
  if (Math.hypot(x, y) < 0.1) return null;
  if (Math.abs(x) > Math.abs(y)) return x < 0 ? "ArrowLeft" : "ArrowRight";
  return y < 0 ? "ArrowUp" : "ArrowDown";
}

function stickDirection(pad, pressed) {
  const [up, down, left, right] = [12, 13, 14, 15].map(pressed);
  const x = (right ? 1 : 0) - (left ? 1 : 0) || pad.axes[0] || 0;
  const y = (down ? 1 : 0) - (up ? 1 : 0) || pad.axes[1] || 0;
  if (Math.max(Math.abs(x), Math.abs(y)) < 0.5) return null;
  const [north, west, east, south] = DIRECTIONS;
  if (Math.abs(x) > Math.abs(y)) return x < 0 ? west : east;
  return y < 0 ? north : south;
}
