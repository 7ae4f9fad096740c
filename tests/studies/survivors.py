"""Participants who take part whatever happens to the server, and remember what it acknowledged."""

import contextlib
import threading
import time
from dataclasses import dataclass, field

import numpy as np
import requests
import socketio

from studies.records import find_round
from studies.sessions import Sessions
from studies.store import Store
from tests.studies.bots import Bot, Player

RETRY_S = 0.05
GIVE_UP_S = 120.0


@dataclass
class Acknowledged:
    """What the server has told one participant that it has.

    Attributes:
        page: The last page that was taken (`State.done` before it), or -1.
        steps: Round -> the last step that was told.
        presses: Keys that were sent.
    """

    page: int = -1
    steps: dict[str, int] = field(default_factory=dict)
    presses: int = 0


class Survivor(threading.Thread):
    """Takes part in the study again and again, as somebody else each time.

    Attributes:
        everybody: Identifier -> what was acknowledged.
        finished: Completion codes.
        resumed: How often a round went on after its connection was lost.
        moving: Set at each sign of life of the server in a round; others clear it.
        failure: What ended it, if it was not `stop`.
    """

    def __init__(self, url: str, name: str, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.url, self._seed = url, seed
        self.everybody: dict[str, Acknowledged] = {}
        self.finished: list[str] = []
        self.resumed = 0
        self.moving = threading.Event()
        self.stopping = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                self._take_part(len(self.everybody))
        except BaseException as error:
            self.failure = error
            raise

    def _take_part(self, number: int) -> None:
        pid = f"{self.name}-{number}"
        had = self.everybody[pid] = Acknowledged()
        bot = Bot(self.url, seed=self._seed + number)
        self._insist(lambda: bot.enter(f"?PROLIFIC_PID={pid}"))
        broken = False
        while bot.kind != "ended":
            if bot.kind == "round":
                broken = self._play(bot, had, broken)
                self._insist(lambda: self._see(bot))
            else:
                self._hand_in(bot, had)
        assert bot.code == "DONE-1", bot.page
        self.finished.append(bot.code)

    def _see(self, bot: Bot) -> None:
        assert bot.get("/study") == 200, bot.page

    def _hand_in(self, bot: Bot, had: Acknowledged) -> None:
        """Hands a page in, and looks where it is when no answer comes."""
        answers = bot.answers()
        try:
            status = bot.post("/study", answers)
        except requests.RequestException:
            self._insist(lambda: self._see(bot))
            return
        assert status == 200, bot.page
        if "answered already" not in bot.page:
            had.page = max(had.page, int(answers["at"]))

    def _play(self, bot: Bot, had: Acknowledged, broken: bool) -> bool:
        """Plays until the round ends or the connection is lost; whether it was lost."""
        try:
            player = Player(bot)
        except (socketio.exceptions.ConnectionError, requests.RequestException):
            time.sleep(RETRY_S)
            return broken
        chance = np.random.default_rng(self._seed)
        game, seen = "", 0
        with player, contextlib.suppress(socketio.exceptions.BadNamespaceError):
            while not player.lost.is_set():
                for event, data in player.got[seen:]:
                    seen += 1
                    if event == "wait":
                        player.socket.emit("ready", {})
                    elif event == "game":
                        game = data["id"]
                        assert data["t"] >= had.steps.get(game, 0), "steps were lost"
                        self.resumed += broken
                        broken = False
                    elif event == "tick":
                        had.steps[game] = data["t"]
                        self.moving.set()
                    elif event in ("end", "over"):
                        return False
                if game:
                    action = int(chance.integers(6))
                    for down in (True, False):
                        at = time.time() * 1000
                        player.socket.emit("key", {"action": action, "down": down, "at": at})
                        had.presses += down
                player.lost.wait(0.03)
        return True

    @staticmethod
    def _insist(act: object) -> None:
        """Does something again and again until the server answers."""
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            try:
                act()  # type: ignore[operator]
                return
            except requests.RequestException:
                assert time.monotonic() < deadline, "the server did not come back"
                time.sleep(RETRY_S)


def missing(store: Store, survivors: list[Survivor]) -> list[str]:
    """What was acknowledged and is not in the database, in words."""
    sessions, found = Sessions(store), []
    for survivor in survivors:
        for pid, had in list(survivor.everybody.items()):
            name = store.find(pid)
            session = sessions.load(name) if name else None
            if session is None:
                if had.page >= 0:
                    found.append(f"{pid}: everything")
                continue
            if session.state.done <= had.page:
                found.append(f"{pid}: page {had.page}")
            for step in session.state.steps:
                record = find_round(store, session.who, step.key)
                if record is None:
                    continue
                steps = sum(line["kind"] == "tick" for line in record[1])
                if steps < had.steps.get(record[0].id, 0):
                    found.append(f"{pid}: steps of {record[0].id} after {steps}")
    return found
