"""What worlds on compiled loops have in common: N environments whose states are rows of numbers."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from play.worlds.compilation import Program, Runner, choose_compiled
from play.worlds.errors import UserError
from play.worlds.spec import WorldFacts
from play.worlds.streams import random_streams

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Options = TypeVar("Options", bound="DataclassInstance")


class BatchedWorld:
    """Base of worlds that step all environments in one call; see `play.worlds.spec.World`.

    A world's program has ``start_loop(tables, state, streams, *starts, begin, end)``,
    ``step_loop(tables, *step_writes, actions, *starts, autoreset, begin, end)``, the kernels of
    `play.worlds.joint`, and, unless it has an `observe` of its own, for each encoding
    ``NAME_loop(tables, out, state, begin, end)``.

    Attributes:
        tables: What the loops know of the world.
        compiled: Whether numba runs them.
        state: [N, size] state rows.
        step_writes: What `step_loop` changes, in the order of its arguments.
        starts: What both loops know of how an episode starts.
    """

    time_column: ClassVar[int] = 0
    """Where in a state row the time is."""
    start_loop: ClassVar[str] = "start_loop"
    step_loop: ClassVar[str] = "step_loop"
    """What the program calls its loops."""

    def __init__(
        self,
        facts: WorldFacts,
        program: Program,
        tables: Any,
        row_size: int,
        dtype: DTypeLike,
        num_envs: int,
        *,
        autoreset: bool,
        compiled: bool | None,
        threads: int | None,
    ) -> None:
        """Allocates everything; the world then chooses its starts and resets.

        Args:
            facts: What the world declares.
            program: Its rules and encodings.
            tables: See the attributes.
            row_size: Numbers in a state row.
            dtype: Their type.
            num_envs: Number of environments N.
            autoreset: Whether finished episodes restart within the step that ends them.
            compiled: Whether to use numba; None means if it is there and the batch is worth it.
            threads: Threads that large batches are split over; None means one per processor.

        Raises:
            UserError: No environment.
        """
        check_num_envs(num_envs)
        n, players = num_envs, facts.num_players
        self.facts, self.tables = facts, tables
        self.num_envs, self.autoreset = num_envs, autoreset
        self.compiled = choose_compiled(compiled, num_envs)
        self._run = Runner(program, tables, self.compiled, threads)
        self.state: NDArray[Any] = np.zeros((n, row_size), dtype)
        self.rewards = np.zeros((n, players), np.float32)
        self.shaped_rewards = np.zeros((n, players), np.float32)
        self.done = np.zeros(n, np.bool_)
        self.events = np.zeros((n, players, len(facts.events)), np.bool_)
        self.streams = np.zeros((n, 1), np.int64)
        self.starts: tuple[Any, ...] = ()
        self.step_writes: tuple[NDArray[Any], ...] = (
            self.state,
            self.rewards,
            self.events.reshape(n, -1),
            self.done,
            self.streams,
        )
        self._seen: dict[str, NDArray[Any]] = {}

    def shape_useful(self) -> None:
        """Pays shaped rewards from now on only for what can earn something, as trainers may.

        A world whose shaped rewards are all of that kind has nothing to do.
        """

    def use(self, tables: Any) -> None:
        """Follows these tables from now on, of the same shapes as those of before."""
        self.tables = tables
        self._run.use(tables)

    def reset(self, seed: int | Sequence[int] | None = None) -> None:
        """Starts a new episode everywhere.

        Args:
            seed: One seed from which environment i gets the i-th stream, or N seeds, one for
                each environment; None continues the streams.
        """
        if seed is not None:
            self.streams[:, 0] = random_streams(seed, self.num_envs)
        self._run(self.start_loop, self.num_envs, (self.state, self.streams), self.starts)
        self.rewards.fill(0)
        self.shaped_rewards.fill(0)
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
        players, num_actions = self.facts.num_players, len(self.facts.actions)
        if joint.shape != self.rewards.shape:
            raise ValueError(
                f"actions have shape {joint.shape}, but {self.num_envs} environments of "
                f"{players} players need {self.rewards.shape}"
            )
        # as self.done.any(), in a fifth of its time
        if not self.autoreset and b"\x01" in self.done.tobytes():
            raise ValueError("an episode is over: call reset(), or make the world with autoreset")
        invalid = self._run.kernels.first_invalid(joint, players, num_actions)
        if invalid >= 0:
            raise ValueError(
                f"environment {invalid} got actions {joint[invalid].tolist()}; actions are 0 to "
                f"{num_actions - 1}"
            )
        reads = (joint, *self.starts, self.autoreset)
        self._run(self.step_loop, self.num_envs, self.step_writes, reads)

    def observe(self, encoding: str, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Writes the observations of every seat.

        Args:
            encoding: Name of one of the world's encodings.
            out: [N, A, *shape] array to fill. Without it the world fills one of its own, which the
                next call for the same encoding overwrites.

        Returns:
            `out`, or the world's array.

        Raises:
            ValueError: No such encoding, or `out` is not fit for it.
        """
        shape = self._shape_seen(encoding, out)
        if out is None:
            dtype = self.facts.encodings[encoding].dtype
            out = self._seen.setdefault(encoding, np.zeros(shape, dtype))
        self._run(f"{encoding}_loop", self.num_envs, (out,), (self.state,))
        return out

    def _shape_seen(self, encoding: str, out: NDArray[Any] | None) -> tuple[int, ...]:
        """[N, A, *shape] of an encoding; a ValueError if there is none or `out` is not fit."""
        if encoding not in self.facts.encodings:
            known = ", ".join(self.facts.encodings)
            raise ValueError(f"there is no encoding {encoding!r}; there are {known}")
        shape = (*self.rewards.shape, *self.facts.encodings[encoding].shape)
        if out is not None and (out.shape != shape or not out.flags.c_contiguous):
            raise ValueError(f"out must be a C-contiguous array of shape {shape}; got {out.shape}")
        return shape

    def get_states(self, envs: Any = slice(None)) -> NDArray[Any]:
        """Copies of the state rows of the chosen environments [M, size]."""
        rows: NDArray[Any] = self.state[envs].copy()
        return rows

    def set_states(self, rows: NDArray[Any], envs: Any = slice(None)) -> None:
        """Puts the chosen environments into states that `get_states` returned.

        Rewards and events of these environments are cleared, and `done` follows from the time.
        """
        self.state[envs] = rows
        self.rewards[envs] = 0
        self.shaped_rewards[envs] = 0
        self.events[envs] = False
        self.done[envs] = self.state[envs, self.time_column] >= self.facts.horizon

    def warm_up(self) -> None:
        """Compiles everything now, so that no later call waits for it."""
        saved = [array.copy() for array in self.step_writes]
        self.done.fill(False)
        self.step(np.full(self.rewards.shape, self.facts.idle_action))
        for name in self.facts.encodings:
            self.observe(name)
        for array, content in zip(self.step_writes, saved, strict=True):
            array[...] = content


def check_num_envs(num_envs: int) -> None:
    """Raises UserError unless there is an environment."""
    if num_envs < 1:
        raise UserError(f"num_envs is {num_envs}, but at least one environment is needed")


def choose_options(
    family: str, known: Mapping[str, Options], instance: str, changes: Mapping[str, Any]
) -> Options:
    """The options of a named instance with some of them changed.

    Args:
        family: Name of the worlds' family.
        known: Options by instance, as dataclasses.
        instance: Which one.
        changes: Option -> value.

    Raises:
        UserError: No such instance or option.
    """
    names = [field.name for field in fields(next(iter(known.values())))]
    if instance not in known:
        near = difflib.get_close_matches(instance, known, n=1)
        hint = f"; did you mean {family}/{near[0]}?" if near else ""
        raise UserError(
            f"There is no {family}/{instance}: choose one of "
            f"{', '.join(f'{family}/{name}' for name in known)}, whose options are "
            f"{', '.join(names)}{hint}"
        )
    if unknown := sorted(set(changes) - set(names)):
        raise UserError(
            f"{family} has no option {unknown[0]!r}; there are {', '.join(names)}, compiled and "
            "threads"
        )
    return replace(known[instance], **changes)
