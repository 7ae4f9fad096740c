"""The record of an episode, and its exact replay.

A record is a file of JSON lines that only ever grows: a header (seed, world, seats), one line per
step (joint action, times, what each policy decided, a hash of the state every few steps), one line
per key press, connection and pause, and an end. States are not stored: they are recomputed, and
the hashes prove that they are the same.

Every line is on the disk before anybody is told of what it says.
"""

import json
import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from play.compact import compact
from play.session import Line
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from play.worlds.spec import World

SCHEMA = 1
SUFFIX = ".episode.jsonl"
ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,80}")


@cache
def software() -> dict[str, str]:
    """Version and, in a git checkout, commit of the running code."""
    found = {"understudy": version("understudy")}
    root = Path(__file__).resolve().parent.parent
    if (root / ".git").exists():
        try:
            answer = subprocess.run(
                ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=5
            )
        except (OSError, subprocess.TimeoutExpired):
            return found
        if answer.returncode == 0:
            found["commit"] = answer.stdout.strip()
    return found


def new_id(world: str) -> str:
    """A fresh id that sorts by time and tells the world: ``20261123-190455-cramped_room-x7Q2…``."""
    instance = re.sub(r"[^A-Za-z0-9_]+", "_", Path(world).stem)[:40]
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{instance}-{secrets.token_hex(4)}"


class EpisodeWriter:
    """Appends lines to a record; `append` returns when they are on the disk.

    A write that fails leaves the file as it was after the last good one, so that the caller can
    try the same lines again.

    Args:
        folder: Where records are kept; made when missing.
        header: `Session.header()`.
        episode_id: Name of the record; None makes a new one.

    Attributes:
        id: Name of the record.
        path: Its file.
        journal: None: a file is written alone.

    Raises:
        UserError: The folder or file cannot be written.
    """

    journal = None

    def __init__(self, folder: Path, header: Line, episode_id: str | None = None) -> None:
        self.id = episode_id or new_id(str(header["world"]))
        self.path = folder / f"{self.id}{SUFFIX}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "xb", buffering=0)  # noqa: SIM115 - closed by close()
            self._good = 0
            started = datetime.now(UTC).isoformat(timespec="milliseconds")
            first = {"kind": "header", "schema": SCHEMA, "id": self.id, "started_utc": started}
            self.append([{**first, **header, "software": software()}])
            _sync_folder(folder)
        except OSError as error:
            raise UserError(
                f"No episode can be recorded in {folder}: {error.strerror}; "
                "choose another folder with --episodes-dir"
            ) from error

    def append(self, lines: list[Line]) -> None:
        """Writes lines and waits until the disk has them.

        Raises:
            OSError: They could not be written; the record is as it was before.
        """
        data = b"".join(encode_line(line) for line in lines)
        try:
            self._file.seek(self._good)
            self._file.truncate()
            written = 0
            while written < len(data):
                written += self._file.write(data[written:])
            os.fsync(self._file.fileno())
        except OSError:
            self._cut_back()
            raise
        self._good += len(data)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _cut_back(self) -> None:
        try:
            self._file.truncate(self._good)
        except OSError:
            return  # the next append cuts again, before it writes


def encode_line(line: Line) -> bytes:
    """A line as it is in the file."""
    return compact(line) + b"\n"


def _sync_folder(folder: Path) -> None:
    """Makes the new file's name durable, where folders can be synced."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        return
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class Episode:
    """A record that was read.

    Attributes:
        path: Its file.
        header: The first line.
        ticks: Lines of the steps, in order.
        inputs: Lines of key presses and releases.
        connections: Lines of lost and regained connections, and of pauses.
        end: The last line, or None for a record that was cut off.
        problem: What is missing at the end, in words; None when complete.
    """

    path: Path
    header: Line
    ticks: list[Line]
    inputs: list[Line] = field(default_factory=list)
    connections: list[Line] = field(default_factory=list)
    end: Line | None = None
    problem: str | None = None

    @property
    def id(self) -> str:
        """Name of the record."""
        return str(self.header["id"])

    @property
    def joint_actions(self) -> list[list[int]]:
        """[T][A] joint actions."""
        return [line["actions"] for line in self.ticks]

    def make_world(self) -> World:
        """One environment in the episode's first state.

        Raises:
            UserError: The world does not exist here, or its rules have changed since.
        """
        options = {**self.header["options"]}
        world = make_world(self.header["world"], **options)
        if world.facts.version != self.header["world_version"]:
            raise UserError(
                f"{self.path.name} was recorded under version {self.header['world_version']} "
                f"of the rules of {self.header['world']}, but here is version "
                f"{world.facts.version}: "
                "replay it with the version of understudy that its header names"
            )
        world.reset(self.header["seed"])
        return world


def read_episode(path: Path, *, partial: bool = False) -> Episode:
    """Reads a record.

    Args:
        path: The file.
        partial: Whether a record that was cut off is welcome; `Episode.problem` then says so.

    Raises:
        UserError: No such file, not a record, damaged in the middle, or cut off.
    """
    lines, problem = _read_lines(path)
    if not lines or lines[0].get("kind") != "header":
        raise UserError(
            f"{path} is not an episode record: give a file that ends in {SUFFIX}, "
            "as `understudy play` writes them"
        )
    header = lines[0]
    _check_header(path, header)
    by_kind: dict[str, list[Line]] = {}
    for line in lines[1:]:
        by_kind.setdefault(str(line.get("kind")), []).append(line)
    ticks = by_kind.get("tick", [])
    _check_ticks(path, header, ticks)
    end = by_kind.get("end", [None])[-1]
    if end is None and problem is None:
        problem = "it has no end line: the game was interrupted"
    if problem is not None and not partial:
        raise UserError(
            f"{path} is cut off ({problem}); its first {len(ticks)} of {header['horizon']} steps "
            "are intact: add --partial to work with them"
        )
    return Episode(
        path=path,
        header=header,
        ticks=ticks,
        inputs=by_kind.get("input", []),
        connections=by_kind.get("connection", []) + by_kind.get("pause", []),
        end=end,
        problem=problem,
    )


def _read_lines(path: Path) -> tuple[list[Line], str | None]:
    """The lines of a file, and what is wrong with the last one."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; check the path") from error
    rows = data.split(b"\n")
    problem = "its last line is incomplete" if rows.pop() else None
    lines = []
    for number, row in enumerate(rows, start=1):
        try:
            line = json.loads(row)
            if not isinstance(line, dict):
                raise ValueError("not an object")
        except ValueError as error:
            raise UserError(
                f"{path} is damaged at line {number}: it is no JSON object, so it is not a record "
                "or was changed; restore it from a copy"
            ) from error
        lines.append(line)
    return lines, problem


