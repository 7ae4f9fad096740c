// The menu: games, worlds with little pictures, partners, seat, speed, and the ways to start.

import { announce, byId, element, face, show } from "./dom.js";
import * as settings from "./settings.js";
import { fit, makeRenderer } from "./stage.js";

export class Menu {
  constructor({ onStart }) {
    this.onStart = onStart;
    this.data = null;
    byId("menu").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start("solo");
    });
    byId("watch").addEventListener("click", () => this.#watch());
    byId("invite").addEventListener("click", () => this.#start("pair"));
    byId("menu").addEventListener("change", (event) => this.#changed(event.target));
    // Enter plays from anywhere on the menu, not only from inside the form.
    addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.repeat || byId("menu").hidden) return;
      if (event.target === document.body || event.target.id === "menu-title") this.#start("solo");
    });
    this.pictures = new IntersectionObserver((entries) => this.#seen(entries), {
      rootMargin: "200px",
    });
  }

  async open() {
    if (!this.data) await this.#load();
    byId("menu-message").textContent = "";
    show("menu");
  }

  world() {
    return this.data.worlds.find((world) => world.name === this.#value("world"));
  }

  fail(sentence) {
    byId("menu-message").textContent = sentence;
  }

  async #load() {
    const response = await fetch("/api/menu");
    if (!response.ok) throw new Error(`menu: ${response.status}`);
    this.data = await response.json();
    const wanted = new URLSearchParams(location.search);
    this.choice = { ...this.data.defaults, ...settings.get("menu") };
    for (const name of ["world", "partner", "seat", "tick_ms"]) {
      if (wanted.has(name)) this.choice[name] = wanted.get(name);
    }
    if (!this.data.worlds.some((world) => world.name === this.choice.world)) {
      this.choice.world = this.data.defaults.world;
    }
    this.#families();
    this.#fillForFamily();
  }

  // What the page says about the family of the chosen world.
  family() {
    const { family } = this.data.worlds.find((world) => world.name === this.choice.world);
    return this.data.families.find((other) => other.family === family);
  }

  #families() {
    const { families } = this.data;
    const chosen = this.family();
    byId("families").hidden = families.length < 2;
    byId("families").replaceChildren(
      ...families.map(({ family, title }) => choice("family", family, [title], family === chosen.family)),
    );
  }

  // The worlds of the chosen family, and what its page says.
  #fillForFamily() {
    const { pick, more, howto_title: howto, keys, rules_title: rules } = this.family();
    byId("menu-title").textContent = pick;
    byId("more-title").textContent = more;
    byId("howto-title").textContent = howto;
    byId("howto-keys").replaceChildren(
      ...keys.split(/(Space)/).map((part) => (part === "Space" ? element("kbd", {}, part) : part)),
    );
    byId("dynamics-legend").textContent = rules;
    this.#worlds();
    this.#fillForWorld();
  }

  #worlds() {
    const { family } = this.family();
    const worlds = this.data.worlds.filter((world) => world.family === family);
    const featured = worlds.filter((world) => world.featured);
    const rest = worlds.filter((world) => !world.featured);
    byId("worlds").replaceChildren(...featured.map((world) => this.#card(world)));
    byId("worlds-more").replaceChildren(...rest.map((world) => this.#card(world)));
    byId("more-count").textContent = `(${rest.length})`;
    byId("more-worlds").hidden = rest.length === 0;
    byId("more-worlds").open = rest.some((world) => world.name === this.choice.world);
  }

  #card(world) {
    const canvas = element("canvas", { "aria-hidden": "true" });
    canvas.world = world;
    this.pictures.observe(canvas);
    const { player } = this.family();
    const players = world.players === 2 ? null : `${world.players} ${player}${world.players > 1 ? "s" : ""}`;
    return element(
      "label",
      { class: "world" },
      element("input", {
        type: "radio",
        name: "world",
        value: world.name,
        checked: world.name === this.choice.world,
      }),
      element(
        "span",
        { class: "world-card" },
        element("span", { class: "world-view" }, canvas),
        element("span", { class: "world-name" }, world.title, players && element("small", {}, players)),
      ),
    );
  }

  #seen(entries) {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      this.pictures.unobserve(target);
      drawPicture(target);
    }
  }

  #speeds() {
    const world = this.world();
    const rows = world.speeds.map(({ label, tick_ms: tick }) =>
      choice("tick_ms", String(tick), [label], String(tick) === String(this.choice.tick_ms)),
    );
    byId("speeds").replaceChildren(...rows);
    if (!this.#value("tick_ms")) {
      byId("speeds").querySelector(`input[value="${world.tick_ms}"]`).checked = true;
    }
  }

  // Partners, seats, speeds and rules that the chosen world allows, and how it is played.
  #fillForWorld() {
    const world = this.world();
    byId("partner-legend").textContent = world.players > 2 ? "Your partners" : "Your partner";
    const seat = Math.min(Number(this.choice.seat) || 0, world.players - 1);
    const seats = Array.from({ length: world.players }, (_, i) =>
      choice("seat", String(i), [face(this.family().art, i), element("span", { class: world.players > 2 ? "visually-hidden" : "" }, SEATS[i])], i === seat),
    );
    byId("seats").replaceChildren(...seats);
    this.#fillPartners();
    this.#speeds();
    byId("howto").replaceChildren(...world.howto.map((step) => stepRow(step, this.family().art)));
  }

  // Who can take the other seats and, when watching, the person's own. What was learned for each
  // seat apart is one partner here, so the choice outlasts a change of seats.
  #fillPartners() {
    const own = this.#seat();
    const others = this.#seats().filter((seat) => seat !== own);
    const fitting = this.#fitting(others.length ? others : [own]);
    const before = this.data.partners.find((p) => p.id === this.choice.partner);
    const kept = (list) => list.find((p) => p.id === before?.id) ?? list.find((p) => p.title === before?.title);
    const chosen = kept(fitting) ?? fitting[0];
    byId("partners").replaceChildren(...fitting.map((p) => partnerCard(p, p === chosen)));
    const second = this.#fitting([own]);
    const selected = second.find((p) => p.id === byId("partner-two").value) ?? kept(second);
    byId("partner-two").replaceChildren(
      ...second.map((p) => element("option", { value: p.id, selected: p === selected }, p.title)),
    );
    this.#fillDynamics();
  }

  #fitting(seats) {
    const { name, family } = this.world();
    return this.data.partners.filter(
      (p) =>
        p.family === family &&
        (!p.worlds || p.worlds.includes(name)) &&
        (!p.seats || seats.every((s) => p.seats.includes(s))),
    );
  }

  #seats() {
    return Array.from({ length: this.world().players }, (_, seat) => seat);
  }

  #seat() {
    return Number(this.#value("seat") ?? 0);
  }

  // A trained policy knows the rules of its training; others are for rule-based ones and people.
  #fillDynamics() {
    const world = this.world();
    const partner = this.data.partners.find((p) => p.id === this.#value("partner"));
    const only = partner?.options?.dynamics;
    const rules = this.family().rules.filter((rule) => !only || rule.value === only);
    byId("dynamics-field").hidden = rules.length < 2;
    byId("dynamics").replaceChildren(
      ...rules.map((rule) =>
        choice("dynamics", rule.value, [rule.label], rule.value === world.options.dynamics),
      ),
    );
    if (rules.length && !this.#value("dynamics")) {
      byId("dynamics").querySelector("input").checked = true;
    }
  }

  #changed(target) {
    this.choice[target.name] = target.value;
    if (target.name === "family") {
      const { worlds } = this.data;
      this.choice.world = worlds.find((world) => world.family === target.value).name;
      this.#fillForFamily();
      announce(`${this.family().title} chosen`);
    }
    if (target.name === "world") {
      this.#fillForWorld();
      announce(`${this.world().title} chosen`);
    }
    if (target.name === "seat") this.#fillPartners();
    if (target.name === "partner") this.#fillDynamics();
    const { world, partner, seat, tick_ms: tick } = this.choice;
    settings.set("menu", { world, partner, seat, tick_ms: tick });
  }

  #value(name) {
    return byId("menu").querySelector(`input[name="${name}"]:checked`)?.value ?? null;
  }

  #watch() {
    const second = byId("second-partner");
    if (second.hidden && this.world().players === 2) {
      second.hidden = false;
      byId("watch").textContent = "Start watching";
      byId("partner-two").focus();
      second.scrollIntoView({ block: "nearest" });
      announce("Choose the second agent, then start watching");
      return;
    }
    this.#start("watch");
  }

  #start(mode) {
    const world = this.world();
    const partner = this.#value("partner");
    const alone = mode === "pair" || (mode === "solo" && world.players === 1);
    let partners = alone ? [] : [partner];
    if (mode === "watch" && world.players > 1) {
      const second = byId("partner-two").value;
      partners = this.#seats().map((seat) => (seat === this.#seat() ? second : partner));
    }
    const dynamics = this.#value("dynamics");
    this.onStart({
      mode,
      world: world.name,
      options: dynamics ? { dynamics } : {},
      partners,
      seat: this.#seat(),
      tick_ms: Number(this.#value("tick_ms")),
    });
  }
}

