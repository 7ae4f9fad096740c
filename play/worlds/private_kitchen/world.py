"""The private-cost kitchen as a world: a shared job in which every step costs whoever takes it.

Two players bring onions to a pot. Both are paid for every onion, whoever brought it, but each pays
for their own steps: the game of SRPO's paper in which free-riding is studied.

There are two settings, about which exact solutions (`solve`) say:

- ``released`` has the parameters of the released code. Free-riding is *not* an equilibrium there:
  beside a partner that does all the work (87.25 points for it), standing still earns 96.90 and
  helping 147.23. The best team earns 304.27.
- ``scarce`` has half as many onions (they are back with probability .1) and dear steps (1.25).
  Free-riding *is* an equilibrium: working alone (30.14) is the best response to a partner that
  stands still, and standing still (81.60) is exactly the best response to that. It costs the two
  a fifth of the 140.26 points that the best team earns.

A lower probability alone makes free-riding an equilibrium only nearly, and hardly matters to the
team: at .02 and the released cost of .2, helping gains .01 points, and the pair of worker and
free-rider earns 72.4 of the best team's 74.6, since one player can carry all the onions there are.
"""

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.compilation import Program, Runner, choose_compiled
from play.worlds.errors import UserError
from play.worlds.private_kitchen import encode, rules, scenes, state
from play.worlds.private_kitchen.encode import MOST_ONES
from play.worlds.private_kitchen.facts import make_facts
from play.worlds.private_kitchen.state import (
    ACTIONS,
    EVENTS,
    ROW_SIZE,
    STAY,
    TIME,
    Options,
    all_rows,
    first_rows,
    make_tables,
)  # fmt: skip
from play.worlds.streams import random_streams

PROGRAM = Program((encode, rules), (state,))
INSTANCES = {"released": Options(), "scarce": Options(respawn=0.1, move_cost=1.25)}
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
    if instance not in INSTANCES:
        near = difflib.get_close_matches(instance, INSTANCES, n=1)
        hint = f"; did you mean private-kitchen/{near[0]}?" if near else ""
        raise UserError(
            f"There is no private-kitchen/{instance}: choose one of private-kitchen/"
            f"{', private-kitchen/'.join(INSTANCES)}, with options such as move_cost=0.5{hint}"
        )
    known = [field.name for field in fields(Options)]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise UserError(
            f"A private-cost kitchen has no option {unknown[0]!r}; there are {', '.join(known)}, "
            "compiled and threads"
        )
    return PrivateKitchen(
        instance,
        replace(INSTANCES[instance], **options),
        num_envs,
        autoreset=autoreset,
        compiled=compiled,
        threads=threads,
    )


