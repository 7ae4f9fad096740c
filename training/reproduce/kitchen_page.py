"""The page about the private-cost kitchen: tables, pictures and what holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.machine import machine
from training.reproduce.folders import RECORD
from training.reproduce.kitchen_summary import (
    BOUND,
    OURS,
    TOLERATED,
    Study,
    verdicts,
)  # fmt: skip
from training.reproduce.kitchen_variants import BASE, PER_SEAT, STRANGERS_SEEDS

INTRODUCTION = """\
# The private-cost kitchen: who works, who rides free, who copes with strangers

Written by `understudy reproduce private-kitchen`; command, commit and versions are in
[{record}]({record}), every score of every seed in [pieces](pieces). {seeds} seeds of every row,
{steps:,} steps each (a population's included). This page was written on: {machine};
a piece names its commit.

Two cooks bring onions to a pot; both are paid for every onion, each pays for their own steps. All
scores are exact: policies are evaluated in every state by dynamic programming, so intervals (95 %
bootstrap over independently trained seeds) come from training alone. Settings common to all rows:
{base}. They were chosen by what IPPO and self-play earn with themselves.

- *itself*: sum of both returns of a seed's own pair. *Strangers of its kind*: of two seeds that
  were trained apart, both seatings.
- *Other strangers*: beside partners that no row met in training: one that stands still, one that
  moves at random, one that works alone, one that does so in half of the steps, and policies of
  IPPO, self-play, IPPO with more entropy and a beginner (seeds {strangers}); the mean over kinds.
- *Worst case*: the own return left by the worst partner within {bound:g} nats per step of the true
  one.
- *Cost difference*: between the two of a pair, |c1 - c2|; *lesser share*: of the onions that the
  one who brings fewer brings (.5 is even); *idle*: share of the steps in which the one who moves
  less stands still.
"""
COLUMNS = (
    ("own", "itself", 1), ("of_best", "of the best team's", 3),
    ("cross", "strangers of its kind", 1), ("gap", "gap", 1),
    ("strangers", "other strangers", 1), ("worst", "worst case", 1),
    ("cost_difference", "cost difference", 1), ("lesser_share", "lesser share", 2),
    ("idle_share", "idle", 2),
)  # fmt: skip
WORDS = {
    "own": "with itself",
    "cross": "with strangers of its kind",
    "strangers": "with other strangers",
    "worst": "in the worst case",
}


def write_page(study: Study, found: Mapping[str, Any], folder: Path) -> None:
    """Writes README.md beside the figures."""
    base = ", ".join(f"{name} {value:g}" for name, value in BASE.items() if name != "steps")
    parts = [
        INTRODUCTION.format(
            record=RECORD, seeds=len(study.seeds), steps=study.steps, machine=words_of(machine()),
            base=base.replace("_", " "), bound=BOUND,
            strangers=", ".join(map(str, STRANGERS_SEEDS)),
        ),
        verdict(study, found),
        *(setting_part(setting, found[setting]) for setting in study.settings),
    ]  # fmt: skip
    (folder / "README.md").write_text("\n".join(parts))


def verdict(study: Study, found: Mapping[str, Any]) -> str:
    """What SRPO gains over the best control, figure by figure."""
    lines = ["## Verdict\n"]
    for setting, heroes in verdicts(study, found).items():
        for hero, figures in heroes.items():
            about = found[setting]["rows"][hero]["about"]
            alike = found[setting]["rows"][hero]["group"] == PER_SEAT
            against = "the best control with a policy per seat" if alike else "the best control"
            lines.append(f"**{setting}, {about}** against {against}, by figure:\n")
            for name, (best, difference) in figures.items():
                other = found[setting]["rows"][best]
                lines.append(
                    f"- {WORDS[name]}: {signed(difference)} against {other['about']} "
                    f"({other['figures'][name]['mean']:.1f}) - {holds(name, difference, other)}"
                )
            lines.append("")
    return "\n".join(lines)


def holds(name: str, difference: Mapping[str, float], other: Mapping[str, Any]) -> str:
    """Whether a difference is clear of zero or, with itself, within what is tolerated."""
    if name == "own":
        tolerated = -TOLERATED * other["figures"]["own"]["mean"]
        if difference["low"] >= tolerated:
            return f"loses no more than {TOLERATED:.0%}"
        if difference["high"] < tolerated:
            return f"loses more than {TOLERATED:.0%}"
        return f"may lose more than {TOLERATED:.0%}"
    if difference["low"] > 0:
        return "better"
    return "worse" if difference["high"] < 0 else "no clear difference"


def setting_part(setting: str, part: Mapping[str, Any]) -> str:
    """Pictures and table of one setting."""
    names = [title for _, title, _ in COLUMNS]
    lines = [
        f"## {setting}\n",
        f"The best team earns {part['optimum']:.2f}.\n",
        f"![Returns and differences of costs]({setting}-returns.png)\n",
        f"![Cross-play matrices]({setting}-matrices.png)\n",
        f"![Worst case against the bound]({setting}-worst-case.png)\n",
        f"| | {' | '.join(names)} | data per hero |",
        "| --- " * (len(names) + 2) + "|",
    ]
    group = ""
    for name, row in part["rows"].items():
        if row["group"] != group:
            group = row["group"]
            lines.append(f"| *{group}* |{' |' * (len(names) + 1)}")
        figures = [interval(row["figures"][key], digits) for key, _, digits in COLUMNS]
        about = f"**{row['about']}**" if name == OURS else row["about"]
        lines.append(f"| {about} | {' | '.join(figures)} | {row['data_per_hero']:.2g} |")
    kinds = list(next(iter(part["rows"].values()))["by_stranger"])
    lines += [
        "\nBeside each kind of other strangers, sum of both returns:\n",
        f"| | {' | '.join(kinds)} |",
        "| --- " * (len(kinds) + 1) + "|",
    ]
    lines += [
        f"| {row['about']} | "
        + " | ".join(interval(row["by_stranger"][kind], 1) for kind in kinds)
        + " |"
        for row in part["rows"].values()
    ]
    return "\n".join(lines) + "\n"


def interval(figure: Mapping[str, float], digits: int) -> str:
    """A mean with its interval."""
    mean, low, high = (f"{figure[key]:.{digits}f}" for key in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def signed(figure: Mapping[str, float]) -> str:
    """A difference with its interval."""
    return f"{figure['mean']:+.1f} [{figure['low']:+.1f}, {figure['high']:+.1f}]"


def words_of(computer: Mapping[str, str | int]) -> str:
    """The computer in words."""
    return f"{computer['processor']}, {computer['processors']} processors, {computer['system']}"
