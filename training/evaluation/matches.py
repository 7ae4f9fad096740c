"""What an evaluation plays: a list of matches, each of which can be played by itself."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from agents.library import load_policy
from agents.policy import Policy
from play.worlds.errors import UserError
from play.worlds.spec import WorldFacts
from training.evaluation.crossplay import Played, Seating, episode_seeds, play_episodes
from training.evaluation.mixture import Mixture
from training.evaluation.teams import Against, Team, partners_of

PLAY, STOP, MIX, EXPLOIT = "play", "stop", "mix", "exploit"
WEIGHTS = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)


@dataclass(frozen=True)
class Match:
    """Some episodes of one seating.

    Attributes:
        kind: "play"; "stop", where the player of `seat` stops helping at the split; "mix", where
            it is a mixture of itself and `actor`; "exploit", where `actor` stands in for it.
        first: Run or partner in the first partners' seat.
        second: Run or partner in the second.
        seats: Names of the policies in all seats, before any of them is replaced.
        seat: The seat that stops or is replaced.
        actor: Policy that is mixed in, or stands in.
        weight: Its share in a mixture.
        tau: Price that an exploiter was trained with: a nat costs 1 / tau units of reward.
    """

    kind: str
    first: str
    second: str
    seats: tuple[str, ...]
    seat: int | None = None
    actor: str | None = None
    weight: float | None = None
    tau: float | None = None

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits that tell matches apart."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Rules:
    """What all matches of an evaluation have in common.

    Attributes:
        world: Full name of the world.
        options: Its options.
        episodes: Episodes of each match.
        seed: Root of the random streams.
        stop_at: Step at which whoever stops helping does so; None: drawn for each episode.
        folder: Where policies are; None: the shipped ones.
    """

    world: str
    options: Mapping[str, Any]
    episodes: int
    seed: int
    stop_at: int | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class Cast:
    """Everybody who plays.

    Attributes:
        teams: The runs that are evaluated.
        beside: Further partner -> the partners' seats that it can take.
        others: Policy in all seats of other roles; None where there are none.
        saboteurs: Policies that are mixed into partners.
        exploiters: Trained adversaries of the teams.
        best_responses: Best responses to the further partners.
    """

    teams: Sequence[Team]
    beside: Mapping[str, Sequence[int]] = field(default_factory=dict)
    others: str | None = None
    saboteurs: Sequence[str] = ()
    exploiters: Sequence[Against] = ()
    best_responses: Sequence[Against] = ()


def plan(cast: Cast, facts: WorldFacts) -> list[Match]:
    """All matches of an evaluation; cross-play is first."""
    seating = _Seats(facts, cast.others)
    found = [*_cross_play(cast, seating), *_beside(cast, seating)]
    for team in cast.teams:
        found += _stops(team, seating)
        found += _mixtures(team, cast.saboteurs, seating)
    found += _exploits(cast, seating)
    return list(dict.fromkeys(found))


class _Seats:
    """Fills all seats of a world when those of the two partners are known."""

    def __init__(self, facts: WorldFacts, others: str | None) -> None:
        self.pair = partners_of(facts)
        rest = sorted(set(range(facts.num_players)) - set(self.pair))
        if rest and others is None:
            role = facts.roles[rest[0]]
            raise UserError(
                f"{facts.world} has seats of another role ({role}): say who plays there with "
                "--others NAME"
            )
        self._others, self._players = others, facts.num_players

    def all(self, first: str, second: str) -> tuple[str, ...]:
        """Names of the policies in all seats."""
        own = dict(zip(self.pair, (first, second), strict=True))
        return tuple(own.get(seat, self._others or "") for seat in range(self._players))

    def of_teams(self, first: Team, second: Team) -> tuple[str, ...]:
        """One team's policy in the first partners' seat beside another's in the second."""
        return self.all(first.policies[self.pair[0]], second.policies[self.pair[1]])


def _cross_play(cast: Cast, seating: _Seats) -> Iterator[Match]:
    for one in cast.teams:
        for other in cast.teams:
            yield Match(PLAY, one.name, other.name, seating.of_teams(one, other))


def _beside(cast: Cast, seating: _Seats) -> Iterator[Match]:
    left, right = seating.pair
    visitors = [(team.name, team.policies, cast.beside) for team in cast.teams]
    for answer in cast.best_responses:
        own = dict.fromkeys(answer.seats, answer.name)
        visitors.append((answer.name, own, {answer.target: cast.beside[answer.target]}))
    for name, policies, partners in visitors:
        for partner, seats in partners.items():
            if right in seats and left in policies:
                yield Match(PLAY, name, partner, seating.all(policies[left], partner))
            if left in seats and right in policies:
                yield Match(PLAY, partner, name, seating.all(partner, policies[right]))


def _stops(team: Team, seating: _Seats) -> Iterator[Match]:
    for seat in seating.pair:
        yield Match(STOP, team.name, team.name, seating.of_teams(team, team), seat)


def _mixtures(team: Team, saboteurs: Sequence[str], seating: _Seats) -> Iterator[Match]:
    for actor in saboteurs:
        for seat in seating.pair:
            for weight in WEIGHTS:
                seats = seating.of_teams(team, team)
                yield Match(MIX, team.name, team.name, seats, seat, actor, weight)


def _exploits(cast: Cast, seating: _Seats) -> Iterator[Match]:
    teams = {team.name: team for team in cast.teams}
    for exploiter in cast.exploiters:
        hero = teams[exploiter.target]
        for seat in exploiter.seats:
            seats = list(seating.of_teams(hero, hero))
            names = [hero.name, hero.name]
            if exploiter.reference is not None:
                seats[seat] = names[seating.pair.index(seat)] = exploiter.reference
            yield Match(PLAY, names[0], names[1], tuple(seats))  # what the adversary spoils
            yield Match(
                EXPLOIT, names[0], names[1], tuple(seats), seat, exploiter.name,
                tau=exploiter.tau,
            )  # fmt: skip


def play_match(match: Match, rules: Rules) -> Played:
    """Plays a match.

    Its episodes depend on the seating and the evaluation's seed, not on which other matches there
    are. Where a player stops or is replaced, they are those of the undisturbed pair up to then.
    """
    policies = [_policy(name, rules.folder) for name in match.seats]
    references: dict[int, Policy] = {}
    if match.seat is not None and match.actor is not None:
        actor, reference = _policy(match.actor, rules.folder), policies[match.seat]
        references = {match.seat: reference}
        mixed = match.weight is not None
        policies[match.seat] = Mixture(reference, actor, match.weight or 0.0) if mixed else actor
    stopped = match.seat if match.kind == STOP else None
    seating = Seating(tuple(policies), references, stopped)
    seeds = episode_seeds(_root(match.seats, rules), rules.episodes)
    return play_episodes(seating, rules.world, rules.options, seeds, rules.stop_at)


def _root(seats: Sequence[str], rules: Rules) -> list[int]:
    digest = hashlib.sha256(json.dumps([rules.world, *seats]).encode()).digest()
    return [rules.seed, int.from_bytes(digest[:8], "little")]


@lru_cache(maxsize=256)
def _policy(name: str, folder: Path | None) -> Policy:
    return load_policy(name, folder=folder)
