"""Games that people played, as arrays: what models of people are made from.

All games lie in one ``.npz`` file without pickled objects: for game i the arrays ``i/states`` and
``i/actions``, and what is known about it as JSON in ``games[i]``.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.errors import UserError

SCHEMA = 1
SPLITS = ("train", "test")
"""Whose play a model may learn from: methods use models of *train*, evaluation those of *test*."""


@dataclass(frozen=True)
class Demonstration:
    """One game, re-simulated.

    Attributes:
        world: Full name of the world, such as ``"kitchen/cramped_room"``.
        options: Options of `make_world`.
        name: The trial or record that it comes from.
        pair: Who played together; a pair is on one side of the split only.
        split: "train" or "test".
        people: Seats that people took.
        states: [T + 1, size] int32, `World.get_states` before the first step and after each.
        actions: [T, A] int8 joint actions.
    """

    world: str
    options: Mapping[str, Any]
    name: str
    pair: str
    split: str
    people: tuple[int, ...]
    states: NDArray[np.int32]
    actions: NDArray[np.int8]


FACTS = ("world", "options", "name", "pair", "split", "people")


def split_of(pair: str) -> str:
    """The side of the split that a pair falls on: by its name alone, so that it never changes."""
    return SPLITS[hashlib.blake2b(pair.encode(), digest_size=1).digest()[0] % 2]


def save_demonstrations(path: Path, games: Sequence[Demonstration]) -> None:
    """Writes games to a file that must not exist.

    Raises:
        UserError: It exists or cannot be written.
    """
    arrays: dict[str, Any] = {"schema": np.array(SCHEMA)}
    arrays["games"] = np.array([json.dumps({k: getattr(g, k) for k in FACTS}) for g in games])
    for number, game in enumerate(games):
        arrays[f"{number}/states"], arrays[f"{number}/actions"] = game.states, game.actions
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            np.savez_compressed(file, **arrays)
    except FileExistsError as error:
        raise UserError(
            f"{path} already exists: choose another --out, or remove it first"
        ) from error
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): choose another") from error


def load_demonstrations(
    path: Path, world: str | None = None, split: str | None = None
) -> list[Demonstration]:
    """Reads games.

    Args:
        path: The file.
        world: Only the games of this world.
        split: Only those of one side.

    Raises:
        UserError: No such file, not one of this format, or no such game in it.
    """
    try:
        with np.load(path) as arrays:
            if int(arrays["schema"]) != SCHEMA:
                raise ValueError(f"schema {arrays['schema']}")
            facts = [json.loads(str(text)) for text in arrays["games"]]
            wanted = [
                n for n, f in enumerate(facts)
                if (world is None or f["world"] == world) and (split is None or f["split"] == split)
            ]  # fmt: skip
            found = [_game(facts[n], arrays[f"{n}/states"], arrays[f"{n}/actions"]) for n in wanted]
    except FileNotFoundError as error:
        raise UserError(
            f"There is no file {path}: make it with `understudy humans import --out {path}`"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, IndexError, AttributeError,
            zipfile.BadZipFile) as error:  # fmt: skip
        raise UserError(
            f"{path} holds no games of people in the form of this version: make it again with "
            "`understudy humans import`"
        ) from error
    if not found:
        about = " ".join(text for text in (split, "games of", world or "any world") if text)
        has = ", ".join(sorted({f["world"] for f in facts})) or "no game at all"
        raise UserError(f"{path} has no {about}; it has {has}")
    return found


def _game(facts: Mapping[str, Any], states: Any, actions: Any) -> Demonstration:
    if len(states) != len(actions) + 1:
        raise ValueError(f"{len(states)} states for {len(actions)} steps")
    return Demonstration(**{**facts, "people": tuple(facts["people"])}, states=states,
                         actions=actions)  # fmt: skip


def pairs_of(games: Iterable[Demonstration]) -> list[str]:
    """The pairs that played, sorted."""
    return sorted({game.pair for game in games})
