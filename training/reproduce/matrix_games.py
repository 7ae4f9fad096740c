"""`understudy reproduce matrix-games`: equilibria of small games by tau, and what they cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from play.worlds.errors import UserError
from play.worlds.matrix.games import CONTRIBUTE, MatrixGame, make_game
from training.equilibria.bounds import PRINTED, RESTORED, free_riding_bound
from training.equilibria.branches import Diagram, trace
from training.equilibria.games import ADVERSARY_FIRST, DIRECTIONS, Array, Game, Preferences
from training.equilibria.quadratic import QuadraticGame, gaussian_equilibrium
from training.equilibria.search import find_equilibria
from training.reproduce.folders import RECORD, open_folder, write_record
from training.reproduce.matrix_page import write_page
from training.reproduce.matrix_plots import draw_all

EXPERIMENT = "matrix-games"
ENTROPIES = (0.05, 0.1, 0.2, 0.3)  # of the control: what entropy does without risk aversion
UNEQUAL = 1e-3  # difference in contributions above which an equilibrium counts as asymmetric
CHECKS = np.linspace(0.003, 0.997, 24)  # shares of log(1 + tau) at which indices are summed
TAUS = (0.0, 0.25, 0.5, 0.75, 1.0, 2.0, 5.0, 20.0)  # at which policies are trained
QUADRATIC = QuadraticGame.of(-1.0, 1.0, (1.0, 1.0))
"""R = s - s^2 / 2 for two; with the constant -1/2 it is minus half the squared miss of s = 1."""


@dataclass(frozen=True)
class Study:
    """Everything that is computed.

    Attributes:
        epsilon: Weight of the entropy in the main figures.
        branches: One row per point of a branch: game, direction, epsilon, branch, tau, ...
        turns: One row per bifurcation.
        complete: Whether the indices summed to one wherever that was looked at.
        learnt: One row per run of a trainer and seat pair; empty if none ran.
        quadratic: One row per tau of the quadratic game.
        bounds: [K] tau and the bounds of theorem 4.2 on the difference of costs, as columns.
    """

    epsilon: float
    branches: pd.DataFrame
    turns: pd.DataFrame
    complete: bool
    learnt: pd.DataFrame
    quadratic: pd.DataFrame
    bounds: pd.DataFrame


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("results") / EXPERIMENT,
    show_default=True, help="Folder for the results.",
)  # fmt: skip
@click.option(
    "--epsilon", type=click.FloatRange(0, min_open=True), default=0.2, show_default=True,
    help="Weight of the entropy.",
)  # fmt: skip
@click.option(
    "--tau-max", type=click.FloatRange(0, min_open=True), default=50.0, show_default=True,
    help="Greatest tau of the finite games.",
)  # fmt: skip
@click.option(
    "--quadratic-tau-max", type=click.FloatRange(0, min_open=True), default=None,
    help="Greatest tau of the quadratic game.  [default: 99 % of where its equilibrium ends]",
)  # fmt: skip
@click.option(
    "--seeds", type=click.IntRange(0), default=3, show_default=True,
    help="Seeds of SRPO and IPPO to train at some values of tau, to set beside the equilibria; "
    "0 trains none and needs no torch.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace finished results in the folder.")
def matrix_games(
    out: Path, epsilon: float, tau_max: float, quadratic_tau_max: float | None, seeds: int,
    overwrite: bool,
) -> None:  # fmt: skip
    """Trace the equilibria of small games as risk aversion grows.

    Two games for two with a private cost of contributing, one where a contribution by either is
    enough (free-riding) and one that needs both (stag hunt), with both directions of the
    divergence; and the quadratic game of theorem 4.1. Then SRPO and IPPO are trained on the two
    games. Takes half a minute, and about another for each seed.
    """
    if not np.isfinite(tau_max):
        raise UserError(f"--tau-max is {tau_max}, but it must be finite")
    if seeds:
        import training.reproduce.matrix_learning  # noqa: F401 - lack of torch shows before the work
    quadratic = quadratic_rows(epsilon, quadratic_tau_max)
    open_folder(out, EXPERIMENT, overwrite)
    branches, turns, complete = finite_rows(epsilon, tau_max)
    learnt = learnt_rows(epsilon, tau_max, seeds) if seeds else pd.DataFrame()
    bounds = bound_rows(epsilon, tau_max)
    study = Study(epsilon, branches, turns, complete, learnt, quadratic, bounds)
    branches.to_csv(out / "branches.csv", index=False, float_format="%.9g")
    branches.to_parquet(out / "branches.parquet", index=False)
    learnt.to_csv(out / "learnt.csv", index=False, float_format="%.6g")
    draw_all(study, out)
    found = findings(study)
    settings = {
        "epsilon": epsilon, "tau_max": tau_max, "quadratic_tau_max": quadratic_tau_max,
        "seeds": seeds,
    }  # fmt: skip
    write_page(study, found, out)
    results = {"settings": settings, "findings": found, "bifurcations": turns.to_dict("records")}
    write_record(out, EXPERIMENT, results, finished=True)
    click.echo(f"Wrote {out / 'README.md'}, its figures, tables and {RECORD}")


def finite_rows(epsilon: float, tau_max: float) -> tuple[pd.DataFrame, pd.DataFrame, bool]:
    """Branches and bifurcations of both games, in both directions and with several entropies.

    Returns:
        The branches' points, the bifurcations, and whether the indices of the equilibria sum to one
        at every tau of a grid.
    """
    cases = [
        (name, direction, weight)
        for name in ("free-riding", "stag-hunt")
        for direction in DIRECTIONS
        for weight in sorted({epsilon, *(ENTROPIES if direction == ADVERSARY_FIRST else ())})
    ]
    points: list[dict[str, Any]] = []
    turns: list[dict[str, Any]] = []
    complete = True
    for name, direction, weight in cases:
        game = make_game(name)
        diagram = trace(Game.of(game.payoffs), weight, direction, most_tau=tau_max)
        case = {"game": name, "direction": direction, "epsilon": weight}
        points += [case | row for row in branch_rows(game, diagram)]
        complete &= all(diagram.complete_at(tau) for tau in np.expm1(CHECKS * np.log1p(tau_max)))
        turns += [
            case | {"kind": one.kind, "tau": one.tau} | contributions(one.strategies)
            for one in diagram.bifurcations
        ]
    columns = ["game", "direction", "epsilon", "kind", "tau", "contributes_0", "contributes_1"]
    return pd.DataFrame(points), pd.DataFrame(turns, columns=columns), complete


def branch_rows(game: MatrixGame, diagram: Diagram) -> Iterator[dict[str, Any]]:
    """One row per point of every branch."""
    for number, branch in enumerate(diagram.branches):
        for tau, one in diagram.equilibria(branch):
            costs = [
                float(own @ cost) for own, cost in zip(one.strategies, game.costs, strict=True)
            ]
            yield {
                "branch": number,
                "tau": tau,
                **contributions(one.strategies),
                "shared_reward": float(one.payoffs[0] + costs[0]),
                "utility_0": float(one.payoffs[0]),
                "utility_1": float(one.payoffs[1]),
                "welfare": float(one.payoffs.sum()),
                "cost_difference": abs(costs[0] - costs[1]),
                "cautious_0": float(one.cautious[0]),
                "cautious_1": float(one.cautious[1]),
                "stable": one.stable,
                "index": one.index,
            }


def contributions(strategies: tuple[Array, ...]) -> dict[str, float]:
    """Each player's probability of contributing."""
    return {f"contributes_{seat}": float(own[CONTRIBUTE]) for seat, own in enumerate(strategies)}


