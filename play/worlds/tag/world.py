"""Tag as a world: N environments of one size, stepped and observed together."""

import difflib
import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.compilation import Program, Runner, choose_compiled
from play.worlds.errors import UserError
from play.worlds.streams import random_streams
from play.worlds.tag import arithmetic, encode, physics, scenes, state
from play.worlds.tag.facts import Options, make_facts
from play.worlds.tag.state import ACTIONS, EVENTS, STAY, TIME, row_size

PROGRAM = Program((arithmetic, physics, encode), (state,))

INSTANCES: dict[str, Options] = {
    "simple": Options(),
    "duel": Options(chasers=1),
    "three_chasers": Options(chasers=3),
    "two_runners": Options(chasers=3, runners=2, obstacles=3),
    "open_field": Options(obstacles=0),
}
"""Sizes with names; the first is the paper's, `three_chasers` mpe2's own."""


def instances() -> list[str]:
    """Names of all sizes that have one."""
    return list(INSTANCES)


def make(
    instance: str,
    num_envs: int = 1,
    *,
    autoreset: bool = False,
    compiled: bool | None = None,
    threads: int | None = None,
    **options: Any,
) -> "Tag":
    """Builds a batch of games of tag.

    Args:
        instance: Name of a size.
        num_envs: Number of environments N.
        autoreset: Whether finished episodes restart within the step that ends them.
        compiled: Whether to use numba; None means if it is there and the batch is worth it.
        threads: Threads that large batches are split over; None means one per processor.
        **options: What to choose otherwise than the instance; see `Options`.

    Raises:
        UserError: No such size or option.
    """
    if instance not in INSTANCES:
        near = difflib.get_close_matches(instance, INSTANCES, n=1)
        hint = f"; did you mean tag/{near[0]}?" if near else ""
        raise UserError(
            f"There is no game tag/{instance}: choose one of tag/{', tag/'.join(INSTANCES)}, with "
            f"options such as chasers=3{hint}"
        )
    known = [field.name for field in fields(Options)]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise UserError(
            f"Tag has no option {unknown[0]!r}; there are {', '.join(known)}, compiled and threads"
        )
    return Tag(
        instance,
        replace(INSTANCES[instance], **options),
        num_envs,
        autoreset=autoreset,
        compiled=compiled,
        threads=threads,
    )


class Tag:
    """N environments of one size; see `play.worlds.spec.World` for what every world offers.

    Attributes:
        tables: The size as the rules use it.
        state: [N, size] float64 state rows, see `play.worlds.tag.state`.
    """

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
        self.num_envs = num_envs
        self.autoreset = autoreset
        self.compiled = choose_compiled(compiled, num_envs)
        self.tables = options.tables()
        self.facts = make_facts(instance, options)
        self._run = Runner(PROGRAM, self.tables, self.compiled, threads)
        self._digest = digest_of_rules(self.facts.version, self.facts.options)
        self._allocate()
        self.draw_starts(0.0)
        self.reset(0)

    def _allocate(self) -> None:
        n, agents = self.num_envs, self.tables.agents
        self.state = np.zeros((n, row_size(self.tables)), np.float64)
        self.rewards = np.zeros((n, agents), np.float32)
        self.shaped_rewards = np.zeros((n, agents), np.float32)
        self.done = np.zeros(n, np.bool_)
        self.events = np.zeros((n, agents, len(EVENTS)), np.bool_)
        self.streams = np.zeros((n, 1), np.int64)
        self._step_writes: tuple[NDArray[Any], ...] = (
            self.state,
            self.rewards,
            self.events.reshape(n, -1),
            self.done,
            self.streams,
            np.zeros((n, 2 * agents), np.float64),
            np.zeros((n, self.tables.chasers), np.float64),
        )
        self._seen = {
            name: np.zeros((n, agents, *encoding.shape), np.float32)
            for name, encoding in self.facts.encodings.items()
        }

    def draw_starts(self, share: float) -> None:
        """Lets this share of the episodes from now on begin at any time, with everybody running."""
        self._chance = float(share)

    def reset(self, seed: int | Sequence[int] | None = None) -> None:
        """Starts a new episode everywhere.

        Args:
            seed: One seed from which environment i gets the i-th stream, or N seeds, one for
                each environment; None continues the streams.
        """
        if seed is not None:
            self.streams[:, 0] = random_streams(seed, self.num_envs)
        self._run("start_loop", self.num_envs, (self.state, self.streams), (self._chance,))
        self.rewards.fill(0)
        self.done.fill(False)
        self.events.fill(False)

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
                f"{self.tables.agents} agents need {self.rewards.shape}"
            )
        if not self.autoreset and self.done.any():
            raise ValueError("an episode is over: call reset(), or make the world with autoreset")
        invalid = self._run.kernels.first_invalid(joint, self.tables.agents)
        if invalid >= 0:
            raise ValueError(
                f"environment {invalid} got actions {joint[invalid].tolist()}; actions are 0 to "
                f"{len(ACTIONS) - 1}"
            )
        reads = (joint, self._chance, self.autoreset)
        self._run("step_loop", self.num_envs, self._step_writes, reads)

    def observe(
        self, encoding: str = "simple_tag", out: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """Writes the observations of every seat.

        Args:
            encoding: "simple_tag" or "relative".
            out: [N, A, size] array of floats to fill. Without it the world fills one of its own,
                which the next call for the same encoding overwrites.

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
        """Sixteen hexadecimal digits that tell states of all sizes of tag apart."""
        content = self._digest + self.state[env].astype("<f8").tobytes()
        content += self.streams[env].astype("<i8").tobytes()
        return hashlib.blake2b(content, digest_size=8).hexdigest()

    def get_states(self, envs: Any = slice(None)) -> NDArray[np.float64]:
        """Copies of the state rows of the chosen environments [M, size]."""
        rows: NDArray[np.float64] = self.state[envs].copy()
        return rows

    def set_states(self, rows: NDArray[np.float64], envs: Any = slice(None)) -> None:
        """Puts the chosen environments into states that `get_states` returned.

        Rewards and events of these environments are cleared, and `done` follows from the time.
        """
        self.state[envs] = rows
        self.rewards[envs] = 0
        self.events[envs] = False
        self.done[envs] = self.state[envs, TIME] >= self.tables.horizon

    def static_scene(self) -> dict[str, Any]:
        """The part of the drawing that never changes, as JSON values."""
        return scenes.static_scene(self.facts, self.tables)

    def scene(self, env: int) -> dict[str, Any]:
        """The part of the drawing that changes, as JSON values."""
        return scenes.scene(self.tables, self.state[env].tolist())

    def warm_up(self) -> None:
        """Compiles everything now, so that no later call waits for it."""
        saved = [array.copy() for array in self._step_writes]
        self.done.fill(False)
        self.step(np.full(self.rewards.shape, STAY))
        for name in self._seen:
            self.observe(name)
        for array, content in zip(self._step_writes, saved, strict=True):
            array[...] = content


def digest_of_rules(version: int, options: Mapping[str, Any]) -> bytes:
    """What tells the states of one size and set of options from those of another."""
    numbers = [value for value in options.values() if not isinstance(value, str)]
    return struct.pack(f"<{len(numbers) + 1}d", version, *numbers) + str(options["starts"]).encode()
