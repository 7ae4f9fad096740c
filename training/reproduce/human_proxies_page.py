"""The page about human proxies: tables of what was measured."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.machine import machine
from training.provenance import git_commit
from training.reproduce.folders import RECORD

Found = Mapping[str, Any]
SIDES = {"train": "proxy", "test": "held-out proxy"}
INTRODUCTION = """\
# Human proxies

Written by `{command}`, commit `{commit}`, seed {seed}, on {processor} ({processors} processors);
all figures are in `{record}`.

People are the pairs of 2019 in overcooked-ai's trials, old dynamics. Each layout has a proxy of
the pairs on the train side of the field's split and a held-out one of those on its test side; no
pair of a layout is on both. **The same people played several layouts**, and the field drew its
split anew for each: a pair may be on the train side of one layout and on the test side of another.
"""


def write_page(found: Found, folder: Path) -> None:
    """Writes README.md."""
    about = machine()
    parts = [
        INTRODUCTION.format(
            command=" ".join(["understudy", *sys.argv[1:]]), commit=git_commit(),
            seed=found["seed"], record=RECORD, processor=about["processor"],
            processors=about["processors"],
        ),
        _prediction(found),
        _play(found),
        _seats(found),
        _models(found),
    ]  # fmt: skip
    (folder / "README.md").write_text("\n".join(parts))


def _prediction(found: Found) -> str:
    rows = [
        [
            layout, SIDES[side], found["chosen"][layout],
            f"{own['unseen_pairs_of_its_side']['log_likelihood']:.3f}",
            f"{other['log_likelihood']:.3f}", f"{other['accuracy']:.1%}", f"{other['pairs']}",
            f"{one['hyperparameters']['chosen_epochs']}",
        ]
        for layout, sides in found["proxies"].items()
        for side, one in sides.items()
        for own, other in [(one, one["pairs_of_the_other_side"])]
    ]  # fmt: skip
    return f"""\
## How well they predict people whom they have not seen

Mean log-likelihood of an action in nats; guessing among six is -1.792. *Left out*: pairs of its own
side, by cross-validation, which also chose the passes over the data. *Other side*: the pairs of
the other side, which decided nothing.

{
        _table(
            [
                "layout",
                "proxy",
                "model",
                "left out",
                "other side",
                "likeliest taken",
                "pairs",
                "passes",
            ],
            rows,
        )
    }"""


def _play(found: Found) -> str:
    rows = []
    for layout, sides in found["proxies"].items():
        for side, one in sides.items():
            who = f"people, {side}"
            rows.append([layout, who, *_habits(one["people"])])
            rows.append([layout, f"{who}, whole games", *_habits(one["people_whole_games"])])
            rows.append([layout, f"{SIDES[side]} with itself", *_habits(one["own_pair_habits"])])
    return f"""\
## How they play

Soups per 400 steps with a 95 % bootstrap interval over games; the people's first 400 steps, which
is what a proxy plays, and their whole games of about 1200 steps, per 400. Shares of steps: *stays*,
*interacts*, and *stuck*: tries something, and neither place nor facing nor hand changes. *Long
rests*: stretches of 40 steps (6 s) or more without such a change, per 400 steps and seat;
*longest*: the longest such stretch of a seat in a game, median.

{
        _table(
            [
                "layout", "who", "games", "soups", "stays", "interacts", "stuck", "long rests",
                "longest",
            ],
            rows,
        )
    }"""  # fmt: skip


def _habits(habits: Found) -> list[str]:
    interval = f"{habits['soups']:.2f} [{habits['soups_low']:.2f}, {habits['soups_high']:.2f}]"
    return [
        f"{habits['games']}", interval, f"{habits['stay']:.1%}", f"{habits['interact']:.1%}",
        f"{habits['futile']:.1%}", f"{habits['rests']:.2f}", f"{habits['longest_rest']:.0f}",
    ]  # fmt: skip


def _seats(found: Found) -> str:
    rows = []
    for layout, sides in found["proxies"].items():
        for side, one in sides.items():
            people, own = one["people"]["by_seat"], one["own_pair_habits"]["by_seat"]
            rows.append([layout, f"people, {side}", *_by_seat(people)])
            rows.append([layout, f"{SIDES[side]} with itself", *_by_seat(own)])
    columns = ["layout", "who", "stays 0", "1", "potted 0", "1", "delivered 0", "1"]
    return f"""\
## Who does what

By seat: share of steps that it stays, ingredients that it pots and soups that it delivers in 400
steps.

{_table(columns, rows)}"""


def _by_seat(seats: list[Found]) -> list[str]:
    return [
        *(f"{seat['stay']:.1%}" for seat in seats),
        *(f"{seat['ingredients potted']:.1f}" for seat in seats),
        *(f"{seat['soups delivered']:.1f}" for seat in seats),
    ]


def _models(found: Found) -> str:
    layouts = found["models"]
    names = list(dict.fromkeys(name for models in layouts.values() for name in models))
    rows = []
    for layout, models in layouts.items():
        people = found["proxies"][layout]["train"]["people"]
        rows.append([layout, "people, train", "", *_habits(people)[1:]])
        for name in names:
            if name in models:
                own = models[name]
                left_out = f"{own['unseen_pairs_of_its_side']['log_likelihood']:.3f}"
                mark = f"**{name}**" if name == found["chosen"][layout] else name
                rows.append([layout, mark, left_out, *_habits(own["own_pair_habits"])[1:]])
    columns = [
        "layout", "model", "left out", "soups", "stays", "interacts", "stuck", "long rests",
        "longest",
    ]  # fmt: skip
    return f"""\
## Which model

Models fitted to the train side only; columns as above, but *left out* is from two folds. Of the
first two the one that predicts left-out pairs better (bold) is shipped, fitted to either side. All
with pace have impatience but the *patient* one. All but the *recurrent* ones are feed-forward.

{_table(columns, rows)}"""


def _table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
