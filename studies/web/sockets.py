"""The socket's events during a round: who it is comes from the signed cookie alone."""

import logging
from collections.abc import Callable
from typing import Any

from flask import request
from flask_socketio import SocketIO

from play.web import messages
from play.web.guard import allowance_factory
from play.web.messages import Allowance, BadMessage
from studies.web.config import StudyConfig
from studies.web.rounds import Rounds

log = logging.getLogger("understudy.studies")

Who = Callable[[], str | None]


def register_sockets(socketio: SocketIO, rounds: Rounds, config: StudyConfig, who: Who) -> None:
    """Connects the socket's events to `rounds`; `who` reads the cookie of the request."""
    new_allowance = allowance_factory(config.message_rate, config.message_burst, config.mistakes)
    allowances: dict[str, Allowance] = {}

    def sid() -> str:
        return str(request.sid)  # type: ignore[attr-defined]

    def mistaken() -> None:
        allowance = allowances.get(sid())
        if allowance is None or not allowance.mistake():
            socketio.emit("refused", {}, to=sid())
            socketio.server.disconnect(sid())

    def on(event: str, check: Callable[[Any], Any], act: Callable[[str, Any], bool]) -> None:
        def handler(*data: Any) -> None:
            try:
                message = check(data[0] if len(data) == 1 else None)
            except BadMessage:
                mistaken()
                return
            if not act(sid(), message):
                mistaken()

        socketio.on_event(event, handler)

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
    on("key", messages.key, rounds.key)
    on("hidden", messages.pause, heard(rounds.hidden))
    on("beat", messages.beat, heard(rounds.trip))
    on("here", messages.empty, told(rounds.here))
    socketio.on_event("*", lambda *_: mistaken())
    socketio.on_error_default(
        lambda error: log.error("a message could not be handled", exc_info=error)
    )
