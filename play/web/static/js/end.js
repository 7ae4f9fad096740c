// The end of a game: what the team made, and who did what.

import { announce, byId, element, face, show, titled } from "./dom.js";

const PRIZES = { kitchen: "soup-3-0" }; // renderer -> drawing of what a success is
const MOST_PRIZES = 20;

// `game` says who played: from the running game, or from the message when the page was reloaded.
export function showEnd(game) {
  const { score, steps, reason } = game;
  const finished = reason === "complete";
  byId("end-kicker").textContent = finished ? `${game.title}, ${steps} steps` : endings(reason);
  byId("end-title").textContent = `${score} points`;
  byId("end-text").textContent = verdict(game);
  byId("end-soups").replaceChildren(...prizes(game));
  byId("end-chefs").replaceChildren(contributions(game));
  byId("end-replay").href = `/replay/${game.episode}`;
  byId("end-record").textContent = `Recorded as ${game.episode}`;
  byId("again").hidden = !game.owner;
  byId("again").textContent = game.mode === "watch" ? "Watch again" : "Play again";
  byId("again").disabled = false;
  show("end");
  byId("again").focus();
  announce(`The game is over. ${score} points. ${byId("end-text").textContent}`);
}

function endings(reason) {
  if (reason === "left") return "The game ended early: somebody left the kitchen";
  if (reason === "timeout") return "The game ended early: a chef did not come back";
  return "The game ended early";
}

function verdict(game) {
  const { successes, contributions: table } = game;
  if (successes === 0) return "No soup made it to the counter this time.";
  const soups = successes === 1 ? "1 soup served" : `${successes} soups served`;
  if (game.seat === null || game.seats.length !== 2) return `${soups}.`;
  const totals = game.seats.map((_, seat) => sum(Object.values(table).map((row) => row[seat])));
  const share = totals[game.seat] / Math.max(1, sum(totals));
  if (share > 0.6) return `${soups}. You carried most of the work.`;
  if (share < 0.4) return `${soups}. Your partner carried most of the work.`;
  return `${soups}, and the work was shared.`;
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

function contributions(game) {
  const heads = game.seats.map((seat, index) =>
    element(
      "th",
      { scope: "col" },
      element(
        "span",
        { class: "chef-head" },
        face(game.renderer, index),
        element("span", {}, ...titled(index === game.seat ? "You" : seat.label)),
      ),
    ),
  );
  const rows = Object.entries(game.contributions).map(([label, counts]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, capital(label)),
      ...counts.map((count, seat) => part(count, seat, Math.max(1, ...counts))),
    ),
  );
  return element(
    "table",
    { "--chefs": heads.length },
    element("caption", { class: "visually-hidden" }, "What each chef did"),
    element("thead", {}, element("tr", {}, element("th", {}), ...heads)),
    element("tbody", {}, ...rows),
  );
}

function part(count, seat, most) {
  const bar = { class: `part seat-${seat % 4}`, "--part": count / most };
  return element("td", {}, element("span", bar, String(count)));
}

function prizes({ renderer, successes }) {
  if (!PRIZES[renderer]) return [];
  const src = `/art/${renderer}/${PRIZES[renderer]}.svg`;
  return Array.from({ length: Math.min(successes, MOST_PRIZES) }, (_, i) =>
    element("img", { src, alt: "", "--nth": i }),
  );
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1).replaceAll("_", " ");
