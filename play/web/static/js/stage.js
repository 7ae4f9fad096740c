// A canvas that shows a game: fits the renderer into its place and moves smoothly between ticks.

import * as settings from "./settings.js";

const modules = new Map(); // renderer name -> promise of its module

export function loadRenderer(name) {
  if (!modules.has(name)) modules.set(name, import(`../renderers/${name}.js`));
  return modules.get(name);
}

export async function makeRenderer(canvas, scene, options = {}) {
  const { createRenderer } = await loadRenderer(scene.renderer);
  return createRenderer(canvas, scene, {
    mySeat: null,
    get reducedMotion() {
      return settings.reducedMotion();
    },
    ...options,
  });
}

// The largest size of the wanted proportions inside a box.
export function fit(width, height, aspect) {
  const w = Math.max(1, Math.min(width, height * aspect));
  return [Math.floor(w), Math.floor(w / aspect)];
}

export class Stage {
  constructor(canvas, place) {
    this.canvas = canvas;
    this.place = place;
    this.renderer = null;
    this.running = false;
    this.onFrame = null;
    new ResizeObserver(() => this.#resize()).observe(place);
  }

  async open(staticScene, scene, tickMs, mySeat) {
    this.renderer = null;
    this.previous = this.next = scene;
    this.tickMs = tickMs;
    this.arrived = performance.now();
    this.delay = null;
    const renderer = await makeRenderer(this.canvas, staticScene, { mySeat, tickMs });
    this.renderer = renderer;
    this.#resize();
    if (!this.running) {
      this.running = true;
      requestAnimationFrame((time) => this.#frame(time));
    }
  }

  close() {
    this.running = false;
  }

  // A new state. `due` is the server's time of the tick: arrivals that jitter around it are
  // smoothed, so that motion stays even while the network does not.
  push(scene, due) {
    const now = performance.now();
    this.previous = this.next;
    this.next = scene;
    const delay = now - due;
    if (this.delay === null || Math.abs(delay - this.delay) > 3 * this.tickMs) this.delay = delay;
    else this.delay += (delay - this.delay) * (delay < this.delay ? 0.3 : 0.05);
    this.arrived = Math.min(now, due + this.delay);
  }

  // Whether a player can be led by a finger on the picture.
  get drags() {
    return Boolean(this.renderer?.direction);
  }

  direction(x, y) {
    return this.renderer.direction(x, y);
  }

  // Sound effects for what a step changed without anybody's doing.
  cues(previous, next) {
    return this.renderer?.cues(previous, next) ?? [];
  }

  // Shows a state without moving to it (after a pause, a jump in a replay, a reconnection).
  jump(scene) {
    this.previous = this.next = scene;
    this.delay = null;
  }

  #resize() {
    if (!this.renderer) return;
    const box = this.place.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) return;
    const [width, height] = fit(box.width, box.height, this.renderer.aspect);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    this.renderer.resize(width, height, devicePixelRatio || 1);
  }

  #frame(time) {
    if (!this.running) return;
    this.onFrame?.(time);
    if (this.renderer) {
      const part = (performance.now() - this.arrived) / this.tickMs;
      const most = 1 + (this.renderer.ahead ?? 0); // some know how things go on for a while
      const alpha = settings.reducedMotion() ? 1 : Math.max(0, Math.min(most, part));
      this.renderer.draw(this.previous, this.next, alpha, time);
    }
    requestAnimationFrame((next) => this.#frame(next));
  }
}