const SEATS = ["Blue", "Orange", "Green", "Purple"];

function choice(name, value, content, checked) {
  return element(
    "label",
    {},
    element("input", { type: "radio", name, value, checked }),
    element("span", {}, ...content),
  );
}

function partnerCard(partner, checked) {
  const badge = partner.recommended ? element("span", { class: "badge" }, "Recommended") : null;
  return element(
    "label",
    { class: "partner" },
    element("input", { type: "radio", name: "partner", value: partner.id, checked }),
    element(
      "span",
      { class: "partner-card" },
      element("span", { class: "partner-title" }, partner.title, badge),
      element("span", { class: "partner-text" }, partner.description),
    ),
  );
}

function stepRow({ pictures, words }, art) {
  const images = pictures.map((name) => element("img", { src: `/art/${art}/${name}.svg`, alt: "" }));
  return element("li", {}, element("span", { class: "pile" }, ...images), element("span", {}, words));
}

async function drawPicture(canvas) {
  const { world } = canvas;
  const box = canvas.parentElement.getBoundingClientRect();
  const renderer = await makeRenderer(canvas, world.static, { preview: true });
  const [width, height] = fit(box.width, box.height, renderer.aspect);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  renderer.resize(width, height, devicePixelRatio || 1);
  renderer.draw(world.scene, world.scene, 1, 0);
}
