// What a player has chosen once and keeps: keys, sound, motion, the last menu choice.

const PLACE = "understudy.settings";

function read() {
  try {
    const stored = JSON.parse(localStorage.getItem(PLACE));
    return stored && typeof stored === "object" ? stored : {};
  } catch {
    return {};
  }
}

const values = { muted: false, keys: {}, calm: false, touch: null, menu: {}, ...read() };
const listeners = new Set();

export const get = (name) => values[name];

export function set(name, value) {
  values[name] = value;
  try {
    localStorage.setItem(PLACE, JSON.stringify(values));
  } catch {
    // Private browsing without storage: the choice lasts as long as the page.
  }
  for (const listener of listeners) listener(name, value);
}

export const onChange = (listener) => listeners.add(listener);

const stillness = matchMedia("(prefers-reduced-motion: reduce)");
const coarse = matchMedia("(pointer: coarse)");

export const reducedMotion = () => values.calm || stillness.matches;

export const touching = () => values.touch ?? coarse.matches;

// The keyboard map in force: the world's own keys, with the player's changes by action name.
export function keyMap(actions, keys) {
  const map = new Map(Object.entries(keys));
  for (const [name, code] of Object.entries(values.keys)) {
    const action = actions.indexOf(name);
    if (action < 0) continue;
    for (const [other, target] of map) if (target === action) map.delete(other);
    map.set(code, action);
  }
  return map;
}
