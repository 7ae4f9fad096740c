"""Several server processes for one study: who is there, and at which of them a participant plays.

Everything that must last is in the study's database, and any process can answer any page. What is
in a process's memory is the running games. A participant's browser gets the name of a process in a
cookie, by which the proxy in front sends it where its game is; when that process is gone, another
one goes on with the game from its record. Should two processes ever go on with the same game, the
database lets one of them write (see `play.recorder.Lost`).

The names are kept in Redis, which is Flask-SocketIO's message queue as well. Without it, new games
begin wherever the proxy sends their players.
"""

import logging
import re
import threading
from typing import Any, Protocol

import redis
from flask_socketio import SocketIO

from play.worlds.errors import UserError

log = logging.getLogger("understudy.studies")

BEAT_S = 1.0
"""Seconds between two signs of life of a process."""
ALIVE_S = 4
"""Seconds after its last sign of life for which a process counts as alive."""
KEPT_S = 7 * 24 * 3600
"""How long the place of a participant is kept."""
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


class Processes(Protocol):
    """What a server knows of the other processes of its study."""

    @property
    def name(self) -> str:
        """What this process is called; "" when there is no other."""
        ...

    def start(self, socketio: SocketIO) -> None:
        """Shows the other processes that this one is there."""
        ...

    def close(self) -> None:
        """Takes leave of them."""
        ...

    def home(self, participant_id: str, together: bool) -> str:
        """The process at which a participant's next round is to be played.

        Args:
            participant_id: The participant.
            together: Whether it is played with another participant, whom they must meet there.
        """
        ...

    def arrive(self, participant_id: str, sid: str) -> None:
        """A participant has connected here; their connections elsewhere are told to go."""
        ...


class Alone:
    """There is one process."""

    name = ""

    def start(self, socketio: SocketIO) -> None:
        """Nothing to show."""

    def close(self) -> None:
        """Nobody to leave."""

    def home(self, participant_id: str, together: bool) -> str:
        """Here."""
        return ""

    def arrive(self, participant_id: str, sid: str) -> None:
        """Nobody is elsewhere."""


class Cluster:
    """The processes of a study, as Redis knows them.

    Args:
        url: Redis.
        name: What this process is called.
        study: The study's name.

    Raises:
        UserError: The name is none, or Redis cannot be reached.
    """

    def __init__(self, url: str, name: str, study: str) -> None:
        if not NAME.fullmatch(name):
            raise UserError(
                f"--name {name!r} cannot name a server process: give up to 31 small letters, "
                "digits and hyphens, as nginx's configuration has them"
            )
        self.name = name
        self._prefix = f"understudy:{study}:"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, daemon=True, name="cluster")
        self._socketio: SocketIO | None = None
        try:
            self._redis: Any = redis.Redis.from_url(
                url, decode_responses=True, socket_timeout=2, socket_connect_timeout=2
            )
            self._beat()
        except (redis.RedisError, ValueError) as error:
            raise UserError(
                f"Redis cannot be reached ({str(error).splitlines()[0]}): check --queue, such as "
                "redis://127.0.0.1:6379/0, and that its server runs"
            ) from error

    def start(self, socketio: SocketIO) -> None:
        """Shows the other processes that this one is there."""
        self._socketio = socketio
        self._thread.start()

    def close(self) -> None:
        """Takes leave, so that participants are sent elsewhere at once."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        try:
            self._redis.delete(self._process(self.name))
            if self._redis.get(self._host) == self.name:
                self._redis.delete(self._host)
        except redis.RedisError:
            log.warning("Redis does not answer; the other processes will notice by themselves")
        self._redis.close()

    def home(self, participant_id: str, together: bool) -> str:
        """The process at which a participant's next round is to be played."""
        try:
            if together:
                found = self._redis.get(self._host)
            else:
                found = (self._redis.hget(self._places, participant_id) or "").split(" ")[0]
            if found and self._redis.exists(self._process(found)):
                return str(found)
        except redis.RedisError:
            log.warning("Redis does not answer; a round begins where its player is")
        return self.name

    def arrive(self, participant_id: str, sid: str) -> None:
        """A participant has connected here; their connections elsewhere are told to go."""
        try:
            pipe = self._redis.pipeline()
            pipe.hget(self._places, participant_id)
            pipe.hset(self._places, participant_id, f"{self.name} {sid}")
            pipe.expire(self._places, KEPT_S)
            before = pipe.execute()[0]
        except redis.RedisError:
            log.warning("Redis does not answer; another tab of a participant may stay open")
            return
        process, _, other = (before or "").partition(" ")
        if process not in ("", self.name) and self._socketio is not None:
            self._socketio.emit("replaced", {}, to=other)
            self._socketio.server.disconnect(other)

    @property
    def _places(self) -> str:
        return self._prefix + "places"

    @property
    def _host(self) -> str:
        return self._prefix + "host"

    def _process(self, name: str) -> str:
        return self._prefix + "process:" + name

    def _beat(self) -> None:
        """Shows a sign of life; the first of all processes is where participants meet."""
        self._redis.set(self._process(self.name), "alive", ex=ALIVE_S)
        if not self._redis.set(self._host, self.name, nx=True, ex=ALIVE_S) and (
            self._redis.get(self._host) == self.name
        ):
            self._redis.expire(self._host, ALIVE_S)

    def _beat_on(self) -> None:
        while not self._stopping.wait(BEAT_S):
            try:
                self._beat()
            except redis.RedisError:
                log.warning("Redis does not answer; trying again")
