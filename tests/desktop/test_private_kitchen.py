"""A person plays the private-cost kitchen on the desktop, on a real X server, by real keys."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agents.private_kitchen import worker
from play.episode import find_episodes, read_episode, replay_states
from tests.desktop.cook import Cook
from tests.desktop.test_play import ARTIFACTS
from tests.desktop.xvfb import XVFB, Desk, understudy

IDLE, MOVE, POTTING = 0, 1, 5


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    if XVFB is None:
        if os.environ.get("UNDERSTUDY_NO_SKIP"):
            pytest.fail("Xvfb is not installed")
        pytest.skip("Xvfb is not installed")
    with Desk(tmp_path) as desk:
        yield desk


def test_a_full_game_by_keyboard_beside_a_free_rider(desk: Desk, tmp_path: Path) -> None:
    games = tmp_path / "games"
    world = ["--layout", "private-kitchen/released", "--partner", "stay", "--tick-ms", "150"]
    desk.start(["play", "--desktop", "--episodes-dir", str(games), "--seed", "3", *world])
    person = Cook(desk, games, worker("person"))
    person.play_to_the_end()
    desk.keep(ARTIFACTS / "desktop-private-end.png")
    desk.close_window()
    assert desk.leave() == (0, "")

    episode = read_episode(find_episodes(games)[0])
    assert episode.header["world"] == "private-kitchen/released"
    assert episode.end["reason"] == "complete"
    verified = understudy(["episodes", "verify", str(episode.path)])
    assert verified.returncode == 0
    assert ": 50 steps" in verified.stdout
    events = np.zeros((2, 6), np.int64)
    for world_then in replay_states(episode):
        events += world_then.events[0]
    assert events[0, POTTING] > 0, "the keys did not reach the kitchen"
    assert events[1].tolist() == [50, 0, 0, 0, 0, 0]
    own = np.sum([tick["rewards"] for tick in episode.ticks], axis=0)
    assert own[1] - own[0] == pytest.approx(0.2 * events[0, MOVE], abs=1e-4), "who walks pays"
    assert person.score == pytest.approx(own.sum(), abs=1e-4)
