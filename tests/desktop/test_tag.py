"""Tag on the desktop as people start it, on a real X server, by real keys and a real mouse."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.library import list_partners
from play.draw.tag import VIEW
from play.episode import find_episodes, read_episode
from play.worlds.registry import make_world
from tests.desktop.test_play import colours, desk, ended, keep, record, shows, steps
from tests.desktop.xvfb import Desk, understudy, wait_for

__all__ = ["desk"]  # the fixture
BEYOND = (0xE7, 0xDF, 0xC8)
LAWN, CHALK = (0xCF, 0xE3, 0xB4), (0xF6, 0xFB, 0xE9)
LEFT, RIGHT, DOWN, UP = 1, 2, 3, 4


def done(folder: Path) -> list[int]:
    """What the person has done so far."""
    return [joint[0] for joint in record(folder).joint_actions]


def play(desk: Desk, folder: Path, *more: str) -> None:
    arguments = ["--layout", "tag/simple", "--seed", "3", "--episodes-dir", str(folder)]
    desk.start(["play", "--desktop", "--full-screen", *arguments, *more])


def test_a_round_by_keyboard_that_is_recorded_and_verified(desk: Desk, tmp_path: Path) -> None:
    play(desk, tmp_path, "--steps", "60")
    for key, action in (("Up", UP), ("a", LEFT), ("Down", DOWN), ("d", RIGHT)):
        begin = steps(tmp_path) + 1
        wait_for("a step", lambda begin=begin: steps(tmp_path) >= begin)
        desk.hold(key)
        wait_for("a step with the key held", lambda action=action: action in done(tmp_path))
        desk.release(key)
    picture = keep(desk, "tag")
    assert shows(picture, LAWN, CHALK, BEYOND)
    assert colours(picture) > 20
    wait_for("the end", lambda: ended(tmp_path))
    keep(desk, "tag-end")
    desk.close_window()
    assert desk.leave() == (0, "")
    episode = read_episode(find_episodes(tmp_path)[0])
    assert understudy(["episodes", "verify", str(episode.path)]).returncode == 0
    assert episode.header["options"]["starts"] == "apart"
    assert episode.header["tick_ms"] == 100
    seats = [seat["policy"] for seat in episode.header["seats"]]
    facts = make_world("tag/simple").facts
    partner = next(p.name for p in list_partners(facts.world) if p.takes(facts, [1]))
    assert seats == [None, partner, "tag/simple/runner"]


@pytest.mark.full
def test_the_mouse_leads(desk: Desk, tmp_path: Path) -> None:
    """Held down at the left edge of the field, it leads there, and then up to the corner."""
    play(desk, tmp_path, "--steps", "120")
    wait_for("a step", lambda: steps(tmp_path) > 0)
    point(desk, -0.9, 0.0)
    desk.button(down=True)
    try:
        wait_for("the left edge", lambda: near(tmp_path, -0.9, 0.0))
        point(desk, -0.9, 0.9)
        wait_for("the corner", lambda: near(tmp_path, -0.9, 0.9))
    finally:
        desk.button(down=False)
    desk.close_window()
    assert desk.leave() == (0, "")
    assert {line["action"] for line in record(tmp_path).inputs} >= {LEFT, UP}


def near(folder: Path, x: float, y: float) -> bool:
    """Whether the person's chaser is close to a place of the field."""
    episode = record(folder)
    world: Any = episode.make_world()
    world.reset(episode.header["seed"])
    for joint in episode.joint_actions:
        world.step(np.array([joint]))
    own = world.scene(0)["players"][0]
    return float(np.hypot(own["x"] - x, own["y"] - y)) < 0.12


def point(desk: Desk, x: float, y: float) -> None:
    """Moves the mouse to a place of the field, which lies in the middle of what is beyond it."""
    beyond = np.abs(desk.picture().astype(int) - BEYOND).max(axis=2) <= 2
    rows, columns = (np.flatnonzero(beyond.any(axis=axis)) for axis in (1, 0))
    half = (rows[-1] - rows[0] + 1) / 2
    middle = (columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2
    desk.point(middle[0] + x / VIEW * half, middle[1] - y / VIEW * half)


def test_an_unknown_partner_or_role_is_one_sentence(tmp_path: Path) -> None:
    for partner, words in (
        ("flee", "plays as runner only, but is to take seat 1, a chaser"),
        ("greedy", "greedy plays kitchen worlds only, not tag/simple"),
    ):
        ran = understudy(["play", "--desktop", "--layout", "tag/simple", "--partner", partner])
        assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
        assert words in ran.stderr
