"""What the pages tell is so: their numbers are on record, their commands and pictures exist."""

import json
import re
import shlex
from pathlib import Path

import click
import pytest

from play.main import cli

ROOT = Path(__file__).resolve().parent.parent
METHODS = {"**SRPO**": "srpo", "self-play": "self-play", "IPPO": "ippo"}
COLUMNS = ("own pair", "with srpo", "with self-play", "with ippo", "beside greedy", "beside random")
LAYOUTS = (
    "cramped_room", "asymmetric_advantages", "coordination_ring", "forced_coordination",
    "counter_circuit_o_1order",
)  # fmt: skip


def told() -> dict[tuple[str, str], list[str]]:
    """Cells of README's table of results by layout and method."""
    table = (ROOT / "README.md").read_text().split("results -->")[1]
    cells, layout = {}, ""
    for line in table.splitlines()[3:-1]:
        first, method, *figures = (cell.strip() for cell in line.strip("|").split("|"))
        layout = first or layout
        cells[layout, METHODS[method]] = figures
    return cells


def test_results_of_the_readme_are_those_on_record() -> None:
    measured = {}
    for layout in LAYOUTS:
        record = json.loads((ROOT / "docs" / "results" / f"{layout}.json").read_text())
        for method, figures in record.items():
            measured[layout, method] = [
                f"{figures[column]['mean']:.0f}" if column in figures else "" for column in COLUMNS
            ]
    assert told() == measured


def test_results_on_the_cards_are_those_on_record() -> None:
    for layout in LAYOUTS:
        record = json.loads((ROOT / "docs" / "results" / f"{layout}.json").read_text())
        for method, names in ({m: [m] for m in ("srpo", "self-play")} | {
            "ippo": ["ippo-seat0", "ippo-seat1"]
        }).items():  # fmt: skip
            for name in names:
                path = ROOT / "assets" / "policies" / "kitchen" / layout / name / "card.json"
                card = json.loads(path.read_text())["results"]["cross_play"]
                assert {key: card[key] for key in record[method]} == record[method]


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(text: str) -> list[list[str]]:
    """Every command line of ours in a page, with what follows it; METHOD stands for any method."""
    text = text.replace("\\\n", " ").replace("train METHOD", "train srpo")
    lines = re.findall(
        r"^understudy (.*)$", "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.S)), re.M
    )
    lines += [line.replace("\n", " ") for line in re.findall(r"`understudy ([^`]+)`", text)]
    return [shlex.split(line.partition("#")[0].replace("\u2026", "")) for line in lines]


def resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that a line names, and the options that it is given."""
    found: click.Command = cli
    rest = list(words)
    while isinstance(found, click.Group) and rest and not rest[0].startswith("-"):
        following = found.get_command(click.Context(found), rest.pop(0))
        assert following is not None, words
        found = following
    return found, [word for word in rest if word.startswith("--") and len(word) > 2]


@pytest.mark.parametrize("page", pages(), ids=lambda path: path.name)
def test_commands_of_the_pages_exist_with_their_options(page: Path) -> None:
    for words in commands(page.read_text()):
        command, options = resolve(words)
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        assert not isinstance(command, click.Group) or not options or "--help" in options, words
        assert [option for option in options if option not in {*known, "--help"}] == [], words


@pytest.mark.parametrize("page", pages(), ids=lambda path: path.name)
def test_files_that_the_pages_link_to_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target
