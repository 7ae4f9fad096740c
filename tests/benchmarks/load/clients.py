"""Participants as real sockets, many in one process: what the load benchmark's server is held to.

Reads settings as one line of JSON, walks every participant to their round over HTTP, connects all
sockets, plays, and writes what it saw as one line of JSON. It is a process of its own, so that its
cost is not the server's, and it says what its cost was.
"""

import asyncio
import gc
import json
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import orjson

from play.web import frames
from tests.studies.bots import Bot

WALKERS = 8
"""Participants that walk to their round at the same time."""
STARTERS = 16
"""Rounds that are opened at the same time."""
ACTIONS = 6
BEGIN_S = 120.0
"""How long a round may take to begin."""
HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: participant={cookie}\r\n\r\n"
)
SETTLE_S = 2.0
"""Seconds of play that are not measured, and without keys at the end: all that was sent arrives."""


class Player(asyncio.Protocol):
    """One participant at their round, with a WebSocket connection of their own.

    Args:
        cookie: Who they are.
        chance: What they do by chance.

    Attributes:
        sent: (action, down) of every key message, in order.
        ticks: Step -> seconds on this process's clock when it was heard.
        due: Step -> milliseconds at which the server says it was due.
        bytes_heard: Of all messages.
        game: Name of the round, once it runs.
        playing: Done when the round runs; fails when the connection is lost.
    """

    def __init__(self, cookie: str, chance: random.Random) -> None:
        self.cookie, self.chance = cookie, chance
        self.sent: list[tuple[int, bool]] = []
        self.ticks: dict[int, float] = {}
        self.due: dict[int, float] = {}
        self.bytes_heard = 0
        self.game = ""
        self._greeted = False
        self._refusal = ""
        self._rest = b""

    async def connect(self, host: str, port: int) -> None:
        """Opens the connection and waits until the round runs.

        Raises:
            OSError: It could not be opened, or was lost.
            TimeoutError: The round did not begin.
        """
        loop = asyncio.get_running_loop()
        self.playing: asyncio.Future[None] = loop.create_future()
        self.transport, _ = await loop.create_connection(lambda: self, host, port)
        self.transport.write(HANDSHAKE.format(host=host, cookie=self.cookie).encode())
        await asyncio.wait_for(self.playing, BEGIN_S)

    def say(self, text: str) -> None:
        """Sends a message."""
        if self.transport.is_closing():
            raise ConnectionError("the server hung up")
        mask, content = self.chance.randbytes(4), text.encode()
        assert len(content) <= frames.MAX_CONTROL_BYTES, "longer ones have another header"
        header = bytes((frames.LAST | frames.TEXT, frames.MASKED | len(content)))
        self.transport.write(header + mask + frames.unmasked(content, mask))

    def leave(self) -> None:
        """Hangs up."""
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends what waits for the round."""
        if not self.playing.done():
            said = f"answered {self._refusal!r}" if self._refusal else "hung up"
            when = "after" if self._greeted else "before"
            self.playing.set_exception(
                ConnectionError(f"the server {said} {when} the handshake, before the round began")
            )

    def data_received(self, data: bytes) -> None:
        """Takes in what has arrived: the answer to the handshake, then frames."""
        now = time.perf_counter()
        data = self._rest + data
        if not self._greeted:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._rest = head
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                self._refusal = head.partition(b"\r\n")[0].decode("latin-1")
                self.transport.close()
                return
            self._greeted = True
            self.say("40{}")
        at = 0
        while at + 2 <= len(data):
            size, body = data[at + 1], at + 2
            if size > frames.MAX_CONTROL_BYTES:
                body += 2 if size == 126 else 8
                size = int.from_bytes(data[at + 2 : body])
            if body + size > len(data):
                break
            if data[at] == frames.LAST | frames.TEXT:
                self._hear(data[body : body + size], now)
            at = body + size
        self._rest = data[at:]

    def _hear(self, text: bytes, now: float) -> None:
        self.bytes_heard += len(text)
        if text.startswith(b'42["tick"'):
            message = orjson.loads(text[2:])[1]
            self.ticks[message["t"]] = now
            self.due[message["t"]] = message["due"]
        elif text == b"2":
            self.say("3")
        elif text.startswith(b'42["wait"'):
            self.say('42["ready",{}]')
        elif text.startswith(b'42["game"'):
            self.game = orjson.loads(text[2:])[1]["id"]
            if not self.playing.done():
                self.playing.set_result(None)

    async def press(self, presses_per_s: float, until: float) -> None:
        """Presses keys at random times, as short as people do: about a tenth of a second.

        Raises:
            ConnectionError: The connection was lost.
        """
        while True:
            await asyncio.sleep(self.chance.expovariate(presses_per_s))
            if time.perf_counter() > until:
                return
            action = self.chance.randrange(ACTIONS)
            for down in (True, False):
                at = time.time() * 1000
                self.sent.append((action, down))
                key = json.dumps({"action": action, "down": down, "at": at})
                self.say(f'42["key",{key}]')
                if down:
                    await asyncio.sleep(self.chance.uniform(0.02, 0.15))


def walk(url: str, number: int) -> str:
    """Takes a participant to their round; returns their cookie."""
    bot = Bot(url, seed=number)
    bot.enter(f"?PROLIFIC_PID=load-{number}")
    bot.take_until("round")
    cookie = bot.http.cookies["participant"]
    bot.http.close()
    return str(cookie)


async def play(settings: dict[str, Any], players: list[Player]) -> dict[str, Any]:
    """Connects everybody, lets them play and says what they saw."""
    host, _, port = urlsplit(settings["url"]).netloc.partition(":")
    gate = asyncio.Semaphore(STARTERS)

    async def begin(player: Player) -> None:
        async with gate:
            await player.connect(host, int(port))

    begun = time.perf_counter()
    await asyncio.gather(*map(begin, players))
    opened_s = time.perf_counter() - begun
    gc.collect()
    gc.freeze()
    await asyncio.sleep(settings["countdown_s"] + SETTLE_S)
    cpu, first = time.process_time(), time.perf_counter()
    print(json.dumps({"from": True}), flush=True)
    rate = settings["presses_per_s"]
    await asyncio.gather(*(player.press(rate, first + settings["seconds"]) for player in players))
    print(json.dumps({"to": True}), flush=True)
    last = time.perf_counter()
    cpu, span = time.process_time() - cpu, last - first
    await asyncio.sleep(SETTLE_S)
    for player in players:
        player.leave()
    return {
        "opened_s": opened_s,
        "seconds": span,
        "client_processors": cpu / span,
        "bytes_per_message": sum(p.bytes_heard for p in players)
        / max(1, sum(len(p.ticks) for p in players)),
        "delivery_ms": delivery(players, first, last),
        "games": {
            player.game: {
                "sent": player.sent,
                "steps": [t for t, at in player.ticks.items() if first <= at <= last],
                "heard": sorted(player.ticks),
            }
            for player in players
        },
    }


def delivery(players: list[Player], first: float, last: float) -> list[float]:
    """Percentiles 50, 99 and 99.9 of how late a step is heard, in ms.

    It counts from the step's due time; the clocks of both processes are brought together by the
    promptest message of each game.
    """
    late: list[float] = []
    for player in players:
        heard = [t for t, at in player.ticks.items() if first <= at <= last]
        gaps = np.array([player.ticks[t] * 1000 - player.due[t] for t in heard])
        if len(gaps):
            late += list(gaps - gaps.min())
    return [float(value) for value in np.percentile(late, [50, 99, 99.9])]


def main() -> None:
    """Does what one line of standard input says."""
    settings = json.loads(sys.stdin.readline())
    try:
        with ThreadPoolExecutor(WALKERS) as pool:
            cookies = list(pool.map(lambda n: walk(settings["url"], n), range(settings["games"])))
        players = [Player(cookie, random.Random(n)) for n, cookie in enumerate(cookies)]
        report = asyncio.run(play(settings, players))
    except (AssertionError, OSError, TimeoutError) as error:
        sys.exit(f"the clients could not play: {type(error).__name__}: {str(error)[:300]}")
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
