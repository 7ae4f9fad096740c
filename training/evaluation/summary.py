"""The figures of an evaluation: tables of methods, gaps, comparisons, BR-Prox.

All figures with units "seeds" resample independently trained seeds; see
`training.evaluation.statistics`. Where a method has one seed, episodes are resampled, and the
interval says nothing about training.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.spec import WorldFacts
from training.evaluation import statistics
from training.evaluation.crossplay import Played, team_return
from training.evaluation.matches import PLAY, Cast, Match
from training.evaluation.statistics import Array, Figure, estimate, mean_figure
from training.evaluation.teams import Team, method_order, partners_of

Table = dict[str, dict[str, Figure]]
"""Method -> "own pair", "other seeds", "with METHOD" or "beside NAME" -> figure."""


@dataclass(frozen=True)
class Meeting:
    """The episodes of two players, and which seat each of them had."""

    played: Played
    own: int
    other: int


class Results:
    """What was played, by who met whom.

    Args:
        facts: The world.
        cast: Everybody who played.
        matches: Match -> its episodes.
        seed: Root of the resampling.
    """

    def __init__(
        self, facts: WorldFacts, cast: Cast, matches: Mapping[Match, Played], seed: int
    ) -> None:
        self.facts, self.cast, self.matches = facts, cast, matches
        self.pair = partners_of(facts)
        self._seed = seed
        self._met = {
            (match.first, match.second): played
            for match, played in matches.items()
            if match.kind == PLAY
        }
        self.teams: dict[str, list[Team]] = {}
        for team in sorted(cast.teams, key=lambda team: method_order(team.method)):
            self.teams.setdefault(team.method, []).append(team)

    def generator(self) -> np.random.Generator:
        """The stream of a figure's resamples: each figure stands for itself."""
        return np.random.default_rng(self._seed)

    def meetings(self, name: str, other: str) -> list[Meeting]:
        """All episodes of two players, seen by the first; its own pair is seen from both seats."""
        left, right = self.pair
        found = []
        if (name, other) in self._met:
            found.append(Meeting(self._met[name, other], left, right))
        if (other, name) in self._met:
            found.append(Meeting(self._met[other, name], right, left))
        return found

    def returns(self, meeting: Meeting) -> Array:
        """[E] what the meeting was worth to the team."""
        return team_return(meeting.played.rewards, self.facts)

    def worth(self, rewards: Array, seat: int) -> Array:
        """[...] what rewards [..., A] are worth to a seat: the team's, or its own alone."""
        if self.facts.shared_reward:
            return team_return(rewards, self.facts)
        own: Array = rewards[..., seat]
        return own

    def mean(self, name: str, other: str) -> float:
        """Mean team return of two players, both seatings alike."""
        return float(np.mean([self.returns(m).mean() for m in self.meetings(name, other)]))

    def ordered(self, first: Sequence[str], second: Sequence[str]) -> Array:
        """[n, m] mean team return with one in the first seat and another in the second."""
        table = np.full((len(first), len(second)), np.nan)
        for i, one in enumerate(first):
            for j, other in enumerate(second):
                if (one, other) in self._met:
                    rewards = self._met[one, other].rewards
                    table[i, j] = team_return(rewards, self.facts).mean()
        return table

    def names(self, method: str) -> list[str]:
        """Runs of a method."""
        return [team.name for team in self.teams[method]]


def cross_play_table(results: Results) -> Table:
    """How each method does with itself, with other seeds, with other methods and beside others.

    The figures are team returns in points; "other seeds" is left out for a method with one seed.
    """
    table: Table = {}
    for method in results.teams:
        row = {"own pair": own_pair(results, method)}
        if len(results.teams[method]) > 1:
            row["other seeds"] = _over_pairs(results, method, statistics.cross_play)
        for other in results.teams:
            if other != method:
                row[f"with {other}"] = _with_method(results, method, other)
        for partner in results.cast.beside:
            row[f"beside {partner}"] = _beside(results, method, partner)
        table[method] = row
    return table


