// Draws a game of tag: the lawn, bushes, cats and mice, and who has just been touched.
//
// Positions of the world are in half-widths of the arena, y upwards. Sprites are rasterised at the
// size they are shown at, so edges are sharp everywhere. Between ticks everybody moves along a curve
// that has the right direction at both ends; a tick that is late is bridged by going straight on.

import { Sprites, loadArt } from "./kitchen_sprites.js";

const VIEW = 1.16; // half-widths that are seen to each side
const AHEAD = 0.6; // ticks for which a late one is bridged
const GLIDE = 2; // ticks of the present speed that somebody glides on without another step
const NEAR = 0.04; // half-widths from a finger that are near enough
const LASTS = 900; // ms that a touch is shown
const RUN = 400; // ms within which touches of the same two count as one
const FONT = 'ui-rounded, "SF Pro Rounded", Nunito, system-ui, sans-serif';
const INK = "#2a1c12";

export const preload = () => loadArt("/art/tag/", NAMES);

export async function createRenderer(canvas, staticScene, options = {}) {
  const { rig, images } = await loadArt(options.assetsUrl ?? "/art/tag/");
  return new TagRenderer(canvas, staticScene, options, rig, new Sprites(images));
}

class TagRenderer {
  constructor(canvas, scene, options, rig, sprites) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.scene = scene;
    this.options = options;
    this.rig = rig;
    this.sprites = sprites;
    this.aspect = 1;
    this.ahead = AHEAD;
    this.pops = [];
    this.seen = null;
    this.before = null; // where everybody was a tick before `previous`
    this.resize(canvas.clientWidth || 480, canvas.clientHeight || 480, 1);
  }

  resize(cssWidth, cssHeight, ratio) {
    const width = Math.max(1, Math.round(cssWidth * ratio));
    const height = Math.max(1, Math.round(cssHeight * ratio));
    if (this.base && this.canvas.width === width && this.canvas.height === height) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.unit = Math.min(width, height) / (2 * VIEW); // device pixels per half-width
    this.sprites.clear();
    this.base = this.#lawn();
  }

  draw(previous, next, alpha, time) {
    const still = Boolean(this.options.reducedMotion);
    if (next !== this.seen) this.#observe(previous, next, time);
    const clock = still ? 0 : time;
    const places = next.players.map((_, seat) => this.#place(previous, next, seat, still ? 1 : alpha));
    this.places = places;
    const { context } = this;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.base, 0, 0);
    places.forEach((place, seat) => this.#ground(place, seat));
    for (const bush of next.obstacles) this.#bush(bush);
    places
      .map((place, seat) => ({ place, seat }))
      .sort((a, b) => b.place.y - a.place.y)
      .forEach(({ place, seat }) => this.#agent(place, seat, next, clock));
    places.forEach((place, seat) => this.#beyond(place, seat));
    this.#own(places, clock);
    this.pops = this.pops.filter((pop) => time - pop.time < LASTS);
    for (const pop of this.pops) this.#pop(pop, (time - pop.time) / LASTS, still);
  }

  // A sound for every touch that begins.
  cues(previous, next) {
    return fresh(previous, next).length ? ["touch"] : [];
  }

  // The arrow key that takes one's own player towards a place of the canvas, in parts of its size;
  // null when it is there, or will be without another step.
  direction(x, y) {
    const own = this.places?.[this.options.mySeat];
    if (!own) return null;
    const dx = (2 * x - 1) * VIEW - own.x - GLIDE * own.vx;
    const dy = (1 - 2 * y) * VIEW - own.y - GLIDE * own.vy;
    if (Math.hypot(dx, dy) < NEAR) return null;
    if (Math.abs(dx) > Math.abs(dy)) return dx < 0 ? "ArrowLeft" : "ArrowRight";
    return dy < 0 ? "ArrowDown" : "ArrowUp";
  }

  // Compares two states once, when the second one arrives.
  #observe(previous, next, time) {
    const follows = previous !== next && next.t === previous.t + 1;
    if (follows) {
      for (const [chaser, runner] of next.touches) this.#touch(next, chaser, runner, time);
    } else {
      this.pops = [];
    }
    this.before = this.seen === previous ? this.last : null;
    this.last = previous;
    this.seen = next;
  }

  // Touches of the same two that follow each other closely are shown as one that grows.
  #touch(scene, chaser, runner, time) {
    const same = (pop) =>
      pop.chaser === chaser && pop.runner === runner && time - pop.time < RUN;
    const pop = this.pops.find(same);
    if (pop) {
      Object.assign(pop, { steps: pop.steps + 1, time });
      return;
    }
    const [a, b] = [scene.players[chaser], scene.players[runner]];
    this.pops.push({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, chaser, runner, steps: 1, time });
  }

  // Where somebody is between two ticks, and how fast in half-widths per tick.
  #place(previous, next, seat, alpha) {
    const to = next.players[seat];
    const from = previous.players[seat] ?? to;
    const step = (this.scene.step_ms ?? 100) / 1000;
    if (previous === next) return { x: to.x, y: to.y, vx: to.vx * step, vy: to.vy * step };
    if (alpha > 1) {
      const more = (alpha - 1) * step;
      return { x: to.x + to.vx * more, y: to.y + to.vy * more, vx: to.vx * step, vy: to.vy * step };
    }
    const earlier = this.before?.players[seat];
    const along = (axis) => {
      const now = to[axis] - from[axis];
      const start = earlier ? (now + from[axis] - earlier[axis]) / 2 : now;
      const end = (now + to[`v${axis}`] * step) / 2;
      return hermite(from[axis], to[axis], start, end, alpha);
    };
    const mix = (axis) => (from[axis] + (to[axis] - from[axis]) * alpha) * step;
    return { x: along("x"), y: along("y"), vx: mix("vx"), vy: mix("vy") };
  }

  // The lawn, drawn once for each size: mown stripes, a chalk line around it, and what is beyond.
  #lawn() {
    const base = document.createElement("canvas");
    base.width = this.canvas.width;
    base.height = this.canvas.height;
    const context = base.getContext("2d");
    const { ground, stripe, line, beyond } = this.rig.field;
    const [left, top] = this.#pixel(-1, 1);
    const side = 2 * this.unit;
    rounded(context, ...this.#pixel(-VIEW, VIEW), 2 * VIEW * this.unit, 0.12 * this.unit);
    context.fillStyle = beyond;
    context.fill();
    rounded(context, left, top, side, 0.1 * this.unit);
    context.save();
    context.clip();
    context.fillStyle = ground;
    context.fillRect(left, top, side, side);
    context.fillStyle = stripe;
    for (let i = 1; i < 9; i += 2) context.fillRect(left + (i * side) / 9, top, side / 9, side);
    context.restore();
    context.strokeStyle = line;
    context.lineWidth = Math.max(2, 0.018 * this.unit);
    context.stroke();
    context.beginPath();
    context.arc(...this.#pixel(0, 0), 0.3 * this.unit, 0, 2 * Math.PI);
    context.stroke();
    return base;
  }

  #pixel(x, y) {
    return [this.canvas.width / 2 + x * this.unit, this.canvas.height / 2 - y * this.unit];
  }

  // A sprite with its middle at a place of the world; `size` in half-widths.
  #sprite(name, x, y, size, { turn = 0, wide = 1, high = 1, lift = 0 } = {}) {
    const { context } = this;
    const pixels = size * this.unit;
    const [px, py] = this.#pixel(x, y);
    const bitmap = this.sprites.get(name, pixels, pixels);
    context.save();
    context.translate(px, py - lift * this.unit);
    if (turn) context.rotate(turn);
    context.drawImage(bitmap, (-pixels * wide) / 2, (-pixels * high) / 2, pixels * wide, pixels * high);
    context.restore();
  }

  #bush({ x, y }) {
    const size = (this.scene.obstacle_radius * 100) / this.rig.bush;
    this.#sprite("shadow", x + 0.015, y - 0.03, size * 1.05);
    this.#sprite("bush", x, y, size);
  }

  // The colour of a seat's animal: its own, unless the scene says otherwise.
  #look(seat) {
    return this.scene.looks?.[seat] ?? seat % 4;
  }

  #size(seat) {
    return (this.scene.radii[seat] * 100) / this.rig.body;
  }

  #ground({ x, y }, seat) {
    const size = this.#size(seat);
    this.#sprite("shadow", x, y - this.scene.radii[seat], size * 0.8, { high: 0.4 });
    if (seat === this.options.mySeat) {
      this.#sprite(`ring-${this.#look(seat)}`, x, y - this.scene.radii[seat] * 0.85, size * 0.95, { high: 0.45 });
    }
  }

  #agent({ x, y, vx, vy }, seat, next, clock) {
    const size = this.#size(seat);
    const role = this.scene.roles[seat];
    const speed = Math.hypot(vx, vy) * 10;
    const hop = clock ? Math.abs(Math.sin(clock / 75 + seat * 2)) * Math.min(1, speed) : 0;
    const hit = next.touches.some((pair) => pair.includes(seat));
    const shape = {
      turn: Math.max(-0.3, Math.min(0.3, vx * 2.6)),
      wide: hit ? 1.14 : 1 - 0.05 * hop,
      high: hit ? 0.86 : 1 + 0.05 * hop,
      lift: hop * size * 0.1,
    };
    this.#sprite(`${role}-${this.#look(seat)}-body`, x, y, size, shape);
    this.#pupils({ x, y, vx, vy }, role, size, shape);
  }

  // Eyes look where their owner runs.
  #pupils({ x, y, vx, vy }, role, size, { turn, lift }) {
    const speed = Math.max(Math.hypot(vx, vy), 1e-6);
    const far = (this.rig.look * Math.min(1, speed * 20)) / 100;
    const part = this.rig.pupil / 100;
    for (const [ex, ey] of this.rig.eyes[role]) {
      const dx = ex / 100 - 0.5 + (far * vx) / speed;
      const dy = 0.5 - ey / 100 + (far * vy) / speed;
      const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
      const px = x + size * (dx * cos + dy * sin);
      const py = y + size * (dy * cos - dx * sin);
      this.#sprite("pupil", px, py, size * part, { lift });
    }
  }

  // At the edge of the picture, a face and a pointer to somebody who has left it.
  #beyond({ x, y }, seat) {
    if (Math.max(Math.abs(x), Math.abs(y)) < VIEW) return;
    const limit = VIEW - 0.15;
    const px = Math.max(-limit, Math.min(limit, x));
    const py = Math.max(-limit, Math.min(limit, y));
    const [dx, dy] = [x - px, y - py];
    const far = Math.hypot(dx, dy);
    const turn = Math.atan2(-dx, -dy);
    this.#sprite(`pointer-${this.#look(seat)}`, px + (0.09 * dx) / far, py + (0.09 * dy) / far, 0.1, { turn });
    this.#sprite(`${this.scene.roles[seat]}-${this.#look(seat)}`, px, py, 0.13);
  }

  #own(places, clock) {
    const seat = this.options.mySeat;
    if (seat === null || seat === undefined || !places[seat]) return;
    const { x, y } = places[seat];
    const hop = clock ? Math.sin(clock / 260) * 0.008 : 0;
    this.#sprite(`arrow-${this.#look(seat)}`, x, y + this.#size(seat) * 0.66 + hop, 0.062);
  }

  // Sparks around a touch; above it whose it was and what it is worth.
  #pop({ x, y, chaser, steps }, age, still) {
    const { context } = this;
    const words = `+${Number((steps * this.scene.touch_points).toFixed(1))}`;
    context.globalAlpha = Math.min(1, 2.5 * (1 - age));
    for (let i = 0; i < 7 && !still; i++) {
      const angle = (i / 7) * 2 * Math.PI + chaser;
      const far = 0.05 + 0.16 * Math.sqrt(age);
      const size = 0.075 * (1 - age) + 0.015;
      this.#sprite("spark", x + far * Math.cos(angle), y + far * Math.sin(angle), size, { turn: age * 2 });
    }
    const rise = still ? 0.16 : 0.1 + 0.16 * (1 - (1 - age) ** 2);
    const at = Math.max(0.34 - VIEW, Math.min(VIEW - 0.2, x)); // the words stay in the picture
    const above = Math.min(VIEW - 0.09, y + rise);
    const [px, py] = this.#pixel(at, above);
    context.font = `800 ${Math.max(12, 0.13 * this.unit)}px ${FONT}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = Math.max(3, 0.026 * this.unit);
    context.strokeStyle = INK;
    context.strokeText(words, px, py);
    context.fillStyle = "#ffffff";
    context.fillText(words, px, py);
    const left = at - context.measureText(words).width / 2 / this.unit - 0.08;
    this.#sprite(`chaser-${this.#look(chaser)}`, left, above, 0.12);
    context.globalAlpha = 1;
  }
}

// Touches that the state before did not have.
function fresh(previous, next) {
  const known = new Set(previous.touches.map(String));
  return next.touches.filter((pair) => !known.has(String(pair)));
}

// A cubic from a to b with the given slopes per tick at both ends.
function hermite(a, b, start, end, t) {
  const u = 1 - t;
  return a * (1 + 2 * t) * u * u + start * t * u * u + b * t * t * (3 - 2 * t) - end * t * t * u;
}

function rounded(context, x, y, side, radius) {
  context.beginPath();
  context.roundRect(x, y, side, side, radius);
}
