"""Tables of cross-play: every team of policies with every other, summarised over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.library import Partner, list_partners, load_policy
from agents.policy import Policy
from play.worlds.errors import UserError
from play.worlds.spec import WorldFacts
from training.evaluation.crossplay import Seating, interval, returns_of


@dataclass(frozen=True)
class Team:
    """The policies of one training run, one for each seat; a shared one takes both seats."""

    method: str
    seed: int | None
    names: tuple[str, ...]
    policies: tuple[Policy, ...]


@dataclass(frozen=True)
class Figure:
    """A mean return in points, with its 95 % bootstrap interval.

    Attributes:
        mean: Mean over all episodes.
        low: Lower end of the interval.
        high: Upper end.
        units: What was resampled: "seeds", or "episodes" where there is only one seed.
        count: How many units.
    """

    mean: float
    low: float
    high: float
    units: str
    count: int


Table = dict[str, dict[str, Figure]]
"""Method -> "own pair", "other seeds", "with METHOD" or "beside NAME" -> figure."""


def find_teams(facts: WorldFacts, folder: Path | None = None) -> list[Team]:
    """The trained policies of a world, by method and seed.

    Args:
        facts: A two-player world, under the rules that are to be played.
        folder: Where to look; the shipped policies if None.

    Raises:
        UserError: There are none, or a run of which a seat is missing.
    """
    world = facts.world
    partners = [partner for partner in list_partners(world, folder) if partner.card]
    if not partners:
        where = folder or "the shipped policies"
        raise UserError(
            f"There is no trained policy for {world} in {where}: train one with `understudy "
            f"train srpo --world {world}` and export it"
        )
    runs: dict[tuple[str, str], list[Partner]] = {}
    for partner in partners:
        runs.setdefault((partner.algorithm, partner.name.partition("-seat")[0]), []).append(partner)
    return [_team(group, facts, folder) for _, group in sorted(runs.items())]


def _team(group: list[Partner], facts: WorldFacts, folder: Path | None) -> Team:
    by_seat = {seat: partner for partner in group for seat in partner.seats or ()}
    missing = set(range(facts.num_players)) - set(by_seat)
    if missing:
        raise UserError(
            f"{group[0].name} has no policy for seat {min(missing)} beside it: export the run again"
        )
    names = tuple(by_seat[seat].name for seat in range(facts.num_players))
    loaded = {name: load_policy(name, facts, folder) for name in set(names)}
    card = group[0].card
    return Team(
        group[0].algorithm, card.seed if card else None, names, tuple(loaded[n] for n in names)
    )


class CrossPlay:
    """Returns of pairs, played once each and remembered.

    Args:
        world: Full name of a two-player world.
        options: Its options.
        episodes: Episodes for each pair and each seating.
        seed: Root of the random streams, the same for every pair.
    """

    def __init__(self, world: str, options: Mapping[str, Any], episodes: int, seed: int) -> None:
        self.world, self.options = world, options
        self.episodes, self.seed = episodes, seed
        self._played: dict[tuple[int, int], NDArray[np.float64]] = {}

    def returns(self, first: Policy, second: Policy) -> NDArray[np.float64]:
        """[episodes] returns with the policies in seats 0 and 1."""
        key = (id(first), id(second))
        if key not in self._played:
            seating = Seating((first, second))
            self._played[key] = returns_of(
                seating, self.world, self.options, self.episodes, self.seed
            )
        return self._played[key]

    def between(self, one: Sequence[Policy], other: Sequence[Policy]) -> NDArray[np.float64]:
        """[2 * episodes] returns of two teams' policies, each team in each seat."""
        both = (self.returns(one[0], other[1]), self.returns(other[0], one[1]))
        return np.concatenate(both)


def cross_play(teams: Sequence[Team], beside: Mapping[str, Policy], games: CrossPlay) -> Table:
    """How each method does with itself, with other seeds, with other methods and beside others.

    Args:
        teams: From `find_teams`.
        beside: Further partners that take either seat, by name.
        games: Who plays the games.

    Returns:
        Figures; "other seeds" is left out for a method with one seed.
    """
    methods = sorted({team.method for team in teams}, key=_order)
    table: Table = {}
    for method in methods:
        mine = [team for team in teams if team.method == method]
        row = {"own pair": _figure([games.between(t.policies, t.policies) for t in mine])}
        if len(mine) > 1:
            row["other seeds"] = _figure([_with(t, mine, games) for t in mine])
        for other in methods:
            if other != method:
                theirs = [team for team in teams if team.method == other]
                row[f"with {other}"] = _figure([_with(t, theirs, games) for t in mine])
        for name, policy in beside.items():
            row[f"beside {name}"] = _figure(
                [games.between(t.policies, (policy, policy)) for t in mine]
            )
        table[method] = row
    return table


def _with(team: Team, others: Sequence[Team], games: CrossPlay) -> NDArray[np.float64]:
    met = [games.between(team.policies, o.policies) for o in others if o is not team]
    return np.concatenate(met)


def _figure(by_seed: Sequence[NDArray[np.float64]]) -> Figure:
    units = [float(returns.mean()) for returns in by_seed]
    mean = float(np.mean(units))
    if len(units) > 1:
        return Figure(mean, *interval(units), "seeds", len(units))
    return Figure(mean, *interval(by_seed[0]), "episodes", len(by_seed[0]))


def _order(method: str) -> tuple[int, str]:
    known = ("srpo", "self-play", "ippo")
    return (known.index(method) if method in known else len(known), method)


def as_markdown(table: Table) -> str:
    """The table as a person reads it; means, with the interval in brackets."""
    columns = list(dict.fromkeys(name for row in table.values() for name in row))
    lines = ["| | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    for method, row in table.items():
        cells = [_cell(row[name]) if name in row else "" for name in columns]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(figure: Figure) -> str:
    return f"{figure.mean:.0f} [{figure.low:.0f}, {figure.high:.0f}]"


def as_json(table: Table) -> dict[str, dict[str, dict[str, Any]]]:
    """The table as JSON values."""
    return {
        method: {k: asdict(figure) for k, figure in row.items()} for method, row in table.items()
    }
