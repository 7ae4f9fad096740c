"""What holds in every game of tag, checked without the rules' own code."""

import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from play.worlds.checker import check_world
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from play.worlds.tag.arithmetic import exponential, softplus
from play.worlds.tag.state import ACTIONS, EVENTS
from play.worlds.tag.world import INSTANCES, Tag, make
from tests.worlds.games import properties
from tests.worlds.tag_oracle import ChasingDriver

RADII = {"chaser": 0.075, "runner": 0.05}
TOP = {"chaser": 1.0, "runner": 1.3}
SIZES = st.sampled_from([*INSTANCES, "crowd"])
SEEDS = st.integers(0, 2**32 - 1)
CROWD = {"chasers": 4, "runners": 3, "obstacles": 5}


def game(name: str, num_envs: int = 1, **options: Any) -> Tag:
    if name == "crowd":
        return make("simple", num_envs, **CROWD, **options)
    return make(name, num_envs, **options)


def agents(world: Tag, env: int = 0) -> np.ndarray:
    """[A, 4] position and velocity."""
    count = world.facts.num_players
    return world.state[env, 1 : 1 + 4 * count].reshape(count, 4)


def obstacles(world: Tag, env: int = 0) -> np.ndarray:
    """[O, 2] positions."""
    return world.state[env, 1 + 4 * world.facts.num_players :].reshape(-1, 2)


def gaps(places: np.ndarray, others: np.ndarray) -> np.ndarray:
    """[M, K] distances."""
    return np.sqrt(((places[:, None, :2] - others[None, :, :2]) ** 2).sum(axis=2))


def drivers(world: Tag, noise: float = 0.3) -> list[ChasingDriver]:
    return [ChasingDriver(world.tables, seed, noise) for seed in range(world.num_envs)]


def everything(world: Tag) -> dict[str, np.ndarray]:
    return {
        "state": world.state,
        "rewards": world.rewards,
        "events": world.events,
        "done": world.done,
        "streams": world.streams,
        **{name: world.observe(name) for name in world.facts.encodings},
    }


@pytest.mark.parametrize("starts", ["anywhere", "apart"])
@pytest.mark.parametrize("name", [*INSTANCES, "crowd"])
def test_compiled_and_plain_are_the_same_to_the_last_bit(name: str, starts: str) -> None:
    options = {"horizon": 70, "starts": starts, "autoreset": True, "reward_scale": 0.1}
    compiled, plain = (game(name, 3, compiled=way, **options) for way in (True, False))
    assert compiled.compiled
    assert not plain.compiled
    driving = drivers(plain)
    for world in (compiled, plain):
        world.draw_starts(0.5)
        world.reset(5)
    touched = 0
    for t in range(200):
        ours, theirs = everything(compiled), everything(plain)
        for what, array in ours.items():
            assert array.dtype == theirs[what].dtype
            assert array.tobytes() == theirs[what].tobytes(), f"{what} at step {t}"
        for i in range(3):
            assert compiled.state_hash(i) == plain.state_hash(i)
        joint = np.array([drive(row) for drive, row in zip(driving, plain.state, strict=True)])
        compiled.step(joint)
        plain.step(joint)
        touched += int((plain.rewards > 0).any())
    assert touched > 3


def test_threads_do_not_matter() -> None:
    size = 4096  # enough for four threads
    generator = np.random.default_rng(0)
    worlds = [make("simple", size, compiled=True, threads=threads) for threads in (1, 4)]
    for _ in range(20):
        joint = generator.integers(5, size=(size, 3))
        for world in worlds:
            world.step(joint)
        one, four = (everything(world) for world in worlds)
        for what, array in one.items():
            np.testing.assert_array_equal(array, four[what], what)


@properties
@given(SIZES, SEEDS)
def test_rewards_and_events_are_what_the_positions_say(name: str, seed: int) -> None:
    world = game(name)
    world.reset(seed)
    roles = np.array(world.facts.roles)
    chasers, runners = roles == "chaser", roles == "runner"
    radii = np.array([RADII[role] for role in roles])
    top = np.array([TOP[role] for role in roles])
    [drive] = drivers(world)
    for _ in range(world.facts.horizon):
        near = gaps(agents(world)[chasers], agents(world)[runners]).min(axis=1)
        world.step(np.array([drive(world.state[0])]))
        now, blocks = agents(world), obstacles(world)
        speed = np.hypot(now[:, 2], now[:, 3])
        assert (speed <= top * (1 + 1e-15)).all()
        distances = gaps(now[chasers], now[runners])
        contact = distances < radii[chasers][:, None] + radii[runners][None]
        assert (world.rewards[0, chasers] == 10 * contact.sum()).all()
        assert (world.rewards[0, runners] <= -10 * contact.sum(axis=0)).all()
        inside = (np.abs(now[runners, :2]) < 0.9).all(axis=1)
        assert (world.rewards[0, runners] == -10 * contact.sum(axis=0))[inside].all()
        expected = np.zeros((len(roles), len(EVENTS)), bool)
        expected[chasers, EVENTS.index("touch")] = contact.any(axis=1)
        expected[runners, EVENTS.index("touched")] = contact.any(axis=0)
        expected[:, EVENTS.index("moved")] = speed >= top / 2
        expected[chasers, EVENTS.index("closed_in")] = distances.min(axis=1) < near
        hits = gaps(now, blocks) < radii[:, None] + 0.2
        expected[:, EVENTS.index("blocked")] = hits.any(axis=1)
        expected[:, EVENTS.index("outside")] = (np.abs(now[:, :2]) > 1).any(axis=1)
        np.testing.assert_array_equal(world.events[0], expected)