HEADER_TYPES = {
    "id": str, "world": str, "options": dict, "world_version": int, "seed": int, "seats": list,
    "horizon": int, "tick_ms": int, "hash": str, "actions": list,
}  # fmt: skip


def _check_header(path: Path, header: Line) -> None:
    if header.get("schema") != SCHEMA:
        raise UserError(
            f"{path} has record schema {header.get('schema')!r}, but this version reads {SCHEMA}: "
            "use the version of understudy that wrote it"
        )
    for key, kind in HEADER_TYPES.items():
        if not isinstance(header.get(key), kind):
            raise UserError(
                f"{path} is damaged at line 1: {key!r} is missing or not of type {kind.__name__}; "
                "restore it from a copy"
            )


def _check_ticks(path: Path, header: Line, ticks: list[Line]) -> None:
    players, actions = len(header["seats"]), len(header["actions"])
    for expected, line in enumerate(ticks, start=1):
        joint = line.get("actions")
        fine = (
            line.get("t") == expected
            and isinstance(joint, list)
            and len(joint) == players
            and all(type(a) is int and 0 <= a < actions for a in joint)
        )
        if not fine:
            raise UserError(
                f"{path} is damaged at step {expected}: the joint action is missing, out of order "
                "or impossible; restore it from a copy"
            )


def find_episodes(path: Path) -> list[Path]:
    """The records in a folder, oldest first, or the one file itself.

    Raises:
        UserError: There is none.
    """
    if path.is_dir():
        found = sorted(path.rglob(f"*{SUFFIX}"))
        if not found:
            raise UserError(f"There is no episode record (*{SUFFIX}) in {path}: play a game first")
        return found
    return [path]


def replay_states(episode: Episode) -> Iterator[World]:
    """Yields the episode's world before the first step and after every step (the same object)."""
    world = episode.make_world()
    yield world
    for joint in episode.joint_actions:
        world.step(np.array([joint]))
        yield world


def checked_states(episode: Episode) -> Iterator[World]:
    """`replay_states`, while every state hash, every reward and the score are compared.

    Raises:
        UserError: Re-simulation gives something else than the record.
    """
    path, score = episode.path, 0.0
    for t, world in enumerate(replay_states(episode)):
        line = episode.ticks[t - 1] if t else episode.header
        if t:
            rewards = [float(r) for r in world.rewards[0]]
            score += world.facts.score(rewards)
            _compare(path, t, "rewards", rewards, line.get("rewards"))
        if "hash" in line:
            _compare(path, t, "state hash", world.state_hash(0), line["hash"])
        if t == len(episode.ticks) and episode.end is not None:
            _compare(path, t, "score", score, episode.end.get("score"))
            _compare(path, t, "number of steps", t, episode.end.get("steps"))
            _compare(path, t, "state hash", world.state_hash(0), episode.end.get("hash"))
        yield world


@dataclass(frozen=True)
class VerifyReport:
    """What a record's re-simulation showed.

    Attributes:
        path: The file.
        steps: Steps that were re-simulated.
        hashes: Hashes that were compared, all equal.
        score: Score of the game, recomputed.
        fallbacks: Decisions that were replaced by the idle action.
        reason: Why the episode ended; None for a record that was cut off.
    """

    path: Path
    steps: int
    hashes: int
    score: float
    fallbacks: int
    reason: str | None


def verify(path: Path, *, partial: bool = False) -> VerifyReport:
    """Re-simulates a record and compares every state hash, every reward and the score.

    Raises:
        UserError: The record cannot be read, or re-simulation gives something else.
    """
    episode = read_episode(path, partial=partial)
    score = 0.0
    for world in checked_states(episode):
        score += world.facts.score(world.rewards[0])
    return VerifyReport(
        path=path,
        steps=len(episode.ticks),
        hashes=sum("hash" in line for line in (episode.header, *episode.ticks, episode.end or {})),
        score=score,
        fallbacks=sum(
            "fallback" in decision
            for line in episode.ticks
            for decision in line.get("decisions", ())
        ),
        reason=episode.end.get("reason") if episode.end else None,
    )


def _compare(path: Path, t: int, what: str, computed: Any, recorded: Any) -> None:
    if computed != recorded:
        raise UserError(
            f"{path} does not replay: at step {t} the {what} is {computed!r}, but the record says "
            f"{recorded!r}; the file was changed or another engine wrote it"
        )
