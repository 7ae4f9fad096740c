"""One room: who is in it, and what is shown to them."""

import time
from dataclasses import dataclass, field
from typing import Any

from play.presentation.families import face_of, presentation_of
from play.web.messages import Start
from play.web.table import Table
from play.worlds.spec import WorldFacts

Message = dict[str, Any]


def people_of(wish: Start, facts: WorldFacts) -> list[int]:
    """Seats that people take: one, none, or all of one role."""
    if wish.mode == "pair":
        return next(group for group in facts.groups() if wish.seat in group)
    return [wish.seat] if wish.mode == "solo" else []


def policies_of(wish: Start, facts: WorldFacts) -> list[list[int]]:
    """The seats that each of a wish's partners is to take."""
    if wish.mode == "watch":
        return [[seat] for seat in range(facts.num_players)]
    return facts.groups(without=people_of(wish, facts))


@dataclass(eq=False)
class Player:
    """Somebody with a token who is in a room.

    Attributes:
        token: The secret that makes a browser this player.
        sid: The connection, or None while it is lost.
        seat: The seat, or None for somebody who only watches their own game.
        away_since: When the connection was lost, in monotonic seconds.
    """

    token: str
    sid: str | None
    seat: int | None
    away_since: float | None = None


@dataclass(eq=False)
class Room:
    """One lobby, game or finished game.

    Attributes:
        audience: Connections that receive every tick; replaced as a whole, so that the clock
            thread reads it without a lock.
        result: How the last game ended, until the next one starts.
        votes: Tokens of the players who want to go again.
        starting: Whether a game is being loaded.
    """

    code: str
    wish: Start
    title: str
    facts: WorldFacts
    players: list[Player]
    watchers: set[str] = field(default_factory=set)
    table: Table | None = None
    result: Message | None = None
    votes: set[str] = field(default_factory=set)
    audience: tuple[str, ...] = ()
    starting: bool = False
    ended_at: float = 0.0

    @property
    def art(self) -> str:
        """Folder of the art of the world's family."""
        return presentation_of(self.facts.world).art

    def refresh_audience(self) -> None:
        """Call after every change of players, connections or watchers."""
        self.audience = (*(p.sid for p in self.players if p.sid), *sorted(self.watchers))

    def human_seats(self) -> list[int]:
        """Seats that people take."""
        return people_of(self.wish, self.facts)

    def chairs(self) -> list[str | None]:
        """Policy id of each seat, or None for a person's."""
        chairs: list[str | None] = [None] * self.facts.num_players
        seats_of = policies_of(self.wish, self.facts)
        for name, seats in zip(self.wish.partners, seats_of, strict=True):
            for seat in seats:
                chairs[seat] = name
        return chairs

    def full(self) -> bool:
        """Whether everybody who is needed has come."""
        return len(self.players) >= max(1, len(self.human_seats()))

    def player(self, token: str) -> Player:
        """The player with a token, who must be in the room."""
        return next(player for player in self.players if player.token == token)

    def seats(self) -> list[Message]:
        """Labels of the running game's seats, and whether somebody sits there now."""
        assert self.table is not None
        here = {player.seat for player in self.players if player.sid is not None}
        empty = set(self.human_seats()) - here
        return [
            {**seat, "connected": index not in empty, "face": face_of(self.facts, index)}
            for index, seat in enumerate(self.table.seats)
        ]

    def paused(self, resume_s: float) -> Message | None:
        """Why the running game stands still, whom it waits for, and for how long."""
        assert self.table is not None
        if self.table.paused is None:
            return None
        reason, seat = self.table.paused
        left = 0.0
        for player in self.players:
            if player.seat == seat and player.away_since is not None:
                left = player.away_since + resume_s - time.monotonic()
        return {"reason": reason, "seat": seat, "left_ms": max(0, round(left * 1000))}

    def picture(self, viewer: Player | None, resume_s: float) -> Message:
        """Everything that a page needs to show the running game from here on."""
        assert self.table is not None
        return {
            **self.table.picture(),
            **self._for(viewer),
            "code": self.code,
            "seats": self.seats(),
            "paused": self.paused(resume_s),
            "can_pause": viewer is not None and self.wish.mode != "pair",
        }

    def ending(self, viewer: Player | None) -> Message:
        """How the last game ended, for one viewer."""
        return {**(self.result or {}), **self._for(viewer)}

    def lobby(self, viewer: Player) -> Message:
        """Who is here and who is not yet."""
        here = {player.seat: player for player in self.players}
        seats = [
            {
                "here": seat in here and here[seat].sid is not None,
                "you": here.get(seat) is viewer,
                "face": face_of(self.facts, seat),
            }
            for seat in self.human_seats()
        ]
        return {"code": self.code, "title": self.title, "art": self.art, "seats": seats}

    def _for(self, viewer: Player | None) -> Message:
        return {
            "mode": self.wish.mode,
            "title": self.title,
            "art": self.art,
            "seat": viewer.seat if viewer else None,
            "owner": viewer is not None,
        }
