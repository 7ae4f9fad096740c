"""Matrix games as worlds: what they declare, what they pay, and what they refuse."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from play.worlds.checker import check_world
from play.worlds.errors import UserError
from play.worlds.registry import make_world, world_names


@pytest.mark.parametrize("name", ["matrix/free-riding", "matrix/stag-hunt"])
@pytest.mark.parametrize("options", [{}, {"cost": 0.25, "players": 3}])
def test_matrix_games_are_what_they_declare(name: str, options: dict[str, Any]) -> None:
    assert check_world(name, **options) == []


@pytest.mark.parametrize(
    ("name", "players", "enough"),
    [("free-riding", 2, 1), ("stag-hunt", 2, 2), ("free-riding", 3, 1), ("stag-hunt", 3, 3)],
)
def test_every_seat_is_paid_what_is_shared_less_its_own_cost(
    name: str, players: int, enough: int
) -> None:
    joint = np.array(list(product(range(2), repeat=players)))
    world = make_world(f"matrix/{name}", len(joint), cost=0.3, players=players)
    world.step(joint)
    for actions, rewards, events in zip(joint, world.rewards, world.events, strict=True):
        helping = actions == 0
        shared = float(helping.sum() >= enough)
        assert rewards == pytest.approx(np.where(helping, shared - 0.3, shared))
        assert (events[:, 0] == helping).all()
    assert world.done.all()
    assert not world.facts.shared_reward


def test_states_can_be_put_back() -> None:
    world = make_world("matrix/free-riding", 3)
    before = world.get_states()
    world.step(np.zeros((3, 2), np.int64))
    after = [world.state_hash(i) for i in range(3)]
    world.set_states(before[:1], [1])
    assert world.done.tolist() == [True, False, True]
    assert world.state_hash(1) != after[1] == world.state_hash(0)


def test_no_menu_offers_them() -> None:
    assert not any(name.startswith("matrix/") for name in world_names())


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("matrix/chicken", {}, "choose one of matrix/free-riding, matrix/stag-hunt"),
        ("matrix/", {}, "did you mean 'matrix/free-riding'"),
        ("matrix/stag-hunt", {"cost": 2}, "cost is 2, but"),
        ("matrix/stag-hunt", {"cost": "much"}, "cost is much, but"),
        ("matrix/stag-hunt", {"players": 1}, "players is 1, but a matrix game has between 2 and 8"),
        ("matrix/stag-hunt", {"players": 2.5}, "players is 2.5"),
        ("matrix/stag-hunt", {"horizon": 3}, "no option 'horizon'; there are cost and players"),
        ("matrx/stag-hunt", {}, "did you mean 'matrix/stag-hunt'"),
    ],
)
def test_mistakes_are_told_in_a_sentence(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        make_world(name, **options)


def test_a_move_after_the_end_is_refused() -> None:
    world = make_world("matrix/stag-hunt", 2)
    world.step(np.zeros((2, 2), np.int64))
    with pytest.raises(ValueError, match="episode is over"):
        world.step(np.zeros((2, 2), np.int64))
