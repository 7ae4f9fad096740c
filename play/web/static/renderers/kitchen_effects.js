// What just happened, told by comparing two states: points that rise, sparks at hand-overs.

const AHEAD = [[0, -1], [0, 1], [1, 0], [-1, 0]];
const LASTS = { points: 1300, touch: 320 }; // ms

export class Pops {
  constructor(scene) {
    this.scene = scene;
    this.list = [];
  }

  compare(previous, next, time) {
    (next.players ?? []).forEach((player, seat) => {
      const before = previous.players?.[seat];
      if (!before || (before.held?.kind ?? null) === (player.held?.kind ?? null)) return;
      const [dx, dy] = AHEAD[before.dir]; // interacting comes before turning
      const [x, y] = [before.x + dx, before.y + dy];
      const served = before.held?.kind === "soup" && this.scene.terrain[y]?.[x] === "S";
      this.list.push({
        kind: served ? "points" : "touch",
        words: served ? this.#worth(before.held) : "",
        x,
        y,
        time,
      });
    });
  }

  // Soups that no order asks for are worth nothing; one tutorial's are worth no end of points.
  #worth(soup) {
    const order = (this.scene.orders ?? []).find(
      ({ onions, tomatoes }) => onions === soup.onions && tomatoes === soup.tomatoes,
    );
    if (!order) return "0";
    return order.value === null ? "+∞" : `+${order.value}`;
  }

  // The pops still to be seen, with their age from 0 to 1.
  alive(time) {
    this.list = this.list.filter((pop) => time - pop.time < LASTS[pop.kind]);
    return this.list.map((pop) => ({
      ...pop,
      age: Math.max(0, (time - pop.time) / LASTS[pop.kind]),
    }));
  }
}
