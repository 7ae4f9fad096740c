"""The private-cost kitchen as a world: a shared job in which every step costs whoever takes it.

Two players bring onions to a pot. Both are paid for every onion, whoever brought it, but each pays
for their own steps: the game of SRPO's paper in which free-riding is studied.

There are three settings, about which exact solutions (`solve`) say:

- ``released`` has the parameters of the released code. Free-riding is *not* an equilibrium there:
  beside a partner that does all the work (87.25 points for it), standing still earns 96.90 and
  helping 147.23. The best team earns 304.27.
- ``scarce`` has few onions (they are back with probability .05) and steps that cost .5.
  Free-riding is an equilibrium but for 0.08 points: working alone (43.64) is the best response to a
  partner that stands still (59.58), whom helping would bring 59.65. It costs the two a twelfth of
  the 112.95 points of the best team. Learners find the work here.
- ``dear`` has onions in between (.1) and steps that cost 1.25. Free-riding is an equilibrium
  exactly: helping gains a partner that stands still (81.60) nothing beside one that works (30.14),
  and it costs the two a fifth of the best team's 140.26. It is hard to learn, though: who does not
  yet know the way loses by every step, and plain learners soon stand still for good.

A lower probability alone makes free-riding hardly matter: at .02 and the released cost of .2,
helping gains .01, and the pair of worker and free-rider earns 72.4 of the best team's 74.6, since
one player can carry all the onions there are.
"""

import hashlib
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from play.worlds import joint
from play.worlds.batched import BatchedWorld, choose_options
from play.worlds.compilation import Program
from play.worlds.private_kitchen import encode, rules, scenes, state
from play.worlds.private_kitchen.encode import MOST_ONES
from play.worlds.private_kitchen.facts import make_facts
from play.worlds.private_kitchen.state import (
    ROW_SIZE,
    TIME,
    Options,
    all_rows,
    first_rows,
    make_tables,
)  # fmt: skip

PROGRAM = Program((joint, encode, rules), (state,))
INSTANCES = {
    "released": Options(),
    "scarce": Options(respawn=0.05, move_cost=0.5),
    "dear": Options(respawn=0.1, move_cost=1.25),
}
NUM_RANDOM_STARTS = 4096
RANDOM_STARTS_SEED = 2602


def instances() -> list[str]:
    """Names of the settings, the released one first."""
    return list(INSTANCES)


def make(
    instance: str,
    num_envs: int = 1,
    *,
    autoreset: bool = False,
    compiled: bool | None = None,
    threads: int | None = None,
    **options: Any,
) -> "PrivateKitchen":
    """Builds a batch of private-cost kitchens.

    Args:
        instance: Name of a setting.
        num_envs: Number of environments N.
        autoreset: Whether finished episodes restart within the step that ends them.
        compiled: Whether to use numba; None means if it is there and the batch is worth it.
        threads: Threads that large batches are split over; None means one per processor.
        **options: What to choose otherwise than the setting does; see `Options`.

    Raises:
        UserError: No such setting or option.
    """
    chosen = choose_options("private-kitchen", INSTANCES, instance, options)
    return PrivateKitchen(
        instance,
        chosen,
        num_envs,
        autoreset=autoreset,
        compiled=compiled,
        threads=threads,
    )


class PrivateKitchen(BatchedWorld):
    """N environments of one setting; see `play.worlds.spec.World` for what every world offers.

    Attributes:
        options: The setting.
        tables: The setting as the rules use it.
        state: [N, size] int32 state rows, see `play.worlds.private_kitchen.state`.
        sparse_widths: Encoding -> greatest number of ones in an observation.
    """

    sparse_widths: ClassVar = {"relative": MOST_ONES}
    time_column = TIME

    def __init__(
        self,
        instance: str,
        options: Options,
        num_envs: int = 1,
        *,
        autoreset: bool = False,
        compiled: bool | None = None,
        threads: int | None = None,
    ) -> None:
        """See `make`."""
        options.check()
        self.options = options
        super().__init__(
            make_facts(instance, options), PROGRAM, make_tables(options), ROW_SIZE, np.int32,
            num_envs, autoreset=autoreset, compiled=compiled, threads=threads,
        )  # fmt: skip
        self._first = self._run.constant(first_rows())
        self.draw_starts(0.0)
        self.reset(0)

    def draw_starts(self, share: float) -> None:
        """Lets this share of the episodes from now on begin in random states at any time."""
        self.starts = (
            self._first,
            self._random_starts if share else self._first,
            float(share),
        )

    @cached_property
    def _random_starts(self) -> Any:
        """[M, size] states at random times; always the same ones."""
        generator = np.random.default_rng(RANDOM_STARTS_SEED)
        rows = generator.choice(all_rows(), NUM_RANDOM_STARTS)
        rows[:, TIME] = generator.integers(self.tables.horizon, size=len(rows))
        return self._run.constant(rows)

    def state_hash(self, env: int) -> str:
        """Sixteen hexadecimal digits that tell states of all settings apart."""
        content = repr((self.facts.version, self.options)).encode()
        content += self.state[env].astype("<i4").tobytes()
        content += self.streams[env].astype("<i8").tobytes()
        return hashlib.blake2b(content, digest_size=8).hexdigest()

    def static_scene(self) -> dict[str, Any]:
        """The part of the drawing that never changes, as JSON values."""
        return scenes.static_scene(self.options)

    def scene(self, env: int) -> dict[str, Any]:
        """The part of the drawing that changes, as JSON values."""
        return scenes.scene(self.state[env].tolist())
