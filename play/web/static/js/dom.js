// Small helpers for building and finding elements.

export const byId = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("--")) node.style.setProperty(name, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function button(label, onclick, kind = "") {
  return element("button", { type: "button", class: `button ${kind}`.trim(), onclick }, label);
}

// The face of a seat, by its name in a folder of the art.
export const face = (art, name) =>
  element("img", {
    class: "avatar",
    src: `/art/${art}/${name}.svg`,
    alt: "",
    draggable: "false",
  });

// A title such as "Name (method)", its second part apart, so that small screens can drop it.
export function titled(label) {
  const [, name, rest] = label.match(/^(.*?)(?: (\(.*\)))?$/);
  return [name, rest ? element("small", { class: "rest" }, ` ${rest}`) : null].filter(Boolean);
}

// A score as people read it: with as many decimals as it needs, at most two.
export const points = (score) => String(Number(score.toFixed(2)) + 0);

// What one player has earned, in a game in which every player has points of their own.
export const ownPoints = (score) =>
  element("span", { class: score < 0 ? "own minus" : "own", title: "Own points" }, points(score));

const ICONS = {
  pause: "M8 5v14M16 5v14",
  play: "M8 5l11 7-11 7z",
  leave: "M14 4h5v16h-5M11 8l-4 4 4 4M7 12h9",
  sound: "M4 10v4h4l5 4V6L8 10zM16 9a4 4 0 0 1 0 6M18.500 6.500a8 8 0 0 1 0 11",
  silent: "M4 10v4h4l5 4V6L8 10zM16.500 9.500l5 5M21.500 9.500l-5 5",
  step: "M6 5l9 7-9 7zM18 5v14",
  back: "M18 5l-9 7 9 7zM6 5v14",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill", "none");
  path.setAttribute("stroke", "currentColor");
  path.setAttribute("stroke-width", "2.2");
  path.setAttribute("stroke-linecap", "round");
  path.setAttribute("stroke-linejoin", "round");
  svg.append(path);
  return svg;
}

// Read out by screen readers; the same text twice in a row is read twice.
export function announce(text) {
  const place = byId("announcer");
  place.textContent = "";
  requestAnimationFrame(() => {
    place.textContent = text;
  });
}

const screens = () => document.querySelectorAll("[data-on]");

export function show(screen) {
  document.body.dataset.screen = screen;
  for (const node of screens()) node.hidden = !node.dataset.on.split(" ").includes(screen);
  window.scrollTo(0, 0);
  byId(`${screen}-title`)?.focus({ preventScroll: true });
}

export function notice(title, text, ...actions) {
  byId("notice-title").textContent = title;
  byId("notice-text").textContent = text;
  byId("notice-actions").replaceChildren(...actions);
  show("notice");
}
