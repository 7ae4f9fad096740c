"""The page about small games: what was computed, what it shows, and where risk aversion hurts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from training.equilibria.games import DIRECTIONS
from training.reproduce.folders import RECORD

if TYPE_CHECKING:
    from training.reproduce.matrix_games import Study

INTRODUCTION = """\
# Equilibria of small games against risk aversion

Written by `understudy reproduce matrix-games`; the command, commit and versions are in
[{record}]({record}), every point of every branch in [branches.csv](branches.csv).

Two players contribute or abstain; contributing costs the one who does it {cost:g}. In *free-riding*
both get 1 if either contributes, in the *stag hunt* only if both do. A risk-averse player
maximises the least, over what it imagines its partner to play, of its expected utility plus
divergence / tau, and gets epsilon times the entropy of its own play. Solid lines are equilibria
that attract smoothed best responses, dashed ones repel them; discs are pitchforks, rings are
folds. {complete}
"""
COMPLETE = {
    True: "Equilibria were sought by continuation in tau and from random starts; on a grid of tau "
    "their indices sum to one, which is a check, not a proof, that none is missing.",
    False: "**At some tau the indices of the equilibria do not sum to one: one is missing.**",
}


def write_page(study: "Study", found: dict[str, Any], folder: Path) -> None:
    """Writes README.md beside the figures."""
    from play.worlds.matrix.games import make_game

    cost = make_game("free-riding").costs[0, 0]
    parts = [
        INTRODUCTION.format(
            record=RECORD, cost=cost, complete=COMPLETE[found["indices_sum_to_one"]]
        ),
        free_riding_part(study, found["free_riding"]),
        entropy_part(found["entropy_control"]),
        stag_hunt_part(study, found["stag_hunt"]),
        quadratic_part(found["quadratic"]),
        learnt_part(found["learnt"]),
        verdict(found),
    ]
    (folder / "README.md").write_text("\n".join(part for part in parts if part))


def free_riding_part(study: "Study", found: dict[str, Any]) -> str:
    """Free-riding."""
    lines = [
        "## Free-riding\n",
        "![Branches, difference of costs, and welfare against tau](free-riding.png)\n",
        table(study, "free-riding"),
    ]
    if found["unequal_until_tau"] is None:
        lines.append("With this entropy there is no equilibrium in which one works for both.\n")
    else:
        other = found["unequal_until_tau_other_direction"]
        lines.append(
            f"Equilibria in which one works for both end at tau {found['unequal_until_tau']:.5f}"
            + (f" ({other:.5f} with the divergence the other way round)" if other else "")
            + ". The bounds of theorem 4.2, as printed and with the factor epsilon that its proof "
            f"loses, {'hold but lie far above' if found['bounds_hold'] else 'are broken'}.\n"
        )
    return "\n".join(lines)


def entropy_part(found: list[dict[str, Any]]) -> str:
    """The entropy-only control."""
    lines = [
        "## How much of it is the entropy's\n",
        "![Branches of the free-riding game for several entropies](entropy.png)\n",
        "| epsilon | cost difference at tau 0 | tau of the pitchfork | last unequal one at tau |",
        "| --- | --- | --- | --- |",
    ]
    for row in found:
        lines.append(
            f"| {row['epsilon']:g} | {row['cost_difference_at_0']:.5f} | "
            f"{number(row['pitchfork_tau'])} | {number(row['unequal_until_tau'])} |"
        )
    beyond = [
        row for row in found
        if row["pitchfork_tau"] and row["unequal_until_tau"] > row["pitchfork_tau"] * 1.001
    ]  # fmt: skip
    lines.append("")
    if beyond:
        names = " and ".join(f"{row['epsilon']:g}" for row in beyond)
        lines.append(
            f"With epsilon {names} the pitchfork is not the end: the unequal equilibria turn back "
            "at a fold beyond it, and between the two the equal equilibrium and the free-riding "
            "ones attract side by side. Play that is in free-riding stays there up to the fold.\n"
        )
    without = [row for row in found if row["unequal_until_tau"] is None]
    if without:
        names = " and ".join(f"{row['epsilon']:g}" for row in without)
        lines.append(
            f"With epsilon {names} there is no free-riding even at tau 0: entropy alone removes "
            "it, so a comparison with risk aversion needs a control at the same entropy.\n"
        )
    return "\n".join(lines)


def stag_hunt_part(study: "Study", found: dict[str, Any]) -> str:
    """The stag hunt."""
    end = found["cooperation_until_tau"]
    fate = (
        f"Past the fold at tau {end:.5f} the equilibrium in which both mostly contribute is gone."
        if end
        else "Contribution falls without a jump."
    )
    return "\n".join(
        [
            "## Where both are needed, risk aversion hurts\n",
            "![Branches and welfare of the stag hunt against tau](stag-hunt.png)\n",
            table(study, "stag-hunt"),
            f"{fate} From tau 0 to {found['end_tau']:g} each one's probability of contributing "
            f"falls from {found['contributes_at_0']:.3f} to {found['contributes_at_end']:.3f}, and "
            f"welfare from {found['welfare_at_0']:.3f} to {found['welfare_at_end']:.3f}.\n",
        ]
    )


def quadratic_part(found: dict[str, Any]) -> str:
    """Theorem 4.1."""
    rises = "rises" if found["shared_rises_throughout"] else "does not rise"
    return "\n".join(
        [
            "## Theorem 4.1: the quadratic game\n",
            "![Action, shared reward and welfare against tau](quadratic.png)\n",
            "R = -(a1 + a2 - 1)^2 / 2, each pays a^2 / 2. An equilibrium exists for tau below "
            f"{found['domain_ends_at_tau']:.6g}. The shared reward {rises} throughout, as the "
            f"theorem says, from {found['shared_at_0']:.5f} to {found['shared_at_end']:.5f}; "
            f"welfare after the costs is greatest at tau {found['welfare_best_tau']:.3g} "
            f"({found['welfare_best']:.5f}; {found['welfare_at_0']:.5f} at tau 0) and "
            f"{found['welfare_at_end']:.5f} at the end.\n",
        ]
    )


def learnt_part(found: dict[str, Any] | None) -> str:
    """What the trainers reach."""
    if found is None:
        return ""
    return "\n".join(
        [
            "## Does SRPO reach these equilibria?\n",
            "![What SRPO and IPPO learn, on the branches](learnt.png)\n",
            f"Circles are {found['runs']} runs of SRPO as in the paper (per-seat policies, live "
            "partner as reference, KL in return and loss), and of IPPO at tau 0, with their "
            "advantages divided by a constant; each is in [learnt.csv](learnt.csv). Half of them "
            f"are within {found['median_off']:.3f} of the nearest equilibrium that attracts; the "
            f"farthest is {found['farthest_off']:.3f} off ({found['farthest_game']}, tau "
            f"{found['farthest_tau']:g}). Next to a bifurcation equilibria hardly attract, and "
            "runs of this length do not settle.\n",
        ]
    )


def verdict(found: dict[str, Any]) -> str:
    """What holds and what does not."""
    free, stag, quadratic = found["free_riding"], found["stag_hunt"], found["quadratic"]
    lines = ["## Verdict\n"]
    if free["unequal_until_tau"] is not None:
        lines.append(
            f"- **The paper's claim holds here.** Beyond tau {free['unequal_until_tau']:.3f} no "
            "equilibrium lets one player ride free."
        )
        if free["unequal_welfare_at_0"] > free["equal_welfare_best"]:
            lines.append(
                "- **It costs welfare.** The free-riding equilibria that it removes are worth "
                f"{free['unequal_welfare_at_0']:.4f} to the two together at tau 0; no equilibrium "
                f"with equal burdens, at any tau up to {free['end_tau']:g}, is worth more than "
                f"{free['equal_welfare_best']:.4f} (tau {free['equal_welfare_best_tau']:.3g})."
            )
    lines.append(
        "- **More tau is not always more.** The shared reward of the equal equilibrium goes from "
        f"{free['equal_shared_at_0']:.4f} at tau 0 to {free['equal_shared_at_end']:.4f}, but its "
        f"welfare is greatest at tau {free['equal_welfare_best_tau']:.3g}"
        f" and {free['equal_welfare_at_end']:.4f} at tau {free['end_tau']:g}."
    )
    if stag["welfare_at_end"] < stag["welfare_at_0"]:
        lines.append(
            "- **Where both are needed it destroys cooperation.** In the stag hunt the shared "
            f"reward falls from {stag['shared_at_0']:.3f} to {stag['shared_at_end']:.3f}: a "
            "partner that may fail is a reason not to rely on it. Tasks with hand-overs are of "
            "this kind."
        )
    if quadratic["welfare_at_end"] < quadratic["welfare_best"]:
        lines.append(
            "- **Theorem 4.1 is about shared reward, not about welfare**, which past tau "
            f"{quadratic['welfare_best_tau']:.3g} falls while the shared reward still rises."
        )
    lines.append(
        "- **Entropy alone removes free-riding when it is large enough**, so risk aversion must be "
        "compared with a control at the same entropy."
        if any(row["unequal_until_tau"] is None for row in found["entropy_control"])
        else "- Entropy alone did not remove free-riding at any of these weights."
    )
    if found["learnt"]:
        lines.append(
            "- **The algorithm optimises the paper's objective**: trained on these games, half of "
            f"its runs end within {found['learnt']['median_off']:.3f} of an equilibrium of the "
            "solver, which knows nothing of training."
        )
    lines.append(
        "- These are games of one state and two actions: they show what the objective does at "
        "its equilibria, not what training reaches in a larger world."
    )
    return "\n".join(lines) + "\n"


def table(study: "Study", game: str) -> str:
    """Where the branches of a game turn or cross, in both directions."""
    rows = study.turns
    rows = rows[(rows.game == game) & (rows.epsilon == study.epsilon)]
    if rows.empty:
        return f"No branch turns or crosses another (epsilon {study.epsilon:g}).\n"
    lines = ["| divergence | what | tau | contributions |", "| --- | --- | --- | --- |"]
    names = dict(zip(DIRECTIONS, ("adversary first", "partner first"), strict=True))
    for _, row in rows.sort_values(["direction", "tau"]).iterrows():
        what = "pitchfork" if row.kind == "crossing" else row.kind
        pair = f"{row.contributes_0:.5f}, {row.contributes_1:.5f}"
        lines.append(f"| {names[row.direction]} | {what} | {row.tau:.5f} | {pair} |")
    return "\n".join(lines) + "\n"


def number(value: float | None) -> str:
    """A figure of a table, or a dash for none."""
    return "none" if value is None or pd.isna(value) else f"{value:.5f}"
