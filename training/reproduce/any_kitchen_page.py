"""The page about one partner for any kitchen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from play.worlds.kitchen.layouts import CLASSICS
from training.export import TITLES
from training.reproduce.folders import RECORD

INTRODUCTION = """\
# One partner for any kitchen

Written by `understudy reproduce any-kitchen`. Command, versions and every game are in
[{record}]({record}).

One network, trained with SRPO on {count:,} generated kitchens (`kitchens/generated`; half of them
with either dynamics), seed {seed}, {steps:,} of {of:,} joint steps,
commit `{commit:.7}`. It reads the encoding `{encoding}`: the cells around it, and by which step
and in how many it gets to each kind of station. None of the classic layouts, turned or mirrored,
is among the generated ones.

Numbers are soups per 400 steps, sampled actions, {episodes} episodes in each kitchen and seating;
brackets are 95 % intervals: over kitchens (bootstrap; for shares of kitchens, Wilson's), and in a
single kitchen over episodes. {runs}
"""
ONE_RUN = "All of it comes from one training run."
MORE_RUNS = "All of it comes from one training run; [below](#other-trainings) are others."
OTHERS = """\
## Other trainings

The same with other seeds or methods, in the same kitchens: soups, and the share of the unseen
kitchens with {soups:g} or more. The mean is over the {count} trainings of the first method, with a
95 % bootstrap interval; so few tell little about how far others would be off. Trained at commit
{commits}, in the order of the columns.
"""
UNSEEN = """\
## In {kitchens} kitchens that it has never seen

The kitchens are generated ones with numbers from {first:,} on, none of which is a turned or
mirrored one of the training; new dynamics, as for every layout of one's own. The aim is
{soups:g} soups beside the rule-based cook, both seats together, in {share:.0%} of them. *Enough by
rules* are those in which two rule-based cooks serve as many; in the others they get stuck.
"""
CLASSIC = """\
## On the five classic layouts, held out

Old dynamics. *Specialist* is the shipped SRPO policy of the layout, {specialist}; *model of people*
is the layout's held-out human proxy. Beside other proxies of people, policies of cross-environment
cooperation (CEC, arXiv 2504.12714) have been reported, in an independent reproduction (the PH2
report of 2026), at 130.9, 149.1, 126.0, 2.6 and 21.1 points, that is 6.5, 7.5, 6.3, 0.1 and 1.1
soups in the order of the table; proxies and simulators differ, so that only the order of size can
be compared.
"""


def write_page(found: Mapping[str, Any], folder: Path) -> None:
    """Writes README.md."""
    settings, findings = found["settings"], found["findings"]
    aim = findings["aim"]
    introduction = INTRODUCTION.format(
        record=RECORD, count=found["options"]["count"], encoding=settings["encoding"],
        runs=MORE_RUNS if "others" in found else ONE_RUN,
        **{name: settings[name] for name in ("seed", "steps", "of", "commit", "episodes")},
    )  # fmt: skip
    unseen = UNSEEN.format(**settings, soups=aim["soups"], share=aim["share"])
    classic = CLASSIC.format(specialist=found["specialist"])
    parts = [
        introduction, unseen, verdict(findings), unseen_table(findings), worst(found), classic,
        classic_table(findings), *others(found), machine_line(settings),
    ]  # fmt: skip
    (folder / "README.md").write_text("\n".join(parts))


def cell(figure: Mapping[str, Any], scale: float = 1, digits: int = 1) -> str:
    """Mean and interval."""
    mean, low, high = (f"{scale * figure[key]:.{digits}f}" for key in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def verdict(findings: Mapping[str, Any]) -> str:
    """Whether the aim is reached."""
    own, aim = findings["unseen"]["beside greedy"], findings["aim"]
    enough = own["enough"]
    number = round(enough["mean"] * enough["count"])
    words = "Reached" if aim["reached"] else "Not reached"
    return (
        f"**{words}**: at least {aim['soups']:g} soups in {number} of {enough['count']} kitchens, "
        f"{cell(enough, 100, 0)} %.\n"
    )


def unseen_table(findings: Mapping[str, Any]) -> str:
    """Soups and shares by who plays and by whether the cooks share a room."""
    lines = [
        "| | kitchens | soups | enough, % of kitchens | least |",
        "| --- | --: | --: | --: | --: |",
    ]
    titles = {"beside greedy": "beside the rule-based cook", "own pair": "with itself",
              "greedy pair": "the rule-based cook with itself"}  # fmt: skip
    for group in (group for group in findings if group.startswith("unseen")):
        for label, own in findings[group].items():
            lines.append(
                f"| {group}: {titles[label]} | {own['soups']['count']} | {cell(own['soups'])} | "
                f"{cell(own['enough'], 100, 0)} | {own['least']:.1f} |"
            )
    return "\n".join(lines) + "\n"


def worst(found: Mapping[str, Any]) -> str:
    """The kitchens in which least is delivered beside the rule-based cook, as they are drawn."""

    def mean(kitchen: Mapping[str, Any], label: str) -> float:
        return float(sum(kitchen["soups"][label]) / len(kitchen["soups"][label]))

    unseen = [kitchen for kitchen in found["kitchens"] if not kitchen["classic"]]
    least = sorted(unseen, key=lambda kitchen: mean(kitchen, "beside greedy"))[:3]
    lines = ["The hardest of them:\n"]
    for kitchen in least:
        lines.append(
            f"- `{kitchen['name']}`: {mean(kitchen, 'beside greedy'):.1f} soups; with itself "
            f"{mean(kitchen, 'own pair'):.1f}, the rule-based cook with itself "
            f"{mean(kitchen, 'greedy pair'):.1f}."
        )
    return "\n".join(lines) + "\n"


def classic_table(findings: Mapping[str, Any]) -> str:
    """Soups on the classic layouts, ours against the specialists."""
    labels = {
        "beside greedy": "beside the rule-based cook",
        "specialist beside greedy": "specialist beside it",
        "beside proxy": "beside a model of people",
        "specialist beside proxy": "specialist beside it",
        "own pair": "with itself",
    }
    lines = ["| | " + " | ".join(labels.values()) + " |", "| --- |" + " --: |" * len(labels)]
    for layout in CLASSICS:
        row = [cell(findings[layout][label]) for label in labels]
        lines.append(f"| {layout} | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def others(found: Mapping[str, Any]) -> list[str]:
    """What trainings with other seeds came to, if there are any."""
    if "others" not in found:
        return []
    seeds = found["findings"]["seeds"]
    trainings = [f"{TITLES[own['method']]}, seed {own['seed']}" for own in seeds["trainings"]]
    commits = [own["settings"]["commit"][:7] for own in (found, *found["others"])]
    introduction = OTHERS.format(
        soups=found["findings"]["aim"]["soups"], count=seeds["rows"][0]["count"],
        commits=", ".join(f"`{commit}`" for commit in commits),
    )  # fmt: skip
    titles = {"beside greedy": "beside the rule-based cook", "own pair": "with itself",
              "beside proxy": "beside a model of people"}  # fmt: skip
    lines = [
        "| | " + " | ".join(trainings) + " | mean |",
        "| --- |" + " --: |" * (len(commits) + 1),
    ]
    for row in seeds["rows"]:
        percent = row["kind"] == "enough"
        scale, digits = (100, 0) if percent else (1, 1)
        values = [f"{scale * value:.{digits}f}" for value in row["values"]]
        title = f"{row['place']}, {titles[row['label']]}" + ", % with enough" * percent
        lines.append(f"| {title} | {' | '.join(values)} | {cell(row, scale, digits)} |")
    return [introduction, "\n".join(lines) + "\n"]


def machine_line(settings: Mapping[str, Any]) -> str:
    """Where it was made."""
    processor, processors, system = (
        settings["machine"][name] for name in ("processor", "processors", "system")
    )
    return f"Machine: {processor}, {processors} processors, {system}.\n"
