"""The kitchen as a world: N environments of one layout, stepped and observed together."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.errors import UserError
from play.worlds.kitchen import scenes
from play.worlds.kitchen.compilation import choose_compiled, kernels
from play.worlds.kitchen.convert import start_row
from play.worlds.kitchen.encode import (
    CHANNELS,
    DRAWN,
    NUM_CHANNELS,
    POT_FEATURES,
    terrain_planes,
)  # fmt: skip
from play.worlds.kitchen.layouts import LAYOUT_KEYS, Layout, layout_names, load_layout
from play.worlds.kitchen.paths import nearest_stations
from play.worlds.kitchen.starts import entries_needed, make_random_starts, sparse_width
from play.worlds.kitchen.state import (
    ACTIONS,
    EVENTS,
    STAY,
    Tables,
    as_lists,
    make_tables,
    row_size,
)  # fmt: skip
from play.worlds.spec import Encoding, WorldFacts

VERSION = 1
TICK_MS = 150  # as in the human trials of 2019
KEYS = {
    "ArrowUp": 0, "KeyW": 0, "ArrowDown": 1, "KeyS": 1, "ArrowRight": 2, "KeyD": 2,
    "ArrowLeft": 3, "KeyA": 3, "Space": 5, "Enter": 5,
}  # fmt: skip
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
        **overrides: Settings of the layout file to replace, such as ``cook_time=5``.

    Raises:
        UserError: No such layout or option.
    """
    allowed = LAYOUT_KEYS - NO_CHANGE
    unknown = sorted(set(overrides) - allowed)
    if unknown:
        raise UserError(
            f"A kitchen has no option {unknown[0]!r}; there are dynamics, horizon, "
            f"random_start, compiled and the layout settings {', '.join(sorted(allowed))}"
        )
    layout = load_layout(instance, dynamics, **overrides)
    return Kitchen(
        layout, num_envs, autoreset=autoreset, horizon=horizon, random_start=random_start,
        compiled=compiled,
    )  # fmt: skip