MIRRORED = (ACTIONS.index(name) for name in ("stay", "right", "left", "down", "up"))
TURNED = (ACTIONS.index(name) for name in ("stay", "down", "up", "left", "right"))


@pytest.mark.parametrize(
    ("change", "renamed"),
    [
        (lambda pairs: pairs * [-1, 1], np.array(list(MIRRORED))),
        (lambda pairs: pairs[:, ::-1], np.array(list(TURNED))),
    ],
    ids=["mirrored", "axes swapped"],
)
@properties
@given(SIZES, SEEDS)
def test_a_mirrored_game_is_the_mirror_image(
    change: Any, renamed: np.ndarray, name: str, seed: int
) -> None:
    def image(rows: np.ndarray) -> np.ndarray:
        return np.concatenate([rows[:, :1], change(rows[0, 1:].reshape(-1, 2)).reshape(1, -1)], 1)

    world, other = game(name), game(name)
    world.reset(seed)
    other.set_states(image(world.get_states()))
    [drive] = drivers(world)
    for _ in range(60):
        joint = np.array([drive(world.state[0])])
        world.step(joint)
        other.step(renamed[joint])
        np.testing.assert_array_equal(other.state, image(world.get_states()))
        # The penalties of the two axes are added in another order.
        np.testing.assert_allclose(other.rewards, world.rewards, rtol=1e-6)


@properties
@given(SIZES, SEEDS)
def test_seats_of_a_role_see_the_same_in_each_others_place(name: str, seed: int) -> None:
    world, turned = game(name), game(name)
    world.draw_starts(1.0)  # with velocities
    world.reset(seed)
    chasers, count = world.tables.chasers, world.facts.num_players
    order = [*np.roll(range(chasers), -1), *(chasers + np.roll(range(count - chasers), -1))]
    rows = world.get_states()
    rows[0, 1 : 1 + 4 * count] = agents(world)[order].reshape(-1)
    turned.set_states(rows)
    seen, same = world.observe("relative")[0], turned.observe("relative")[0].copy()
    for seat in range(count):
        own = np.sort(seen[order[seat]])  # those of the other role have changed places too
        np.testing.assert_array_equal(np.sort(same[seat]), own)
        fixed = 4 + 2 * world.tables.obstacles
        mates = (chasers if seat < chasers else count - chasers) - 1
        part = slice(0, fixed + 4 * mates)
        np.testing.assert_array_equal(same[seat][part], seen[order[seat]][part])


def test_relative_observation_tells_where_and_how_fast_everybody_is() -> None:
    world = make("two_runners")
    world.draw_starts(1.0)
    world.reset(3)
    now, blocks = agents(world), obstacles(world)
    seen = world.observe("relative")[0]
    for seat, others in ((1, (2, 0, 3, 4)), (3, (4, 0, 1, 2))):
        own = now[seat]
        parts = [own[2:], own[:2], *(blocks - own[:2])]
        parts += [np.concatenate([now[o, :2] - own[:2], now[o, 2:]]) for o in others]
        np.testing.assert_array_equal(seen[seat], np.concatenate(parts).astype(np.float32))


def test_first_states_are_uniform_or_free_of_overlaps() -> None:
    size = 2000
    anywhere, apart = (game("crowd", size, starts=how) for how in ("anywhere", "apart"))
    for world in (anywhere, apart):
        world.reset(1)
        assert not world.state[:, 0].any()
        assert not agents(world)[:, 2:].any()
    places = np.stack([agents(anywhere, i)[:, :2] for i in range(size)])
    assert abs(places.mean()) < 0.02
    assert places.std() == pytest.approx(1 / math.sqrt(3), abs=0.01)
    assert 0.98 < np.abs(places).max() <= 1.0
    blocks = np.stack([obstacles(anywhere, i) for i in range(size)])
    assert 0.88 < np.abs(blocks).max() <= 0.9
    radii = np.array([RADII[role] for role in apart.facts.roles] + [0.2] * 5)
    least = radii[:, None] + radii[None] - 10 * np.eye(len(radii))
    for i in range(size):
        things = np.concatenate([agents(apart, i)[:, :2], obstacles(apart, i)])
        assert (gaps(things, things) >= least).all()


