// Waiting for people to come through the link.

import { announce, byId, element, face, show } from "./dom.js";

export class Lobby {
  constructor({ onLeave }) {
    byId("copy-link").addEventListener("click", () => this.#copy());
    byId("lobby-leave").addEventListener("click", onLeave);
    byId("lobby-link").addEventListener("focus", (event) => event.target.select());
  }

  open({ code, seats, title, art }) {
    byId("lobby-link").value = `${location.origin}/join/${code}`;
    byId("lobby-text").textContent =
      `${title}. Send this link; the game starts when everybody is here.`;
    byId("lobby-seats").replaceChildren(
      ...seats.map((seat) =>
        element(
          "li",
          { class: seat.here ? "here" : "" },
          face(art, seat.face),
          seat.you ? "You" : seat.here ? "Here" : "Not here yet",
        ),
      ),
    );
    if (document.body.dataset.screen !== "lobby") show("lobby");
    announce(`${seats.filter((seat) => seat.here).length} of ${seats.length} players are here`);
  }

  async #copy() {
    const field = byId("lobby-link");
    try {
      await navigator.clipboard.writeText(field.value);
      byId("copy-link").textContent = "Copied";
      announce("Link copied");
    } catch {
      // Without permission for the clipboard (plain http): leave it selected for the person.
      field.select();
      byId("copy-link").textContent = "Select and copy";
    }
    setTimeout(() => {
      byId("copy-link").textContent = "Copy";
    }, 2500);
  }
}
