// Score, time, orders and who is who: everything around the canvas.

import { announce, byId, element, face, titled } from "./dom.js";
import { t as words } from "./words.js";

const clock = (seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

export class Hud {
  open(game) {
    this.game = game;
    this.score = null;
    this.warned = false;
    this.setScore(game.score);
    this.setTime(game.t);
    this.#orders(game.static.orders ?? []);
    this.setSeats(game.seats);
  }

  setScore(score) {
    const place = byId("score");
    if (this.score !== null && score !== this.score) {
      place.classList.remove("bump");
      void place.offsetWidth; // restarts the animation
      place.classList.add("bump");
      announce(words("Score {score}", { score }));
    }
    this.score = score;
    place.textContent = String(score);
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
      return element("li", { class: you ? "you" : "" }, face(this.game.static.renderer, index), name, away);
    });
    byId("chefs").replaceChildren(...chefs);
  }

  #orders(orders) {
    byId("orders").parentElement.hidden = orders.length === 0;
    const { renderer } = this.game.static;
    byId("orders").replaceChildren(...orders.map((order) => orderChip(order, renderer)));
  }
}

function orderChip(order, renderer) {
  const pips = element("span", { class: "pips", "aria-hidden": "true" });
  const pip = (name) =>
    element("img", { class: "pip", src: `/art/${renderer}/${name}.svg`, alt: "", draggable: "false" });
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
