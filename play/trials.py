"""Games of people into one form: the 76 trials of 2019 that overcooked-ai ships, and own records.

The trials are two pickled tables. They are read without pandas and without running what a pickle
may ask for: only the eight names that such tables consist of are known, and pandas' own become
plain containers.

Source of the data: Carroll et al., 2019, *On the Utility of Learning about Humans for Human-AI
Coordination*; the split into train and test is theirs. It is by pair within a layout, but was drawn
anew for each: a pair can be on the train side of one layout and on the test side of another.
"""

import json
import pickle
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.demonstrations import Demonstration, split_of
from play.episode import checked_states, find_episodes, read_episode
from play.worlds.errors import UserError
from play.worlds.kitchen.convert import from_overcooked
from play.worlds.kitchen.layouts import ALIASES, DIRECTIONS, package_folder
from play.worlds.kitchen.state import INTERACT, STAY
from play.worlds.kitchen.world import Kitchen, make

ACTIONS: dict[Any, int] = {tuple(d): n for n, d in enumerate(DIRECTIONS)}
ACTIONS |= {(0, 0): STAY, "INTERACT": INTERACT}
COLUMNS = ("joint_action", "layout_name", "workerid_num", "run", "cur_gameloop", "state", "reward")
POINTS_IN_LOG, POINTS = 5, 20  # for a soup

Row = dict[str, Any]


class _Container:
    """Stands for a class of pandas: keeps what it is built from."""

    def __init__(self, *arguments: Any) -> None:
        self.content: Any = arguments

    def __setstate__(self, content: Any) -> None:
        self.content = content


def _index(_: Any, content: dict[str, Any]) -> Any:
    return content["data"]


class _TableReader(pickle.Unpickler):
    KNOWN: ClassVar[dict[tuple[str, str], Any]] = {
        ("pandas.core.frame", "DataFrame"): _Container,
        ("pandas.core.internals.managers", "BlockManager"): _Container,
        ("pandas.core.indexes.base", "_new_Index"): _index,
        ("pandas.core.indexes.base", "Index"): None,
        ("pandas.core.indexes.numeric", "Int64Index"): None,
        ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module: str, name: str) -> Any:
        """One of the known names."""
        try:
            return self.KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a table") from None


def read_table(path: Path) -> dict[str, NDArray[Any]]:
    """The columns of a pickled table of pandas.

    Raises:
        UserError: The file is missing, damaged or something else.
    """
    try:
        with path.open("rb") as file:
            table = _TableReader(file).load()
        _, blocks, names, _ = table.content["_data"].content
        columns = {  # pandas keeps columns of one type together
            str(name): column
            for block, own in zip(blocks, names, strict=True)
            for name, column in zip(own, block, strict=True)
        }
        return {name: columns[name] for name in COLUMNS}
    except (OSError, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError,
            AttributeError, IndexError) as error:  # fmt: skip
        raise UserError(
            f"{path} is not the table of trials that overcooked-ai 1.1.0 ships: install that "
            "version again"
        ) from error


def trials_of_2019(folder: Path | None = None) -> Iterator[Demonstration]:
    """The 76 trials, re-simulated under the old dynamics.

    Args:
        folder: Where the two tables are; the installed package's folder if None.

    Raises:
        UserError: The package is not there, or a trial does not replay.
    """
    folder = folder or package_folder().parent / "human_data"
    for split in ("train", "test"):
        table = read_table(folder / f"clean_{split}_trials.pickle")
        order = np.lexsort([table[key].astype(str) for key in ("run", "workerid_num")]
                           + [table["layout_name"].astype(str)])  # fmt: skip
        keys = [tuple(str(table[k][i]) for k in ("layout_name", "workerid_num", "run"))
                for i in range(len(order))]  # fmt: skip
        for key, rows in groupby(order, key=lambda i: keys[i]):
            yield _trial(split, key, table, np.array(list(rows)))


def _trial(
    split: str, key: tuple[str, ...], table: dict[str, NDArray[Any]], rows: NDArray[np.int64]
) -> Demonstration:
    old_name, worker, run = key
    rows = rows[np.argsort(table["cur_gameloop"][rows].astype(float), kind="stable")]
    actions = np.array([_joint_action(table["joint_action"][row]) for row in rows], np.int8)
    world = make(ALIASES.get(old_name, old_name), dynamics="old", horizon=len(rows))
    first = from_overcooked(world.layout, world.tables, _literal(table["state"][rows[0]]))
    world.set_states(first[None])
    states, points = replay(world, actions)
    logged = table["reward"][rows].astype(float).sum() / POINTS_IN_LOG * POINTS
    if points != logged:
        raise UserError(
            f"Trial {'-'.join(key)} scores {points:g} here, but {logged:g} in its log: install "
            "overcooked-ai 1.1.0 again"
        )
    return Demonstration(
        world=world.facts.world,
        options=dict(world.facts.options),
        name=f"2019-{old_name}-{worker}-{run}",
        pair=f"2019-{worker}",
        split=split,
        people=(0, 1),
        states=states,
        actions=actions,
    )


def _joint_action(text: str) -> list[int]:
    return [ACTIONS[a if isinstance(a, str) else tuple(a)] for a in _literal(text)]


def _literal(text: str) -> Any:
    """Reads what Python's repr wrote; as JSON, which is ten times as fast as literal_eval."""
    for python, json_form in (("'", '"'), ("None", "null"), ("False", "false"), ("True", "true")):
        text = text.replace(python, json_form)
    return json.loads(text)


def replay(world: Kitchen, actions: NDArray[np.int8]) -> tuple[NDArray[np.int32], float]:
    """The states [T + 1, size] of an environment under joint actions [T, A], and the points."""
    states, points = [world.get_states()[0]], 0.0
    for joint in actions:
        world.step(joint[None])
        states.append(world.get_states()[0])
        points += float(world.rewards.sum())
    return np.stack(states), points


def demonstrations_in(path: Path, *, partial: bool = False) -> Iterator[Demonstration]:
    """The recorded games, in a file or folder, in which a person took a seat.

    Records in a folder of their own below `path` are one pair's; any other record counts as a pair
    of its own.

    Raises:
        UserError: There is no record, or one cannot be read or does not replay.
    """
    for file in find_episodes(path):
        episode = read_episode(file, partial=partial)
        seats = episode.header["seats"]
        people = tuple(n for n, seat in enumerate(seats) if seat["kind"] == "human")
        if not people:
            continue
        states = np.concatenate([world.get_states() for world in checked_states(episode)])
        pair = episode.id if file.parent == path or file == path else file.parent.name
        yield Demonstration(
            world=episode.header["world"],
            options=dict(episode.header["options"]),
            name=episode.id,
            pair=pair,
            split=split_of(pair),
            people=people,
            states=states,
            actions=np.array(episode.joint_actions, np.int8).reshape(-1, len(seats)),
        )
