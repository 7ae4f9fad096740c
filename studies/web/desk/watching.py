"""Watching a round, live or afterwards: its record in the database, re-simulated step by step."""

import json
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from play.episode import Episode
from play.presentation.families import face_of, presentation_of, title_of
from play.worlds.errors import UserError
from play.worlds.spec import World
from studies import schema
from studies.store import Store

Frame = dict[str, Any]
KEPT = 16
"""Rounds whose frames are held in memory."""


class Watched:
    """A round as far as its record goes; `read` takes in what was added since.

    Args:
        store: The database.
        round_id: The record.

    Raises:
        UserError: Its world cannot be simulated here.
        KeyError: There is no such record.
    """

    def __init__(self, store: Store, round_id: str) -> None:
        self._store, self._id = store, round_id
        self._seq = -1
        self._lock = threading.Lock()
        self.frames: list[Frame] = []
        self.end: dict[str, Any] | None = None
        lines = self._new_lines()
        if not lines:
            raise KeyError(round_id)
        self._header = lines[0]
        self._world: World = Episode(Path(round_id), self._header, []).make_world()
        self._scores = [0.0] * len(self._header["seats"])
        self.frames.append(self._frame(None))
        self._take(lines[1:])

    def read(self, after: int) -> dict[str, Any]:
        """The frames from position `after` on, and whether the round is over."""
        with self._lock:
            self._take(self._new_lines())
            frames = self.frames[max(0, after) :]
        told: dict[str, Any] = {"frames": frames, "ended": self.end and self.end["reason"]}
        if after <= 0:
            told |= self._picture()
        return told

    def _picture(self) -> dict[str, Any]:
        header, facts = self._header, self._world.facts
        words = presentation_of(header["world"])
        return {
            "title": title_of(header["world"]),
            "static": self._world.static_scene(),
            "tick_ms": header["tick_ms"],
            "horizon": header["horizon"],
            "art": words.art,
            "actions": [words.labels.get(action, action) for action in header["actions"]],
            "seats": [
                {"label": seat["label"], "kind": seat["kind"], "face": face_of(facts, index)}
                for index, seat in enumerate(header["seats"])
            ],
        }

    def _new_lines(self) -> list[dict[str, Any]]:
        c = schema.chunks.c
        query = (
            sa.select(c.seq, c.lines)
            .where(c.round_id == self._id, c.seq > self._seq)
            .order_by(c.seq)
        )
        with self._store.engine.connect() as connection:
            rows = connection.execute(query).all()
        if rows:
            self._seq = rows[-1][0]
        return [json.loads(line) for _, text in rows for line in text.splitlines()]

    def _take(self, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            if line["kind"] == "tick":
                self._world.step(np.array([line["actions"]]))
                rewards = self._world.rewards[0].tolist()
                self._scores = [s + r for s, r in zip(self._scores, rewards, strict=True)]
                self.frames.append(self._frame(line))
            elif line["kind"] == "end":
                self.end = line

    def _frame(self, tick: dict[str, Any] | None) -> Frame:
        decisions: list[dict[str, Any] | None] = [None] * len(self._header["seats"])
        for decision in tick.get("decisions", ()) if tick else ():
            shown = ("action", "probabilities", "fallback")
            decisions[decision["seat"]] = {k: decision[k] for k in shown if k in decision}
        return {
            "scene": self._world.scene(0),
            "score": self._world.facts.score(self._scores),
            "actions": tick["actions"] if tick else None,
            "decisions": decisions,
            "late_ms": tick["at_ms"] - tick["due_ms"] if tick else 0.0,
        }


class Watching:
    """The rounds that are being watched; may be asked from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._rounds: OrderedDict[str, Watched] = OrderedDict()

    def read(self, round_id: str, after: int) -> dict[str, Any] | None:
        """See `Watched.read`; None when there is no such round, or it was erased."""
        with self._lock:
            if not self._exists(round_id):
                self._rounds.pop(round_id, None)
                return None
            watched = self._rounds.pop(round_id, None)
            try:
                watched = watched or Watched(self._store, round_id)
            except (KeyError, UserError):
                return None
            self._rounds[round_id] = watched
            if len(self._rounds) > KEPT:
                self._rounds.popitem(last=False)
        return watched.read(after)

    def _exists(self, round_id: str) -> bool:
        query = sa.select(schema.rounds.c.id).where(schema.rounds.c.id == round_id)
        with self._store.engine.connect() as connection:
            return connection.execute(query).first() is not None