def own_pair(results: Results, method: str) -> Figure:
    """Self-play: team return of the pairs that were trained together."""
    names = results.names(method)
    if len(names) > 1:
        return _over_pairs(results, method, statistics.self_play, distinct=1)
    (meeting, *_) = results.meetings(names[0], names[0])
    return mean_figure(results.returns(meeting), results.generator(), "episodes")


def metrics(results: Results) -> Table:
    """Further figures of each method's cross-play: gap, interquartile means, BR-Prox."""
    table: Table = {}
    for method, teams in results.teams.items():
        row: dict[str, Figure] = {}
        if len(teams) > 1:
            row["gap"] = _over_pairs(results, method, statistics.gap)
            row["own pair, IQM"] = _over_pairs(results, method, _iqm_self_play, distinct=1)
            row["other seeds, IQM"] = _over_pairs(results, method, _iqm_cross_play)
        row |= {f"own reward of seat {seat}": _seat_return(results, method, seat)
                for seat in results.pair}  # fmt: skip
        row |= best_response_proximity(results, method)
        table[method] = row
    return table


def improvements(results: Results) -> dict[str, dict[str, dict[str, Figure]]]:
    """Probability of improvement: column -> X -> Y -> P(a seed of X does better than one of Y).

    The scores are a seed's mean returns with the other seeds of its method and beside each further
    partner. Methods with one seed are left out: one draw says nothing of a probability.
    """
    several = [method for method, teams in results.teams.items() if len(teams) > 1]
    columns = ["other seeds", *(f"beside {name}" for name in results.cast.beside)]
    found: dict[str, dict[str, dict[str, Figure]]] = {}
    for column in columns:
        scores = {method: _scores(results, method, column) for method in several}
        found[column] = {
            x: {y: _improvement(results, column, scores[x], scores[y]) for y in several if y != x}
            for x in several
        }
    return found if len(several) > 1 else {}


def best_response_proximity(results: Results, method: str) -> dict[str, Figure]:
    """BR-Prox, if best responses to further partners were given: IQM over partners and seats."""
    names, columns = results.names(method), []
    for answer in results.cast.best_responses:
        for best in results.meetings(answer.name, answer.target):
            reached = [
                results.worth(meeting.played.rewards, meeting.own).mean()
                for name in names
                for meeting in results.meetings(name, answer.target)
                if meeting.own == best.own
            ]
            if len(reached) == len(names):
                limit = results.worth(best.played.rewards, best.own).mean()
                columns.append(statistics.proximity(np.array(reached), np.array(limit)))
    if not columns:
        return {}
    figure = statistics.stratified_iqm(columns, results.generator(), joint=True)
    return {"BR-Prox": figure}


def matrix(results: Results) -> dict[str, Any]:
    """Mean team return of every ordered pair that met, and in worlds of private rewards the own."""
    names = [team.name for teams in results.teams.values() for team in teams]
    names += list(results.cast.beside)
    found: dict[str, Any] = {
        "names": names,
        "methods": [team.method for teams in results.teams.values() for team in teams]
        + [""] * len(results.cast.beside),
        "seeds": [team.seed for teams in results.teams.values() for team in teams]
        + [None] * len(results.cast.beside),
        "returns": _plain(results.ordered(names, names)),
    }
    if not results.facts.shared_reward:
        own = np.full((len(names), len(names)), np.nan)
        for i, one in enumerate(names):
            for j, other in enumerate(names):
                met = results.meetings(one, other)
                if met:
                    own[i, j] = np.mean([m.played.rewards[:, m.own].mean() for m in met])
        found["own_rewards"] = _plain(own)
    return found


def conventions(results: Results, share: float = 0.5) -> dict[str, list[list[int | None]]]:
    """Seeds of each method by convention; see `conventions_in`."""
    return {
        method: [
            [teams[i].seed for i in group]
            for group in conventions_in(
                results.ordered(results.names(method), results.names(method)), share
            )
        ]
        for method, teams in results.teams.items()
    }


