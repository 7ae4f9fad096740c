"""Our tag against mpe2 1.1.1: 12,000 transitions in float64, every agent of every size.

The arithmetic is mpe2's, in its order, but for the softplus of the contact force and the
exponential of the border penalty, which are ours (see `play.worlds.tag.arithmetic`) and may be off
by three units in the last place. So a position after one step must be equal to the last bit, and so
must an observation; a velocity may differ in its last bit, and a reward by those of two penalties.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from play.worlds.tag import encode, physics
from play.worlds.tag.facts import Options
from play.worlds.tag.state import AGENT_SIZE, AGENTS, BORDER, Tables
from play.worlds.tag.world import INSTANCES, make
from tests.worlds.tag_oracle import ChasingDriver, Oracle, Transition, transitions

VELOCITY = 3e-16  # half-widths per second; top speeds are 1 and 1.3
REWARD = 4e-15  # points, of up to 180
EPISODE = 1e-12  # half-widths: contacts make small differences grow along an episode
NOISES = (0.0, 0.2, 0.6, 1.0)
SIZES = {
    **INSTANCES,
    "crowd": Options(chasers=5, runners=3, obstacles=6),
    "many": Options(chasers=8, runners=8, obstacles=0),
}
EPISODES = {"simple": 40, "duel": 20, "three_chasers": 24, "two_runners": 16, "open_field": 12}
seen_contacts: dict[str, int] = {}


def step_plainly(tables: Tables, row: np.ndarray, actions: list[int]) -> tuple[list[float], ...]:
    """Our rules in float64: the next state and the rewards."""
    state, rewards = row.tolist(), [0.0] * tables.agents
    events = [False] * (tables.agents * physics.NUM_EVENTS)
    forces, before = [0.0] * (2 * tables.agents), [0.0] * tables.chasers
    physics.step_env(tables, state, actions, forces, rewards, events, before)
    return state, rewards, [float(event) for event in events]


def observe_plainly(tables: Tables, row: np.ndarray) -> list[list[float]]:
    """Our observations in float64."""
    size = encode.simple_tag_size(tables.chasers, tables.runners, tables.obstacles)
    out = [[float("nan")] * size for _ in range(tables.agents)]
    encode.simple_tag_env(tables, row.tolist(), out)
    return out


def check_transition(tables: Tables, one: Transition) -> bool:
    """Compares everything; returns whether anybody touched anybody."""
    ours = observe_plainly(tables, one.before)
    for own, theirs in zip(ours, one.seen, strict=True):  # lists: NumPy's own checks take longer
        assert own[: len(theirs)] == theirs.tolist()
        assert not any(own[len(theirs) :])
    after, rewards, _ = step_plainly(tables, one.before, one.actions)
    expected, end = one.after.tolist(), AGENTS + AGENT_SIZE * tables.agents
    for number in range(AGENTS, end):
        if (number - AGENTS) % AGENT_SIZE < 2:
            assert after[number] == expected[number]
        else:
            assert abs(after[number] - expected[number]) <= VELOCITY
    assert after[end:] == expected[end:]
    for own, theirs in zip(rewards, one.rewards, strict=True):
        assert abs(own - theirs) <= REWARD
    return max(one.rewards) > 0


@pytest.mark.parametrize("name", SIZES)
def test_transitions_agree(name: str) -> None:
    tables = SIZES[name].tables()
    touched = 0
    for seed in range(EPISODES.get(name, 4)):
        for one in transitions(tables, seed, NOISES[seed % len(NOISES)]):
            touched += check_transition(tables, one)
    seen_contacts[name] = touched
    assert touched > 10


@pytest.mark.parametrize("name", ["simple", "two_runners"])
def test_whole_episodes_stay_together(name: str) -> None:
    options = SIZES[name]
    tables = options.tables()
    world, oracle = make(name, compiled=True), Oracle(tables)
    for seed in range(8):
        drive = ChasingDriver(tables, seed, 0.2)
        world.reset(seed)
        oracle.reset(seed)
        oracle.put(world.state[0])
        for time in range(1, options.horizon + 1):
            actions = drive(world.state[0])
            world.step(np.array([actions]))
            rewards = oracle.step(actions)
            np.testing.assert_allclose(world.state[0], oracle.row(time), rtol=0, atol=EPISODE)
            np.testing.assert_allclose(world.rewards[0], rewards, rtol=1e-6, atol=1e-6)
            assert world.done[0] == (time == options.horizon)


def bound(x: float) -> float:
    """mpe2's penalty, as its reward has it."""
    if x < 0.9:
        return 0
    if x < 1.0:
        return (x - 0.9) * 10
    return min(np.exp(2 * x - 2), 10)


def test_border_penalty_agrees() -> None:
    for x in [*np.linspace(0.0, 4.0, 4001), BORDER, 1.0, 300.0]:
        for sign in (-1, 1):
            assert physics.border_penalty(sign * x) == pytest.approx(bound(x), rel=5e-16, abs=0)


@pytest.fixture(scope="module", autouse=True)
def contacts_were_seen() -> Iterator[None]:
    yield
    if len(seen_contacts) == len(SIZES):
        assert sum(seen_contacts.values()) > 400
