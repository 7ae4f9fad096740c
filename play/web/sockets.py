"""The socket's events: check the message, ask the rooms, answer."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from flask import request
from flask_socketio import SocketIO

from play.web import messages
from play.web.config import PlayConfig
from play.web.messages import Allowance, BadMessage, allowance_factory
from play.web.rooms import Rooms
from play.web.wires import Handle, Wires

log = logging.getLogger("understudy.web")
Checked = TypeVar("Checked")

FULL = "Every place on this server is taken at the moment; try again in a minute."
MALFORMED = "This page and the server do not understand each other; reload the page."


def register_sockets(socketio: SocketIO, wires: Wires, rooms: Rooms, config: PlayConfig) -> None:
    """Connects the socket's events to `rooms`."""
    new_allowance = allowance_factory(config.message_rate, config.message_burst, config.mistakes)
    allowances: dict[str, Allowance] = {}

    def sid() -> str:
        return str(request.sid)  # type: ignore[attr-defined]

    def mistaken(who: str) -> dict[str, Any]:
        allowance = allowances.get(who)
        if allowance is None or not allowance.mistake():
            wires.tell("refused", {"error": MALFORMED}, who)
            socketio.server.disconnect(who)
        return {"ok": False, "error": MALFORMED}

    def on(
        event: str, check: Callable[[Any], Checked], act: Callable[[str, Checked], Any]
    ) -> Handle:
        def handle(who: str, data: Any) -> Any:
            try:
                message = check(data)
            except BadMessage:
                return mistaken(who)
            return act(who, message)

        socketio.on_event(event, lambda *data: handle(sid(), data[0] if len(data) == 1 else None))
        return handle

    def press(who: str, key: messages.Key) -> None:
        if not rooms.key(who, key):
            mistaken(who)

    def connect(auth: Any = None) -> bool:
        allowances[sid()] = new_allowance()
        game = auth.get("game") if isinstance(auth, dict) else None
        join = auth.get("join") if isinstance(auth, dict) else None
        game = game if isinstance(game, str) else None
        join = join if isinstance(join, str) else None
        if rooms.connect(sid(), messages.token(auth), join, game):
            return True
        wires.tell("refused", {"error": FULL}, sid())
        return False

    def disconnect(*_: Any) -> None:
        allowances.pop(sid(), None)
        rooms.disconnect(sid())

    socketio.on_event("connect", connect)
    socketio.on_event("disconnect", disconnect)
    on("start", messages.start, rooms.begin)
    on("join", messages.code, rooms.join)
    on("watch", messages.code, rooms.watch)
    wires.lane["key"] = on("key", messages.key, press)
    on("pause", messages.pause, rooms.pause)
    on("leave", messages.empty, lambda who, _: rooms.leave(who))
    on("again", messages.empty, lambda who, _: rooms.again(who))
    socketio.on_event("*", lambda *_: mistaken(sid()))
    socketio.on_error_default(_report)


def _report(error: Exception) -> dict[str, Any]:
    log.error("A message could not be handled", exc_info=error)
    return {"ok": False, "error": "Something went wrong on the server; it has been logged."}
