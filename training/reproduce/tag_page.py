"""The page about Tag: who catches how much with whom, and whether the paper's claim holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.reproduce.folders import RECORD
from training.reproduce.tag_findings import BOTH, CONTEXTS, MATE, RUNNER, SHARES, TRAINED

if TYPE_CHECKING:
    from training.reproduce.tag_findings import Evidence

SHOWN = {MATE: "an unseen team-mate", RUNNER: "an unseen runner", BOTH: "both unseen"}
CLAIM = ("srpo", "srpo-seats", "srpo-paper")
"""Arms that the paper's claim is held against."""
INTRODUCTION = """\
# Tag: chasers with strangers

Written by `understudy reproduce tag`. Command, commits, machine and all figures are in
[{record}]({record}), the mean of every pair of seeds in [cells.parquet](cells.parquet).

Two chasers, one runner, two obstacles, {horizon} steps (`tag/simple`, the paper's second domain).
Every method trains {seeds} teams ({steps:,} joint steps each) against the frozen runner
`{runner}`. Then chasers of different seeds meet, and meet `{unseen}`, a runner that learnt
otherwise and that no chaser was trained against. Numbers are touches per episode over {episodes}
episodes for each pair and seating, sampled actions; brackets are 95 % bootstrap intervals over
training seeds.
"""


def write_page(
    evidence: "Evidence", findings: dict[str, Any], settings: dict[str, Any], folder: Path
) -> None:
    """Writes README.md beside the figures."""
    horizon = next(iter(evidence.played.values())).facts.horizon
    introduction = INTRODUCTION.format(
        record=RECORD, horizon=horizon, runner=evidence.runner, unseen=evidence.unseen,
        seeds=len(settings["seeds"]), steps=settings["steps"], episodes=settings["episodes"],
    )  # fmt: skip
    parts = [
        introduction,
        short_part(evidence, findings),
        methods_part(evidence),
        touches_part(evidence, findings),
        claim_part(evidence, findings),
        tau_part(evidence),
        shares_part(evidence, findings),
        beside_part(evidence, findings),
        made_part(settings),
    ]
    (folder / "README.md").write_text("\n".join(part for part in parts if part))


def short_part(evidence: "Evidence", findings: dict[str, Any]) -> str:
    """What a hurried reader takes along: what strangers cost IPPO, and whether the claim holds."""
    base = findings[evidence.arms[0].name]
    own, kept = base["touches"][TRAINED], base["kept"]
    lines = [
        "## In short\n",
        f"- {evidence.arms[0].title}'s own pairs catch {own['mean']:.1f}; of that they keep "
        f"{whole(kept[MATE])} with an unseen team-mate, {whole(kept[RUNNER])} with an unseen "
        f"runner and {whole(kept[BOTH])} with both.",
    ]
    claims = [arm for arm in evidence.arms if arm.name in CLAIM]
    if claims:
        lines.append(
            "- The paper reports that SRPO returns slightly less in training and loses much less "
            "with strangers. Here, with both unseen, beside IPPO:"
        )
    for arm in claims:
        lines.append(f"  - {held(arm.title, findings[arm.name]['against']['ippo'], base)}")
    return "\n".join(lines) + "\n\n![Touches of every method in all contexts](touches.png)\n"


def held(title: str, against: dict[str, Any], base: dict[str, Any]) -> str:
    """Whether the claim holds for an arm, with how much it is of IPPO's."""
    own, drop, end = (against[w][c] for w, c in (("touches", TRAINED), ("drop", BOTH),
                                                 ("touches", BOTH)))  # fmt: skip
    holds = sign(own) <= 0 and sign(drop) < 0
    change = {1: "larger", -1: "smaller", 0: "about the same"}[sign(drop)]
    return (
        f"**{title}**: {'holds in direction' if holds else 'does not hold'}. In training it "
        f"catches {AMOUNTS[sign(own)]} ({part(own, base['touches'][TRAINED])}), its drop is "
        f"{change} ({part(drop, base['drop'][BOTH])}), and in the end it catches "
        f"{AMOUNTS[sign(end)]} ({part(end, base['touches'][BOTH])})."
    )


def part(difference: dict[str, Any], whole: dict[str, Any]) -> str:
    """A difference, and how much it is of what it is a difference to."""
    mean, of = difference["mean"], whole["mean"]
    return f"{mean:+.2f} on {of:.2f}, {mean / of:+.0%}" if of else f"{mean:+.2f} on 0"


def methods_part(evidence: "Evidence") -> str:
    """What the rows of all tables are."""
    lines = [f"- **{arm.title}**: {arm.about}." for arm in evidence.arms if arm.about]
    return "## The methods\n\n" + "\n".join(lines) + "\n"


def whole(figure: dict[str, Any]) -> str:
    """A share in whole percent, without its interval."""
    return f"{100 * figure['mean']:.0f} %"