def learnt_rows(epsilon: float, tau_max: float, seeds: int) -> pd.DataFrame:
    """What SRPO, and IPPO at tau 0, learn on both games, beside the nearest stable equilibrium."""
    from training.reproduce.matrix_learning import configuration, learn  # needs torch

    rows = []
    for name, tau in product(("free-riding", "stag-hunt"), [t for t in TAUS if t <= tau_max]):
        game = Game.of(make_game(name).payoffs)
        stable = [
            np.array([own[CONTRIBUTE] for own in one.strategies])
            for one in find_equilibria(game, Preferences.of(game, tau, epsilon))
            if one.stable
        ]
        for seed, learnt in enumerate(learn(configuration(name, tau, epsilon), range(seeds))):
            off = [float(np.abs(one - learnt).max()) for one in stable]
            rows.append(
                {"game": name, "tau": tau, "seed": seed, "off": min(off)}
                | {f"contributes_{seat}": chance for seat, chance in enumerate(learnt)}
            )
    return pd.DataFrame(rows)


def quadratic_rows(epsilon: float, most: float | None) -> pd.DataFrame:
    """The quadratic game's equilibrium by tau, up to where it ends.

    Raises:
        UserError: A greatest tau outside the domain.
    """
    end = float(QUADRATIC.greatest_tau(epsilon).min())
    rows = []
    for tau in np.linspace(0, 0.99 * end if most is None else most, 199):
        one = gaussian_equilibrium(QUADRATIC, tau, epsilon)
        rows.append(
            {
                "tau": tau,
                "share_of_domain": tau / end,
                "mean": float(one.means[0, 0]),
                "shared_reward": one.shared - 0.5,
                "welfare": float(one.utilities.sum()) - 1.0,
            }
        )
    return pd.DataFrame(rows)