class PrivateKitchen:
    """N environments of one setting; see `play.worlds.spec.World` for what every world offers.

    Attributes:
        options: The setting.
        tables: The setting as the rules use it.
        state: [N, size] int32 state rows, see `play.worlds.private_kitchen.state`.
        sparse_width: Greatest number of ones in an observation of the first encoding.
    """

    sparse_width = MOST_ONES

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
        if num_envs < 1:
            raise UserError(f"num_envs is {num_envs}, but at least one environment is needed")
        options.check()
        self.options = options
        self.num_envs = num_envs
        self.autoreset = autoreset
        self.compiled = choose_compiled(compiled, num_envs)
        self.tables = make_tables(options)
        self.facts = make_facts(instance, options)
        self._run = Runner(PROGRAM, self.tables, self.compiled, threads)
        self._allocate()
        self._first = self._run.constant(first_rows())
        self.draw_starts(0.0)
        self.reset(0)

    def _allocate(self) -> None:
        n = self.num_envs
        self.state = np.zeros((n, ROW_SIZE), np.int32)
        self.rewards = np.zeros((n, 2), np.float32)
        self.shaped_rewards = np.zeros((n, 2), np.float32)
        self.done = np.zeros(n, np.bool_)
        self.events = np.zeros((n, 2, len(EVENTS)), np.bool_)
        self.streams = np.zeros((n, 1), np.int64)
        self._step_writes: tuple[NDArray[Any], ...] = (
            self.state,
            self.rewards,
            self.events.reshape(n, -1),
            self.done,
            self.streams,
        )
        self._seen = {
            name: np.zeros((n, 2, *encoding.shape), encoding.dtype)
            for name, encoding in self.facts.encodings.items()
        }

    def draw_starts(self, share: float) -> None:
        """Lets this share of the episodes from now on begin in random states at any time."""
        self._starts = (
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

    def reset(self, seed: int | Sequence[int] | None = None) -> None:
        """Starts a new episode everywhere.

        Args:
            seed: One seed from which environment i gets the i-th stream, or N seeds, one for
                each environment; None continues the streams.
        """
        if seed is not None:
            self.streams[:, 0] = random_streams(seed, self.num_envs)
        self._run("start_loop", self.num_envs, (self.state, self.streams), self._starts)
        self.rewards.fill(0)
        self.done.fill(False)
        self.events.fill(False)

    def step(self, actions: NDArray[np.integer[Any]]) -> None:
        """Applies joint actions.

        Args:
            actions: [N, 2] action indices.

        Raises:
            ValueError: Wrong shape, an action that doesn't exist, or an episode that is over.
        """
        joint = np.ascontiguousarray(actions, np.int64)
        if joint.shape != self.rewards.shape:
            raise ValueError(
                f"actions have shape {joint.shape}, but {self.num_envs} environments of two "
                f"players need {self.rewards.shape}"
            )
        if not self.autoreset and self.done.any():
            raise ValueError("an episode is over: call reset(), or make the world with autoreset")
        invalid = self._run.kernels.first_invalid(joint)
        if invalid >= 0:
            raise ValueError(
                f"environment {invalid} got actions {joint[invalid].tolist()}; actions are 0 to "
                f"{len(ACTIONS) - 1}"
            )
        reads = (joint, *self._starts, self.autoreset)
        self._run("step_loop", self.num_envs, self._step_writes, reads)

    def observe(self, encoding: str = "relative", out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Writes the observations of both seats.

        Args:
            encoding: "relative" or "raw".
            out: [N, 2, size] array to fill. Without it the world fills one of its own, which the
                next call for the same encoding overwrites.

        Returns:
            `out`, or the world's array.

        Raises:
            ValueError: No such encoding, or `out` is not fit for it.
        """
        if encoding not in self._seen:
            raise ValueError(
                f"there is no encoding {encoding!r}; there are {', '.join(self._seen)}"
            )
        own = self._seen[encoding]
        out = own if out is None else out
        if out.shape != own.shape or not out.flags.c_contiguous:
            raise ValueError(
                f"out must be a C-contiguous array of shape {own.shape}; got {out.shape}"
            )
        self._run(f"{encoding}_loop", self.num_envs, (out,), (self.state,))
        return out

    def state_hash(self, env: int) -> str:
        """Sixteen hexadecimal digits that tell states of all settings apart."""
        content = repr((self.facts.version, self.options)).encode()
        content += self.state[env].astype("<i4").tobytes()
        content += self.streams[env].astype("<i8").tobytes()
        return hashlib.blake2b(content, digest_size=8).hexdigest()

    def get_states(self, envs: Any = slice(None)) -> NDArray[np.int32]:
        """Copies of the state rows of the chosen environments [M, size]."""
        rows: NDArray[np.int32] = self.state[envs].copy()
        return rows

    def set_states(self, rows: NDArray[np.int32], envs: Any = slice(None)) -> None:
        """Puts the chosen environments into states that `get_states` or `all_rows` returned.

        Rewards and events of these environments are cleared, and `done` follows from the time.
        """
        self.state[envs] = rows
        self.rewards[envs] = 0
        self.events[envs] = False
        self.done[envs] = self.state[envs, TIME] >= self.tables.horizon

    def static_scene(self) -> dict[str, Any]:
        """The part of the drawing that never changes, as JSON values."""
        return scenes.static_scene(self.options)

    def scene(self, env: int) -> dict[str, Any]:
        """The part of the drawing that changes, as JSON values."""
        return scenes.scene(self.state[env].tolist())

    def warm_up(self) -> None:
        """Compiles everything now, so that no later call waits for it."""
        saved = [array.copy() for array in self._step_writes]
        self.done.fill(False)
        self.step(np.full(self.rewards.shape, STAY))
        for name in self._seen:
            self.observe(name)
        for array, content in zip(self._step_writes, saved, strict=True):
            array[...] = content
