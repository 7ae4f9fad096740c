"""Who plays with whom: players, their rooms and the ways in and out of them.

A room is a lobby until every human seat is taken, then a running game, then a finished one whose
players may go again. Every path out of a room (leaving, a drop that lasts, the end of the game,
the end of the server) returns its slot.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from play.presentation.families import person_of, text_of
from play.session import SeatConfig
from play.web.catalogue import Catalogue
from play.web.config import PlayConfig
from play.web.messages import Key, Start
from play.web.room import Player, Room, people_of
from play.web.table import Table, Tables
from play.worlds.errors import UserError

log = logging.getLogger("understudy.web")

Send = Callable[[str, dict[str, Any], str], None]
"""Sends (event, data) to the connection with the given id."""
Answer = dict[str, Any]

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # no 0/O or 1/I: codes are read out loud
FINISHED_S = 600.0


def _refusal(sentence: str) -> Answer:
    return {"ok": False, "error": sentence}


class Rooms:
    """All rooms of a server.

    The lock guards the structure only; it is never held while a world or a policy is loaded, so
    that starting one game costs no other a tick.
    """

    def __init__(self, config: PlayConfig, catalogue: Catalogue, send: Send) -> None:
        self._config = config
        self._catalogue = catalogue
        self._send = send
        self._lock = threading.RLock()
        self._rooms: dict[str, Room] = {}
        self._tokens: dict[str, Room] = {}  # players in rooms
        self._sids: dict[str, str] = {}  # connection -> token
        self._tables = Tables(config)
        self._stopping = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep_loop, daemon=True, name="rooms")

    def start(self) -> None:
        """Starts the games' clock and the return of abandoned slots."""
        self._tables.start()
        self._sweeper.start()

    def close(self) -> None:
        """Stops every game, so that each record has its end."""
        self._stopping.set()
        with self._lock:
            tables = [room.table for room in self._rooms.values() if room.table]
        for table in tables:
            table.stop("server stopped")
        self._tables.close()

    # Connections

    def connect(self, sid: str, token: str | None, join: str | None, game: str | None) -> bool:
        """Greets a connection; False when the server is full.

        A token with a running game or a lobby takes its seat over from wherever it was, unless
        it came through its own invitation link: then its person is asked first.
        """
        with self._lock:
            if len(self._sids) >= self._config.max_connections:
                return False
            token = token or secrets.token_urlsafe(24)
            room = self._tokens.get(token)
            if room is not None and join == room.code and room.player(token).sid:
                self._sids[sid] = secrets.token_urlsafe(24)  # nobody until the person says who
                self._send("welcome", {"token": token, "active": False, "own": True}, sid)
                return True
            self._sids[sid] = token
            if room is not None and room.result is not None:
                room = self._return_to_finished(sid, token, room, game)
            active = room is not None
            self._send("welcome", {"token": token, "active": active, "own": False}, sid)
            if room is not None:
                self._take_seat(sid, token, room)
            return True

    def disconnect(self, sid: str) -> None:
        """Keeps the seat of a lost connection for a while."""
        with self._lock:
            token = self._sids.pop(sid, None)
            for room in list(self._rooms.values()):
                if sid in room.watchers:
                    room.watchers.discard(sid)
                    room.refresh_audience()
            room_or_none = self._tokens.get(token or "")
            if room_or_none is None:
                return
            player = room_or_none.player(token or "")
            if player.sid == sid:
                player.sid = None
                player.away_since = time.monotonic()
                room_or_none.refresh_audience()
                self._went_away(room_or_none, player)

    # Wishes

    def begin(self, sid: str, wish: Start) -> Answer:
        """Opens a game, or for two people a lobby."""
        problem = self._catalogue.problem(wish)
        entry = self._catalogue.entry(wish.world)
        if problem is not None or entry is None:
            return _refusal(problem or "This world is not on the menu; reload the page.")
        with self._lock:
            if len(self._rooms) >= self._config.max_games:
                return _refusal("Every table is taken at the moment; try again in a minute.")
            token = self._sids.get(sid)
            if token is None:
                return _refusal("The connection is new; try again.")
            self._quit(token)
            seats = people_of(wish, entry.facts)
            player = Player(token, sid, seats[0] if seats else None)
            room = Room(self._new_code(), wish, entry.title, entry.facts, [player])
            room.refresh_audience()
            self._rooms[room.code] = room
            self._tokens[token] = room
            if not room.full():
                self._tell_lobby(room)
                return {"ok": True, "code": room.code}
        return self._open_table(room)

    def join(self, sid: str, code: str) -> Answer:
        """Takes a free seat in somebody's lobby."""
        with self._lock:
            room, token = self._rooms.get(code), self._sids.get(sid)
            if room is None or token is None:
                return _refusal("The game behind this link is over; ask for a new link.")
            if self._tokens.get(token) is room:
                return {"ok": True, "code": code}
            if room.wish.mode != "pair" or room.full():
                return _refusal("Every seat of this game is taken.")
            self._quit(token)
            taken = {player.seat for player in room.players}
            seat = next(seat for seat in room.human_seats() if seat not in taken)
            room.players.append(Player(token, sid, seat))
            room.refresh_audience()
            self._tokens[token] = room
            self._tell_lobby(room)
            if not room.full() or room.starting:
                return {"ok": True, "code": code}
        return self._open_table(room)

    def watch(self, sid: str, code: str) -> Answer:
        """Looks on at somebody's running game."""
        with self._lock:
            room = self._rooms.get(code)
            if room is None or room.table is None:
                return _refusal("The game behind this link is not running.")
            room.watchers.add(sid)
            room.refresh_audience()
            self._send("game", room.picture(None, self._config.resume_s), sid)
            return {"ok": True}

    def key(self, sid: str, key: Key) -> bool:
        """Passes a press or release on; False when the action does not exist in this world."""
        with self._lock:
            room, player = self._seated(sid)
            table = room.table if room else None
            seat = player.seat if player else None
        if table is None or seat is None:
            return True  # the game ended while the message was on its way
        return table.key(seat, key)

    def pause(self, sid: str, on: bool) -> None:
        """Pauses a game with at most one person in it, or lets it go on."""
        with self._lock:
            room, player = self._seated(sid)
            if room is None or player is None or room.table is None or room.wish.mode == "pair":
                return
            if on:
                room.table.hold("pause", None)
            else:
                room.table.release("pause")
            self._tell_status(room)

    def leave(self, sid: str) -> None:
        """Ends a player's stay in a room."""
        with self._lock:
            token = self._sids.get(sid)
            if token is not None:
                self._quit(token)
            for room in self._rooms.values():
                if sid in room.watchers:
                    room.watchers.discard(sid)
                    room.refresh_audience()

    def again(self, sid: str) -> Answer:
        """Starts the same game once more when everybody wants it."""
        with self._lock:
            room, player = self._seated(sid)
            if room is None or player is None or room.table is not None or room.result is None:
                return _refusal("That game is gone; start a new one from the menu.")
            if not room.full():
                return _refusal("The other player has left; start a new game from the menu.")
            room.votes.add(player.token)
            if len(room.votes) < len(room.players):
                for other in room.audience:
                    self._send("again", {"yes": len(room.votes), "of": len(room.players)}, other)
                return {"ok": True, "waiting": True}
            room.result = None
        return self._open_table(room)

    def sweep(self, now: float) -> None:
        """Ends what nobody came back to; `now` in monotonic seconds."""
        with self._lock:
            for room in list(self._rooms.values()):
                self._sweep_room(room, now)

    def count(self) -> int:
        """Slots in use: lobbies, running and finished games."""
        with self._lock:
            return len(self._rooms)

    # Inside; the lock is held where nothing else is said

    def _open_table(self, room: Room) -> Answer:
        """Loads world and policies (without the lock) and starts the game."""
        room.starting = True
        table = self._table(room)
        try:
            self._tables.open(room.wish, room.chairs(), table)
        except UserError:
            # The sentence may name files of this machine: it is for the log, not for the page.
            log.exception("a game could not be opened")
            with self._lock:
                self._close_room(room)
            return _refusal("This game cannot be opened now; the server's log says why.")
        finally:
            room.starting = False
        with self._lock:
            room.table, room.result = table, None
            room.votes.clear()
            if not room.players:
                table.stop("left")
                return _refusal("You left before the game began.")
            table.start(self._config.countdown_ms)
            for player in room.players:
                if player.sid:
                    picture = room.picture(player, self._config.resume_s)
                    self._send("game", picture, player.sid)
            for watcher in room.watchers:
                self._send("game", room.picture(None, self._config.resume_s), watcher)
            for player in room.players:
                if player.sid is None:
                    self._went_away(room, player)
        return {"ok": True, "code": room.code}

    def _table(self, room: Room) -> Table:
        chairs = []
        for seat, name in enumerate(room.chairs()):
            partner = self._catalogue.partner(name, room.wish.world) if name else None
            if partner is None:
                chairs.append(SeatConfig("human", person_of(room.facts, seat)))
            else:
                title, _ = text_of(partner, room.wish.world)
                chairs.append(SeatConfig("policy", title, partner.name, partner.sha256))
        return Table(
            tuple(chairs),
            on_tick=lambda message: self._tell_audience(room, "tick", message),
            on_end=lambda result: self._on_end(room, result),
            on_stall=lambda message: self._tell_audience(room, "stalled", message),
        )

    def _tell_audience(self, room: Room, event: str, message: dict[str, Any]) -> None:
        for sid in room.audience:  # called by the recorder's threads, without the lock
            self._send(event, message, sid)

    def _on_end(self, room: Room, result: dict[str, Any]) -> None:
        with self._lock:
            if room.table is None or room.table.id != result["id"]:
                return
            room.result = {**result, "seats": room.seats()}
            room.table = None
            room.ended_at = time.monotonic()
            for sid in room.watchers:
                self._send("end", room.ending(None), sid)
            for player in room.players:
                if player.sid:
                    self._send("end", room.ending(player), player.sid)
            if not room.players:
                self._close_room(room)

    def _tell_status(self, room: Room) -> None:
        if room.table is None:
            return
        message = {
            "id": room.table.id,
            "seats": room.seats(),
            "paused": room.paused(self._config.resume_s),
            "starts_in_ms": room.table.starts_in_ms(),
        }
        for sid in room.audience:
            self._send("status", message, sid)

    def _tell_lobby(self, room: Room) -> None:
        for player in room.players:
            if player.sid:
                self._send("lobby", room.lobby(player), player.sid)

    def _seated(self, sid: str) -> tuple[Room | None, Player | None]:
        room = self._tokens.get(self._sids.get(sid, ""))
        if room is None:
            return None, None
        player = room.player(self._sids[sid])
        return (room, player) if player.sid == sid else (None, None)

    def _take_seat(self, sid: str, token: str, room: Room) -> None:
        player = room.player(token)
        if player.sid is not None and player.sid != sid:
            self._send("replaced", {}, player.sid)
            self._sids.pop(player.sid, None)
        was_away = player.away_since is not None
        player.sid, player.away_since = sid, None
        room.refresh_audience()
        if room.table is None:
            self._tell_lobby(room)
            return
        if player.seat is not None and was_away:
            room.table.set_connected(player.seat, True)
        missing = next((player for player in room.players if player.sid is None), None)
        if missing is not None:
            room.table.hold("away", missing.seat)
        else:
            room.table.release("away")
        self._send("game", room.picture(player, self._config.resume_s), sid)
        self._tell_status(room)

    def _return_to_finished(
        self, sid: str, token: str, room: Room, game: str | None
    ) -> Room | None:
        """Shows the end of a game to the page that missed it; any other page starts afresh."""
        if room.result is None or room.result["id"] != game:
            self._quit(token)
            return None
        player = room.player(token)
        player.sid, player.away_since = sid, None
        room.refresh_audience()
        self._send("end", room.ending(player), sid)
        return None

    def _went_away(self, room: Room, player: Player) -> None:
        if room.table is None:
            self._tell_lobby(room)
            return
        if player.seat is not None:
            room.table.set_connected(player.seat, False)
        room.table.hold("away", player.seat)
        self._tell_status(room)

    def _quit(self, token: str) -> None:
        room = self._tokens.pop(token, None)
        if room is None:
            return
        player = room.player(token)
        room.players.remove(player)
        room.refresh_audience()
        if room.table is not None:
            room.table.stop("left")  # the others hear of it by the end of the game
        elif room.result is not None:
            for sid in room.audience:
                self._send("gone", {}, sid)
        else:
            self._tell_lobby(room)
        if not room.players and room.table is None and not room.starting:
            self._close_room(room)

    def _close_room(self, room: Room) -> None:
        self._rooms.pop(room.code, None)
        for player in room.players:
            if self._tokens.get(player.token) is room:
                del self._tokens[player.token]

    def _sweep_room(self, room: Room, now: float) -> None:
        late = [
            player
            for player in room.players
            if player.away_since is not None and now - player.away_since > self._config.resume_s
        ]
        if room.table is not None:
            if late:
                room.table.stop("timeout")
        elif room.starting:
            return
        else:
            for player in late:
                self._quit(player.token)
            if room.result is not None and now - room.ended_at > FINISHED_S:
                self._close_room(room)

    def _sweep_loop(self) -> None:
        while not self._stopping.wait(0.5):
            self.sweep(time.monotonic())

    def _new_code(self) -> str:
        while True:
            code = "".join(secrets.choice(ALPHABET) for _ in range(8))
            if code not in self._rooms:
                return code
