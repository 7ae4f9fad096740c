"""Rounds of a study's export as games of people, re-simulated and compared state by state."""

import csv
import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from agents.demonstrations import Demonstration, split_of
from play.trials import replay
from play.worlds.errors import UserError
from play.worlds.kitchen.convert import from_overcooked
from play.worlds.kitchen.layouts import DIRECTIONS
from play.worlds.kitchen.state import INTERACT, STAY
from play.worlds.kitchen.world import Kitchen, make

ROUNDS, STEPS = "rounds.csv", "steps.csv"
ACTIONS: dict[Any, int] = {tuple(d): n for n, d in enumerate(DIRECTIONS)}
ACTIONS |= {(0, 0): STAY, "interact": INTERACT}

Row = dict[str, str]


def is_export(folder: Path) -> bool:
    """Whether a folder holds the tables of a study's export."""
    return (folder / ROUNDS).is_file() and (folder / STEPS).is_file()


def games_of_study(folder: Path, *, partial: bool = False) -> Iterator[Demonstration]:
    """The rounds of an export in which a person took a seat; tutorials are not among them.

    A participant's rounds count as one pair's, whoever the partner was.

    Args:
        folder: What `understudy study export` made, at either level, blind or not.
        partial: Whether rounds that did not reach their end are welcome; else they are left out.

    Raises:
        UserError: A table is damaged, a round was not played in a kitchen, or it does not replay.
    """
    rounds = {row["round_id"]: row for row in _rows(folder / ROUNDS)}
    for name, steps in groupby(_rows(folder / STEPS), key=lambda row: row["round_id"]):
        about = rounds.get(name)
        if about is None:
            raise UserError(f"{folder / ROUNDS} lacks the round {name}: export the study again")
        if about["reason"] or partial:
            yield _game(folder, about, list(steps))


def _rows(path: Path) -> Iterator[Row]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read ({error}): export the study again") from error


def _game(folder: Path, about: Row, steps: Sequence[Row]) -> Demonstration:
    name = about["round_id"]
    if not about["world"].startswith("kitchen/"):
        raise UserError(
            f"Round {name} was played in {about['world']}, but models of people are made for "
            "kitchens: take it out of both tables"
        )
    try:
        people = tuple(seat for seat in (0, 1) if _is_true(steps[0][f"player_{seat}_is_human"]))
        actions = np.array([_joint(row["joint_action"]) for row in steps], np.int8)
        logged = [json.loads(steps[0]["state"]), *(json.loads(row["next_state"]) for row in steps)]
        world = make(
            about["world"].partition("/")[2], dynamics=about["dynamics"], horizon=len(steps)
        )
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(
            f"Round {name} in {folder / STEPS} is damaged ({error}): export the study again"
        ) from error
    return Demonstration(
        world=world.facts.world,
        options=dict(world.facts.options),
        name=name,
        pair=f"{folder.resolve().name}-{about['participant']}",
        split=split_of(f"{folder.resolve().name}-{about['participant']}"),
        people=people,
        states=_states(world, actions, logged, name),
        actions=actions,
    )


def _is_true(text: str) -> bool:
    return text.lower() == "true"  # as Arrow writes it, and as pandas does


def _joint(text: str) -> list[int]:
    return [ACTIONS[a if isinstance(a, str) else tuple(a)] for a in json.loads(text)]


def _states(world: Kitchen, actions: Any, logged: Sequence[Any], name: str) -> Any:
    """The states [T + 1, size] of a round, by its actions, which must lead to what was logged."""
    rows = [from_overcooked(world.layout, world.tables, state) for state in logged]
    world.set_states(rows[0][None])
    states, _ = replay(world, actions)
    for step, (ours, theirs) in enumerate(zip(states, rows, strict=True)):
        if (ours != theirs).any():
            raise UserError(
                f"Round {name} does not replay: its state {step} is another here; import it with "
                "the version that exported it"
            )
    return states