def bound_rows(epsilon: float, tau_max: float) -> pd.DataFrame:
    """Theorem 4.2's bounds on the difference of costs in the free-riding game."""
    game = make_game("free-riding")
    tau = np.expm1(np.linspace(np.log1p(tau_max) / 200, np.log1p(tau_max), 200))
    bounds = {
        form: free_riding_bound(game.shared, game.costs[0], tau, epsilon, form)
        for form in (PRINTED, RESTORED)
    }
    return pd.DataFrame({"tau": tau, **bounds})


def findings(study: Study) -> dict[str, Any]:
    """The numbers that the page tells."""
    return {
        "indices_sum_to_one": study.complete,
        "learnt": learnt_findings(study.learnt) if len(study.learnt) else None,
        "free_riding": free_riding_findings(study),
        "entropy_control": [entropy_findings(study, weight) for weight in ENTROPIES],
        "stag_hunt": stag_hunt_findings(study),
        "quadratic": quadratic_findings(study),
    }


def learnt_findings(learnt: pd.DataFrame) -> dict[str, Any]:
    """How far from the equilibria the trained policies are."""
    farthest = learnt.loc[learnt.off.idxmax()]
    return {
        "runs": len(learnt),
        "median_off": float(learnt.off.median()),
        "farthest_off": float(farthest.off),
        "farthest_game": str(farthest.game),
        "farthest_tau": float(farthest.tau),
    }


def of_case(
    rows: pd.DataFrame, game: str, epsilon: float, direction: str = ADVERSARY_FIRST
) -> pd.DataFrame:
    """The rows of one game, entropy and direction."""
    same = (rows.game == game) & (rows.direction == direction) & (rows.epsilon == epsilon)
    return rows[same]


def unequal(rows: pd.DataFrame) -> pd.DataFrame:
    """Equilibria in which one contributes more than the other."""
    return rows[(rows.contributes_0 - rows.contributes_1).abs() > UNEQUAL]


def last_unequal(study: Study, epsilon: float, direction: str = ADVERSARY_FIRST) -> float | None:
    """The greatest tau with an unequal equilibrium, of which the pitchfork itself is the limit."""
    lazy = unequal(of_case(study.branches, "free-riding", epsilon, direction))
    if lazy.empty:
        return None
    turns = of_case(study.turns, "free-riding", epsilon, direction)
    end = float(lazy.tau.max())
    limits = [tau for tau in turns.tau if end <= tau < 1.01 * end]
    return float(min(limits, default=end))


