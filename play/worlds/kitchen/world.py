"""The kitchen as a world: N environments of one layout, stepped and observed together."""

import hashlib
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds import joint
from play.worlds.batched import BatchedWorld
from play.worlds.compilation import Program
from play.worlds.errors import UserError
from play.worlds.kitchen import egocentric, encode, layouts, recipes, rules, scenes, state
from play.worlds.kitchen.convert import start_row
from play.worlds.kitchen.facts import EGOCENTRIC, WITH_ORDERS, make_facts
from play.worlds.kitchen.front import fronts
from play.worlds.kitchen.layouts import LAYOUT_KEYS, Layout, layout_names, load_layout
from play.worlds.kitchen.paths import nearest_stations
from play.worlds.kitchen.picture import Picture
from play.worlds.kitchen.starts import entries_needed, make_random_starts, sparse_width
from play.worlds.kitchen.state import TIME, Tables, make_tables, row_size, useful

PROGRAM = Program((joint, encode, egocentric, rules), (layouts, recipes, state))
NO_CHANGE = frozenset({"grid", "start_state"})  # a world of that name wouldn't be that layout


def instances() -> list[str]:
    """Names of all layouts, the classic five first."""
    return layout_names()


def make(
    instance: str,
    num_envs: int = 1,
    *,
    autoreset: bool = False,
    dynamics: str | None = None,
    horizon: int = 400,
    random_start: float = 0.0,
    compiled: bool | None = None,
    threads: int | None = None,
    layout_text: str | None = None,
    **overrides: Any,
) -> "Kitchen":
    """Builds a batch of kitchens.

    Args:
        instance: Layout name, 2019 name, or path of a `.layout` file.
        num_envs: Number of environments N.
        autoreset: Whether finished episodes restart within the step that ends them.
        dynamics: "old" or "new"; see `load_layout` for the default.
        horizon: Steps in an episode.
        random_start: Probability that an episode begins in a random state: players anywhere
            with random items, pots with random contents.
        compiled: Whether to use numba; None means if it is there and the batch is worth it.
        threads: Threads that large batches are split over; None means one per processor.
        layout_text: Contents of the `.layout` file, which then isn't opened.
        **overrides: Settings of the layout file to replace, such as ``cook_time=5``.

    Raises:
        UserError: No such layout or option.
    """
    allowed = LAYOUT_KEYS - NO_CHANGE
    unknown = sorted(set(overrides) - allowed)
    if unknown:
        raise UserError(
            f"A kitchen has no option {unknown[0]!r}; there are dynamics, horizon, "
            "random_start, compiled, threads, layout_text and the layout settings "
            f"{', '.join(sorted(allowed))}"
        )
    return Kitchen(
        load_layout(instance, dynamics, layout_text, **overrides),
        num_envs,
        autoreset=autoreset,
        horizon=horizon,
        random_start=random_start,
        compiled=compiled,
        threads=threads,
    )


