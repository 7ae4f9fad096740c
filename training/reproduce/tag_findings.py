"""What the chasers of Tag do with strangers: figures of every arm, and differences between arms.

Returns are in touches per episode. All intervals resample training seeds; where two arms are
compared, the seeds of each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from agents.library import load_policy
from agents.policy import SeatView
from play.worlds.registry import make_world
from play.worlds.spec import WorldFacts
from play.worlds.tag.state import AGENT_SIZE, AGENTS, X, Y
from training.evaluation.crossplay import episode_seeds
from training.evaluation.free_riding import free_riding
from training.evaluation.statistics import (
    Array,
    Draws,
    Figure,
    cross_play,
    estimate,
    mean_figure,
    self_play,
)
from training.evaluation.summary import Results
from training.reproduce.tag_runners import WORLD

if TYPE_CHECKING:
    from training.reproduce.tag import Arm

TRAINED, MATE, RUNNER, BOTH = "trained", "team-mate", "runner", "both"
CONTEXTS = {
    TRAINED: "own pair, training runner",
    MATE: "unseen team-mate, training runner",
    RUNNER: "own pair, unseen runner",
    BOTH: "unseen team-mate and runner",
}
SHARES = {
    "greater share of touches": "touches",
    "greater share of steps at speed": "steps at speed",
    "greater share of distance": "distance",
    "greater idle share": "idle steps of the idler",
    "loss when the partner stops": "lost when the partner stops",
}
"""Figures of free-riding -> what the page calls them."""


@dataclass(frozen=True)
class Evidence:
    """Everything that was played.

    Attributes:
        arms: The arms; the first is what others are compared with.
        runner: The runner that chasers train against.
        unseen: The one that they never met.
        played: Arm and runner -> the evaluation.
        policies: Folder of the policies.
        episodes: Episodes of each match.
    """

    arms: Sequence["Arm"]
    runner: str
    unseen: str
    played: Mapping[tuple[str, str], Results]
    policies: Path
    episodes: int
    _tables: dict[tuple[str, str], Array] = field(default_factory=dict)

    def table(self, arm: str, runner: str) -> Array:
        """[n, n] touches per episode with one seed in the first seat and another in the second."""
        key = (arm, runner)
        if key not in self._tables:
            results = self.played[key]
            names = results.names(arm)
            self._tables[key] = results.ordered(names, names) / points(results.facts)
        return self._tables[key]

    def statistic(self, arm: str, context: str) -> tuple[Callable[[Draws], Array], int]:
        """A function from draws [B, n] of seeds to touches [B] in a context, and n."""
        table = self.table(arm, self.unseen if context in (RUNNER, BOTH) else self.runner)
        function = cross_play if context in (MATE, BOTH) else self_play
        return (lambda draws: function(table, draws)), len(table)


def points(facts: WorldFacts) -> float:
    """The team's return for a touch; every chaser is given the touches of all."""
    return facts.reward_unit * len(facts.team)


def find(evidence: Evidence) -> dict[str, Any]:
    """All figures of the page, as JSON values."""
    first = evidence.arms[0].name
    return {
        arm.name: {
            "touches": {c: plain(level(evidence, arm.name, c)) for c in CONTEXTS},
            "drop": {c: plain(drop(evidence, arm.name, c)) for c in CONTEXTS if c != TRAINED},
            "kept": {c: plain(kept(evidence, arm.name, c)) for c in CONTEXTS if c != TRAINED},
            "beside": beside(evidence, arm.name),
            "shares": shares(evidence, arm.name),
            "against": {
                other: {
                    "touches": {c: plain(difference(evidence, arm.name, other, c))
                                for c in CONTEXTS},
                    "drop": {c: plain(difference(evidence, arm.name, other, c, drops=True))
                             for c in CONTEXTS if c != TRAINED},
                }
                for other in dict.fromkeys([first, "self-play"])
                if other != arm.name and other in {a.name for a in evidence.arms}
            },
        }
        for arm in evidence.arms
    }  # fmt: skip


def plain(figure: Figure) -> dict[str, Any]:
    """A figure as JSON values."""
    return asdict(figure)


def generator() -> np.random.Generator:
    """The stream of a figure's resamples: each figure stands for itself."""
    return np.random.default_rng(0)


def level(evidence: Evidence, arm: str, context: str) -> Figure:
    """Touches per episode in a context."""
    function, count = evidence.statistic(arm, context)
    return estimate(function, [count], generator(), "seeds", distinct=2)


def drop(evidence: Evidence, arm: str, context: str) -> Figure:
    """Touches that are lost from the own pair with the training runner to a context."""
    return estimate(
        _drop(evidence, arm, context), [evidence.statistic(arm, context)[1]], generator(),
        "seeds", distinct=2,
    )  # fmt: skip


def kept(evidence: Evidence, arm: str, context: str) -> Figure:
    """Touches in a context as a share of the own pair's with the training runner."""
    own, count = evidence.statistic(arm, TRAINED)
    there, _ = evidence.statistic(arm, context)

    def share(draws: Draws) -> Array:
        whole = own(draws)
        nothing = np.full(len(draws), np.nan)
        return np.divide(there(draws), whole, out=nothing, where=whole > 0)

    return estimate(share, [count], generator(), "seeds", distinct=2)


