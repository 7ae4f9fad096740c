"""Records that only grow, replay exactly, and say what is wrong with them."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from play.episode import EpisodeWriter, find_episodes, read_episode, verify
from play.replay import ReplayCursor
from play.session import Decision
from play.worlds.errors import UserError
from tests.play.games import Walker, session


def record(folder: Path, steps: int = 45, **options: Any) -> Path:
    """Plays and records an episode of `steps` steps."""
    play = session(None, Walker(), horizon=steps, **options)
    writer = EpisodeWriter(folder, play.header())
    for t in range(steps):
        play.press(0, t % 6, 10.0 * t, 10.0 * t)
        play.release(0, t % 6, 10.0 * t + 1, 10.0 * t + 1)
        (request,) = play.requests()
        chosen = Decision(int(request.uniform * 6), [1 / 6] * 6, request.state, 0.1)
        writer.append(play.step(10.0 * t, 10.0 * t, {1: chosen}).lines)
    writer.append(play.finish("complete", 10.0 * steps))
    writer.close()
    return writer.path


def test_a_record_verifies(tmp_path: Path) -> None:
    report = verify(record(tmp_path))
    assert (report.steps, report.fallbacks, report.reason) == (45, 0, "complete")
    assert report.hashes == 1 + 4 + 1 + 1  # header, steps 10 to 40, the last step, the end


def rewrite(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    lines = [json.loads(row) for row in path.read_text().splitlines()]
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def tick(lines: list[dict[str, Any]], t: int) -> dict[str, Any]:
    return next(line for line in lines if line.get("t") == t)


def test_a_changed_action_is_found(tmp_path: Path) -> None:
    path = record(tmp_path)

    def change(lines: list[dict[str, Any]]) -> None:
        line = tick(lines, 5)
        line["actions"][1] = (line["actions"][1] + 1) % 4

    rewrite(path, change)
    with pytest.raises(UserError, match=r"does not replay: at step \d+ the"):
        verify(path)


def test_a_changed_hash_is_found(tmp_path: Path) -> None:
    path = record(tmp_path)
    rewrite(path, lambda lines: tick(lines, 20).update(hash="0" * 16))
    with pytest.raises(UserError, match="at step 20 the state hash"):
        verify(path)


def test_a_changed_score_is_found(tmp_path: Path) -> None:
    path = record(tmp_path)
    rewrite(path, lambda lines: lines[-1].update(score=20.0))
    with pytest.raises(UserError, match="the score is 0"):
        verify(path)


def test_a_record_of_other_rules_is_refused(tmp_path: Path) -> None:
    path = record(tmp_path)
    rewrite(path, lambda lines: lines[0].update(world_version=999))
    with pytest.raises(UserError, match="version 999 of the rules"):
        verify(path)


def test_every_cut_is_survived(tmp_path: Path) -> None:
    """Wherever the power fails, the file says how many steps are intact, and they verify."""
    whole = record(tmp_path, steps=12)
    data = whole.read_bytes()
    header = data.index(b"\n") + 1
    for cut in range(header, len(data), 97):
        whole.write_bytes(data[:cut])
        complete = data[:cut].count(b'"kind":"tick"') - (
            b'"kind":"tick"' in data[data[:cut].rfind(b"\n") + 1 : cut]
        )
        with pytest.raises(UserError, match=rf"first {complete} of 12 steps are intact"):
            verify(whole)
        assert verify(whole, partial=True).steps == complete
    whole.write_bytes(data[: header - 5])
    with pytest.raises(UserError, match="not an episode record"):
        verify(whole, partial=True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not an episode record"),
        (b"\x80\x81\n", "damaged at line 1"),
        (b"[1]\n", "damaged at line 1"),
        (b'{"kind":"header"}\n', "schema None"),
        (b'{"kind":"header","schema":1}\n', "'id' is missing"),
    ],
)
def test_other_files_are_refused_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.episode.jsonl"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words):
        read_episode(path)
    with pytest.raises(UserError, match="cannot be read"):
        read_episode(tmp_path / "nothing")


def test_impossible_actions_are_refused(tmp_path: Path) -> None:
    path = record(tmp_path)
    rewrite(path, lambda lines: tick(lines, 7).update(actions=[0, 99]))
    with pytest.raises(UserError, match="damaged at step 7"):
        verify(path)


def test_a_failed_write_leaves_the_record_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = session(None, None, horizon=2)
    writer = EpisodeWriter(tmp_path, play.header())
    before = writer.path.read_bytes()
    lines = play.step(0, 0, {}).lines

    def broken(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(OSError, match="Input/output"):
            writer.append(lines)
    assert writer.path.read_bytes() == before
    writer.append(lines)
    writer.append(play.step(0, 0, {}).lines)
    writer.append(play.finish("complete", 0))
    writer.close()
    assert verify(writer.path).steps == 2


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="--episodes-dir"):
        EpisodeWriter(tmp_path / "file" / "episodes", session(None, None).header())


def test_ids_are_never_used_twice(tmp_path: Path) -> None:
    play = session(None, None)
    first = EpisodeWriter(tmp_path, play.header(), "same")
    with pytest.raises(UserError, match="File exists"):
        EpisodeWriter(tmp_path, play.header(), "same")
    first.close()


def test_the_cursor_shows_what_happened(tmp_path: Path) -> None:
    cursor = ReplayCursor.open(record(tmp_path))
    assert cursor.steps == 45
    assert [cursor.scene(t)["t"] for t in (0, 1, 45)] == [0, 1, 45]
    assert cursor.actions(0) is None
    assert cursor.actions(3) == cursor.episode.ticks[2]["actions"]
    assert cursor.decisions(3)[0]["probabilities"] == pytest.approx([1 / 6] * 6, abs=1e-5)


def test_folders_are_searched(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no episode record"):
        find_episodes(tmp_path)
    path = record(tmp_path / "deep" / "er")
    assert find_episodes(tmp_path) == [path]


OWN_KITCHEN = '{"grid": """XXPXX\nO1 2O\nX   X\nXDXSX""", "cook_time": 5}'


@pytest.mark.parametrize("change", ["deleted", "edited"])
def test_a_record_outlives_its_layout_file(tmp_path: Path, change: str) -> None:
    layout = tmp_path / "own.layout"
    layout.write_text(OWN_KITCHEN)
    path = record(tmp_path, world=f"kitchen/{layout}")
    before = ReplayCursor.open(path).static_scene
    if change == "deleted":
        layout.unlink()
    else:
        layout.write_text(OWN_KITCHEN.replace("O1 2O", "OX12O"))
    assert verify(path).steps == 45
    assert ReplayCursor.open(path).static_scene == before
