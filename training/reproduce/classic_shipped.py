"""Puts partners of the experiment on the classic kitchens among those that players are offered.

Of every row that people can choose, the policies of the first seed go: which seed turned out best
is not asked. The card tells what the row's seeds came to.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agents.card import read_card, write_card
from training.export import TITLES
from training.reproduce.classic_findings import (
    METRICS,
    best_beside_development,
    recommended,
)
from training.reproduce.classic_methods import Row
from training.reproduce.classic_pieces import Plan, teams_of

RECOMMENDED = "srpo"
"""Name of the recommended partner of a world."""
OTHERS = {
    "ippo": ("ippo",), "self-play": ("self-play",), "fcp": ("fcp",), "mep": ("mep",),
    "e3t": ("e3t",), "ppo-bc": ("ppo-bc", "ppo-bc-more", "ppo-bc-any"),
}  # fmt: skip
"""Further partners that are offered, each with the rows of which it is chosen as ours is."""
FAILS = 0.2
"""A card warns of partners beside whom a row earns less than this share of its own return."""


def ship(plan: Plan, found: Mapping[str, Any], folder: Path) -> list[str]:
    """Copies the partners that players are offered.

    Args:
        plan: The experiment.
        found: Its findings; see `classic_findings.find`.
        folder: Where players' partners are kept; those that are there already are replaced.

    Returns:
        The names of the partners.
    """
    names = []
    for layout, rows in found["layouts"].items():
        for row, name in offered(plan, layout, rows):
            for source, target in _files(plan, layout, row, name):
                _copy(plan, source, folder / target, target, rows[row.name], row)
                names.append(target)
    return names


def offered(
    plan: Plan, layout: str, figures: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[Row, str]]:
    """Rows of a layout that are offered, and as what: the recommended one of ours, and others."""
    present = {row.name: row for row in plan.present(layout) if row.name in figures}
    if (first := recommended(figures)) in present:
        yield present[first], RECOMMENDED
    for name, rows in OTHERS.items():
        if there := [row for row in rows if row in present]:
            yield present[best_beside_development(figures, there)], name


def _files(plan: Plan, layout: str, row: Row, name: str) -> Iterator[tuple[str, str]]:
    """Names of the policies of a row's first seed, and what they are called for players."""
    first = teams_of(plan, layout, row)[0]
    for seat, source in enumerate(dict.fromkeys(first.policies.values())):
        alone = f"-seat{seat}" if source.endswith(f"-seat{seat}") else ""
        yield source, f"kitchen/{layout}/{name}{alone}"


def _copy(
    plan: Plan, source: str, target: Path, name: str, figures: Mapping[str, Any], row: Row
) -> None:
    card = json.loads((plan.policies / source / "card.json").read_text())
    seat = f", seat {card['seats'][0]}" if len(card["seats"]) == 1 else ""
    layout = card["layouts"][0].replace("_", " ")
    card |= {
        "name": name,
        "title": f"{TITLES[row.method]}{seat} ({layout})",
        "description": f"{row.title}, the first of {len(plan.seeds)} seeds. {card['description']}",
        "known_failures": list(_failures(figures)),
    }
    card["results"] |= {
        "classic_five": {
            "row": row.title,
            "seeds": list(plan.seeds),
            "policy": source,
            "figures": {key: figures[key] for key in METRICS if key in figures},
            "beside": figures["beside"],
        }
    }
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    shutil.copyfile(plan.policies / source / "policy.onnx", target / "policy.onnx")
    write_card(target, card)
    read_card(target)


def _failures(figures: Mapping[str, Any]) -> Iterator[str]:
    own = figures["own"]["mean"]
    for name, figure in figures["beside"].items():
        if figure["mean"] < FAILS * own:
            yield f"Earns {figure['mean']:.0f} points {name}; with itself {own:.0f}."
