// What each player of a recorded game did, and how likely each action was for a policy.

import { element, face, ownPoints } from "./dom.js";

// The decision that leads out of the state on the screen.
export function minds(episode, next, scores) {
  return episode.seats.map((seat, index) => {
    const decision = next.decisions[index];
    const own = scores && ownPoints(scores[index]);
    const head = element("h2", {}, face(episode.art, seat.face), seat.label, own);
    if (!decision) {
      const action = next.actions ? episode.actions[next.actions[index]] : "nothing";
      return element("section", { class: "mind" }, head, element("p", {}, `Chose ${action}`));
    }
    const note = decision.fallback ? element("p", { class: "note" }, "Late: fallback action") : null;
    const rows = (decision.probabilities ?? []).map((value, action) =>
      bar(episode.actions[action], value, action === decision.action),
    );
    const table = element("table", {}, element("tbody", {}, ...rows));
    return element("section", { class: "mind" }, head, note, table);
  });
}

function bar(name, value, taken) {
  const fill = element("span");
  fill.style.transform = `scaleX(${value})`;
  return element(
    "tr",
    { class: taken ? "taken" : "" },
    element("th", { scope: "row" }, taken ? `${name} ✓` : name),
    element("td", {}, element("span", { class: "bar", "aria-hidden": "true" }, fill)),
    element("td", {}, `${Math.round(value * 100)} %`),
  );
}