def free_riding_findings(study: Study) -> dict[str, Any]:
    """Where free-riding ends, and what the team and its members have before and after."""
    rows = of_case(study.branches, "free-riding", study.epsilon)
    equal = rows[(rows.contributes_0 - rows.contributes_1).abs() <= UNEQUAL]
    lazy = unequal(rows)
    start, end = equal[equal.tau == equal.tau.min()], equal[equal.tau == equal.tau.max()]
    best = equal.loc[equal.welfare.idxmax()]
    before = lazy[lazy.tau == lazy.tau.min()]
    bounds = [
        np.interp(lazy.tau, study.bounds.tau, study.bounds[form]) for form in (PRINTED, RESTORED)
    ]
    found = {
        "unequal_until_tau": last_unequal(study, study.epsilon),
        "unequal_until_tau_other_direction": last_unequal(study, study.epsilon, DIRECTIONS[1]),
        "bounds_hold": all(bool((lazy.cost_difference <= bound).all()) for bound in bounds),
        "equal_shared_at_0": float(start.shared_reward.iloc[0]),
        "equal_shared_at_end": float(end.shared_reward.iloc[0]),
        "equal_welfare_at_0": float(start.welfare.iloc[0]),
        "equal_welfare_at_end": float(end.welfare.iloc[0]),
        "equal_welfare_best": float(best.welfare),
        "equal_welfare_best_tau": float(best.tau),
        "end_tau": float(equal.tau.max()),
    }
    if len(lazy):
        found |= {
            "unequal_welfare_at_0": float(before.welfare.max()),
            "unequal_shared_at_0": float(before.shared_reward.max()),
            "unequal_cost_difference_at_0": float(before.cost_difference.max()),
        }
    return found


def entropy_findings(study: Study, epsilon: float) -> dict[str, Any]:
    """How far free-riding goes with another entropy."""
    lazy = unequal(of_case(study.branches, "free-riding", epsilon))
    turns = of_case(study.turns, "free-riding", epsilon)
    crossing = turns[turns.kind == "crossing"]
    return {
        "epsilon": epsilon,
        "unequal_until_tau": last_unequal(study, epsilon),
        "pitchfork_tau": float(crossing.tau.iloc[0]) if len(crossing) else None,
        "cost_difference_at_0": float(lazy[lazy.tau == 0].cost_difference.max())
        if len(lazy)
        else 0.0,
    }


def stag_hunt_findings(study: Study) -> dict[str, Any]:
    """What the team loses where both contributions are needed."""
    rows = of_case(study.branches, "stag-hunt", study.epsilon)
    start, end = rows[rows.tau == rows.tau.min()], rows[rows.tau == rows.tau.max()]
    first = start.loc[start.welfare.idxmax()]
    folds = of_case(study.turns, "stag-hunt", study.epsilon)
    last = end.loc[end.welfare.idxmax()]
    return {
        "contributes_at_0": float(first.contributes_0),
        "welfare_at_0": float(first.welfare),
        "shared_at_0": float(first.shared_reward),
        "cooperation_until_tau": float(folds.tau.max()) if len(folds) else None,
        "contributes_at_end": float(last.contributes_0),
        "welfare_at_end": float(last.welfare),
        "shared_at_end": float(last.shared_reward),
        "end_tau": float(rows.tau.max()),
    }


def quadratic_findings(study: Study) -> dict[str, Any]:
    """How shared reward and welfare go in the game of theorem 4.1."""
    rows = study.quadratic
    best = rows.loc[rows.welfare.idxmax()]
    return {
        "domain_ends_at_tau": float(QUADRATIC.greatest_tau(study.epsilon).min()),
        "shared_rises_throughout": bool((np.diff(rows.shared_reward) > 0).all()),
        "shared_at_0": float(rows.shared_reward.iloc[0]),
        "shared_at_end": float(rows.shared_reward.iloc[-1]),
        "welfare_at_0": float(rows.welfare.iloc[0]),
        "welfare_best": float(best.welfare),
        "welfare_best_tau": float(best.tau),
        "welfare_at_end": float(rows.welfare.iloc[-1]),
        "end_tau": float(rows.tau.iloc[-1]),
    }
