"""What the pages tell is so: their numbers are on record, their commands and pictures exist."""

import itertools
import json
import re
import shlex
from pathlib import Path

import click
import pytest

from play.main import cli

ROOT = Path(__file__).resolve().parent.parent
CLASSIC_FIVE = ROOT / "docs" / "results" / "classic-five"


def rows_of(table: str) -> list[str]:
    """The lines of the first table in a text."""
    lines = table.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("|"))
    return list(itertools.takewhile(lambda line: line.startswith("|"), lines[first:]))


def test_results_of_the_readme_are_those_on_record() -> None:
    told = rows_of((ROOT / "README.md").read_text().split("results -->")[1])
    assert told == rows_of((CLASSIC_FIVE / "README.md").read_text().split("## In short")[1])


def test_results_on_the_cards_are_those_on_record() -> None:
    record = json.loads((CLASSIC_FIVE / "results.json").read_text())
    seen = 0
    for path in (ROOT / "assets" / "policies" / "kitchen").rglob("card.json"):
        card = json.loads(path.read_text())
        if "classic_five" not in card["results"]:
            continue
        about = card["results"]["classic_five"]
        layout, row = about["policy"].split("/")[1:3]
        figures = record["findings"]["layouts"][layout][row]
        assert about["beside"] == figures["beside"], path
        assert about["figures"] == {name: figures[name] for name in about["figures"]}, path
        assert record["policies"][about["policy"]] == card["sha256"], path
        seen += 1
    assert seen >= 5 * 7  # layouts; SRPO, two of IPPO, self-play, E3T, PPO-BC, FCP


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
