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
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import websockets
from websockets.asyncio.client import ClientConnection, connect

from tests.studies.bots import Bot

WALKERS = 8
"""Participants that walk to their round at the same time."""
STARTERS = 16
"""Rounds that are opened at the same time."""
ACTIONS = 6
SETTLE_S = 2.0
"""Seconds of play that are not measured, and without keys at the end: all that was sent arrives."""


@dataclass
class Player:
    """One participant at their round.

    Attributes:
        sent: (action, down) of every key message, in order.
        ticks: Step -> seconds on this process's clock when it was heard.
        due: Step -> milliseconds at which the server says it was due.
    """

    cookie: str
    chance: random.Random
    sent: list[tuple[int, bool]] = field(default_factory=list)
    ticks: dict[int, float] = field(default_factory=dict)
    due: dict[int, float] = field(default_factory=dict)
    bytes_heard: int = 0
    game: str = ""
    playing: asyncio.Event = field(default_factory=asyncio.Event)
    socket: ClientConnection | None = None

    async def listen(self) -> None:
        """Hears the server to the end, and answers what the protocol asks."""
        assert self.socket is not None
        async for frame in self.socket:
            now = time.perf_counter()
            text = str(frame)
            self.bytes_heard += len(text)
            if text.startswith('42["tick"'):
                message = json.loads(text[2:])[1]
                self.ticks[message["t"]] = now
                self.due[message["t"]] = message["due"]
            elif text == "2":
                await self.socket.send("3")
            elif text.startswith('42["wait"'):
                await self.socket.send('42["ready",{}]')
            elif text.startswith('42["game"'):
                self.game = json.loads(text[2:])[1]["id"]
                self.playing.set()

    async def press(self, presses_per_s: float, until: float) -> None:
        """Presses keys at random times, as short as people do: about a tenth of a second."""
        assert self.socket is not None
        while True:
            await asyncio.sleep(self.chance.expovariate(presses_per_s))
            if time.perf_counter() > until:
                return
            action = self.chance.randrange(ACTIONS)
            for down in (True, False):
                at = time.time() * 1000
                self.sent.append((action, down))
                key = json.dumps({"action": action, "down": down, "at": at})
                await self.socket.send(f'42["key",{key}]')
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
    address = settings["url"].replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    gate, hearing = asyncio.Semaphore(STARTERS), []

    async def begin(player: Player) -> None:
        async with gate:
            player.socket = await connect(
                address, additional_headers={"Cookie": f"participant={player.cookie}"},
                ping_interval=None, open_timeout=60,
            )  # fmt: skip
            await player.socket.send("40{}")
            hearing.append(asyncio.create_task(player.listen()))
            await asyncio.wait_for(player.playing.wait(), 120)

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
    for task in hearing:
        task.cancel()
    for player in players:
        assert player.socket is not None
        await player.socket.close()
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
    with ThreadPoolExecutor(WALKERS) as pool:
        cookies = list(pool.map(lambda n: walk(settings["url"], n), range(settings["games"])))
    players = [Player(cookie, random.Random(n)) for n, cookie in enumerate(cookies)]
    try:
        report = asyncio.run(play(settings, players))
    except (OSError, TimeoutError, websockets.WebSocketException) as error:
        sys.exit(f"the clients could not play: {type(error).__name__}: {error}")
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