def test_exploring_starts_are_under_way() -> None:
    world = make("simple", 500)
    world.draw_starts(0.5)
    world.reset(0)
    running = np.array([agents(world, i)[:, 2:].any() for i in range(500)])
    assert 0.4 < running.mean() < 0.6
    assert len(set(world.state[running, 0])) > 50
    assert world.state[:, 0].max() < world.facts.horizon
    assert not world.state[~running, 0].any()


def test_states_go_in_and_out() -> None:
    world, other = make("simple", 4), make("simple", 4)
    world.reset(9)
    other.reset(9)
    for _ in range(30):
        world.step(np.random.default_rng(1).integers(5, size=(4, 3)))
    other.set_states(world.get_states([2]), [1])
    assert other.state_hash(1) != world.state_hash(1)
    np.testing.assert_array_equal(other.state[1], world.state[2])
    for _ in range(71):
        assert not other.done[1]
        other.set_states(other.get_states())  # changes nothing
        other.done[[0, 2, 3]] = False
        other.step(np.zeros((4, 3), np.int64))
        if other.state[1, 0] == world.facts.horizon:
            break
    other.set_states(other.get_states())
    assert other.done.tolist() == [False, True, False, False]


def test_warming_up_changes_nothing() -> None:
    world = make("simple", 3, compiled=True)
    before = {name: array.copy() for name, array in everything(world).items()}
    world.warm_up()
    for name, array in everything(world).items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(
    "options",
    [
        {"horizon": 30, "reward_scale": 0.1},
        {"compiled": True, "starts": "apart", "horizon": 50},
        {**CROWD, "horizon": 30},
    ],
)
def test_options_keep_tag_what_it_declares(options: dict[str, Any]) -> None:
    assert check_world("tag/simple", **options) == []


def test_softplus_and_exponential_are_exact_to_three_units_in_the_last_place() -> None:
    with localcontext() as context:
        context.prec = 40
        for u in np.linspace(-39.9, 39.9, 1999):
            power = Decimal(float(u)).exp()
            for ours, exact in ((exponential(u), power), (softplus(u), (1 + power).ln())):
                assert abs(Decimal(ours) - exact) <= 3 * Decimal(math.ulp(ours))
    assert (softplus(-41.0), softplus(41.0)) == (0.0, 41.0)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("tag/simpel", {}, r"no tag/simpel: .*tag/duel.*did you mean tag/simple\?"),
        ("tag/simple", {"speed": 2}, "no option 'speed'; there are chasers, runners, obstacles"),
        ("tag/simple", {"chasers": 9}, "chasers 9 .*choose 1 to 8"),
        ("tag/simple", {"runners": 9}, r"runners 9 .*choose 1 to 8 \(observations have a place"),
        ("tag/simple", {"runners": 0}, "runners 0 .*choose 1 to 8"),
        ("tag/simple", {"obstacles": 2.5}, r"obstacles 2\.5 .*choose 0 to 16"),
        ("tag/simple", {"obstacles": True}, "obstacles True .*choose 0 to 16"),
        ("tag/simple", {"obstacles": 17}, "obstacles 17 .*choose 0 to 16"),
        (
            "tag/simple",
            {"obstacles": 13},
            r"2 chaser\(s\), 1 runner\(s\) and 13 obstacles cover 42% .* leave no free place",
        ),
        ("tag/simple", {"horizon": 0}, "horizon 0 .*choose 1 to 100000"),
        ("tag/simple", {"reward_scale": 0}, "reward_scale is 0, but it must be above 0"),
        ("tag/simple", {"reward_scale": "x"}, "reward_scale is 'x', but it must be above 0"),
        ("tag/simple", {"starts": "home"}, "starts is 'home', but it must be anywhere or apart"),
        ("tag/simple", {"num_envs": 0}, "num_envs is 0"),
    ],
)
def test_mistakes_are_one_sentence(name: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as error:
        make_world(name, **options)
    assert "\n" not in str(error.value)


def test_the_fullest_rooms_have_a_free_place() -> None:
    world = make("simple", 200, chasers=8, runners=8, obstacles=10, starts="apart")
    radii = np.array([RADII[role] for role in world.facts.roles])
    for i in range(200):
        assert (gaps(agents(world, i), obstacles(world, i)) >= radii[:, None] + 0.2).all()
