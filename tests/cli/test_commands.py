"""What the commands print and do when nothing is wrong."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from agents.library import list_partners
from play.desktop.config import DesktopConfig
from play.desktop.main import chosen
from play.episode import EpisodeWriter
from play.main import COMMANDS, main
from play.session import SeatConfig, Session, SessionConfig
from play.web.catalogue import Catalogue
from play.web.config import PlayConfig
from play.web.messages import Start
from play.web.table import Tables
from play.worlds.registry import full_name, make_world, world_names

SRPO = "kitchen/cramped_room/srpo"


def said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> str:
    """Runs a command that must succeed, and returns what it prints."""
    monkeypatch.setattr(sys, "argv", ["understudy", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert (ended.value.code, printed.err) == (0, "")
    return printed.out


def test_help_names_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (["--help"], ["-h"], []):
        text = said(monkeypatch, capsys, *arguments)
        for title, section in COMMANDS.items():
            assert f"{title}:" in text
            for name in section:
                assert re.search(rf"^  {name}  ", text, re.MULTILINE)


@pytest.mark.parametrize("command", [name for section in COMMANDS.values() for name in section])
def test_every_command_explains_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    text = said(monkeypatch, capsys, command, "--help")
    assert text.startswith(f"Usage: understudy {command} ")
    assert len(text.splitlines()) > 4
    assert max(map(len, text.splitlines())) <= 100
    told = text.partition("\n")[2]
    assert not re.search(r"\.\.\.$", told, re.MULTILINE), "a sentence is cut off"
    assert "[default: ]" not in text


def test_help_loads_neither_torch_nor_numpy() -> None:
    code = (
        "import sys; sys.argv = ['understudy', '--help']\n"
        "from play.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "sys.exit(f'loaded {loaded}' if (loaded := {'torch', 'numpy', 'pygame'} & set(sys.modules))"
        " else 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_partners_are_listed_one_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = said(monkeypatch, capsys, "partners").splitlines()
    assert [line.split()[0] for line in lines] == [partner.name for partner in list_partners()]
    assert all(len(line.split()) > 1 for line in lines)
    here = said(monkeypatch, capsys, "partners", "--layout", "cramped_room")
    assert SRPO in here
    assert "coordination_ring" not in here
    assert {"greedy", "random", "stay"} <= {line.split()[0] for line in here.splitlines()}


def test_a_name_without_its_family_is_enough_to_play() -> None:
    names = {"tag": "tag/simple", "scarce": "private-kitchen/scarce", "duel": "tag/duel",
             "simple": "kitchen/simple", "cramped_room": "kitchen/cramped_room",
             "random3": "kitchen/random3", "x.layout": "kitchen/x.layout"}  # fmt: skip
    assert {name: full_name(name) for name in names} == names


def test_a_partner_shows_its_card(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = json.loads(said(monkeypatch, capsys, "partners", "show", SRPO))
    assert (card["name"], card["algorithm"]) == (SRPO, "srpo")
    assert "Follows rules" in said(monkeypatch, capsys, "partners", "show", "greedy")


def test_layouts_are_listed_with_plain_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(monkeypatch, capsys, "layouts")
    rows = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert {full_name(name) for name in rows} >= set(world_names())
    assert rows["cramped_room"].split()[1:] == ["5x4", "2", "players", "old", "ooo", "20"]
    assert rows["tutorial_3"].endswith("∞*") or "∞" in rows["tutorial_3"]
    assert ".0" not in text


def game(folder: Path, name: str, steps: int = 20) -> Path:
    seats = (SeatConfig("human", "left"), SeatConfig("human", "right"))
    config = SessionConfig("kitchen/cramped_room", seats, 3, {"horizon": steps})
    play = Session(config, (None, None))
    writer = EpisodeWriter(folder, play.header(), name)
    for t in range(steps):
        writer.append(play.step(10.0 * t, 10.0 * t, {}).lines)
    writer.append(play.finish("complete", 10.0 * steps))
    writer.close()
    return writer.path


def test_episodes_verify_and_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    game(tmp_path / "games", "one")
    game(tmp_path / "games", "two")
    text = said(monkeypatch, capsys, "episodes", "verify", str(tmp_path / "games"))
    assert [line.split(":")[0] for line in text.splitlines()] == [
        "ok      one.episode.jsonl",
        "ok      two.episode.jsonl",
    ]
    assert "20 steps, 4 hashes equal, score 0, 0 fallbacks, complete" in text
    out = tmp_path / "all.parquet"
    to = ("--to", "parquet", "--out", str(out))
    text = said(monkeypatch, capsys, "episodes", "export", str(tmp_path / "games"), *to)
    assert text == f"Wrote 2 episodes to {out}\n"
    assert pq.read_table(out).num_rows == 40


def test_an_export_without_a_place_goes_beside_the_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = game(tmp_path / "games", "one")
    said(monkeypatch, capsys, "episodes", "export", str(one), "--to", "overcooked")
    said(monkeypatch, capsys, "episodes", "export", str(tmp_path / "games"), "--to", "parquet")
    assert json.loads((tmp_path / "games" / "one.json").read_text())["ep_lengths"] == [20]
    assert pq.read_table(tmp_path / "games.parquet").num_rows == 20


def test_a_pipe_that_closes_is_no_traceback() -> None:
    command = Path(sys.executable).with_name("understudy")
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run([command, "layouts"], stdout=writing, stderr=subprocess.PIPE, timeout=60)
    os.close(writing)
    assert b"Traceback" not in ended.stderr


# Options of the command line reach the game.


class Nobody:
    """A table at which nobody listens."""

    def __init__(self) -> None:
        self.game = None
        self.chairs = (SeatConfig("human", "you"), SeatConfig("policy", "stay", "stay"))

    def sit_down(self, game: object) -> None:
        self.game = game

    def on_tick(self, *_: object) -> None: ...

    def on_end(self, *_: object) -> None: ...

    def on_store_error(self, *_: object) -> None: ...

    def on_lost(self, *_: object) -> None: ...


def test_the_browser_plays_by_the_rules_that_were_asked_for(tmp_path: Path) -> None:
    config = PlayConfig(episodes_dir=tmp_path, options={"dynamics": "new", "horizon": 33})
    entry = Catalogue(config).entry("kitchen/cramped_room")
    assert entry is not None
    assert entry.menu["options"] == {"dynamics": "new", "horizon": 33}
    other = Catalogue(config).entry("kitchen/coordination_ring")
    assert other is not None
    assert other.menu["options"] == {"dynamics": "old", "horizon": 400}
    tables = Tables(config)
    wish = Start("solo", "kitchen/cramped_room", {"dynamics": "old"}, ("stay",), 0, 100)
    try:
        tables.open(wish, [None, "stay"], Nobody())  # type: ignore[arg-type]
    finally:
        tables.close()
    (record,) = tmp_path.glob("*.jsonl")
    header = json.loads(record.read_text().splitlines()[0])
    assert header["options"] == {"dynamics": "old", "horizon": 33}  # the menu has the last word


def test_the_desktop_chooses_a_partner_for_the_rules(tmp_path: Path) -> None:
    usual = chosen(DesktopConfig(episodes_dir=tmp_path, world="kitchen/cramped_room", seat=0))
    assert usual.partners == (None, SRPO)
    options = {"dynamics": "new"}
    other = chosen(
        DesktopConfig(episodes_dir=tmp_path, world="kitchen/cramped_room", seat=0, options=options)
    )
    assert other.partners == (None, f"{SRPO}-new-dynamics")
    assert other.options == options | {"horizon": 400}  # those of the partner


def test_generated_layouts_are_files_that_can_be_played(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "drawn"
    arguments = ("layouts", "generate", "--count", "3", "--first", "70", "--to", str(folder))
    first = folder / "generated-70.layout"
    assert said(monkeypatch, capsys, *arguments) == (
        f"Wrote 3 to {folder}. Play one: understudy play --layout {first}\n"
    )
    assert sorted(path.stem for path in folder.iterdir()) == [
        f"generated-{n}" for n in (70, 71, 72)
    ]
    assert make_world(f"kitchen/{first}").facts.num_players == 2
    before = first.read_bytes()
    said(monkeypatch, capsys, *arguments)  # the same again
    assert first.read_bytes() == before
