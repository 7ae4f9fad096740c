"""Kitchens of many layouts at once: each environment has one of its own, and a new one each game.

    make_world("kitchens/generated", 256, autoreset=True, count=2048)

The layouts are those of `generator`. There is no picture of such a world; to see one of its
kitchens, write it as a file with `understudy layouts generate` and play that.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.compilation import Program, Runner, choose_compiled
from play.worlds.errors import UserError
from play.worlds.kitchen import bank, egocentric, layouts, many_rules, recipes, rules, scenes, state
from play.worlds.kitchen.bank import generated
from play.worlds.kitchen.facts import EGOCENTRIC, make_facts
from play.worlds.kitchen.layouts import DYNAMICS
from play.worlds.kitchen.state import ACTIONS, EVENTS, row_size
from play.worlds.kitchen.world import check_options
from play.worlds.spec import WorldFacts
from play.worlds.streams import random_streams

PROGRAM = Program((rules, egocentric, many_rules), (bank, layouts, recipes, state))
GENERATED = "generated"
VERSION = 1
TRAINING: dict[str, Any] = {
    "steps": 15_000_000, "num_envs": 128, "hidden": 128, "epochs": 2, "minibatches": 16,
    "final_learning_rate": 1e-4, "shaping_steps": 8_000_000, "checkpoint_every": 500_000,
}  # fmt: skip
"""Settings of training; what was tried is in `docs/experiments.md`."""


def instances() -> list[str]:
    """Names of all collections of layouts."""
    return [GENERATED]


def make(
    instance: str,
    num_envs: int = 1,
    *,
    autoreset: bool = False,
    count: int = 2048,
    first: int = 0,
    dynamics: str = "mixed",
    horizon: int = 400,
    compiled: bool | None = None,
    threads: int | None = None,
    **unknown: Any,
) -> "Kitchens":
    """Builds a batch of kitchens.

    Args:
        instance: "generated".
        num_envs: Number of environments N.
        autoreset: Whether finished episodes restart within the step that ends them.
        count: Number of layouts.
        first: Number of the first one, in the generator's count.
        dynamics: "old", "new", or "mixed": by turns, and every layout keeps its own.
        horizon: Steps in an episode.
        compiled: Whether to use numba; None means if it is there and the batch is worth it.
        threads: Threads that large batches are split over; None means one per processor.
        **unknown: Refused.

    Raises:
        UserError: No such collection or option.
    """
    if instance != GENERATED:
        raise UserError(f"There are no kitchens called {instance!r}: use kitchens/{GENERATED}")
    if unknown:
        raise UserError(
            f"{GENERATED} kitchens have no option {sorted(unknown)[0]!r}; there are count, first, "
            "dynamics, horizon, compiled and threads"
        )
    if dynamics not in (*DYNAMICS, "mixed"):
        raise UserError(f"The dynamics {dynamics!r} do not exist: use 'old', 'new' or 'mixed'")
    for name, value, least in (("count", count, 1), ("first", first, 0)):
        if not isinstance(value, int) or value < least:
            raise UserError(f"{name} is {value!r}, but it must be a whole number from {least} on")
    options = {"count": count, "first": first, "dynamics": dynamics, "horizon": horizon}
    return Kitchens(options, num_envs, autoreset, compiled, threads)


class Kitchens:
    """N environments, each in one of L layouts; see `play.worlds.spec.World`.

    Attributes:
        layouts: The layouts.
        state: [N, size + 1] int32: a state row as in `play.worlds.kitchen.state`, zeros up to the
            longest row's size, and the number of the layout.
        sparse_width: Greatest number of entries in an observation that are not zero.
    """

    sparse_width = egocentric.MOST_ONES

    def __init__(
        self,
        options: dict[str, Any],
        num_envs: int,
        autoreset: bool,
        compiled: bool | None,
        threads: int | None,
    ) -> None:
        """See `make`."""
        check_options(num_envs, options["horizon"], 0.0)
        self.layouts, self._tables, self._bank = generated(**options)
        self.num_envs, self.autoreset = num_envs, autoreset
        self.facts = _facts(self.layouts[0], options)
        self._run = Runner(PROGRAM, self._bank, choose_compiled(compiled, num_envs), threads)
        self._allocate()
        self.draw_starts(0.0)
        self.reset(0)

    def _allocate(self) -> None:
        n, players = self.num_envs, self.facts.num_players
        self.state = np.zeros((n, self._bank.size + 1), np.int32)
        self.rewards = np.zeros((n, players), np.float32)
        self.shaped_rewards = np.zeros((n, players), np.float32)
        self.done = np.zeros(n, np.bool_)
        self.events = np.zeros((n, players, len(EVENTS)), np.bool_)
        self.streams = np.zeros((n, 1), np.int64)
        size = egocentric.scratch_size(int(max(self._bank.cells)))
        self._scratch = np.zeros((n, size), np.int32)

    def draw_starts(self, share: float) -> None:
        """Lets this share of the episodes from now on begin in random states at random times."""
        self._chance = float(share)

    def reset(self, seed: int | Sequence[int] | None = None) -> None:
        """Starts a new episode everywhere, in layouts that are drawn.

        Args:
            seed: One seed from which environment i gets the i-th stream, or N seeds, one for
                each environment; None continues the streams.
        """
        if seed is not None:
            self.streams[:, 0] = random_streams(seed, self.num_envs)
        writes = (self.state, self.streams)
        self._run("start_any_loop", self.num_envs, writes, (self._chance,))
        for array in (self.rewards, self.shaped_rewards, self.done, self.events):
            array.fill(0)

    def step(self, actions: NDArray[np.integer[Any]]) -> None:
        """Applies joint actions.

        Args:
            actions: [N, A] action indices.

        Raises:
            ValueError: Wrong shape, an action that doesn't exist, or an episode that is over.
        """
        joint = np.ascontiguousarray(actions, np.int64)
        if joint.shape != self.rewards.shape:
            raise ValueError(
                f"actions have shape {joint.shape}, but {self.num_envs} environments of "
                f"{self.facts.num_players} players need {self.rewards.shape}"
            )
        if not self.autoreset and self.done.any():
            raise ValueError("an episode is over: call reset(), or make the world with autoreset")
        invalid = self._run.kernels.first_invalid(joint, self.facts.num_players)
        if invalid >= 0:
            raise ValueError(
                f"environment {invalid} got actions {joint[invalid].tolist()}; actions are 0 to "
                f"{len(ACTIONS) - 1}"
            )
        writes = (
            self.state, self.rewards, self.shaped_rewards,
            self.events.reshape(self.num_envs, -1), self.done, self.streams,
        )  # fmt: skip
        self._run("step_any_loop", self.num_envs, writes, (joint, self._chance, self.autoreset))

    def observe(self, encoding: str = EGOCENTRIC, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Writes the observations [N, A, SIZE] of every seat into `out`, or a new array.

        Raises:
            ValueError: No such encoding, or `out` is not fit for it.
        """
        if encoding != EGOCENTRIC:
            raise ValueError(f"there is no encoding {encoding!r}; there is {EGOCENTRIC}")
        shape = (*self.rewards.shape, egocentric.SIZE)
        filled = np.empty(shape, np.uint8) if out is None else out
        if filled.shape != shape or not filled.flags.c_contiguous:
            raise ValueError(f"out must be a C-contiguous array of shape {shape}; got {out}")
        writes = (filled, self._scratch)
        self._run("egocentric_any_loop", self.num_envs, writes, (self.state,))
        return filled

    def state_hash(self, env: int) -> str:
        """Sixteen hexadecimal digits that tell states of all kitchens apart."""
        layout = int(self.state[env, -1])
        content = self.layouts[layout].digest() + self.state[env].astype("<i4").tobytes()
        content += self.streams[env].astype("<i8").tobytes()
        return hashlib.blake2b(content, digest_size=8).hexdigest()

    def get_states(self, envs: Any = slice(None)) -> NDArray[np.int32]:
        """Copies of the state rows of the chosen environments [M, size + 1]."""
        rows: NDArray[np.int32] = self.state[envs].copy()
        return rows

    def set_states(self, rows: NDArray[np.int32], envs: Any = slice(None)) -> None:
        """Puts the chosen environments into states that `get_states` returned."""
        self.state[envs] = rows
        for array in (self.rewards, self.shaped_rewards, self.events):
            array[envs] = 0
        self.done[envs] = self.state[envs, 0] >= self.facts.horizon

    def static_scene(self) -> dict[str, Any]:
        """Which layouts there are, as JSON values; there is no picture of them."""
        return {"renderer": self.facts.renderer, **self.facts.options}

    def scene(self, env: int) -> dict[str, Any]:
        """The layout of an environment and what is where, as JSON values."""
        layout = int(self.state[env, -1])
        own, tables = self.layouts[layout], self._tables[layout]
        row = self.state[env, : row_size(tables)].tolist()
        return {"layout": own.name, **scenes.scene(own, tables, row)}


def _facts(layout: layouts.Layout, options: dict[str, Any]) -> WorldFacts:
    """What the kitchens declare: what one of them does, but for the layout."""
    one = make_facts(layout, options["horizon"], 0.0)
    return replace(
        one,
        world=f"kitchens/{GENERATED}",
        version=VERSION,
        options=options,
        encodings={EGOCENTRIC: one.encodings[EGOCENTRIC]},
        renderer="none",
        family="kitchen",
        training=TRAINING,
    )