class Kitchen(BatchedWorld):
    """N environments of one layout; see `play.worlds.spec.World` for what every world offers.

    Attributes:
        layout: The layout.
        tables: The layout as the rules use it.
        state: [N, size] int32 state rows, see `play.worlds.kitchen.state`.
        sparse_width: Greatest number K of entries in an observation's sparse form.
        sparse_widths: Encoding -> the same for it, or how many entries of it are not zero at most.
    """

    tables: Tables
    time_column = TIME

    def __init__(
        self,
        layout: Layout,
        num_envs: int = 1,
        *,
        autoreset: bool = False,
        horizon: int = 400,
        random_start: float = 0.0,
        compiled: bool | None = None,
        threads: int | None = None,
    ) -> None:
        """See `make`."""
        check_options(horizon, random_start)
        self.layout, tables = looked_up(layout, horizon)
        self.random_start = float(random_start)
        super().__init__(
            make_facts(self.layout, horizon, self.random_start), PROGRAM, tables, row_size(tables),
            np.int32, num_envs, autoreset=autoreset, compiled=compiled, threads=threads,
        )  # fmt: skip
        self.step_writes += (self.shaped_rewards,)
        self.sparse_width = sparse_width(self.layout, tables)
        self.sparse_widths = {"lossless": self.sparse_width}
        if tables.players == 2:
            self.sparse_widths[EGOCENTRIC] = egocentric.MOST_ONES
            self.sparse_widths[WITH_ORDERS] = egocentric.MOST_WITH_ORDERS
        self._digest = self.layout.digest()
        self._first = start_row(self.layout, tables)[None]
        self._picture: Picture | None = None
        self._nearest: Any = None
        self._scratch: NDArray[np.int32] | None = None
        self.draw_starts(0.0)
        self.reset(0)

    def draw_starts(self, share: float) -> None:
        """Lets this share of the episodes from now on begin in random states, as trainers may.

        These begin at any time, so that the environments do not stay in step. With 0, episodes
        begin as the option `random_start` says.
        """
        first = self._run.constant(self._first)
        if share:
            self.starts = (first, self._exploring_starts, float(share))
        else:
            self.starts = (first, self._random_starts, self.random_start)

    def shape_useful(self) -> None:
        """Pays shaped rewards from now on only for soups that somebody ordered, as trainers may.

        Neither taking another soup is paid for, nor fetching a dish for it. Under the new dynamics
        a soup of one ingredient is soon made and worth nothing; paid for these steps, two cooks
        learn to serve such soups and little else.
        """
        shaping = useful(self.tables.shaping, self.tables.value)
        self.use(self.tables._replace(shaping=shaping))

    @cached_property
    def _random_starts(self) -> Any:
        if not self.random_start:
            return self._run.constant(self._first)
        return self._run.constant(make_random_starts(self.layout, self.tables, any_time=False))

    @cached_property
    def _exploring_starts(self) -> Any:
        return self._run.constant(make_random_starts(self.layout, self.tables, any_time=True))

    def observe(self, encoding: str = "lossless", out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Writes the observations of every seat.

        Args:
            encoding: "lossless", "featurize", "featurize_front", "egocentric" or
                "egocentric_orders".
            out: [N, A, *shape] array to fill. Without it the world fills one of its own, which
                for lossless the next call overwrites; that is by far the fastest, since only
                what changed is written.

        Returns:
            `out`, or the world's array.

        Raises:
            ValueError: No such encoding, or `out` is not fit for it.
        """
        shape = self._shape_seen(encoding, out)
        if encoding == "lossless":
            return self._observe_lossless(out, shape)
        if encoding in (EGOCENTRIC, WITH_ORDERS):
            return self._observe_egocentric(np.empty(shape, np.uint8) if out is None else out)
        filled = np.empty(shape, np.float32) if out is None else out
        if encoding == "featurize":
            return self._observe_featurize(filled)
        players = self.facts.num_players
        filled[..., : 48 * players] = self.observe("featurize")
        filled[..., 48 * players :] = fronts(self.tables, self.state)
        return filled

    def _observe_lossless(self, out: NDArray[Any] | None, shape: tuple[int, ...]) -> NDArray[Any]:
        if out is not None:
            picture = Picture(self.layout, out, self.sparse_width)
        else:
            if self._picture is None:
                own = np.empty(shape, np.uint8)
                self._picture = Picture(self.layout, own, self.sparse_width)
            picture = self._picture
        picture.update(self._run, self.state)
        return picture.out

    def _observe_egocentric(self, out: NDArray[Any]) -> NDArray[Any]:
        if self._scratch is None:
            size = egocentric.scratch_size(self.tables.cells)
            self._scratch = np.zeros((self.num_envs, size), np.int32)
        reads = (self.state, self.layout.height)
        self._run("egocentric_loop", self.num_envs, (out, self._scratch), reads)
        return out

    def _observe_featurize(self, out: NDArray[Any]) -> NDArray[Any]:
        if self._nearest is None:
            nearest = nearest_stations(self.layout, self.tables).reshape(-1)
            self._nearest = self._run.constant(nearest)
        reads = (self.state, self.layout.height, self._nearest)
        self._run("featurize_loop", self.num_envs, (out,), reads)
        return out

    def observe_sparse(
        self, index_out: NDArray[Any], value_out: NDArray[Any], count_out: NDArray[Any]
    ) -> None:
        """Lists the entries of the lossless observations that can change and aren't zero.

        Channels 10 to 15, which never change, are left out. The urgency plane is one entry with
        index ``width * height * 26``.

        Args:
            index_out: [N, A, K] out; positions in the flattened observation [x, y, channel],
                then padding with ``width * height * 26 + 1``. K is `sparse_width`.
            value_out: [N, A, K] out; the values, then zeros.
            count_out: [N, A] out; number of entries before the padding.

        Raises:
            ValueError: An array of another shape.
        """
        shape = (*self.rewards.shape, self.sparse_width)
        if not index_out.shape == value_out.shape == shape or count_out.shape != shape[:2]:
            raise ValueError(f"index_out and value_out must have shape {shape}, count_out one less")
        writes = (index_out, value_out, count_out)
        self._run("sparse_loop", self.num_envs, writes, (self.state,))

    def state_hash(self, env: int) -> str:
        """Sixteen hexadecimal digits that tell states of all kitchens apart."""
        content = self._digest + self.state[env].astype("<i4").tobytes()
        if self.random_start:
            content += self.streams[env].astype("<i8").tobytes()
        return hashlib.blake2b(content, digest_size=8).hexdigest()

    def set_states(self, rows: NDArray[Any], envs: Any = slice(None)) -> None:
        """Puts the chosen environments into states that `get_states` returned.

        Rewards and events of these environments are cleared, and `done` follows from the time.

        Raises:
            ValueError: A state that no play of this layout leads to.
        """
        if (entries_needed(self.tables, np.atleast_2d(rows)) > self.sparse_width).any():
            raise ValueError("a state holds more things than can be reached in this layout")
        super().set_states(rows, envs)

    def static_scene(self) -> dict[str, Any]:
        """The part of the drawing that never changes, as JSON values."""
        return scenes.static_scene(self.layout, self.tables.horizon)

    def scene(self, env: int) -> dict[str, Any]:
        """The part of the drawing that changes, as JSON values."""
        return scenes.scene(self.layout, self.tables, self.state[env].tolist())

    def warm_up(self) -> None:
        """Compiles everything now, so that no later call waits for it."""
        super().warm_up()
        index = np.zeros((*self.rewards.shape, self.sparse_width), np.int32)
        self.observe_sparse(index, index.astype(np.float32), index[..., 0].copy())


@lru_cache
def looked_up(layout: Layout, horizon: int) -> tuple[Layout, Tables]:
    """A layout and its tables, the same ones for all kitchens that are equal in them.

    Hundreds of games at once then look things up in the same few kilobytes, which stay in the
    processor's cache.
    """
    return layout, make_tables(layout, horizon)


def check_options(horizon: int, random_start: float) -> None:
    """Refuses numbers that make no sense."""
    if horizon < 1:
        raise UserError(f"The horizon is {horizon}, but an episode has at least one step")
    if not 0.0 <= random_start <= 1.0:
        raise UserError(f"random_start is {random_start}, but a probability is between 0 and 1")