def difference(
    evidence: Evidence, arm: str, other: str, context: str, *, drops: bool = False
) -> Figure:
    """Touches, or the drop of touches, of one arm less those of another."""
    if drops:
        one, two = _drop(evidence, arm, context), _drop(evidence, other, context)
    else:
        one, two = evidence.statistic(arm, context)[0], evidence.statistic(other, context)[0]
    sizes = [evidence.statistic(name, context)[1] for name in (arm, other)]
    return estimate(
        lambda a, b: one(a) - two(b), sizes, generator(), "seeds", distinct=2
    )  # fmt: skip


def _drop(evidence: Evidence, arm: str, context: str) -> Callable[[Draws], Array]:
    own, there = evidence.statistic(arm, TRAINED)[0], evidence.statistic(arm, context)[0]
    return lambda draws: own(draws) - there(draws)


def beside(evidence: Evidence, arm: str) -> dict[str, dict[str, Any]]:
    """Touches per episode beside rule-based team-mates, by runner."""
    found: dict[str, dict[str, Any]] = {}
    for runner, who in ((evidence.runner, "training runner"), (evidence.unseen, "unseen runner")):
        results = evidence.played[arm, runner]
        for partner in results.cast.beside:
            means = [results.mean(name, partner) for name in results.names(arm)]
            touches = np.array(means) / points(results.facts)
            found.setdefault(partner, {})[who] = plain(mean_figure(touches, generator(), "seeds"))
    return found


def shares(evidence: Evidence, arm: str) -> dict[str, dict[str, Any]]:
    """Who does the work in the own pair and among strangers, with the training runner."""
    results = evidence.played[arm, evidence.runner]
    found = free_riding(results)[arm]
    contexts = {
        context: {what: plain(found[context][what]) for what in SHARES if what in found[context]}
        for context in ("own pair", "other seeds")
    }
    walked = [
        greater_share(distances(team.policies, evidence.runner, evidence.policies,
                                evidence.episodes))
        for team in results.teams[arm]
    ]  # fmt: skip
    contexts["own pair"]["greater share of distance"] = plain(
        mean_figure(walked, generator(), "seeds")
    )
    return contexts


def greater_share(amounts: Array) -> float:
    """Mean over episodes of the larger part of what two did [E, 2]."""
    total = amounts.sum(1)
    return float((amounts.max(1)[total > 0] / total[total > 0]).mean())


def distances(
    policies: Mapping[int, str], runner: str, folder: Path, episodes: int, seed: int = 2
) -> Array:
    """[E, chasers] how far each chaser goes in an episode, in half-widths of the arena."""
    games = make_world(WORLD, episodes)
    seeds = episode_seeds(seed, episodes)
    games.reset(seed=seeds.tolist())
    facts, draws = games.facts, np.random.default_rng(seed)
    seats = [
        load_policy(policies.get(seat, runner), facts, folder, [seat])
        for seat in range(facts.num_players)
    ]
    views = [[SeatView(games, env, seat) for env in range(episodes)] for seat in range(len(seats))]
    gone = np.zeros((episodes, len(facts.team)))
    before = places(games.get_states(), len(seats))
    for _ in range(facts.horizon):
        actions = np.zeros((episodes, len(seats)), np.int64)
        for seat, policy in enumerate(seats):
            seen = games.observe(policy.encoding)[:, seat] if policy.encoding else None
            decided = policy.act(seen, views[seat], None, draws.random(episodes))
            actions[:, seat] = decided.actions
        games.step(actions)
        after = places(games.get_states(), len(seats))
        gone += np.hypot(*np.moveaxis(after - before, -1, 0))[:, list(facts.team)]
        before = after
    return gone


def places(states: Array, agents: int) -> Array:
    """[E, agents, 2] where everybody is."""
    rows = states[:, AGENTS : AGENTS + AGENT_SIZE * agents].reshape(len(states), agents, -1)
    return rows[:, :, [X, Y]].copy()


def write_tables(evidence: Evidence, out: Path) -> None:
    """Writes touches per episode of every pair of seeds, and beside others, as one table."""
    rows = []
    for (arm, runner), results in evidence.played.items():
        names = results.names(arm)
        seeds = {team.name: team.seed for team in results.cast.teams}
        for partner in [*names, *results.cast.beside]:
            for name in names:
                for first, second in dict.fromkeys([(name, partner), (partner, name)]):
                    mean = results.ordered([first], [second])[0, 0]
                    rows.append({
                        "arm": arm, "runner": runner,
                        "first": str(seeds.get(first, first)),
                        "second": str(seeds.get(second, second)),
                        "touches": float(mean) / points(results.facts),
                        "episodes": evidence.episodes,
                    })  # fmt: skip
    table = pd.DataFrame(rows).drop_duplicates(["arm", "runner", "first", "second"])
    table.to_parquet(out / "cells.parquet", index=False)