def conventions_in(table: Array, share: float = 0.5) -> list[list[int]]:
    """Which of some policies go together, as indices in ascending order.

    Two are linked when their mean return together is at least `share` of the lesser of their
    self-play returns; a convention is a connected component.

    Args:
        table: [n, n] mean return with one in the first seat and another in the second.
        share: See above.
    """
    own = np.diagonal(table)
    linked = (table + table.T) / 2 >= share * np.minimum(own[:, None], own[None, :])
    groups: list[set[int]] = []
    for i in range(len(table)):
        touching = [group for group in groups if any(linked[i, j] for j in group)]
        groups = [group for group in groups if group not in touching]
        groups.append({i}.union(*touching))
    return [sorted(group) for group in groups]


def _over_pairs(
    results: Results, method: str, statistic: Callable[..., Array], distinct: int = 2
) -> Figure:
    """A statistic of a method's table; pairs of strangers take two different seeds."""
    names = results.names(method)
    table = results.ordered(names, names)
    return estimate(
        lambda draws: statistic(table, draws), [len(names)], results.generator(), "seeds",
        distinct=distinct,
    )  # fmt: skip


def _iqm_self_play(table: Array, draws: NDArray[np.int64]) -> Array:
    return statistics.interquartile_mean(np.diagonal(table)[draws])


def _iqm_cross_play(table: Array, draws: NDArray[np.int64]) -> Array:
    return statistics.interquartile_mean(statistics.cross_play_of_seeds(table, draws))


def _with_method(results: Results, method: str, other: str) -> Figure:
    mine, theirs = results.names(method), results.names(other)
    if len(mine) == len(theirs) == 1:
        return _over_episodes(results, mine[0], theirs[0])
    both = (results.ordered(mine, theirs) + results.ordered(theirs, mine).T) / 2
    sizes = [len(mine), len(theirs)]
    return estimate(
        lambda rows, columns: statistics.between(both, rows, columns),
        sizes, results.generator(), "seeds",
    )  # fmt: skip


def _beside(results: Results, method: str, partner: str) -> Figure:
    names = results.names(method)
    if len(names) == 1:
        return _over_episodes(results, names[0], partner)
    means = [results.mean(name, partner) for name in names]
    return mean_figure(means, results.generator(), "seeds")


def _over_episodes(results: Results, name: str, other: str) -> Figure:
    """Episodes are resampled within each seating, so that both keep their weight."""
    values = [results.returns(meeting) for meeting in results.meetings(name, other)]

    def statistic(*draws: NDArray[np.int64]) -> Array:
        means = [v[d].mean(1) for v, d in zip(values, draws, strict=True)]
        result: Array = np.mean(means, axis=0)
        return result

    return estimate(statistic, [len(v) for v in values], results.generator(), "episodes")


def _seat_return(results: Results, method: str, seat: int) -> Figure:
    """Mean reward that a seat of the own pair earns itself."""
    own = [
        results.meetings(name, name)[0].played.rewards[:, seat] for name in results.names(method)
    ]
    if len(own) == 1:
        return mean_figure(own[0], results.generator(), "episodes")
    return mean_figure([float(rewards.mean()) for rewards in own], results.generator(), "seeds")


Scores = tuple[Callable[[NDArray[np.int64]], Array], int]
"""[B, n] draws -> [B, n] scores of the drawn seeds, and n."""


def _scores(results: Results, method: str, column: str) -> Scores:
    names = results.names(method)
    if column == "other seeds":
        table = results.ordered(names, names)
        return (lambda draws: statistics.cross_play_of_seeds(table, draws)), len(names)
    partner = column.removeprefix("beside ")
    means = np.array([results.mean(name, partner) for name in names])
    return (lambda draws: means[draws]), len(names)


def _improvement(results: Results, column: str, x: Scores, y: Scores) -> Figure:
    return estimate(
        lambda a, b: statistics.probability_of_improvement(x[0](a), y[0](b)),
        [x[1], y[1]], results.generator(), "seeds", distinct=2 if column == "other seeds" else 1,
    )  # fmt: skip


def _plain(table: Array) -> list[list[float | None]]:
    return [[None if np.isnan(value) else float(value) for value in row] for row in table]
