// The settings dialog: remap keys, motion, touch pad.

import { announce, byId, element } from "./dom.js";
import * as settings from "./settings.js";

const NAMES = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Space: "Space" };

export function keyName(code) {
  return NAMES[code] ?? code.replace(/^Key|^Digit/, "").replace(/([a-z])([A-Z])/g, "$1 $2");
}

export class Controls {
  constructor() {
    this.dialog = byId("settings");
    this.waiting = null;
    this.facts = { actions: [], keys: {}, labels: {} };
    byId("keys-reset").addEventListener("click", () => {
      settings.set("keys", {});
      this.#fill("Keys are as they were at first.");
    });
    byId("calm-motion").addEventListener("change", (event) =>
      settings.set("calm", event.target.checked),
    );
    byId("show-touch").addEventListener("change", (event) =>
      settings.set("touch", event.target.checked),
    );
    this.dialog.addEventListener("keydown", (event) => this.#capture(event), true);
    this.dialog.addEventListener("close", () => {
      this.waiting = null;
    });
  }

  open(facts) {
    this.facts = facts;
    byId("calm-motion").checked = settings.reducedMotion();
    byId("show-touch").checked = settings.touching();
    this.#fill("");
    this.dialog.showModal();
  }

  #fill(message) {
    const { actions, keys, labels } = this.facts;
    const map = settings.keyMap(actions, keys);
    const rows = actions
      .map((name, index) => [name, [...map].filter(([, a]) => a === index).map(([code]) => code)])
      .filter(([, codes]) => codes.length > 0)
      .map(([name, codes]) => this.#row(name, labels[name] ?? name, codes));
    byId("keys").replaceChildren(...rows);
    byId("keys-message").textContent = message;
  }

  #row(name, label, codes) {
    const caps = codes.flatMap((code) => [element("kbd", {}, keyName(code)), " "]);
    const change = element(
      "button",
      {
        type: "button",
        class: "button small",
        "aria-label": `Change the key for ${label}`,
        onclick: () => {
          this.waiting = name;
          byId("keys-message").textContent = `Press the new key for “${label}”, or Escape.`;
          announce(`Press the new key for ${label}`);
        },
      },
      "Change",
    );
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, label),
      element("td", {}, ...caps),
      element("td", {}, change),
    );
  }

  #capture(event) {
    if (this.waiting === null || event.repeat) return;
    event.preventDefault();
    event.stopPropagation();
    const name = this.waiting;
    this.waiting = null;
    if (event.code === "Escape" || event.code === "Tab") return this.#fill("Nothing changed.");
    const chosen = { ...settings.get("keys") };
    for (const [other, code] of Object.entries(chosen)) if (code === event.code) delete chosen[other];
    chosen[name] = event.code;
    settings.set("keys", chosen);
    const label = this.facts.labels[name] ?? name;
    return this.#fill(`“${label}” is now ${keyName(event.code)}.`);
  }
}
