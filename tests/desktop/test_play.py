"""The desktop game as people start it, on a real X server, by real key events."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.card import read_card
from agents.library import POLICIES_DIR
from play.episode import Episode, find_episodes, read_episode, replay_states, verify
from play.worlds.errors import UserError
from tests.desktop.xvfb import XVFB, Desk, understudy, wait_for

PARTNER = "kitchen/cramped_room/srpo"
WHOLE, TIME_LINE = slice(None), slice(680, 800)  # rows of the screen
NORTH, SOUTH, EAST, WEST, STAY, INTERACT = range(6)
ARTIFACTS = Path(__file__).resolve().parent.parent / "artifacts"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    if XVFB is None:
        if os.environ.get("UNDERSTUDY_NO_SKIP"):
            pytest.fail("Xvfb is not installed")
        pytest.skip("Xvfb is not installed")
    with Desk(tmp_path) as desk:
        yield desk


def play(desk: Desk, folder: Path, *more: str) -> None:
    """Starts a game in cramped_room beside the shipped SRPO partner."""
    arguments = ["--layout", "cramped_room", "--partner", PARTNER, "--seed", "3"]
    desk.start(["play", "--desktop", *arguments, "--episodes-dir", str(folder), *more])


def record(folder: Path) -> Episode:
    """The game's record as far as it has come."""
    return read_episode(find_episodes(folder)[0], partial=True)


def steps(folder: Path) -> int:
    """Steps that are on the disk; 0 before the record has begun."""
    try:
        return len(record(folder).ticks)
    except UserError:
        return 0


def stands(folder: Path) -> bool:
    """Whether half a second brings no further step, where a running game takes ten."""
    before = steps(folder)
    time.sleep(0.5)
    return steps(folder) == before


def ended(folder: Path) -> bool:
    return steps(folder) > 0 and record(folder).end is not None


