"""The socket's events during a round: who it is comes from the signed cookie alone."""

import logging
from collections.abc import Callable
from typing import Any

from flask import request
from flask_socketio import SocketIO

from play.web import messages
from play.web.messages import Allowance, BadMessage, allowance_factory
from play.web.wires import Handle, Wires
from studies.web.config import StudyConfig
from studies.web.rounds import Rounds

log = logging.getLogger("understudy.studies")

Who = Callable[[], str | None]


def register_sockets(
    socketio: SocketIO, wires: Wires, rounds: Rounds, config: StudyConfig, who: Who
) -> None:
    """Connects the socket's events to `rounds`; `who` reads the cookie of the request."""
    new_allowance = allowance_factory(config.message_rate, config.message_burst, config.mistakes)
    allowances: dict[str, Allowance] = {}

    def sid() -> str:
        return str(request.sid)  # type: ignore[attr-defined]

    def mistaken(who: str) -> None:
        allowance = allowances.get(who)
        if allowance is None or not allowance.mistake():
            wires.tell("refused", {}, who)
            socketio.server.disconnect(who)

    def on(event: str, check: Callable[[Any], Any], act: Callable[[str, Any], bool]) -> Handle:
        def handle(who: str, data: Any) -> None:
            try:
                message = check(data)
            except BadMessage:
                mistaken(who)
                return
            if not act(who, message):
                mistaken(who)

        socketio.on_event(event, lambda *data: handle(sid(), data[0] if len(data) == 1 else None))
        return handle

    def told(act: Callable[[str], None]) -> Callable[[str, None], bool]:
        return heard(lambda sid, _: act(sid))

    def heard(act: Callable[[str, Any], None]) -> Callable[[str, Any], bool]:
        def handle(sid: str, message: Any) -> bool:
            act(sid, message)
            return True

        return handle

    def connect(*_: Any) -> bool:
        participant_id = who()
        if participant_id is None:
            return False
        allowances[sid()] = new_allowance()
        rounds.connect(sid(), participant_id)
        return True

    def disconnect(*_: Any) -> None:
        allowances.pop(sid(), None)
        rounds.disconnect(sid())

    socketio.on_event("connect", connect)
    socketio.on_event("disconnect", disconnect)
    on("ready", messages.empty, told(rounds.ready))
    wires.lane["key"] = on("key", messages.key, rounds.key)
    on("hidden", messages.pause, heard(rounds.hidden))
    on("beat", messages.beat, heard(rounds.trip))
    on("here", messages.empty, told(rounds.here))
    socketio.on_event("*", lambda *_: mistaken(sid()))
    socketio.on_error_default(
        lambda error: log.error("a message could not be handled", exc_info=error)
    )
