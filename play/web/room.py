"""One room: who is in it, and what is shown to them."""

import time
from dataclasses import dataclass, field
from typing import Any

from play.web.messages import Start
from play.web.table import Table

Message = dict[str, Any]


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
    art: str
    num_players: int
    players: list[Player]
    watchers: set[str] = field(default_factory=set)
    table: Table | None = None
    result: Message | None = None
    votes: set[str] = field(default_factory=set)
    audience: tuple[str, ...] = ()
    starting: bool = False
    ended_at: float = 0.0

    def refresh_audience(self) -> None:
        """Call after every change of players, connections or watchers."""
        self.audience = (*(p.sid for p in self.players if p.sid), *sorted(self.watchers))

    def human_seats(self) -> list[int]:
        """Seats that people take."""
        if self.wish.mode == "pair":
            return list(range(self.num_players))
        return [self.wish.seat] if self.wish.mode == "solo" else []

    def chairs(self) -> list[str | None]:
        """Policy id of each seat, or None for a person's."""
        if self.wish.mode == "watch":
            return list(self.wish.partners)
        people = set(self.human_seats())
        return [
            None if seat in people else self.wish.partners[0] for seat in range(self.num_players)
        ]

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
            {**seat, "connected": index not in empty} for index, seat in enumerate(self.table.seats)
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
            {"here": seat in here and here[seat].sid is not None, "you": here.get(seat) is viewer}
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
