// Draws a kitchen: terrain, pots, food, chefs, and what just happened.
//
// Positions in the art and in rig.json are hundredths of a tile. `tile` is a whole number of device
// pixels and every sprite is rasterised at the size it is shown at, so edges are sharp everywhere.

import { Pops } from "./kitchen_effects.js";
import { Sprites, loadArt } from "./kitchen_sprites.js";

const FACINGS = "nsew";
const AHEAD = [[0, -1], [0, 1], [1, 0], [-1, 0]];
const STATIONS = { O: "onion-crate", T: "tomato-crate", D: "dish-stack", P: "stove", S: "serving" };
const FONT = 'ui-rounded, "SF Pro Rounded", Nunito, system-ui, sans-serif';

export const preload = () => loadArt("/art/kitchen/");

export async function createRenderer(canvas, staticScene, options = {}) {
  const { rig, images } = await loadArt(options.assetsUrl ?? "/art/kitchen/");
  return new KitchenRenderer(canvas, staticScene, options, rig, new Sprites(images));
}

class KitchenRenderer {
  constructor(canvas, scene, options, rig, sprites) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.scene = scene;
    this.options = options;
    this.rig = rig;
    this.sprites = sprites;
    this.pops = options.pops ?? new Pops(scene);
    this.seen = null;
    this.moving = []; // per seat, the step it took in the tick before
    const { left, top, right, bottom } = rig.margin;
    this.columns = scene.width + (left + right) / 100;
    this.rows = scene.height + (top + bottom) / 100;
    this.aspect = this.columns / this.rows;
    this.resize(canvas.clientWidth || 640, canvas.clientHeight || 480, 1);
  }

  resize(cssWidth, cssHeight, ratio) {
    const width = Math.max(1, Math.round(cssWidth * ratio));
    const height = Math.max(1, Math.round(cssHeight * ratio));
    if (this.base && this.canvas.width === width && this.canvas.height === height) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.tile = Math.max(4, Math.floor(Math.min(width / this.columns, height / this.rows)));
    const { left, top } = this.rig.margin;
    this.left = Math.round((width - this.columns * this.tile) / 2 + (left * this.tile) / 100);
    this.top = Math.round((height - this.rows * this.tile) / 2 + (top * this.tile) / 100);
    this.sprites.clear();
    this.base = this.#terrain();
  }

  draw(previous, next, alpha, time) {
    const still = Boolean(this.options.reducedMotion);
    if (next !== this.seen) this.#observe(previous, next, time);
    const context = this.context;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.base, 0, 0);
    const clock = still ? 0 : time;
    for (const item of next.objects ?? []) this.#counterItem(item);
    for (const pot of next.pots ?? []) this.#pot(pot, clock);
    this.#chefs(previous, next, still ? 1 : alpha, clock);
    for (const pot of next.pots ?? []) this.#badge(pot, clock);
    this.#own(previous, next, still ? 1 : alpha, clock);
    for (const pop of this.pops.alive(time)) this.#pop(pop, still);
  }

  // "ready" when a soup is done.
  cues(previous, next) {
    const ready = (scene) => (scene.pots ?? []).filter((pot) => pot.ready).length;
    return ready(next) > ready(previous) ? ["ready"] : [];
  }

  // Compares two states once, when the second one arrives.
  #observe(previous, next, time) {
    const follows = previous !== next && next.t === previous.t + 1;
    if (follows) this.pops.compare(previous, next, time);
    const before = this.seen === previous ? this.moving : [];
    this.carried = before;
    this.moving = (next.players ?? []).map((player, seat) => {
      const from = previous.players?.[seat];
      return follows && from ? [player.x - from.x, player.y - from.y] : [0, 0];
    });
    this.seen = next;
  }

  // Terrain, drawn once for each size.

  #terrain() {
    const base = document.createElement("canvas");
    base.width = this.canvas.width;
    base.height = this.canvas.height;
    const context = base.getContext("2d");
    for (let y = 0; y < this.scene.height; y++) {
      for (let x = 0; x < this.scene.width; x++) {
        for (const name of this.#cell(x, y)) this.#sprite(context, name, x, y, 100, 100);
      }
    }
    for (const { x, y } of this.scene.patches ?? []) this.#sprite(context, "patch", x, y, 100, 100);
    return base;
  }

  #floor(x, y) {
    return this.scene.terrain[y]?.[x] === " ";
  }

  #cell(x, y) {
    const { width, height, terrain } = this.scene;
    if (this.#floor(x, y)) {
      const names = [(x + y) % 2 ? "floor-b" : "floor-a"];
      if (y > 0 && !this.#floor(x, y - 1)) names.push("shade-n");
      if (x > 0 && !this.#floor(x - 1, y)) names.push("shade-w");
      return names;
    }
    const south = y === height - 1;
    const side = x === 0 ? "w" : x === width - 1 ? "e" : "";
    const end = y === 0 ? "n" : south ? "s" : "";
    const names = [end && side ? `counter-${end}${side}` : "counter"];
    if (this.#floor(x, y - 1)) names.push("rim-n");
    if (this.#floor(x - 1, y)) names.push("rim-w");
    if (this.#floor(x + 1, y)) names.push("rim-e");
    if (south) names.push(side ? `front-s${side}` : "front");
    else if (this.#floor(x, y + 1)) names.push("front");
    const station = STATIONS[terrain[y][x]];
    return station ? [...names, station] : names;
  }

  // Placing sprites. Tile coordinates; sizes in hundredths of a tile.

  #sprite(context, name, x, y, width, height, dx = 0, dy = 0) {
    const unit = this.tile / 100;
    const bitmap = this.sprites.get(name, width * unit, height * unit);
    context.drawImage(
      bitmap,
      Math.round(this.left + x * this.tile + dx * unit),
      Math.round(this.top + y * this.tile + dy * unit),
    );
  }

  #centred(name, x, y, cx, cy, size, flat = 1) {
    const height = size * flat;
    this.#sprite(this.context, name, x, y, size, height, cx - size / 2, cy - height / 2);
  }

  #text(words, x, y, size, color) {
    const context = this.context;
    context.font = `800 ${Math.max(9, (size * this.tile) / 100)}px ${FONT}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = Math.max(2, this.tile * 0.055);
    context.strokeStyle = "#2a1c12";
    context.strokeText(words, x, y);
    context.fillStyle = color;
    context.fillText(words, x, y);
  }

  #counterItem(item) {
    const { x, y, size } = this.rig.counter_item;
    this.#centred("shadow", item.x, item.y, x, y + size * 0.4, size * 0.8, 0.3);
    this.#centred(itemSprite(item), item.x, item.y, x, y, size);
  }

  // Pots: raw ingredients lie in the pot, cooked ones swim in broth.

  #pot(pot, clock) {
    const { x, y } = pot;
    const cooking = pot.tick >= 0 && !pot.ready;
    if (pot.ready) this.#centred("glow", x, y, 50, 40, 132 + 8 * Math.sin(clock / 260));
    if (pot.tick >= 0) this.#sprite(this.context, "stove-hot", x, y, 100, 100);
    const shake = cooking && clock ? Math.sin(clock / 45 + x) * 0.7 : 0;
    this.#sprite(this.context, "pot-back", x, y, 100, 100, shake);
    const kinds = ingredients(pot);
    if (pot.tick >= 0) {
      const broth = !pot.tomatoes ? "onion" : pot.onions ? "mixed" : "tomato";
      this.#sprite(this.context, `broth-${broth}`, x, y, 100, 100, shake);
    }
    const { spots, ingredient_size: size } = this.rig.pot;
    [2, 0, 1].forEach((index) => {
      if (index >= kinds.length) return;
      const [cx, cy] = spots[index];
      const bob = cooking && clock ? Math.sin(clock / 190 + index * 2.1) * 1.8 : 0;
      const sunk = pot.tick >= 0 ? 0.8 : 1;
      this.#centred(kinds[index], x, y, cx + shake, cy + bob, size * sunk);
    });
    this.#sprite(this.context, "pot-front", x, y, 100, 100, shake);
    if (cooking) this.#bubbles(pot, clock);
    if (pot.ready) this.#steam(pot, clock);
  }

  #bubbles(pot, clock) {
    for (let i = 0; i < 4; i++) {
      const phase = ((clock / 900 + i * 0.27) % 1 + 1) % 1;
      this.context.globalAlpha = 1 - phase;
      this.#centred("bubble", pot.x, pot.y, 32 + ((i * 37) % 38), 36 - phase * 22, 5 + i * 1.5);
    }
    this.context.globalAlpha = 1;
  }

  #steam(pot, clock) {
    for (let i = 0; i < 3; i++) {
      const phase = ((clock / 1700 + i / 3) % 1 + 1) % 1;
      this.context.globalAlpha = 0.75 * Math.sin(Math.PI * (clock ? phase : 0.4));
      const sway = 5 * Math.sin(phase * 6 + i * 2);
      this.#centred("steam", pot.x, pot.y, 34 + i * 16 + sway, 24 - phase * 42, 28);
    }
    this.context.globalAlpha = 1;
  }

  // Above a pot: what is in it, how long it still cooks, whether it is ready.
  #badge(pot, clock) {
    const kinds = ingredients(pot);
    if (!kinds.length) return;
    const top = this.rig.pot.badge_y;
    if (pot.ready) {
      const hop = clock ? Math.abs(Math.sin(clock / 330)) * 5 : 0;
      this.#centred("check", pot.x, pot.y, 50, top - hop, 36);
    } else if (pot.tick < 0) {
      for (let i = 0; i < 3; i++) {
        const cx = 50 + (i - 1) * 27;
        this.#centred(kinds[i] ? "slot-full" : "slot", pot.x, pot.y, cx, top, 24);
        if (kinds[i]) this.#centred(kinds[i], pot.x, pot.y, cx, top, 18);
      }
    } else {
      this.#progress(pot, top);
    }
  }

  #progress(pot, top) {
    const context = this.context;
    const unit = this.tile / 100;
    const cx = this.left + (pot.x + 0.5) * this.tile;
    const cy = this.top + pot.y * this.tile + top * unit;
    const radius = 19 * unit;
    context.fillStyle = "#2a1c12";
    context.beginPath();
    context.arc(cx, cy, radius + 3.5 * unit, 0, 2 * Math.PI);
    context.fill();
    context.lineWidth = 7 * unit;
    context.strokeStyle = "#6b5646";
    context.beginPath();
    context.arc(cx, cy, radius - 1.5 * unit, 0, 2 * Math.PI);
    context.stroke();
    context.strokeStyle = "#ffcb47";
    const turn = Math.min(1, pot.tick / pot.time) * 2 * Math.PI;
    context.beginPath();
    context.arc(cx, cy, radius - 1.5 * unit, -Math.PI / 2, turn - Math.PI / 2);
    context.stroke();
    const seconds = ((pot.time - pot.tick) * (this.options.tickMs ?? 150)) / 1000;
    this.#text(String(Math.ceil(seconds)), cx, cy + unit, 20, "#ffffff");
  }

  // The colour of a seat's chef: its own, unless the scene says otherwise.
  #look(seat) {
    return this.scene.looks?.[seat] ?? seat % 4;
  }

  // Chefs, the northernmost first.

  #place(previous, next, seat, alpha) {
    const to = next.players[seat];
    const from = previous.players?.[seat] ?? to;
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    if (Math.abs(dx) + Math.abs(dy) !== 1) return { x: to.x, y: to.y, step: 1 };
    const [px, py] = this.carried?.[seat] ?? [0, 0];
    const keeps = px === dx && py === dy;
    const part = keeps ? alpha : alpha * (1.35 - 0.35 * alpha); // a quick start from rest
    return { x: from.x + dx * part, y: from.y + dy * part, step: alpha };
  }

  #chefs(previous, next, alpha, clock) {
    const places = (next.players ?? []).map((player, seat) => ({
      ...this.#place(previous, next, seat, alpha),
      player,
      seat,
      before: previous.players?.[seat] ?? player,
    }));
    for (const chef of places) this.#ground(chef);
    places.sort((a, b) => a.y - b.y);
    for (const chef of places) this.#chef(chef, alpha, clock);
  }

  #ground({ x, y, seat }) {
    this.#centred("shadow", x, y, 50, 90, 62, 0.3);
    if (seat === this.options.mySeat) this.#centred(`ring-${this.#look(seat)}`, x, y, 50, 89, 84, 0.42);
  }

  #chef({ x, y, step, player, seat, before }, alpha, clock) {
    const facing = this.options.preview ? "s" : FACINGS[player.dir]; // faces, where nobody moves yet
    const [ahead, down] = AHEAD[player.dir];
    const changed = (before.held?.kind ?? null) !== (player.held?.kind ?? null);
    const reach = changed ? Math.sin(Math.PI * alpha) * 9 : 0; // leans to what it takes or gives
    const breath = clock ? Math.sin(clock / 420 + seat * 1.7) * 0.8 : 0;
    const lift = step < 1 ? Math.sin(Math.PI * step) * 6 : breath;
    const dx = ahead * reach;
    const dy = down * reach - lift;
    const turned = before.dir !== player.dir && alpha < 1;
    const hold = () => this.#held(player, seat, facing, x, y, dx, dy);
    if (this.rig.held[facing].behind) hold();
    this.#body(`chef-${this.#look(seat)}-${facing}`, x, y, dx, dy, turned ? 0.86 + 0.14 * alpha : 1);
    if (!this.rig.held[facing].behind) hold();
  }

  #body(name, x, y, dx, dy, squeeze) {
    const { width, height, top } = this.rig.chef;
    if (squeeze === 1) {
      this.#sprite(this.context, name, x, y, width, height, dx, top + dy);
      return;
    }
    const unit = this.tile / 100;
    const bitmap = this.sprites.get(name, width * unit, height * unit);
    const w = bitmap.width * squeeze;
    const left = this.left + x * this.tile + dx * unit + (bitmap.width - w) / 2;
    const upper = this.top + y * this.tile + (top + dy) * unit;
    this.context.drawImage(bitmap, left, upper, w, bitmap.height);
  }

  #held(player, seat, facing, x, y, dx, dy) {
    const place = this.rig.held[facing];
    const hands = player.held ? this.rig.hands_busy[facing] : this.rig.hands_free[facing];
    if (player.held) {
      this.#centred(itemSprite(player.held), x, y, place.x + dx, place.y + dy, place.size);
    }
    for (const [hx, hy] of hands) {
      this.#centred(`hand-${this.#look(seat)}`, x, y, hx + dx, hy + dy, 17);
    }
  }

  // The arrow above the chef that is the player's own.
  #own(previous, next, alpha, clock) {
    const seat = this.options.mySeat;
    if (seat === null || seat === undefined || !next.players?.[seat]) return;
    const { x, y } = this.#place(previous, next, seat, alpha);
    const hop = clock ? Math.sin(clock / 260) * 3 : 0;
    this.#centred(`arrow-${this.#look(seat)}`, x, y, 50, -30 + hop, 25);
  }

  #pop({ kind, x, y, words, age }, still) {
    const rise = still ? 0 : 34 * (1 - (1 - age) ** 2);
    this.context.globalAlpha = Math.min(1, 3.2 * (1 - age));
    if (kind === "points") {
      for (let i = 0; i < 6 && !still; i++) {
        const angle = (i / 6) * 2 * Math.PI + 0.3;
        const far = 18 + 42 * Math.sqrt(age);
        const [cx, cy] = [50 + far * Math.cos(angle), 30 + far * Math.sin(angle) * 0.8];
        this.#centred("spark", x, y, cx, cy, 22 * (1 - age) + 4);
      }
      const px = this.left + (x + 0.5) * this.tile;
      const py = this.top + y * this.tile + ((22 - rise) * this.tile) / 100;
      this.#text(words, px, py, 42, "#ffe27a");
    } else if (!still) {
      for (const side of [-1, 1]) {
        this.#centred("spark", x, y, 50 + side * (14 + 22 * age), 36 - rise * 0.6, 14 * (1 - age) + 2);
      }
    }
    this.context.globalAlpha = 1;
  }
}

function itemSprite(item) {
  return item.kind === "soup" ? `soup-${item.onions}-${item.tomatoes}` : item.kind;
}

function ingredients(pot) {
  return [...Array(pot.onions).fill("onion"), ...Array(pot.tomatoes).fill("tomato")];
}
