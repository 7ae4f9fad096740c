"""Kitchens of many layouts at once: each environment has one of its own, and a new one each game.

    make_world("kitchens/generated", 256, autoreset=True, count=2048)

The layouts are those of `generator`. There is no picture of such a world; to see one of its
kitchens, write it as a file with `understudy layouts generate` and play that.
"""

import hashlib
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from play.worlds import joint
from play.worlds.batched import BatchedWorld
from play.worlds.compilation import Program
from play.worlds.errors import UserError
from play.worlds.kitchen import bank, egocentric, layouts, many_rules, recipes, rules, scenes, state
from play.worlds.kitchen.bank import generated
from play.worlds.kitchen.facts import EGOCENTRIC, WITH_ORDERS, make_facts
from play.worlds.kitchen.facts import TRAINING as FOR_ONE
from play.worlds.kitchen.layouts import DYNAMICS
from play.worlds.kitchen.state import TIME, row_size, useful
from play.worlds.kitchen.world import check_options
from play.worlds.spec import WorldFacts

PROGRAM = Program((joint, rules, egocentric, many_rules), (bank, layouts, recipes, state))
GENERATED = "generated"
VERSION = 1
TRAINING: dict[str, Any] = FOR_ONE | {
    "encoding": WITH_ORDERS,
    "options": "count=16384", "steps": 30_000_000, "num_envs": 128, "hidden": 128, "epochs": 2,
    "minibatches": 16, "final_learning_rate": 1e-4, "shaping_steps": 8_000_000,
    "checkpoint_every": 500_000,
}  # fmt: skip
"""Settings of training: what suits a single kitchen, and more of it; what was tried is in
`docs/experiments.md`."""


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


class Kitchens(BatchedWorld):
    """N environments, each in one of L layouts; see `play.worlds.spec.World`.

    Attributes:
        layouts: The layouts.
        tables: The layouts as the rules use them.
        state: [N, size + 1] int32: a state row as in `play.worlds.kitchen.state`, zeros up to the
            longest row's size, and the number of the layout.
        sparse_widths: Encoding -> greatest number of entries in an observation that are not zero.
    """

    sparse_widths: ClassVar = {
        WITH_ORDERS: egocentric.MOST_WITH_ORDERS, EGOCENTRIC: egocentric.MOST_ONES,
    }  # fmt: skip
    time_column = TIME
    start_loop, step_loop = "start_any_loop", "step_any_loop"

    def __init__(
        self,
        options: dict[str, Any],
        num_envs: int,
        autoreset: bool,
        compiled: bool | None,
        threads: int | None,
    ) -> None:
        """See `make`."""
        check_options(options["horizon"], 0.0)
        self.layouts, self._tables_of, tables = generated(**options)
        super().__init__(
            _facts(self.layouts[0], options), PROGRAM, tables, tables.size + 1, np.int32,
            num_envs, autoreset=autoreset, compiled=compiled, threads=threads,
        )  # fmt: skip
        self.step_writes += (self.shaped_rewards,)
        size = egocentric.scratch_size(int(max(tables.cells)))
        self._scratch = np.zeros((num_envs, size), np.int32)
        self.draw_starts(0.0)
        self.reset(0)

    def draw_starts(self, share: float) -> None:
        """Lets this share of the episodes from now on begin in random states at random times."""
        self.starts = (float(share),)

    def shape_useful(self) -> None:
        """Pays shaped rewards from now on only for soups that somebody ordered, as trainers may."""
        shaping = useful(self.tables.shaping, self.tables.value)
        self.use(self.tables._replace(shaping=shaping))

    def observe(self, encoding: str = WITH_ORDERS, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Writes the observations [N, A, numbers] of every seat into `out`, or a new array.

        Raises:
            ValueError: No such encoding, or `out` is not fit for it.
        """
        shape = self._shape_seen(encoding, out)
        filled = np.empty(shape, np.uint8) if out is None else out
        writes = (filled, self._scratch)
        self._run("egocentric_any_loop", self.num_envs, writes, (self.state,))
        return filled

    def state_hash(self, env: int) -> str:
        """Sixteen hexadecimal digits that tell states of all kitchens apart."""
        layout = int(self.state[env, -1])
        content = self.layouts[layout].digest() + self.state[env].astype("<i4").tobytes()
        content += self.streams[env].astype("<i8").tobytes()
        return hashlib.blake2b(content, digest_size=8).hexdigest()

    def static_scene(self) -> dict[str, Any]:
        """Which layouts there are, as JSON values; there is no picture of them."""
        return {"renderer": self.facts.renderer, **self.facts.options}

    def scene(self, env: int) -> dict[str, Any]:
        """The layout of an environment and what is where, as JSON values."""
        layout = int(self.state[env, -1])
        own, tables = self.layouts[layout], self._tables_of[layout]
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
        encodings={name: one.encodings[name] for name in (WITH_ORDERS, EGOCENTRIC)},
        renderer="none",
        family="kitchen",
        training=TRAINING,
    )
