// The connection to the server: one socket, and the token that makes this browser one player.

import { io } from "../vendor/socket.io.esm.min.js";

const PLACE = "understudy.player";

function remembered() {
  try {
    return sessionStorage.getItem(PLACE) ?? localStorage.getItem(PLACE);
  } catch {
    return null;
  }
}

let token = remembered();
let onlyThisTab = false;
let extra = {};
let current = () => null;

const socket = io({
  transports: ["websocket"],
  auth: (reply) => reply({ token, game: current(), ...extra }),
  reconnectionDelay: 200,
  reconnectionDelayMax: 1500,
  autoConnect: false,
});

socket.on("welcome", (message) => {
  token = message.token;
  try {
    (onlyThisTab ? sessionStorage : localStorage).setItem(PLACE, token);
  } catch {
    // Without storage the player lasts as long as the page.
  }
});

// `find` names the game on the screen, so that a page that was away hears how it ended.
export function currentGame(find) {
  current = find;
}

export const connected = () => socket.connected;
export const on = (event, listener) => socket.on(event, listener);
export const onLost = (listener) => socket.on("disconnect", listener);
export const now = () => performance.timeOrigin + performance.now();

// Resolves to the server's answer, {ok: true, ...} or {ok: false, error: "..."}.
export async function ask(event, message = {}) {
  try {
    return await socket.timeout(8000).emitWithAck(event, message);
  } catch {
    return { ok: false, error: "The server does not answer; try again." };
  }
}

export function tell(event, message) {
  if (socket.connected) socket.emit(event, message);
}

export function connect(credentials = {}) {
  extra = credentials;
  socket.disconnect();
  socket.connect();
}

export const close = () => socket.disconnect();

// This tab becomes a player of its own, beside the player of the browser's other tabs.
export function becomeSomebodyElse(credentials) {
  onlyThisTab = true;
  token = null;
  connect(credentials);
}
