// The end of a game: what the team made, and who did what.

import { announce, byId, element, face, points, show, titled } from "./dom.js";

const SHORT = 14; // letters of a heading that find room on a line of a phone

// `game` says who played: from the running game, or from the message when the page was reloaded.
export function showEnd(game) {
  const { heading, verdicts, steps, reason, seat } = game;
  const finished = reason === "complete";
  const verdict = verdicts[seat ?? verdicts.length - 1];
  const deserted = game.mode === "pair" && reason === "left";
  byId("end-kicker").textContent = finished ? `${game.title}, ${steps} steps` : endings(reason, deserted);
  byId("end-title").textContent = heading;
  byId("end-title").classList.toggle("long", heading.length > SHORT);
  byId("end-text").textContent = verdict;
  byId("end-prizes").replaceChildren(...prizes(game));
  byId("end-chefs").replaceChildren(deeds(game));
  byId("end-replay").href = `/replay/${game.episode}`;
  byId("end-record").textContent = `Recorded as ${game.episode}`;
  byId("again").hidden = !game.owner || deserted;
  byId("again").textContent = game.mode === "watch" ? "Watch again" : "Play again";
  byId("again").disabled = false;
  show("end");
  byId(deserted ? "end-menu" : "again").focus();
  announce(`The game is over. ${heading}. ${verdict}`);
}

function endings(reason, deserted) {
  if (deserted) return "The other player left, so the game ended early";
  if (reason === "left") return "The game ended early: somebody left";
  if (reason === "timeout") return "The game ended early: somebody did not come back";
  return "The game ended early";
}

function deeds(game) {
  const heads = game.seats.map((seat, index) =>
    element(
      "th",
      { scope: "col" },
      element(
        "span",
        { class: "chef-head" },
        face(game.art, game.faces[index]),
        element("span", {}, ...titled(index === game.seat ? "You" : seat.label)),
      ),
    ),
  );
  const rows = Object.entries(game.rows).map(([label, values]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, capital(label)),
      ...values.map((value, seat) => part(value, seat, Math.max(1, ...values))),
    ),
  );
  return element(
    "table",
    { "--chefs": heads.length },
    element("caption", { class: "visually-hidden" }, "What each player did"),
    element("thead", {}, element("tr", {}, element("th", {}), ...heads)),
    element("tbody", {}, ...rows),
  );
}

function part(value, seat, most) {
  const bar = { class: `part seat-${seat % 4}`, "--part": Math.max(0, value) / most };
  return element("td", {}, element("span", bar, points(value)));
}

function prizes({ art, prize, prizes: count }) {
  return Array.from({ length: count }, (_, i) =>
    element("img", { src: `/art/${art}/${prize}.svg`, alt: "", "--nth": i }),
  );
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1).replaceAll("_", " ");
