// Draws the private-cost kitchen as a kitchen: its floor within walls, the pot on a stove, onions
// in beds of earth. What was earned rises where it was earned.

import { createRenderer as createKitchen } from "./kitchen.js";
import { Pops } from "./kitchen_effects.js";

export { preload } from "./kitchen.js";

const WALL = 1; // cells around the floor

export async function createRenderer(canvas, staticScene, options = {}) {
  const own = Object.create(options); // keeps its getters alive
  own.pops = new Earnings(staticScene);
  return new PrivateKitchen(await createKitchen(canvas, roomOf(staticScene), own));
}

class PrivateKitchen {
  constructor(kitchen) {
    this.kitchen = kitchen;
    this.scenes = new WeakMap(); // the kitchen tells scenes apart by identity
  }

  get aspect() {
    return this.kitchen.aspect;
  }

  resize(...size) {
    this.kitchen.resize(...size);
  }

  cues() {
    return [];
  }

  draw(previous, next, alpha, time) {
    this.kitchen.draw(this.#scene(previous), this.#scene(next), alpha, time);
  }

  #scene(scene) {
    if (!this.scenes.has(scene)) this.scenes.set(scene, sceneIn(this.kitchen.scene, scene));
    return this.scenes.get(scene);
  }
}

const inside = ({ x, y }) => ({ x: x + WALL, y: y + WALL });

// The static scene of the kitchen that looks like this one.
function roomOf({ width, height, pot, onions, looks }) {
  const wall = "X".repeat(width + 2 * WALL);
  const floor = Array.from({ length: height }, (_, y) => {
    const row = [..." ".repeat(width)];
    if (y === pot.y) row[pot.x] = "P";
    return `X${row.join("")}X`;
  });
  const terrain = [wall, ...floor, wall];
  const patches = onions.map(inside);
  return { width: wall.length, height: terrain.length, terrain, patches, looks, pot: inside(pot) };
}

function sceneIn(room, { t, players, onions }) {
  const empty = { onions: 0, tomatoes: 0, tick: -1, time: 1, ready: false };
  return {
    t,
    players: players.map((player) => ({ ...player, ...inside(player) })),
    objects: room.patches.filter((_, i) => onions[i]).map((place) => ({ kind: "onion", ...place })),
    pots: [{ ...room.pot, ...empty }],
  };
}

class Earnings extends Pops {
  compare(previous, next, time) {
    next.players.forEach((player, seat) => {
      const before = previous.players[seat];
      if (Boolean(before.held) === Boolean(player.held)) return;
      const place = player.held ? player : inside(this.scene.pot);
      const reward = player.held ? this.scene.pickup_reward : this.scene.pot_reward;
      this.list.push({ kind: "points", words: `+${reward}`, x: place.x, y: place.y, time });
    });
  }
}
