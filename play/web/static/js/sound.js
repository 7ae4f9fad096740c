// Short synthesised effects: no files to load, nothing to license.

import * as settings from "./settings.js";

let audio = null;

// Browsers start audio only after a gesture.
export function unlock() {
  if (settings.get("muted")) return;
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
}

function note(frequency, start, length, { type = "sine", volume = 0.16, to = frequency } = {}) {
  const at = audio.currentTime + start;
  const oscillator = audio.createOscillator();
  const gain = audio.createGain();
  oscillator.type = type;
  oscillator.frequency.setValueAtTime(frequency, at);
  oscillator.frequency.exponentialRampToValueAtTime(to, at + length);
  gain.gain.setValueAtTime(0.0001, at);
  gain.gain.exponentialRampToValueAtTime(volume, at + 0.012);
  gain.gain.exponentialRampToValueAtTime(0.0001, at + length);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(at);
  oscillator.stop(at + length + 0.02);
}

function splash() {
  const length = 0.22;
  const buffer = audio.createBuffer(1, audio.sampleRate * length, audio.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < samples.length; i += 1) {
    samples[i] = (Math.random() * 2 - 1) * (1 - i / samples.length) ** 2;
  }
  const source = audio.createBufferSource();
  const filter = audio.createBiquadFilter();
  const gain = audio.createGain();
  source.buffer = buffer;
  filter.type = "bandpass";
  filter.frequency.setValueAtTime(900, audio.currentTime);
  filter.frequency.exponentialRampToValueAtTime(300, audio.currentTime + length);
  gain.gain.value = 0.22;
  source.connect(filter).connect(gain).connect(audio.destination);
  source.start();
  note(330, 0, 0.16, { to: 160, volume: 0.12 });
}

const EFFECTS = {
  pickup: () => note(520, 0, 0.09, { to: 760, type: "triangle" }),
  bump: () => note(150, 0, 0.14, { to: 90, type: "triangle", volume: 0.2 }),
  drop: () => note(420, 0, 0.09, { to: 240, type: "triangle" }),
  potting: splash,
  soup: () => [392, 523].forEach((f, i) => note(f, i * 0.07, 0.16, { type: "triangle" })),
  ready: () => [988, 1319, 988].forEach((f, i) => note(f, i * 0.11, 0.28, { volume: 0.1 })),
  delivery: () =>
    [523, 659, 784, 1047].forEach((f, i) => note(f, i * 0.075, 0.26, { type: "triangle" })),
  touch: () =>
    [660, 990].forEach((f, i) => note(f, i * 0.06, 0.14, { type: "triangle", to: f * 1.2 })),
  count: () => note(440, 0, 0.14, { type: "square", volume: 0.05 }),
  go: () => note(880, 0, 0.32, { type: "square", volume: 0.05 }),
  end: () => [784, 659, 523, 659, 784].forEach((f, i) => note(f, i * 0.12, 0.32)),
};

export function play(effect) {
  if (settings.get("muted") || !audio || audio.state !== "running") return;
  EFFECTS[effect]?.();
}

// Which effect belongs to an event, by the words in its name.
const CUES = [
  [/deliver/, "delivery"],
  [/^(?=.*potting)(?!.*(optimal|viable|catastrophic|useless))/, "potting"],
  [/^collision$/, "bump"],
  [/^soup_pickup$/, "soup"],
  [/^(?!useful).*_pickup$/, "pickup"],
  [/^(?!useful).*_drop$/, "drop"],
];

export function cue(eventName) {
  return CUES.find(([pattern]) => pattern.test(eventName))?.[1] ?? null;
}
