"""What holds in every kitchen in every game, checked without the rules' own code."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from play.worlds.kitchen import starts
from play.worlds.kitchen.convert import from_overcooked, to_overcooked
from play.worlds.kitchen.layouts import DIRECTIONS
from play.worlds.kitchen.recipes import entry
from play.worlds.kitchen.state import EVENTS, INTERACT, NOTHING, SOUP
from play.worlds.kitchen.world import Kitchen
from tests.worlds.games import NAMES, Game, games, layout_of, properties, steps_of

ITEMS = ("nothing", "onion", "tomato", "dish")


@pytest.fixture(scope="module", autouse=True)
def few_random_starts() -> Iterator[None]:
    """Every kitchen draws its random first states anew, of which it usually has 1,024."""
    with mock.patch.object(starts, "NUM_RANDOM_STARTS", 150):
        yield


class View:
    """A state row in plain words."""

    def __init__(self, game: Game, row: list[int]) -> None:
        layout = game.layout
        players, pots = len(layout.starts), len(layout.cells("P"))
        self.layout = layout
        self.time = row[0]
        body = row[1 : 1 + 3 * players]
        self.cells = [divmod(cell, layout.height) for cell in body[0::3]]
        self.facings, self.held = body[1::3], body[2::3]
        body = row[1 + 3 * players : 1 + 3 * players + 3 * pots]
        self.pots = list(zip(body[0::3], body[1::3], body[2::3], strict=True))
        self.counters = row[1 + 3 * players + 3 * pots :]
        assert len(self.counters) == len(layout.cells("X"))

    def faced(self, player: int) -> tuple[int, int]:
        (x, y), (dx, dy) = self.cells[player], DIRECTIONS[self.facings[player]]
        return x + dx, y + dy

    def faces(self, player: int) -> str:
        return self.layout.terrain_at(self.faced(player))

    def pot_faced(self, player: int) -> tuple[int, int, int]:
        return self.pots[self.layout.cells("P").index(self.faced(player))]

    def things(self) -> Counter[str]:
        """Onions, tomatoes and dishes in the whole kitchen, in whatever form."""
        count: Counter[str] = Counter()
        for item in self.held + self.counters:
            count.update(contents(item))
        for onions, tomatoes, _ in self.pots:
            count.update({"onion": onions, "tomato": tomatoes})
        return count


def contents(item: int) -> dict[str, int]:
    if item >= SOUP:
        return {"onion": (item - SOUP) // 8, "tomato": (item - SOUP) % 8, "dish": 1}
    return {} if item == NOTHING else {ITEMS[item]: 1}


def pot_time(view: View, pot: tuple[int, int, int]) -> int:
    return view.layout.book.times[entry(pot[:2])]


def check_well_formed(view: View) -> None:
    """Each thing is something that exists, in a place where it can be."""
    most = view.layout.book.max_ingredients
    assert len(set(view.cells)) == len(view.cells)
    assert all(view.layout.terrain_at(cell) == " " for cell in view.cells)
    assert all(0 <= facing < 4 for facing in view.facings)
    for item in view.held + view.counters:
        if item < SOUP:
            assert 0 <= item < len(ITEMS)
        else:
            assert 1 <= contents(item)["onion"] + contents(item)["tomato"] <= most
    for onions, tomatoes, tick in view.pots:
        assert min(onions, tomatoes) >= 0
        assert onions + tomatoes <= most
        assert -1 <= tick <= pot_time(view, (onions, tomatoes, tick))
        if tick >= 0:
            assert onions + tomatoes > 0
        if view.layout.dynamics == "old":
            assert (tick >= 0) == (onions + tomatoes == 3)


@properties
@given(games)
def test_states_are_well_formed(game: Game) -> None:
    world = game.world()
    check_well_formed(View(game, world.state[0].tolist()))
    for step in steps_of(game, world):
        check_well_formed(View(game, step.after))
        assert step.after[0] == step.before[0] + 1


@properties
@given(games)
def test_things_come_from_dispensers_and_leave_by_deliveries_only(game: Game) -> None:
    for step in steps_of(game, game.world()):
        before, after = View(game, step.before), View(game, step.after)
        expected = before.things()
        for player, action in enumerate(step.actions):
            if action != INTERACT:
                continue
            terrain, held = before.faces(player), before.held[player]
            if terrain in "OTD" and held == NOTHING:
                expected[{"O": "onion", "T": "tomato", "D": "dish"}[terrain]] += 1
            if terrain == "S" and held >= SOUP:
                expected.subtract(contents(held))
        assert +after.things() == +expected


@properties
@given(games)
def test_rewards_are_the_values_of_delivered_soups(game: Game) -> None:
    values = game.layout.book.values
    delivery = EVENTS.index("soup_delivery")
    for step in steps_of(game, game.world()):
        before = View(game, step.before)
        for player, action in enumerate(step.actions):
            held = before.held[player]
            delivers = action == INTERACT and before.faces(player) == "S" and held >= SOUP
            assert step.rewards[player] == (values[held - SOUP] if delivers else 0)
            assert step.events[player, delivery] == delivers


@properties
@given(games)
def test_soups_come_from_ready_pots_or_counters(game: Game) -> None:
    for step in steps_of(game, game.world()):
        before, after = View(game, step.before), View(game, step.after)
        for player, held in enumerate(after.held):
            if held < SOUP or before.held[player] == held:
                continue
            assert step.actions[player] == INTERACT
            assert before.faces(player) in "PX"
            if before.faces(player) == "P":
                pot = before.pot_faced(player)
                assert pot[2] == pot_time(before, pot)
                assert entry(pot[:2]) == held - SOUP


@properties
@given(games)
def test_players_only_reach_what_is_in_front_of_them(game: Game) -> None:
    """Hands change by interacting only; counters and pots only if faced, or by cooking."""
    for step in steps_of(game, game.world()):
        before, after = View(game, step.before), View(game, step.after)
        acting = [p for p, action in enumerate(step.actions) if action == INTERACT]
        touched = {before.faced(p) for p in acting}
        for player, (had, has) in enumerate(zip(before.held, after.held, strict=True)):
            assert had == has or player in acting
        for cell, was, is_now in zip(
            game.layout.cells("X"), before.counters, after.counters, strict=True
        ):
            assert was == is_now or cell in touched
        for cell, was, is_now in zip(game.layout.cells("P"), before.pots, after.pots, strict=True):
            assert was[:2] == is_now[:2] or cell in touched
        for player, (was, is_now) in enumerate(zip(before.cells, after.cells, strict=True)):
            assert was == is_now or step.actions[player] < 4


@properties
@given(games)
def test_swapping_the_players_swaps_what_happens(game: Game) -> None:
    """Unless two use the same cell, since players are served one after the other."""
    world, mirror = game.world(), game.world(random_start=0.0)
    for step in steps_of(game, world):
        before = View(game, step.before)
        acting = [p for p, action in enumerate(step.actions) if action == INTERACT]
        if len({before.faced(p) for p in acting}) < len(acting):
            continue
        row = swapped(step.before, len(step.actions))
        mirror.set_states(np.array([row], np.int32))
        mirror.step(np.array([step.actions[::-1]]))
        assert mirror.state[0].tolist() == swapped(step.after, len(step.actions))
        assert mirror.rewards[0].tolist() == step.rewards[::-1]


def swapped(row: list[int], players: int) -> list[int]:
    order = [1 + 3 * p + k for p in reversed(range(players)) for k in range(3)]
    return [row[0], *(row[k] for k in order), *row[1 + 3 * players :]]


@properties
@given(games)
def test_the_hash_is_equal_exactly_if_the_state_is(game: Game) -> None:
    world, copy = game.world(random_start=0.0), game.world(random_start=0.0)
    state_of: dict[str, list[int]] = {}
    for step in steps_of(game, world):
        after = [0, *step.after[1:]]  # without the time, which would make all of them differ
        copy.set_states(np.array([after], np.int32))
        digest = copy.state_hash(0)
        assert state_of.setdefault(digest, after) == after
    assert len({tuple(row) for row in state_of.values()}) == len(state_of)


@pytest.mark.parametrize("name", NAMES)
def test_the_hash_knows_the_kitchen(name: str) -> None:
    old, new = (Kitchen(layout_of(name, dynamics)) for dynamics in ("old", "new"))
    np.testing.assert_array_equal(old.state, new.state)
    assert old.state_hash(0) != new.state_hash(0)


@properties
@given(games)
def test_the_sparse_form_and_the_dense_one_say_the_same(game: Game) -> None:
    world = game.world(horizon=100)
    empty = terrain_only(world)
    shape = (*world.rewards.shape, world.sparse_width)
    index, value = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
    count = np.zeros(shape[:2], np.int32)
    size = empty.size
    for _ in steps_of(game, world, 60):
        dense = world.observe("lossless")
        world.observe_sparse(index, value, count)
        for seat in range(shape[1]):
            used = count[0, seat]
            assert (index[0, seat, used:] == size + 1).all()
            assert (value[0, seat, used:] == 0).all()
            assert (value[0, seat, :used] > 0).all()
            seen = empty.reshape(-1).copy()
            for at, number in zip(index[0, seat, :used], value[0, seat, :used], strict=True):
                if at == size:
                    seen[25::26] = number
                else:
                    seen[at] += number
            np.testing.assert_array_equal(seen, dense[0, seat].reshape(-1))


def terrain_only(world: Kitchen) -> np.ndarray:
    planes = np.zeros(world.facts.encodings["lossless"].shape, np.float32)
    for channel, terrain in enumerate("PXOTDS", start=10):
        for x, y in world.layout.cells(terrain):
            planes[x, y, channel] = 1
    return planes


@properties
@given(games)
def test_states_survive_the_way_through_a_dictionary(game: Game) -> None:
    world = game.world()
    for step in steps_of(game, world):
        state = to_overcooked(world.layout, world.tables, step.after)
        row = from_overcooked(world.layout, world.tables, state)
        assert row.tolist() == step.after
        state = json.loads(json.dumps(state))
        assert from_overcooked(world.layout, world.tables, state).tolist() == step.after


@properties
@given(games)
def test_a_state_that_is_put_back_continues_alike(game: Game) -> None:
    world = game.world(random_start=0.0)
    steps = list(steps_of(game, world, 80))
    other = game.world(3, random_start=0.0)
    middle = steps[40]
    other.set_states(np.array([middle.before], np.int32), [1])
    assert other.get_states([1]).tolist() == [middle.before]
    for step in steps[40:]:
        other.step(np.repeat([step.actions], 3, axis=0))
        assert other.state[1].tolist() == step.after
        assert other.rewards[1].tolist() == step.rewards
        np.testing.assert_array_equal(other.events[1], step.events)


seeds = st.integers(0, 2**32 - 1)
HORIZON = 15  # several episodes in few steps


def play_batch(world: Kitchen, generator: np.random.Generator, steps: int) -> list[Any]:
    """State hashes, rewards and ends of random play, by step."""
    seen = []
    for _ in range(steps):
        actions = generator.integers(6, size=world.rewards.shape)
        world.step(actions)
        hashes = [world.state_hash(i) for i in range(world.num_envs)]
        seen.append((hashes, world.rewards.tolist(), world.done.tolist()))
    return seen


@properties
@given(games, st.lists(seeds, min_size=2, max_size=5))
def test_neighbours_in_a_batch_do_not_matter(game: Game, each: list[int]) -> None:
    options = {"random_start": 0.7, "horizon": HORIZON, "autoreset": True}
    batch = game.world(len(each), **options)
    batch.reset(each)
    alone = [game.world(**options) for _ in each]
    for world, seed in zip(alone, each, strict=True):
        world.reset([seed])
    generator = np.random.default_rng(game.seed)
    for _ in range(2 * HORIZON):
        actions = generator.integers(6, size=batch.rewards.shape)
        batch.step(actions)
        for i, world in enumerate(alone):
            world.step(actions[i : i + 1])
            assert world.state_hash(0) == batch.state_hash(i)
            assert world.done[0] == batch.done[i]
            np.testing.assert_array_equal(world.rewards[0], batch.rewards[i])
            np.testing.assert_array_equal(world.observe()[0], batch.observe()[i])


@properties
@given(games, st.integers(1, 5), st.integers(1, 5))
def test_environment_i_gets_the_same_stream_in_batches_of_all_sizes(
    game: Game, one: int, other: int
) -> None:
    few, many = (game.world(n, random_start=1.0) for n in sorted((one, other)))
    np.testing.assert_array_equal(few.state, many.state[: few.num_envs])


@properties
@given(games)
def test_a_seed_decides_everything(game: Game) -> None:
    options = {"random_start": 0.7, "horizon": HORIZON, "autoreset": True}
    first, second = (
        play_batch(game.world(2, **options), np.random.default_rng(1), 3 * HORIZON)
        for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("name", NAMES)
def test_other_seeds_and_later_episodes_begin_elsewhere(name: str) -> None:
    world = Kitchen(layout_of(name, "new"), 1, random_start=1.0, compiled=False)
    begun = set()
    for seed in range(10):
        world.reset(seed)
        begun.add(tuple(world.state[0].tolist()))
        world.reset()
        begun.add(tuple(world.state[0].tolist()))
    assert len(begun) > 15


@properties
@given(games, st.integers(1, 20))
def test_episodes_restart_within_the_step_that_ends_them(game: Game, horizon: int) -> None:
    again = game.world(random_start=0.0, horizon=horizon, autoreset=True)
    once = game.world(random_start=0.0, horizon=horizon)
    first = again.state.copy()
    for step in steps_of(game, once):
        again.step(np.array([step.actions]))
        np.testing.assert_array_equal(again.rewards, [step.rewards])
        np.testing.assert_array_equal(again.events, [step.events])
        over = step.after[0] == horizon
        assert once.done.tolist() == again.done.tolist() == [over]
        assert again.state.tolist() == (first.tolist() if over else [step.after])
    assert once.done.all()
    with pytest.raises(ValueError, match=r"an episode is over: call reset\(\)"):
        once.step(np.array([step.actions]))
    once.reset()
    assert not once.done.any()
    np.testing.assert_array_equal(once.state, first)
    once.step(np.array([step.actions]))