class Kitchen:
    """N environments of one layout; see `play.worlds.spec.World` for what every world offers.

    Attributes:
        layout: The layout.
        tables: The layout as the rules use it.
        state: [N, size] int32 state rows, see `play.worlds.kitchen.state`.
        sparse_width: Greatest number K of entries in an observation's sparse form.
    """

    def __init__(
        self,
        layout: Layout,
        num_envs: int = 1,
        *,
        autoreset: bool = False,
        horizon: int = 400,
        random_start: float = 0.0,
        compiled: bool | None = None,
    ) -> None:
        check_options(num_envs, horizon, random_start)
        self.layout = layout
        self.num_envs = num_envs
        self.autoreset = autoreset
        self.random_start = float(random_start)
        self.compiled = choose_compiled(compiled, num_envs)
        self.tables = make_tables(layout, horizon)
        self.facts = make_facts(layout, horizon, self.random_start)
        self.sparse_width = sparse_width(layout, self.tables)
        self._run = kernels(self.compiled, num_envs)
        self._tables = self.tables if self.compiled else as_lists(self.tables)
        self._starts = start_row(layout, self.tables)[None]
        self._random_starts = self._starts
        if random_start:
            self._random_starts = make_random_starts(layout, self.tables)
        self._allocate()
        self.reset(0)

    def _allocate(self) -> None:
        n, players = self.num_envs, self.tables.players
        self.state = np.zeros((n, row_size(self.tables)), np.int32)
        self.rewards = np.zeros((n, players), np.float32)
        self.shaped_rewards = np.zeros((n, players), np.float32)
        self.done = np.zeros(n, np.bool_)
        self.events = np.zeros((n, players, len(EVENTS)), np.bool_)
        self._flat_events = self.events.reshape(n, -1)
        self._streams = np.zeros((n, 1), np.int64)
        self._template: NDArray[np.uint8] | None = None
        self._picture: _Picture | None = None
        self._nearest: Any = None

    def reset(self, seed: int | Sequence[int] | None = None) -> None:
        """Starts a new episode everywhere.

        Args:
            seed: One seed from which environment i gets the i-th stream, or N seeds, one for
                each environment; None continues the streams.
        """
        if seed is not None:
            self._streams[:, 0] = random_streams(seed, self.num_envs)
        self._call("start_loop", self.state, self._streams, self._starts,
                   self._random_starts, self.random_start)  # fmt: skip
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
        actions = np.ascontiguousarray(actions, np.int64)
        if actions.shape != self.rewards.shape:
            raise ValueError(
                f"actions have shape {actions.shape}, but {self.num_envs} environments of "
                f"{self.tables.players} players need {self.rewards.shape}"
            )
        if not self.autoreset and self.done.any():
            raise ValueError("an episode is over: call reset(), or make the world with autoreset")
        invalid = self._run.first_invalid(actions, self.tables.players)
        if invalid >= 0:
            raise ValueError(
                f"environment {invalid} got actions {actions[invalid].tolist()}; actions are 0 to "
                f"{len(ACTIONS) - 1}"
            )
        if self.compiled:
            self._run.step_loop(
                self._tables, self.state, actions, self.rewards, self.shaped_rewards,
                self._flat_events, self.done, self._streams, self._starts, self._random_starts,
                self.random_start, self.autoreset,
            )  # fmt: skip
        else:
            self._step_plain(actions)

    def observe(self, encoding: str = "lossless", out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Writes the observations of every seat.

        Args:
            encoding: "lossless" or "featurize".
            out: [N, A, *shape] array to fill. Without it the world fills one of its own, which
                the next call overwrites; for lossless that is by far the fastest, since only
                what changed is written.

        Returns:
            `out`, or the world's own array.
        """
        if encoding == "lossless":
            return self._observe_lossless(out)
        if encoding == "featurize":
            return self._observe_featurize(out)
        raise ValueError(f"no encoding {encoding!r}; there are {', '.join(self.facts.encodings)}")

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
        """
        if self.compiled:
            self._run.sparse_loop(self._tables, self.state, index_out, value_out, count_out)
            return
        index, value, count = index_out.tolist(), value_out.tolist(), count_out.tolist()
        self._run.sparse_loop(self._tables, self.state.tolist(), index, value, count)
        index_out[...], value_out[...], count_out[...] = index, value, count

    def state_hash(self, env: int) -> str:
        """Sixteen hexadecimal digits that tell states of all kitchens apart."""
        content = self.layout.digest() + self.state[env].astype("<i4").tobytes()
        if self.random_start:
            content += self._streams[env].astype("<i8").tobytes()
        return hashlib.blake2b(content, digest_size=8).hexdigest()

    def get_states(self, envs: Any = slice(None)) -> NDArray[np.int32]:
        """Copies of the state rows of the chosen environments [M, size]."""
        return self.state[envs].copy()

    def set_states(self, rows: NDArray[np.int32], envs: Any = slice(None)) -> None:
        """Puts the chosen environments into states that `get_states` returned.

        Rewards, events and `done` of these environments are cleared.

        Raises:
            ValueError: A state that no play of this layout leads to.
        """
        if (entries_needed(self.tables, np.atleast_2d(rows)) > self.sparse_width).any():
            raise ValueError("a state holds more things than can be reached in this layout")
        self.state[envs] = rows
        self.rewards[envs] = 0
        self.shaped_rewards[envs] = 0
        self.events[envs] = False
        self.done[envs] = self.state[envs, 0] >= self.tables.horizon

    def static_scene(self) -> dict[str, Any]:
        """The part of the drawing that never changes, as JSON values."""
        return scenes.static_scene(self.layout, self.tables.horizon)

    def scene(self, env: int) -> dict[str, Any]:
        """The part of the drawing that changes, as JSON values."""
        return scenes.scene(self.layout, self.tables, self.state[env].tolist())

    def warm_up(self) -> None:
        """Compiles everything now, so that no later call waits for it."""
        saved = [array.copy() for array in self._per_env()]
        index = np.zeros((*self.rewards.shape, self.sparse_width), np.int32)
        self.step(np.full(self.rewards.shape, STAY))
        self.observe("lossless")
        self.observe("featurize")
        self.observe_sparse(index, index.astype(np.float32), index[..., 0].copy())
        for array, content in zip(self._per_env(), saved, strict=True):
            array[...] = content

    def _per_env(self) -> tuple[NDArray[Any], ...]:
        return (
            self.state, self.rewards, self.shaped_rewards, self.done, self.events, self._streams,
        )  # fmt: skip

    def _call(self, loop: str, *arrays: Any) -> None:
        """Runs a loop that changes its array arguments, by way of lists in plain Python."""
        if self.compiled:
            getattr(self._run, loop)(*arrays)
            return
        lists = [a.tolist() if isinstance(a, np.ndarray) else a for a in arrays]
        getattr(self._run, loop)(*lists)
        for array, changed in zip(arrays, lists, strict=True):
            if isinstance(array, np.ndarray):
                array[...] = changed

    def _step_plain(self, actions: NDArray[np.int64]) -> None:
        state, streams = self.state.tolist(), self._streams.tolist()
        rewards, shaped = self.rewards.tolist(), self.shaped_rewards.tolist()
        events, done = self._flat_events.tolist(), self.done.tolist()
        self._run.step_loop(
            self._tables, state, actions.tolist(), rewards, shaped, events, done, streams,
            self._starts, self._random_starts, self.random_start, self.autoreset,
        )  # fmt: skip
        self.state[...], self._streams[...] = state, streams
        self.rewards[...], self.shaped_rewards[...] = rewards, shaped
        self._flat_events[...], self.done[...] = events, done

    def _observe_lossless(self, out: NDArray[Any] | None) -> NDArray[Any]:
        if out is None:
            if self._picture is None:
                self._picture = self._new_picture(None)
            picture = self._picture
        else:
            picture = self._new_picture(out)
        if self.compiled:
            self._run.dense_loop(
                self._tables, self.state, picture.drawn, picture.values, picture.flat
            )
        else:
            picture.refresh_plain(self._run, self._tables, self.state)
        return picture.out

    def _new_picture(self, out: NDArray[Any] | None) -> "_Picture":
        """An array that shows nothing but terrain."""
        shape = (*self.rewards.shape, self.layout.width, self.layout.height, NUM_CHANNELS)
        if self._template is None:
            self._template = terrain_planes(self.layout)
        if out is None:
            out = np.empty(shape, np.uint8)
        if out.shape != shape or not out.flags.c_contiguous:
            raise ValueError(f"out must be a C-contiguous array of shape {shape}; got {out.shape}")
        out[...] = self._template
        return _Picture(out, self.sparse_width)

    def _observe_featurize(self, out: NDArray[Any] | None) -> NDArray[Any]:
        if self._nearest is None:
            self._nearest = nearest_stations(self.layout, self.tables).reshape(-1)
            if not self.compiled:
                self._nearest = self._nearest.tolist()
        shape = (*self.rewards.shape, *self.facts.encodings["featurize"].shape)
        if out is None:
            out = np.empty(shape, np.float32)
        if out.shape != shape:
            raise ValueError(f"out must have shape {shape}; got {out.shape}")
        height = self.layout.height
        if self.compiled:
            self._run.featurize_loop(self._tables, self.state, height, self._nearest, out)
        else:
            rows = np.zeros(shape).tolist()
            self._run.featurize_loop(self._tables, self.state.tolist(), height, self._nearest, rows)
            out[...] = rows
        return out


class _Picture:
    """An array of lossless observations, and the memory of what was last written into it."""

    def __init__(self, out: NDArray[Any], width: int) -> None:
        n, players = out.shape[:2]
        self.out = out
        self.flat = out.reshape(n, players, -1)
        size = DRAWN + 2 * players + width
        self.drawn: Any = np.zeros((n, size), np.int32)
        self.values: Any = np.zeros((n, size), np.uint8)

    def refresh_plain(self, run: Any, tables: Tables, state: NDArray[np.int32]) -> None:
        """Brings the array up to date without numba."""
        if isinstance(self.drawn, np.ndarray):
            self.drawn, self.values = self.drawn.tolist(), self.values.tolist()
        run.dense_loop(tables, state.tolist(), self.drawn, self.values, self.flat)


def check_options(num_envs: int, horizon: int, random_start: float) -> None:
    """Refuses numbers that make no sense."""
    if num_envs < 1:
        raise UserError(f"num_envs is {num_envs}, but at least one environment is needed")
    if horizon < 1:
        raise UserError(f"The horizon is {horizon}, but an episode has at least one step")
    if not 0.0 <= random_start <= 1.0:
        raise UserError(f"random_start is {random_start}, but a probability is between 0 and 1")


def random_streams(seed: int | Sequence[int], num_envs: int) -> NDArray[np.int64]:
    """[N] first numbers of the environments' random streams, each in 1 .. 2**31 - 2."""
    if isinstance(seed, int | np.integer):
        words = np.random.SeedSequence(int(seed)).generate_state(num_envs, np.uint32)
    else:
        if len(seed) != num_envs:
            raise ValueError(f"{len(seed)} seeds for {num_envs} environments; give one for each")
        words = np.array([np.random.SeedSequence(s).generate_state(1)[0] for s in seed])
    return words.astype(np.int64) % (2**31 - 2) + 1


def make_facts(layout: Layout, horizon: int, random_start: float) -> WorldFacts:
    """What a kitchen declares about itself."""
    players = len(layout.starts)
    highest = max(layout.book.values)
    options: dict[str, Any] = {"dynamics": layout.dynamics, "horizon": horizon}
    if random_start:
        options["random_start"] = random_start
    dish = "useful_dish_pickup" if players == 2 else "dish_pickup"
    shape = (layout.width, layout.height, NUM_CHANNELS)
    return WorldFacts(
        world=f"kitchen/{layout.name}",
        version=VERSION,
        options={**options, **layout.overrides},
        num_players=players,
        actions=ACTIONS,
        idle_action=STAY,
        horizon=horizon,
        tick_ms=TICK_MS,
        step_reward_range=(0.0, players * highest),
        reward_unit=highest,
        encodings={
            "lossless": Encoding("lossless", 1, shape, "uint8", CHANNELS),
            "featurize": Encoding(
                "featurize", 1, (48 * players,), "float32", feature_names(players)
            ),
        },
        events=EVENTS,
        contributions={
            "ingredients potted": ("potting_onion", "potting_tomato"),
            "dishes fetched": (dish,),
            "soups plated": ("soup_pickup",),
            "soups delivered": ("soup_delivery",),
        },
        keys=KEYS,
        renderer="kitchen",
        one_shot=(ACTIONS.index("interact"),),
    )


def feature_names(players: int) -> tuple[str, ...]:
    """Names of the featurize encoding's numbers, in order."""
    one = [f"facing_{name}" for name in ACTIONS[:4]]
    one += [f"holds_{name}" for name in ("onion", "soup", "dish", "tomato")]
    for name in ("onion", "tomato", "dish", "soup"):
        one += [f"{name}_dx", f"{name}_dy"]
    one += ["soup_onions", "soup_tomatoes", "serving_dx", "serving_dy"]
    one += ["empty_counter_dx", "empty_counter_dy"]
    pot = ("exists", "empty", "full", "cooking", "ready", "onions", "tomatoes", "time", "dx", "dy")
    assert len(pot) == POT_FEATURES
    one += [f"pot{number}_{name}" for number in (1, 2) for name in pot]
    one += [f"wall_{name}" for name in ACTIONS[:4]]
    seats = ["own"] + [f"other{number}" for number in range(1, players)]
    names = [f"{seat}_{name}" for seat in seats for name in one]
    names += [f"{seat}_{axis}" for seat in seats[1:] for axis in ("relative_x", "relative_y")]
    return (*names, "own_x", "own_y")
