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
    const seat = Math.min(Number(this.choice.seat) || 0, world.players - 1);
    const seats = Array.from({ length: world.players }, (_, i) =>
      choice("seat", String(i), seatContent(world, i, this.family().art), i === seat),
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
    const beside = this.#beside();
    const { roles } = this.world();
    const alike = roles[beside[0]] === roles[own];
    byId("partner-legend").textContent = alike
      ? `Your partner${beside.length > 1 ? "s" : ""}`
      : `The ${roles[beside[0]]}${beside.length > 1 ? "s" : ""}`;
    const fitting = this.#fitting(beside);
    const before = this.data.partners.find((p) => p.id === this.choice.partner);
    const kept = (list) => list.find((p) => p.id === before?.id) ?? list.find((p) => p.title === before?.title);
    const chosen = kept(fitting) ?? fitting[0];
    const best = fitting.find((p) => p.recommended); // the kitchen's own before one for any kitchen
    byId("partners").replaceChildren(...fitting.map((p) => partnerCard(p, p === chosen, p === best)));
    const second = this.#fitting([own]);
    const selected = second.find((p) => p.id === byId("partner-two").value) ?? kept(second);
    byId("partner-two").replaceChildren(
      ...second.map((p) => element("option", { value: p.id, selected: p === selected }, p.title)),
    );
    this.#fillOpponents();
    this.#fillDynamics();
  }

  // The seats of each role that policies take besides the partner's.
  #fillOpponents() {
    const { roles } = this.world();
    const groups = this.#groups([this.#seat()]).filter((group) => group[0] !== this.#beside()[0]);
    byId("opponents").hidden = groups.length === 0;
    byId("opponents").replaceChildren(
      ...groups.map((group) => {
        const role = roles[group[0]];
        const fitting = this.#fitting(group);
        const chosen = fitting.find((p) => p.id === this.choice.opponents?.[role]) ?? fitting[0];
        const options = fitting.map((p) =>
          element("option", { value: p.id, selected: p === chosen }, p.title),
        );
        const words = `The ${role}${group.length > 1 ? "s" : ""}`;
        return element(
          "label",
          { class: "field" },
          element("span", {}, words),
          element("select", { name: "opponent", "data-role": role }, ...options),
        );
      }),
    );
  }

  // The seats by role, in their order, but for some.
  #groups(without) {
    const { roles } = this.world();
    const groups = new Map();
    for (const seat of this.#seats().filter((other) => !without.includes(other))) {
      const role = roles[seat] ?? "";
      groups.set(role, [...(groups.get(role) ?? []), seat]);
    }
    return [...groups.values()];
  }

  // The seats that the chosen partner takes: the others of the own role, or else of the next.
  #beside() {
    const own = this.#seat();
    const { roles } = this.world();
    const groups = this.#groups([own]);
    return groups.find(([seat]) => roles[seat] === roles[own]) ?? groups[0] ?? [own];
  }

  #fitting(seats) {
    const { name, family, roles } = this.world();
    return this.data.partners.filter(
      (p) =>
        p.family === family &&
        (!p.worlds || p.worlds.includes(name)) &&
        (!p.seats || seats.every((s) => p.seats.includes(s))) &&
        (!p.roles || seats.every((s) => p.roles.includes(roles[s]))),
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
    if (target.name === "opponent") {
      this.choice.opponents = { ...this.choice.opponents, [target.dataset.role]: target.value };
      return;
    }
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

  // All seats of a seat's role.
  #mates(seat) {
    return this.#groups([]).find((group) => group.includes(seat));
  }

  // The policy chosen for a seat.
  #player(seat) {
    if (this.#beside().includes(seat) && seat !== this.#seat()) return this.#value("partner");
    if (seat === this.#seat()) {
      return this.world().players === 1 ? this.#value("partner") : byId("partner-two").value;
    }
    const role = this.world().roles[seat];
    return byId("opponents").querySelector(`select[data-role="${role}"]`).value;
  }

  #watch() {
    const second = byId("second-partner");
    if (second.hidden && this.#beside().length === 1 && this.world().players > 1) {
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
    const own = this.#seat();
    const people = { solo: [own], watch: [], pair: this.#mates(own) }[mode];
    let partners = this.#groups(people).map(([seat]) => this.#player(seat));
    if (mode === "watch") partners = this.#seats().map((seat) => this.#player(seat));
    const dynamics = this.#value("dynamics");
    this.onStart({
      mode,
      world: world.name,
      options: dynamics ? { dynamics } : {},
      partners,
      seat: own,
      tick_ms: Number(this.#value("tick_ms")),
    });
  }
}

// A seat to choose: its face and, where there is room, the colour or role by which it goes.
function seatContent({ players, roles, faces }, seat, art) {
  const words = roles[seat] ? `${SEATS[seat % 4]} ${roles[seat]}` : SEATS[seat];
  return [
    face(art, faces[seat]),
    element("span", { class: players > 2 ? "visually-hidden" : "" }, words),
  ];
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

function partnerCard(partner, checked, best) {
  const badge = best ? element("span", { class: "badge" }, "Recommended") : null;
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