def keep(desk: Desk, name: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Keeps a picture of the screen for people to look at."""
    return desk.keep(ARTIFACTS / f"desktop-{name}.png")


FLOOR, COUNTER = (0xF0, 0xE0, 0xC2), (0xBF, 0x84, 0x52)
HATS = (0x2F, 0x6F, 0xD6), (0xEA, 0x84, 0x23)


def shows(picture: np.ndarray[Any, np.dtype[np.uint8]], *wanted: tuple[int, int, int]) -> bool:
    """Whether each of these colours, or one much like it, covers 3 in 10,000 points."""
    apart = [np.abs(picture.astype(np.int16) - color).max(axis=2) for color in wanted]
    return all((distance <= 6).mean() >= 0.0003 for distance in apart)


def colours(picture: np.ndarray[Any, np.dtype[np.uint8]]) -> int:
    """Number of colours that cover at least 50 points each."""
    codes = picture.astype(np.int64) @ np.array([65536, 256, 1])
    return int((np.unique(codes, return_counts=True)[1] >= 50).sum())


def test_a_full_game_by_keyboard_beside_the_shipped_policy(desk: Desk, tmp_path: Path) -> None:
    play(desk, tmp_path, "--steps", "60", "--tick-ms", "100")
    for key in ("Up", "Left", "space", "Right", "w", "space"):
        before = steps(tmp_path)
        wait_for("two steps", lambda before=before: steps(tmp_path) >= before + 2)
        desk.press(key)
    wait_for("half of the game", lambda: steps(tmp_path) >= 30)
    midway = keep(desk, "game")
    desk.hold("Down")
    wait_for("the key", lambda: any(line["action"] == SOUTH for line in record(tmp_path).inputs))
    held = steps(tmp_path)
    wait_for("steps with the key held", lambda: steps(tmp_path) >= held + 6)
    desk.release("Down")
    wait_for("the end", lambda: ended(tmp_path))
    wait_for("the end's picture", lambda: not shows(desk.picture(), COUNTER))
    assert colours(midway) > 20
    assert shows(midway, FLOOR, COUNTER, HATS[0], HATS[1])
    wait_for("the bars of what each chef did", lambda: shows(keep(desk, "end"), *HATS))
    desk.close_window()
    assert desk.leave() == (0, "")

    episode = read_episode(find_episodes(tmp_path)[0])
    assert episode.end["reason"] == "complete"
    verified = understudy(["episodes", "verify", str(episode.path)])
    assert verified.returncode == 0
    assert ": 60 steps" in verified.stdout
    pressed = [line["action"] for line in episode.inputs if line["down"]]
    assert pressed == [NORTH, WEST, INTERACT, EAST, NORTH, INTERACT, SOUTH]
    assert all(line["seat"] == 0 for line in episode.inputs)
    times = [line["server_ms"] for line in episode.inputs]
    assert times == sorted(times)
    ahead = [line["client_ms"] - line["server_ms"] for line in episode.inputs]
    usual = np.median(ahead)
    assert np.median(np.abs(ahead - usual)) < 5  # two clocks of one machine, mostly read at once
    done = [actions[0] for actions in episode.joint_actions]
    assert [action for action in done if action not in (STAY, SOUTH)] == pressed[:-1]
    assert done[held : held + 6] == [SOUTH] * 6
    seats = episode.header["seats"]
    card = read_card(POLICIES_DIR / PARTNER)
    assert (seats[1]["policy"], seats[1]["sha256"]) == (PARTNER, card.sha256)
    assert all(line["decisions"][0]["seat"] == 1 for line in episode.ticks)
    faced = [world.scene(0)["players"][0]["dir"] for world in replay_states(episode)][1:]
    assert all(way == action for way, action in zip(faced, done, strict=True) if action < STAY)


def test_a_window_closed_in_the_middle_leaves_a_record(desk: Desk, tmp_path: Path) -> None:
    play(desk, tmp_path, "--tick-ms", "50")
    wait_for("some steps", lambda: steps(tmp_path) >= 10)
    desk.close_window()
    assert desk.leave() == (0, "")
    episode = read_episode(find_episodes(tmp_path)[0])
    assert episode.end["reason"] == "left"
    assert verify(episode.path).steps == len(episode.ticks) < 400


def test_pause_full_screen_and_resizing(desk: Desk, tmp_path: Path) -> None:
    play(desk, tmp_path, "--tick-ms", "50")
    wait_for("the first step", lambda: steps(tmp_path) > 0)
    desk.press("p")
    wait_for("the pause", lambda: stands(tmp_path))
    paused = steps(tmp_path)
    assert paused < 200
    assert desk.size() == (1280, 720)
    desk.press("F11")
    wait_for("a window as large as the screen", lambda: desk.size() == (1280, 800))
    wait_for("its picture", lambda: colours(desk.picture()) > 20)
    keep(desk, "paused")
    desk.focus()
    desk.press("F11")
    wait_for("the window of before", lambda: desk.size() == (1280, 720))
    desk.focus()
    desk.resize(640, 400)
    wait_for("the smaller window", lambda: desk.size() == (640, 400))
    wait_for("its picture", lambda: colours(desk.window_picture()) > 20)
    desk.press("p")
    wait_for("the game to go on", lambda: steps(tmp_path) > paused + 5)
    keep(desk, "small")
    wait_for("the kitchen", lambda: shows(desk.window_picture(), FLOOR, COUNTER, *HATS))
    desk.interrupt()
    assert desk.leave() == (0, "")
    assert verify(find_episodes(tmp_path)[0]).steps > paused


def test_a_record_is_shown_and_left_by_key(desk: Desk, tmp_path: Path) -> None:
    games = tmp_path / "games"
    play(desk, games, "--steps", "20", "--tick-ms", "50")
    wait_for("the end", lambda: ended(games))
    desk.close_window()
    desk.leave()
    desk.start(["replay", str(find_episodes(games)[0]), "--desktop"])
    wait_for("a picture", lambda: colours(desk.picture()) > 20)
    desk.press("space", "End")
    wait_for("the end", lambda: still(desk, TIME_LINE))
    last = keep(desk, "replay")[TIME_LINE]
    desk.press("Home")
    wait_for("the beginning", lambda: not np.array_equal(last, desk.picture()[TIME_LINE]))
    first = desk.picture()[TIME_LINE]
    desk.press("Right")
    wait_for("a step", lambda: not np.array_equal(first, desk.picture()[TIME_LINE]))
    desk.press("space")
    wait_for("the end, by itself", lambda: np.array_equal(last, desk.picture()[TIME_LINE]))
    desk.press("Escape")
    assert desk.leave() == (0, "")


def still(desk: Desk, part: slice = WHOLE) -> bool:
    """Whether nothing moves in these rows of the screen."""
    before = desk.picture()[part]
    time.sleep(0.3)
    return np.array_equal(before, desk.picture()[part])


def test_without_a_display_there_is_one_sentence(tmp_path: Path) -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["XDG_RUNTIME_DIR"] = str(tmp_path)  # or a library complains on its own
    arguments = ["play", "--desktop", "--episodes-dir", str(tmp_path / "games")]
    ended = understudy(arguments, environment)
    assert ended.returncode == 2
    assert ended.stderr.startswith("understudy: No display was found")
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "games").exists()
