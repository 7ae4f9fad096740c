// Score, time, orders and who is who: everything around the canvas.

import { announce, byId, element, face, ownPoints, points, titled } from "./dom.js";
import { t as words } from "./words.js";

const clock = (seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

export class Hud {
  open(game) {
    this.game = game;
    this.score = null;
    this.warned = false;
    this.setTime(game.t);
    this.#orders(game.static.orders ?? []);
    this.setSeats(game.seats);
    this.setScore(game.score, game.scores);
  }

  // The sum, and where every player has points of their own, these as well.
  setScore(score, scores) {
    if (scores) this.#ownScores(scores);
    const place = byId("score");
    if (this.score !== null && score !== this.score) {
      place.classList.remove("bump");
      void place.offsetWidth; // restarts the animation
      place.classList.add("bump");
      announce(words("Score {score}", { score: points(score) }));
    }
    this.score = score;
    place.textContent = points(score);
  }

  #ownScores(scores) {
    document.querySelectorAll("#chefs .own").forEach((place, seat) => {
      place.replaceWith(ownPoints(scores[seat]));
    });
  }

  setTime(t) {
    const { horizon, tick_ms: tickMs } = this.game;
    const left = Math.ceil(((horizon - t) * tickMs) / 1000);
    const place = byId("time");
    const text = clock(left);
    if (place.textContent !== text) place.textContent = text;
    place.classList.toggle("hurry", left <= 10);
    byId("time-fill").style.transform = `scaleX(${1 - t / horizon})`;
    if (left === 10 && !this.warned) {
      this.warned = true;
      announce(words("Ten seconds left"));
    }
  }

  setSeats(seats) {
    const chefs = seats.map((seat, index) => {
      const you = index === this.game.seat;
      const label = you ? words("You") : seat.label;
      const away = seat.connected ? null : element("span", { class: "away" }, words("away"));
      const name = element("span", { class: "name", title: seat.label }, ...titled(label));
      const own = this.game.scores && ownPoints(this.game.scores[index]);
      return element("li", { class: you ? "you" : "" }, face(this.game.art, seat.face), name, own, away);
    });
    byId("chefs").replaceChildren(...chefs);
  }

  #orders(orders) {
    byId("orders").parentElement.classList.toggle("none", orders.length === 0);
    byId("orders").replaceChildren(...orders.map((order) => orderChip(order, this.game.art)));
  }
}

function orderChip(order, art) {
  const pips = element("span", { class: "pips", "aria-hidden": "true" });
  const pip = (name) =>
    element("img", { class: "pip", src: `/art/${art}/${name}.svg`, alt: "", draggable: "false" });
  for (let i = 0; i < order.onions; i += 1) pips.append(pip("onion"));
  for (let i = 0; i < order.tomatoes; i += 1) pips.append(pip("tomato"));
  return element(
    "li",
    { class: order.bonus ? "order bonus" : "order", title: spokenOrder(order) },
    pips,
    element("span", { class: "order-value", "aria-hidden": "true" }, `${order.value}`),
    element("span", { class: "visually-hidden" }, spokenOrder(order)),
  );
}

function spokenOrder(order) {
  const { onions, tomatoes, value } = order;
  const parts = [];
  if (onions) parts.push(words(onions > 1 ? "{n} onions" : "{n} onion", { n: onions }));
  if (tomatoes) parts.push(words(tomatoes > 1 ? "{n} tomatoes" : "{n} tomato", { n: tomatoes }));
  const spoken = words("{order}, {value} points", { order: parts.join(words(" and ")), value });
  return spoken + (order.bonus ? words(", bonus order") : "");
}
