"""The socket's events: check the message, ask the rooms, answer."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from flask import request
from flask_socketio import SocketIO

from play.web import messages
from play.web.config import PlayConfig
from play.web.guard import allowance_factory
from play.web.messages import Allowance, BadMessage
from play.web.rooms import Rooms

log = logging.getLogger("understudy.web")
Checked = TypeVar("Checked")

FULL = "Every place on this server is taken at the moment; try again in a minute."
MALFORMED = "This page and the server do not understand each other; reload the page."


def register_sockets(socketio: SocketIO, rooms: Rooms, config: PlayConfig) -> None:
    """Connects the socket's events to `rooms`."""
    new_allowance = allowance_factory(config.message_rate, config.message_burst, config.mistakes)
    allowances: dict[str, Allowance] = {}

    def sid() -> str:
        return str(request.sid)  # type: ignore[attr-defined]

    def drop(sentence: str) -> None:
        socketio.emit("refused", {"error": sentence}, to=sid())
        socketio.server.disconnect(sid())

    def mistaken() -> dict[str, Any]:
        allowance = allowances.get(sid())
        if allowance is None or not allowance.mistake():
            drop(MALFORMED)
        return {"ok": False, "error": MALFORMED}

    def on(event: str, check: Callable[[Any], Checked], act: Callable[[str, Checked], Any]) -> None:
        def handler(*data: Any) -> Any:
            try:
                message = check(data[0] if len(data) == 1 else None)
            except BadMessage:
                return mistaken()
            return act(sid(), message)

        socketio.on_event(event, handler)

    def press(who: str, key: messages.Key) -> None:
        if not rooms.key(who, key):
            mistaken()

    def connect(auth: Any = None) -> bool:
        allowances[sid()] = new_allowance()
        game = auth.get("game") if isinstance(auth, dict) else None
        join = auth.get("join") if isinstance(auth, dict) else None
        game = game if isinstance(game, str) else None
        join = join if isinstance(join, str) else None
        if rooms.connect(sid(), messages.token(auth), join, game):
            return True
        socketio.emit("refused", {"error": FULL}, to=sid())
        return False

    def disconnect(*_: Any) -> None:
        allowances.pop(sid(), None)
        rooms.disconnect(sid())

    socketio.on_event("connect", connect)
    socketio.on_event("disconnect", disconnect)
    on("start", messages.start, rooms.begin)
    on("join", messages.code, rooms.join)
    on("watch", messages.code, rooms.watch)
    on("key", messages.key, press)
    on("pause", messages.pause, rooms.pause)
    on("leave", messages.empty, lambda who, _: rooms.leave(who))
    on("again", messages.empty, lambda who, _: rooms.again(who))
    socketio.on_event("*", lambda *_: mistaken())
    socketio.on_error_default(_report)


def _report(error: Exception) -> dict[str, Any]:
    log.error("A message could not be handled", exc_info=error)
    return {"ok": False, "error": "Something went wrong on the server; it has been logged."}