def cell(figure: dict[str, Any] | None, digits: int = 2) -> str:
    """Mean and interval, or nothing."""
    if figure is None:
        return ""
    mean, low, high = (f"{figure[key]:.{digits}f}" for key in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def percent(figure: dict[str, Any] | None) -> str:
    """The same in percent."""
    if figure is None:
        return ""
    return cell({key: 100 * figure[key] for key in ("mean", "low", "high")}, 0)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table whose first column is text and the others numbers."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " --: |" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def touches_part(evidence: "Evidence", findings: dict[str, Any]) -> str:
    """Touches of all arms in all contexts."""
    rows = [
        [arm.title, *(cell(findings[arm.name]["touches"][c]) for c in CONTEXTS),
         percent(findings[arm.name]["kept"][BOTH])]
        for arm in evidence.arms
    ]  # fmt: skip
    head = ["", *CONTEXTS.values(), "kept of the own pair's, %"]
    return "## Touches per episode\n\n" + table(head, rows)


def claim_part(evidence: "Evidence", findings: dict[str, Any]) -> str:
    """Whether SRPO gives up a little in training and loses less with strangers."""
    lines = [
        "## Does the paper's claim hold?\n",
        "The paper: in training SRPO returns slightly less than IPPO, and it loses much less "
        "with strangers. Differences from IPPO; a negative difference of losses is in favour.\n",
    ]  # fmt: skip
    shown = [arm for arm in evidence.arms if "ippo" in findings[arm.name]["against"]]
    rows = []
    for arm in shown:
        against = findings[arm.name]["against"]["ippo"]
        rows.append([arm.title, cell(against["touches"][TRAINED]),
                     *(cell(against["drop"][c]) for c in SHOWN)])  # fmt: skip
    head = [
        "difference from IPPO",
        "own pair, training runner",
        *(f"loss with {w}" for w in SHOWN.values()),
    ]
    lines.append(table(head, rows))
    lines += [verdict(arm.title, findings[arm.name]["against"]["ippo"], "IPPO")
              for arm in shown if arm.name in CLAIM]  # fmt: skip
    lines += [
        verdict(f"{arm.title} beside self-play, its own base",
                findings[arm.name]["against"]["self-play"], "self-play")
        for arm in shown
        if arm.name == "srpo" and "self-play" in findings[arm.name]["against"]
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def verdict(title: str, against: dict[str, Any], base: str) -> str:
    """The claim's halves for one arm, in words that follow from the intervals."""
    own = sign(against["touches"][TRAINED])
    parts = [f"- **{title}**: its own pair catches {WORDS[own]} than {base}'s "
             f"({cell(against['touches'][TRAINED])})"]  # fmt: skip
    for context, who in SHOWN.items():
        figure = against["drop"][context]
        words = {1: "more", -1: "less", 0: "not measurably more or less"}[sign(figure)]
        level = against["touches"][context]
        parts.append(
            f"with {who} it loses {words} ({cell(figure)}) and in the end catches "
            f"{WORDS[sign(level)]} ({cell(level)})"
        )
    return "; ".join(parts) + "."


WORDS = {1: "more", -1: "less", 0: "no measurably different number"}
AMOUNTS = {1: "more", -1: "less", 0: "about as much"}


def sign(figure: dict[str, Any]) -> int:
    """1 or -1 where the interval is on one side of zero, else 0."""
    return int(figure["low"] > 0) - int(figure["high"] < 0)


def tau_part(evidence: "Evidence") -> str:
    """The sweep."""
    if not any(arm.tau for arm in evidence.arms):
        return ""
    return (
        "## Over tau\n\n![Touches against tau](tau.png)\n\nOne policy for both seats, a third of "
        "the games with the true partner, tau fixed and stated per touch. Dashed: self-play, "
        "which is the same without an adversary.\n"
    )


def shares_part(evidence: "Evidence", findings: dict[str, Any]) -> str:
    """Who does the work."""
    lines = [
        "## Who does the work\n",
        "The part of the chaser who did more, by episode (50 % is even), with the training "
        "runner; the idle share is that of the one who stood still more often.\n",
    ]
    for context, title in (("own pair", "Own pair"), ("other seeds", "Unseen team-mate")):
        names = {
            what: name
            for what, name in SHARES.items()
            if any(what in findings[arm.name]["shares"][context] for arm in evidence.arms)
        }
        rows = [
            [arm.title,
             *(percent(findings[arm.name]["shares"][context].get(what)) for what in names)]
            for arm in evidence.arms
        ]  # fmt: skip
        lines.append(table([f"{title}, %", *names.values()], rows))
    lines.append(
        "![Cross-play of every pair of seeds](matrices.png)\n\nTouches with one seed in the first "
        "seat (rows) and another in the second (columns); own pairs are on the diagonal.\n"
    )
    return "\n".join(lines)


def beside_part(evidence: "Evidence", findings: dict[str, Any]) -> str:
    """Beside rule-based team-mates."""
    partners = list(findings[evidence.arms[0].name]["beside"])
    runners = ("training runner", "unseen runner")
    head = ["", *(f"{partner}, {who}" for partner in partners for who in runners)]
    rows = [
        [arm.title, *(cell(findings[arm.name]["beside"][p][who]) for p in partners
                      for who in runners)]
        for arm in evidence.arms
    ]  # fmt: skip
    return "## Beside team-mates that nobody trained with\n\n" + table(head, rows)


def made_part(settings: dict[str, Any]) -> str:
    """What made it."""
    commits = sorted(set(settings["commits"].values()))
    machine = settings["machine"]
    hashes = ", ".join(f"`{name}` {sha[:12]}" for name, sha in settings["policies"].items())
    return (
        "## How it was made\n\n"
        f"Seeds {settings['seeds'][0]} to {settings['seeds'][-1]}, trained at commit "
        f"{', '.join(commits)} on {machine['processor']} ({machine['processors']} processors). "
        f"Runners, frozen by hash: {hashes}; `understudy reproduce tag-runners` trains them.\n"
    )
