"""Whatever is wrong with what a person asks for: one sentence with the fix, and exit status 2."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agents.card import read_card, write_card
from agents.library import POLICIES_DIR
from play.episode import EpisodeWriter
from play.main import main
from play.session import SeatConfig, Session, SessionConfig

ROW = "XXPXX"
KITCHEN = ["XXPXX", "O1 2O", "X   X", "XDXSX"]
SRPO = "kitchen/cramped_room/srpo"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a command writes lands in the project."""
    monkeypatch.chdir(tmp_path)


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> str:
    """Runs a command that must end with status 2, and returns its one sentence."""
    monkeypatch.setattr(sys, "argv", ["understudy", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert re.fullmatch(r"understudy: [^\n]+\n", said), said
    return said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["play", "--layout", "crampd_room"], "did you mean cramped_room"),
        (["play", "--layout", "pong/open"], "no layout called 'pong/open'.*`understudy layouts`"),
        (["play", "--layout", "nowhere.layout"], "no layout file 'nowhere.layout'"),
        (["play", "--layout", ""], "no world called 'kitchen/'.*did you mean"),
        (["play", "--layout", "scarse"], "no layout called 'scarse'"),
        (["play", "--dynamics", "newer"], "'newer' do not exist: use 'old' or 'new'"),
        (["play", "--partner", "gredy"], "did you mean greedy"),
        (["play", "--partner", "srpo"], "did you mean kitchen/cramped_room/srpo"),
        (["play", "--layout", "coordination_ring", "--partner", "srop"],
         "did you mean kitchen/coordination_ring/srpo"),
        (["play", "--partner", "../../etc/passwd"], "no partner called"),
        (["play", "--seat", "2"], r"no seat '2' in kitchen/cramped_room: choose 0, 1 or random"),
        (["play", "--seat", "left"], "no seat 'left'"),
        (["play", "--seat", "-1"], "no seat '-1'"),
        (["play", "--port", "99999"], "'--port': 99999 is not in the range"),
        (["play", "--tick-ms", "fast"], "'--tick-ms': 'fast' is not a valid integer: see"),
        (["play", "--full-screen"], "--full-screen belongs to --desktop"),
        (["play", "--layout", "coordination_ring", "--partner", SRPO],
         "trained for kitchen/cramped_room, but the game is kitchen/coordination_ring: choose"),
        (["play", "--layout", "cramped_room", "--dynamics", "new", "--partner", SRPO],
         "trained with dynamics old, but the game has dynamics new: play with dynamics old"),
        (["play", "--layout", "tag/simpel"], "no tag/simpel.*did you mean tag/simple"),
        (["play", "--layout", "tag/simple", "--seat", "3"], "no seat '3' in tag/simple"),
        (["play", "--world", "tag", "--seat", "3"], "no seat '3' in tag/simple"),
        (["play", "--layout", "tag/simple", "--partner", "flee"],
         "flee plays as runner only, but is to take seat 1, a chaser"),
        (["play", "--layout", "tag/simple", "--partner", SRPO],
         "trained for kitchen/cramped_room, but the game is tag/simple"),
        (["play", "--layout", "tag/simple", "--dynamics", "old"], "tag has no option 'dynamics'"),
        (["layouts", "generate", "--count", "0"], "'--count': 0 is not in the range"),
        (["layouts", "generate", "--first", "-1"], "'--first': -1 is not in the range"),
        (["layouts", "genrate"], "'genrate': did you mean `understudy layouts generate`"),
        (["train", "srpo", "--world", "kitchens/drawn"],
         "no kitchens called 'drawn': use kitchens/generated"),
        (["train", "srpo", "--world", "tag/simpel"], "did you mean tag/simple"),
        (["partners", "show", "nobody"], "no partner called 'nobody'"),
        (["partners", "--layout", "nowhere"], "no layout called 'nowhere'"),
        (["replay", "nothing.jsonl"], "nothing.jsonl cannot be read: No such file"),
        (["episodes", "export", "none", "--to", "parquet", "--out", "x"], "none cannot be read"),
        (["episodes", "export", "none", "--to", "csv", "--out", "x"], "'csv' is not one of"),
        (["episodes", "verfy", "x"], "did you mean `understudy episodes verify`"),
        (["plya"], "no command 'plya': did you mean `understudy play`"),
        (["--nonsense"], "No such option.*see `understudy --help`"),
        (["export", "nowhere", "kitchen/x/y"], "nowhere"),
        (["train", "srpo", "--world", "kitchen/crampd_room"], "did you mean cramped_room"),
        (["train", "srpo", "--world", "cramped_room"], "did you mean 'kitchen/cramped_room'"),
        (["train", "srpo", "--world", "random3"], "did you mean 'kitchen/random3'"),
        (["train", "ippo", "--world", "crampd_room"], "did you mean 'kitchen/cramped_room'"),
        (["train", "ippo", "--world", "kitchn/cramped_room"],
         "did you mean 'kitchen/cramped_room'"),
        (["train", "ippo", "--world", "scarce"], "did you mean 'private-kitchen/scarce'"),
        (["train", "fcp", "--world", "simple"], "did you mean 'kitchen/simple' or 'tag/simple'"),
        (["train", "ippo", "--world", "tag"], "did you mean 'tag/simple'"),
        (["train", "ippo", "--world", "tag/"], "did you mean 'tag/simple'"),
        (["evaluate", "cramped_room"], "did you mean 'kitchen/cramped_room'"),
        (["evaluate", "kitchen"], "did you mean 'kitchen/cramped_room'"),
        (["evaluate", "tag"], "did you mean 'tag/simple'"),
        (["evaluate", "kitchen/crampd_room"], "did you mean cramped_room"),
        (["evaluate", "kitchen/cramped_room", "--policy", "kitchen/coordination_ring/srpo"],
         "trained for kitchen/coordination_ring, but the game is kitchen/cramped_room: choose"),
        (["evaluate", "kitchen/coordination_ring", "--options", "dynamics=new",
          "--policy", "kitchen/coordination_ring/srpo"],
         "trained with dynamics old, but the game has dynamics new"),
        (["evaluate", "kitchen/cramped_room", "--policy", "kitchen/cramped_room/spro"],
         "did you mean kitchen/cramped_room/srpo"),
        (["evaluate", "kitchen/cramped_room", "--policy", "greedy"],
         "greedy is no training run: name it under --beside instead"),
        (["evaluate", "kitchen/forced_coordination_tomato"],
         "kitchens/generated/srpo was not trained with tomatoes"),
        (["evaluate", "kitchen/cramped_room", "--folder", "none"], "no trained policy .* in none"),
        (["evaluate", "kitchen/cramped_room", "--seeds", "0-9"],
         "has no run of training seed 1, 2, 3, 4, 5, 6, 7, 8, 9: train and export it"),
        (["evaluate", "kitchen/cramped_room", "--seeds", "some"], "seeds are given as 0-9"),
        (["evaluate", "kitchen/cramped_room", "--beside", "gredy"], "did you mean greedy"),
        (["evaluate", "kitchen/cramped_room", "--others", "stay"], "all seats .* are partners"),
        (["evaluate", "kitchen/multiplayer_schelling"], "has 4 partners: .* a world for two"),
        (["evaluate", "kitchen/cramped_room", "--stop-at", "400", "--out", "x"],
         "--stop-at is 400, but an episode has the steps 0 to 399"),
        (["evaluate", "kitchen/cramped_room", "--saboteur", "stay"], "add --out FOLDER"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    assert re.search(words, refused(monkeypatch, capsys, *arguments), re.IGNORECASE)
    assert os.listdir() == []


def layout(*changes: tuple[int, str]) -> str:
    rows = list(KITCHEN)
    for number, row in changes:
        rows[number] = row
    return f"{{'grid': {chr(10).join(rows)!r}}}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (layout((1, "O1 2 ")), "row 2"),
        (layout((0, "XX XX"), (2, "XP  X")), "hole in its border at row 1, column 3"),
        (layout((1, "O1 1O")), "two starts for player 1, at row 2, column 2 and at row 2, column"),
        (layout((1, "O1 3O")), "no player 2"),
        (layout((1, "O   O")), "no players"),
        (layout((0, "PXPXX")), "a pot at row 1, column 1 that no player can reach"),
        (layout((0, "XXXXX")), r"no pot \(P\)"),
        (layout((3, "XXXSX")), r"no dish dispenser \(D\)"),
        (layout((1, "X1 2X")), "no ingredients"),
        (layout((2, "X ? X")), r"unknown character '\?' at row 3, column 3"),
        (layout((2, "X  X")), "row 3 has 4 cells but row 1 has 5"),
        ("{'grid': 'XXX'", "not a Python dictionary: line 1, column"),
        ("__import__('os').system('touch hacked')", "plain values only"),
        ("[1, 2]", "must hold one dictionary"),
        ("{'grid': 'XXX', 'cook_tim': 3}", "unknown setting 'cook_tim'"),
        ("\x00", "layout"),
        ("(" * 5000, "layout"),
    ],
)
def test_a_bad_layout_file_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    words: str,
) -> None:
    (tmp_path / "bad.layout").write_text(text)
    assert re.search(words, refused(monkeypatch, capsys, "play", "--layout", "bad.layout"))
    assert os.listdir() == ["bad.layout"]


