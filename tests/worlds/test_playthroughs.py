"""Recorded games happen today as they did when they were written down."""

import pytest

from play.worlds.kitchen.layouts import CLASSICS
from tests.worlds.playthroughs import (
    COMMAND,
    FOLDER,
    PLAYTHROUGHS,
    Playthrough,
    read_actions,
    write_out,
)

by_name = pytest.mark.parametrize("game", PLAYTHROUGHS, ids=lambda game: game.name)


@by_name
def test_the_game_goes_as_recorded(game: Playthrough) -> None:
    assert game.path.exists(), f"run `{COMMAND}` to record it"
    recorded = game.path.read_bytes().decode()
    now = write_out(game, read_actions(game))
    if now != recorded:
        lines = zip(now.splitlines(), recorded.splitlines(), strict=False)
        at = next((n for n, (a, b) in enumerate(lines, start=1) if a != b), "the end")
        pytest.fail(
            f"{game.path.name} goes otherwise from line {at} on. If the rules were meant to "
            f"change, raise the world's version, run `{COMMAND}`, read the difference and "
            "commit it.",
            pytrace=False,
        )


@by_name
def test_the_game_is_whole_and_shows_what_it_is_about(game: Playthrough) -> None:
    text = game.path.read_text(encoding="utf-8")
    assert len(read_actions(game)) == game.steps
    for word in game.words:
        assert word in text


def test_every_classic_kitchen_and_no_forgotten_file_is_there() -> None:
    assert {game.name for game in PLAYTHROUGHS} >= set(CLASSICS)
    assert {path.name for path in FOLDER.iterdir()} == {game.path.name for game in PLAYTHROUGHS}
