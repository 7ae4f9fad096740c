"""Whom an evaluation is about: training runs, by method and seed, and further partners."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.card import Card
from agents.library import (
    BUILTIN,
    HUMAN_PROXY,
    POLICIES_DIR,
    Partner,
    knows_rules,
    list_partners,
    load_policy,
)
from play.worlds.errors import UserError
from play.worlds.spec import WorldFacts

EXPLOITER, BEST_RESPONSE, PREFERRING = "exploiter", "best-response", "preferring"
"""Algorithms on the cards of policies that were trained against one other policy, and are no
teams. An exploiter's hyper-parameters name the ``hero`` (a run) and perhaps ``tau`` and the
``reference`` (the policy that it stands in for; by default the hero's partner); a best response's
name its ``partner``."""
NO_TEAM = (EXPLOITER, BEST_RESPONSE, HUMAN_PROXY)
"""Algorithms whose policies are partners to be tested with, or adversaries, and no teams."""
NO_METHOD = {"seed", "checkpoint_every"}
"""Hyper-parameters in which runs of one method differ."""


@dataclass(frozen=True)
class Team:
    """The policies of one training run, one for each partner's seat; a shared one takes several.

    Attributes:
        name: Name of the run: its policies' name without the seat.
        method: Algorithm, with the settings that tell it from others of that algorithm.
        seed: Training seed.
        policies: Seat -> name of the policy for it.
    """

    name: str
    method: str
    seed: int | None
    policies: Mapping[int, str]


@dataclass(frozen=True)
class Against:
    """A policy that was trained against one other: an exploiter or a best response.

    Attributes:
        name: Its own name.
        target: The run that it exploits, or the partner that it responds to.
        seats: Seats that it takes.
        reference: Policy that an exploiter stands in for; None: the hero's own partner.
        tau: What an exploiter was trained with: a nat costs it 1 / tau units of reward.
    """

    name: str
    target: str
    seats: tuple[int, ...]
    reference: str | None = None
    tau: float | None = None


def partners_of(facts: WorldFacts) -> tuple[int, int]:
    """The two seats whose players are each other's partners.

    Raises:
        UserError: There are not two.
    """
    if len(facts.team) != 2:
        raise UserError(
            f"{facts.world} has {len(facts.team)} partners: cross-play needs a world for two"
        )
    return facts.team[0], facts.team[1]


def find_teams(
    facts: WorldFacts,
    folder: Path | None = None,
    only: Sequence[str] = (),
    seeds: Collection[int] | None = None,
) -> list[Team]:
    """The trained policies of a world, by method and seed.

    Args:
        facts: The world, under the rules that are to be played.
        folder: Where to look; the shipped policies if None.
        only: Names of the runs to take; if there are none, all that were trained under these rules.
        seeds: Training seeds to take; every method must have each of them.

    Raises:
        UserError: There are none, a seat or a seed is missing, or two runs are the same.
    """
    partners = [p for p in trained(facts, folder) if p.algorithm not in NO_TEAM]
    for name in only:
        if not any(name in (p.name, run_of(p.name)) for p in partners):
            load_policy(name, facts, folder)  # says what is wrong with it
            raise UserError(f"{name} is no training run: name it under --beside instead")
    if only:
        partners = [p for p in partners if {p.name, run_of(p.name)} & set(only)]
    else:  # a folder may hold policies for several sets of rules
        known = [p for p in partners if p.card is None or knows_rules(p.card, facts)]
        partners = known or partners
    if not partners:
        where = folder or "the shipped policies"
        raise UserError(
            f"There is no trained policy for {facts.world} in {where}: train one with `understudy "
            f"train srpo --world {facts.world}` and export it"
        )
    runs: dict[str, list[Partner]] = {}
    for partner in partners:
        runs.setdefault(run_of(partner.name), []).append(partner)
    teams = [_team(name, group, facts, folder) for name, group in sorted(runs.items())]
    teams = _with_methods(teams, {name: _card(group[0]) for name, group in runs.items()})
    if seeds is not None:
        teams = _of_seeds(teams, seeds)
    _check_seeds(teams)
    return sorted(teams, key=lambda team: (method_order(team.method), team.seed or 0, team.name))


def find_against(
    algorithm: str, facts: WorldFacts, folder: Path | None, targets: Collection[str]
) -> list[Against]:
    """Exploiters or best responses in a folder whose target is one of these.

    Raises:
        UserError: A card does not name its target.
    """
    key = "hero" if algorithm == EXPLOITER else "partner"
    found = []
    for partner in trained(facts, folder):
        if partner.algorithm != algorithm:
            continue
        about = _card(partner).hyperparameters
        if key not in about:
            raise UserError(
                f"{partner.name} is a policy of kind {algorithm}, but its card's hyperparameters "
                f"do not name its {key}: export it again"
            )
        if about[key] in targets:
            load_policy(partner.name, facts, folder)
            seats = tuple(seat for seat in partner.seats or () if seat in facts.team)
            reference, tau = about.get("reference"), about.get("tau")
            found.append(Against(partner.name, about[key], seats, reference, tau))
    return found


def trained(facts: WorldFacts, folder: Path | None) -> list[Partner]:
    """Trained policies for the partners' seats of a world."""
    return [
        partner
        for partner in list_partners(facts.world, folder)
        if partner.card and set(partner.seats or ()) & set(facts.team)
    ]


def run_of(policy: str) -> str:
    """Name of the run that a policy comes from."""
    return policy.partition("-seat")[0]


def fingerprints(names: Iterable[str], folder: Path | None) -> dict[str, str]:
    """Policy name -> SHA-256 of its file, or "rule-based"."""
    hashes = {p.name: p.sha256 or "rule-based" for p in list_partners(folder=folder)}
    return {name: hashes[name] for name in sorted(set(names))}


def seats_of(name: str, facts: WorldFacts, folder: Path | None) -> tuple[int, ...]:
    """The partners' seats that a policy can take.

    Raises:
        UserError: There is no such policy, or it does not fit the world.
    """
    policy = load_policy(name, facts, folder)
    card: Card | None = getattr(policy, "card", None)
    return facts.team if card is None else tuple(s for s in facts.team if s in card.seats)


def method_order(method: str) -> tuple[int, str]:
    """Sorts methods: the one that the project is about first, then the usual baselines."""
    known = ("srpo", "self-play", "ippo")
    name = method.partition(" ")[0]
    return (known.index(name) if name in known else len(known), method)


def policy_folder(name: str, folder: Path | None) -> Path:
    """Where a trained policy's card is."""
    return (folder or POLICIES_DIR) / name


def _team(name: str, group: list[Partner], facts: WorldFacts, folder: Path | None) -> Team:
    by_seat = {seat: partner.name for partner in group for seat in partner.seats or ()}
    missing = set(facts.team) - set(by_seat)
    if missing:
        raise UserError(
            f"{group[0].name} has no policy for seat {min(missing)} beside it: export the run again"
        )
    policies = {seat: by_seat[seat] for seat in facts.team}
    for policy in set(policies.values()):
        load_policy(policy, facts, folder, [s for s in facts.team if policies[s] == policy])
    return Team(name, group[0].algorithm, _card(group[0]).seed, policies)


def _card(partner: Partner) -> Card:
    assert partner.card is not None
    return partner.card


def _with_methods(teams: list[Team], cards: Mapping[str, Card]) -> list[Team]:
    """Tells runs of one algorithm apart by the settings in which they differ."""
    settings = {
        team.name: {k: v for k, v in cards[team.name].hyperparameters.items() if k not in NO_METHOD}
        for team in teams
    }
    result = []
    for team in teams:
        alike = [settings[t.name] for t in teams if t.method == team.method]
        differing = sorted({key for one in alike for key in one if _differ(alike, key)})
        mine = settings[team.name]
        words = ", ".join(f"{key.replace('_', ' ')} {_short(mine.get(key))}" for key in differing)
        result.append(replace(team, method=team.method + (f" ({words})" if words else "")))
    return result


def _differ(settings: Sequence[Mapping[str, Any]], key: str) -> bool:
    # a card from before there was such a setting says nothing of it
    return len({json.dumps(one[key], sort_keys=True) for one in settings if key in one}) > 1


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _of_seeds(teams: list[Team], seeds: Collection[int]) -> list[Team]:
    for method in sorted({team.method for team in teams}):
        has = {team.seed for team in teams if team.method == method}
        missing = sorted(set(seeds) - has)
        if missing:
            words = ", ".join(map(str, missing))
            raise UserError(
                f"{method} has no run of training seed {words}: train and export it, or ask for "
                "other --seeds"
            )
    return [team for team in teams if team.seed in seeds]


def _check_seeds(teams: Sequence[Team]) -> None:
    """Runs of one method must be independent, or the intervals would be wrong."""
    seen: dict[tuple[str, int | None], str] = {}
    for team in teams:
        many = sum(other.method == team.method for other in teams) > 1
        if many and team.seed is None:
            raise UserError(
                f"{team.name} has no seed on its card, but there are several runs of "
                f"{team.method}: export it again, or name the runs to evaluate with --policy"
            )
        twin = seen.setdefault((team.method, team.seed), team.name)
        if twin != team.name:
            raise UserError(
                f"{twin} and {team.name} are both {team.method} with seed {team.seed}: runs of "
                "one seed are not independent, so name one of them with --policy"
            )


def is_builtin(name: str) -> bool:
    """Whether a policy is rule-based."""
    return name in BUILTIN
