"""A participant at a round, and what their page is told of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from play.presentation.families import face_of
from play.web.table import Message
from play.worlds.spec import WorldFacts
from studies.attention import Watch
from studies.flow import Step
from studies.looks import looks_at
from studies.messages import Messages, messages
from studies.sessions import Session as Sitting
from studies.web.plans import RoundTable


@dataclass(eq=False)
class Chair:
    """A participant who is at a round.

    Attributes:
        sid: The connection, or None while it is lost.
        seat: Their seat, once there is a table.
        table: The running round; None until the participant is ready.
        mate: The participant in the other seat, where one is.
        away_since: When the connection was lost, in monotonic seconds.
        still_since: When the round was made to stand still because they did not play.
        opening: Whether the round is being loaded.
        watch: Looks after them in a running round.
        gone: Whether they withdrew, or the file's rules ended their session.
    """

    sitting: Sitting
    step: Step
    sid: str | None
    seat: int = 0
    table: RoundTable | None = None
    mate: "Chair | None" = None
    away_since: float | None = None
    still_since: float | None = None
    opening: bool = False
    watch: Watch | None = None
    gone: bool = False

    @property
    def name(self) -> str:
        """The participant's id."""
        return self.sitting.who.id

    @property
    def missing_since(self) -> float | None:
        """Since when the round waits for them."""
        since = [at for at in (self.away_since, self.still_since) if at is not None]
        return min(since, default=None)

    def left_ms(self, now: float) -> int:
        """For how long the round still waits for them."""
        kept = self.sitting.study.pace.away_s
        since = self.missing_since
        return round(1000 * max(0.0, kept - (now - since if since is not None else 0.0)))


def how_to_play(sitting: Sitting, words: Messages) -> str:
    """The controls, by what the participant said at the screening."""
    found = (e.data["device"]["input"] for e in sitting.events if e.step == "screening")
    return words("help-touch" if next(found, "") == "touch" else "help")


def picture_of(chair: Chair, table: RoundTable) -> Message:
    """Everything that a participant's page needs to show the round from here on."""
    words = messages(chair.sitting.language)
    facts = table.game.session.facts
    picture = {
        **table.picture(),
        "help": how_to_play(chair.sitting, words),
        "goal": words("goal") if chair.step.kind == "round" else "",
        "mode": "solo",
        "title": "",
        "renderer": facts.renderer,
        "seat": chair.seat,
        "can_pause": False,
        "performed": table.performed,
        **status_of(chair, table),
    }
    looks = looks_at(chair.sitting, chair.step, chair.seat, facts.num_players)
    picture["static"] = {**picture["static"], "looks": looks}
    return picture


def status_of(chair: Chair, table: RoundTable) -> Message:
    """Who is there, and whether the round stands still."""
    facts = table.game.session.facts
    seats = _seats(chair, facts)
    return {
        "id": table.id,
        "seats": seats[:1] if chair.step.kind == "tutorial" else seats,
        "paused": _paused(chair, table),
        "starts_in_ms": table.starts_in_ms(),
    }


def _seats(chair: Chair, facts: WorldFacts) -> Sequence[Message]:
    words = messages(chair.sitting.language)
    looks = looks_at(chair.sitting, chair.step, chair.seat, facts.num_players)
    mate = chair.mate
    return [
        {
            "label": words("you" if seat == chair.seat else "partner"),
            "connected": mate is None or seat != mate.seat or mate.sid is not None,
            "face": face_of(facts, seat, look),
        }
        for seat, look in enumerate(looks)
    ]


def _paused(chair: Chair, table: RoundTable) -> dict[str, Any] | None:
    if table.paused is None:
        return None
    reason, seat = table.paused
    missing = chair.mate if chair.mate is not None and chair.mate.seat == seat else chair
    if missing is chair and reason == "away":
        return None  # whoever reads this is back
    return {"reason": reason, "seat": seat, "left_ms": missing.left_ms(time.monotonic())}


def seen_of(chair: Chair) -> dict[str, float | None]:
    """What the watch says of a whole round, as far as this process has seen it."""
    if chair.watch is None:
        return {}
    lag = chair.watch.lag_ms
    return {
        "hidden_s": round(chair.watch.hidden_s, 1),
        "lag_ms": None if lag is None else round(lag, 1),
    }