def test_a_partner_of_the_other_seat_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "policies" / "kitchen" / "cramped_room" / "left"
    shutil.copytree(POLICIES_DIR / SRPO, folder)
    write_card(folder, {**read_card(folder).__dict__, "seats": [0], "name": "left"})
    monkeypatch.setattr("agents.library.POLICIES_DIR", tmp_path / "policies")
    said = refused(monkeypatch, capsys, "play", "--partner", "kitchen/cramped_room/left")
    assert "trained for seat 0, but is to take seat 1: take seat 1 yourself" in said


def test_a_port_in_use_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused(monkeypatch, capsys, "play", "--no-browser", "--port", port)
    assert re.search(rf"Port {port} .*--port", said)


@pytest.fixture
def cut_off(tmp_path: Path) -> Path:
    """A record whose game was interrupted after 7 of 20 steps."""
    seats = (SeatConfig("human", "left"), SeatConfig("human", "right"))
    config = SessionConfig("kitchen/cramped_room", seats, 3, {"horizon": 20})
    play = Session(config, (None, None))
    writer = EpisodeWriter(tmp_path / "games", play.header(), "cut")
    for t in range(7):
        writer.append(play.step(10.0 * t, 10.0 * t, {}).lines)
    writer.close()
    return writer.path


def test_a_truncated_record_is_one_sentence_and_loses_nothing(
    cut_off: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = cut_off.read_bytes()
    to = ("--to", "parquet", "--out", "out.parquet")
    said = refused(monkeypatch, capsys, "episodes", "export", str(cut_off), *to)
    assert "its first 7 of 20 steps are intact: add --partial" in said
    said = refused(monkeypatch, capsys, "episodes", "verify", str(cut_off))
    assert "1 of 1 records did not verify" in said
    assert cut_off.read_bytes() == before
    assert os.listdir() == ["games"]


def test_a_damaged_policy_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "policies" / "kitchen" / "cramped_room" / "srpo"
    shutil.copytree(POLICIES_DIR / SRPO, folder)
    content = bytearray((folder / "policy.onnx").read_bytes())
    content[np.random.default_rng(0).integers(len(content))] ^= 1
    (folder / "policy.onnx").write_bytes(content)
    monkeypatch.setattr("agents.library.POLICIES_DIR", tmp_path / "policies")
    for arguments in (["play", "--partner", SRPO], ["partners", "show", SRPO], ["partners"]):
        said = refused(monkeypatch, capsys, *arguments)
        assert "was changed or damaged; restore it or export it again" in said


@pytest.mark.parametrize(
    "arguments",
    [["play", "--layout", "nowhere"], ["episodes", "verify", "nothing"], ["play", "--nonsense"]],
)
def test_the_installed_command_does_the_same(arguments: list[str]) -> None:
    command = Path(sys.executable).with_name("understudy")
    ended = subprocess.run([command, *arguments], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert re.fullmatch(r"understudy: [^\n]+\n", ended.stderr), ended.stderr


def test_another_kitchen_is_not_written_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "generated-0.layout").write_text("mine")
    said = refused(monkeypatch, capsys, "layouts", "generate", "--to", str(tmp_path))
    assert "generated-0.layout exists and holds another kitchen: choose another --to" in said
    assert (tmp_path / "generated-0.layout").read_text() == "mine"
