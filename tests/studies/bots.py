"""Simulated participants over HTTP and the socket: they fill in what the pages ask, and cook."""

import re
import threading
import time
from typing import Any

import numpy as np
import requests
import socketio

from agents.policy import SeatView
from agents.scripted import GreedyChef
from play.worlds.kitchen.convert import from_overcooked
from play.worlds.registry import make_world
from studies.bots.cooking import overcooked
from studies.bots.reading import Fields

LOCAL = {"Accept-Language": "en"}


class Bot:
    """A participant without a browser.

    Args:
        url: The server.
        quiz: What is answered in the quiz.
        seed: Of everything that it chooses by chance.

    Attributes:
        told: Everything that the server sent, as text.
    """

    def __init__(self, url: str, quiz: str = "three", seed: int = 0) -> None:
        self.url = url
        self.http = requests.Session()
        self.http.headers.update(LOCAL)
        self.quiz = quiz
        self.chance = np.random.default_rng(seed)
        self.told: list[str] = []
        self.page = ""
        self._fixed: dict[str, str] = {}

    def answer(self, item: str, value: str) -> None:
        """Settles what it answers to an item; to others it answers by chance."""
        self._fixed[f"item-{item}"] = value

    def enter(self, query: str = "") -> None:
        """Follows the link and begins."""
        self.get(f"/{query}")
        fields = Fields(self.page)
        self.post("/begin", {name: v for name, v in fields.filled.items() if name != "csrf"})

    def get(self, path: str) -> int:
        return self._keep(self.http.get(self.url + path))

    def post(self, path: str, data: Any, **headers: str) -> int:
        return self._keep(self.http.post(self.url + path, data=data, headers=headers))

    def _keep(self, answer: requests.Response) -> int:
        for one in (*answer.history, answer):
            self.told += [one.text, one.url, str(dict(one.headers))]
        self.page = answer.text
        return answer.status_code

    @property
    def kind(self) -> str:
        """Which page this is."""
        marks = (
            ("consent", "statement-0"),
            ("screening", 'id="screening"'),
            ("round", 'id="game"'),
            ("ended", 'id="code"'),
            ("questions", 'class="item'),
            ("form", 'name="at"'),
        )
        return next((kind for kind, mark in marks if mark in self.page), "message")

    @property
    def code(self) -> str | None:
        """The completion code, at the end."""
        found = re.search(r'id="code"[^>]* value="([^"]+)"', self.page)
        return found[1] if found else None

    def answers(self) -> dict[str, Any]:
        """What it answers to the page."""
        fields = Fields(self.page)
        given: dict[str, Any] = dict(fields.filled)
        ranks: dict[str, int] = {}
        for name, kind in fields.kinds.items():
            if kind in ("radio", "checkbox"):
                given[name] = str(self.chance.choice(fields.offers[name]))
            elif kind == "range":
                given[name] = str(self.chance.integers(0, 101))
            elif kind == "select":
                item = name.rpartition("-")[0]
                ranks[item] = ranks.get(item, 0) + 1
                given[name] = str(ranks[item])
            elif kind in ("text", "textarea"):
                given[name] = "5"
        if "item-onions" in given:
            given["item-onions"] = self.quiz
        given |= {name: value for name, value in self._fixed.items() if name in given}
        if self.kind == "screening":
            given |= {"input": "keyboard", "ping": "12.5", "width": "1280", "full_screen": "yes"}
        if self.kind == "consent":
            given["agrees"] = "yes"
        return given

    def take(self, **changes: Any) -> int:
        """Hands in the page, or plays the round."""
        if self.kind == "round":
            with Player(self) as player:
                player.play()
            return self.get("/study")
        return self.post("/study", {**self.answers(), **changes})

    def take_until(self, kind: str) -> None:
        """Goes on until there is a page of a kind."""
        for _ in range(60):
            if self.kind == kind:
                return
            assert self.take() == 200, self.page
        raise AssertionError(f"no page of kind {kind} came")


class Player:
    """The socket of a bot that is at a round."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.got: list[tuple[str, Any]] = []
        self.arrived = threading.Condition()
        self.socket = socketio.Client(reconnection=False, http_session=bot.http)
        self.socket.on("*", self._keep)
        self.lost = threading.Event()
        self.socket.on("disconnect", lambda *_: self.lost.set())
        self.socket.connect(bot.url, transports=["websocket"])

    def __enter__(self) -> "Player":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.disconnect()

    def _keep(self, event: str, data: Any = None) -> None:
        with self.arrived:
            self.got.append((event, data))
            self.bot.told.append(f"{event} {data}")
            self.arrived.notify_all()

    def wait(self, *events: str, after: int = 0) -> tuple[str, Any]:
        """Waits for the first of some events since position `after`."""

        def found() -> tuple[str, Any] | None:
            return next((pair for pair in self.got[after:] if pair[0] in events), None)

        with self.arrived:
            assert self.arrived.wait_for(lambda: found() is not None, 30), (events, self.got[-3:])
            pair = found()
        assert pair is not None
        return pair

    def ticks(self) -> list[int]:
        """The steps that the server told of."""
        return [data["t"] for event, data in list(self.got) if event == "tick"]

    def begin(self) -> Any:
        """Presses the start button, unless the game runs already."""
        event, data = self.wait("wait", "game", "over", "lobby")
        if event in ("game", "over"):
            return data
        if event == "wait":
            self.socket.emit("ready", {})
        return self.wait("game", "over")[1]

    def play(self, until: int | None = None) -> None:
        """Cooks to the end, or until a step has been told of."""
        game = self.begin()
        if not game:
            return
        world: Any = make_world(game["world"], dynamics=game["static"]["dynamics"])
        chef = GreedyChef("greedy")
        memory, seen = chef.initial_state(1), -1
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            event, data = next(p for p in reversed(self.got) if p[0] in ("tick", "game", "end"))
            if event == "end" or (until is not None and event == "tick" and data["t"] >= until):
                return
            if data["scene"]["t"] == seen:
                time.sleep(0.002)
                continue
            seen = data["scene"]["t"]
            row = from_overcooked(world.layout, world.tables, overcooked(data["scene"]))
            world.set_states(row[None])
            view = SeatView(world, 0, game["seat"])
            made = chef.act(None, [view], memory, self.bot.chance.random(1))
            memory = made.state
            for down in (True, False):
                key = {"action": int(made.actions[0]), "down": down, "at": time.time() * 1000}
                self.socket.emit("key", key)
        raise AssertionError("the round did not end")
