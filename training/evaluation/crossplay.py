"""Playing whole episodes, all of a pairing side by side, on policies as files, without torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import Decisions, Policy, SeatView
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from play.worlds.spec import World, WorldFacts

AT_ONCE = 2048
"""Episodes played side by side; more would cost memory and gain no speed."""


@dataclass(frozen=True)
class Seating:
    """Who sits where.

    Attributes:
        policies: One policy per seat; actions are sampled.
        references: Seat -> the policy that the one sitting there is compared with, step by step.
        stopped: Seat that takes the idle action from the split step on; None: nobody stops.
    """

    policies: tuple[Policy, ...]
    references: Mapping[int, Policy] = field(default_factory=dict)
    stopped: int | None = None

    def __post_init__(self) -> None:
        """Refuses references that cannot follow another's play."""
        for policy in self.references.values():
            refuse_memory_of_moves(policy)


def refuse_memory_of_moves(policy: Policy) -> None:
    """Refuses a policy that would be wrong about itself where another's actions are taken.

    Raises:
        UserError: It is rule-based and has a memory.
    """
    if policy.encoding is None and policy.initial_state(1) is not None:
        raise UserError(
            f"{policy.name} remembers its own moves, so it cannot be mixed or compared with "
            "another policy step by step: use a trained policy, stay or random"
        )


@dataclass(frozen=True)
class Played:
    """What E episodes of one seating came to; A seats, L kinds of contribution.

    Attributes:
        seeds: [E] int64; an episode depends on its own seed alone.
        split: [E] the step that divides the episode into before and after.
        rewards: [E, A] undiscounted sums of each seat's rewards, in points.
        late_rewards: [E, A] the part of it that was earned from the split on.
        contributions: [E, A, L] how often each seat did what `WorldFacts.contributions` names.
        idle: [E, A] share of the steps in which the seat took the idle action.
        costs: [E, A] sums of each seat's private costs (`WorldFacts.costs`), in points.
        divergence: [E, A] mean over steps of KL(policy || reference) in nats; NaN without one.
    """

    seeds: NDArray[np.int64]
    split: NDArray[np.int64]
    rewards: NDArray[np.float64]
    late_rewards: NDArray[np.float64]
    contributions: NDArray[np.int64]
    idle: NDArray[np.float64]
    costs: NDArray[np.float64]
    divergence: NDArray[np.float64]


def episode_seeds(root: Sequence[int] | int, episodes: int) -> NDArray[np.int64]:
    """[E] seeds of episodes; those of fewer episodes are the first of those of more."""
    words = np.random.SeedSequence(root).generate_state(episodes, np.uint64)
    return (words >> np.uint64(1)).astype(np.int64)


def play_episodes(
    seating: Seating,
    world: str,
    options: Mapping[str, Any],
    seeds: NDArray[np.int64],
    split: int | None = None,
) -> Played:
    """Plays one episode for each seed.

    Args:
        seating: Who sits where.
        world: Name of the world.
        options: Its options.
        seeds: [E] one seed per episode; it decides the world's chance, all actions and the split.
        split: The step that divides episodes; None draws one for each, uniformly.

    Returns:
        What came of the episodes, in the order of the seeds.
    """
    parts = [
        _play_together(seating, world, options, seeds[begin : begin + AT_ONCE], split)
        for begin in range(0, len(seeds), AT_ONCE)
    ]
    columns = {f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Played)}
    return Played(**columns)


def returns_of(
    seating: Seating, world: str, options: Mapping[str, Any], episodes: int, seed: int
) -> NDArray[np.float64]:
    """[episodes] team return of whole episodes, in points; see `play_episodes`."""
    facts = make_world(world, 1, **options).facts
    played = play_episodes(seating, world, options, episode_seeds(seed, episodes))
    return team_return(played.rewards, facts)


def team_return(rewards: NDArray[np.float64], facts: WorldFacts) -> NDArray[np.float64]:
    """[...] sum over the seats of `WorldFacts.team` of rewards [..., A].

    In a world with a shared reward that is what everybody wants; elsewhere it is the welfare.
    """
    total: NDArray[np.float64] = rewards[..., list(facts.team)].sum(-1)
    return total


def _play_together(
    seating: Seating,
    world: str,
    options: Mapping[str, Any],
    seeds: NDArray[np.int64],
    split: int | None,
) -> Played:
    games = make_world(world, len(seeds), **options)
    games.reset(seed=seeds.tolist())
    facts, count = games.facts, len(seeds)
    splits, uniforms = _chance(seeds, facts, split)
    players = [_Player(policy, games, seat) for seat, policy in enumerate(seating.policies)]
    references = {s: _Player(policy, games, s) for s, policy in seating.references.items()}
    sums = _Sums(count, facts)
    actions = np.zeros((count, facts.num_players), np.int64)
    for step in range(facts.horizon):
        seen: dict[str, NDArray[Any]] = {}
        for seat, player in enumerate(players):
            decided = player.decide(seen, uniforms[:, step, seat])
            actions[:, seat] = decided.actions
            if seat in references:
                ideal = references[seat].decide(seen, uniforms[:, step, seat])
                sums.divergence[:, seat] += divergence(decided.probabilities, ideal.probabilities)
        late = step >= splits
        if seating.stopped is not None:
            actions[late, seating.stopped] = facts.idle_action
        games.step(actions)
        sums.add(games, actions, late)
    return sums.played(seeds, splits, references)


def _chance(
    seeds: NDArray[np.int64], facts: WorldFacts, split: int | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Splits [E] and the uniform numbers [E, steps, A] of the actions, by each episode's seed."""
    splits = np.zeros(len(seeds), np.int64)
    uniforms = np.zeros((len(seeds), facts.horizon, facts.num_players))
    for row, seed in enumerate(seeds.tolist()):
        # a stream of its own: the world takes the one of the bare seed
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
        splits[row] = generator.integers(facts.horizon)
        generator.random(out=uniforms[row])
    if split is not None:
        splits[:] = split
    return splits, uniforms


class _Player:
    """A policy in one seat of all games, with its memory."""

    def __init__(self, policy: Policy, games: World, seat: int) -> None:
        self.policy, self.games, self.seat = policy, games, seat
        self.state = policy.initial_state(games.num_envs)
        self.views = [SeatView(games, env, seat) for env in range(games.num_envs)]

    def decide(self, seen: dict[str, NDArray[Any]], uniforms: NDArray[np.float64]) -> Decisions:
        """Decides in all games; `seen` keeps what this step's observations are, by encoding."""
        observations, encoding = None, self.policy.encoding
        if encoding is not None:
            if encoding not in seen:
                seen[encoding] = self.games.observe(encoding)
            observations = np.ascontiguousarray(seen[encoding][:, self.seat])
        decided = self.policy.act(observations, self.views, self.state, uniforms)
        self.state = decided.state
        return decided


class _Sums:
    """Sums over the steps of E episodes."""

    def __init__(self, count: int, facts: WorldFacts) -> None:
        self.facts = facts
        size = (count, facts.num_players)
        self.rewards, self.late_rewards = np.zeros(size), np.zeros(size)
        self.idle, self.divergence = np.zeros(size), np.zeros(size)
        self.events = np.zeros((*size, len(facts.events)), np.int64)

    def add(self, games: World, actions: NDArray[np.int64], late: NDArray[np.bool_]) -> None:
        """Counts the step that the games have just taken."""
        self.rewards += games.rewards
        self.late_rewards[late] += games.rewards[late]
        self.idle += actions == self.facts.idle_action
        self.events += games.events

    def played(
        self, seeds: NDArray[np.int64], splits: NDArray[np.int64], references: Mapping[int, Any]
    ) -> Played:
        """The sums as a record."""
        facts = self.facts
        counts = np.zeros((*self.rewards.shape, len(facts.contributions)), np.int64)
        for label, events in enumerate(facts.contributions.values()):
            counts[..., label] = self.events[..., _columns(facts, events)].sum(-1)
        prices = np.array(list(facts.costs.values()), np.float64)
        costs = self.events[..., _columns(facts, facts.costs)] @ prices
        compared = [seat in references for seat in range(facts.num_players)]
        kl = np.where(compared, self.divergence / facts.horizon, np.nan)
        idle = self.idle / facts.horizon
        return Played(seeds, splits, self.rewards, self.late_rewards, counts, idle, costs, kl)


def _columns(facts: WorldFacts, events: Sequence[str] | Mapping[str, Any]) -> list[int]:
    return [facts.events.index(event) for event in events]


def divergence(
    probabilities: NDArray[np.float32], reference: NDArray[np.float32]
) -> NDArray[np.float64]:
    """KL(p || q) in nats for rows of probabilities [B, actions]; infinite where q excludes p."""
    p, q = probabilities.astype(np.float64), reference.astype(np.float64)
    p, q = p / p.sum(1, keepdims=True), q / q.sum(1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * (np.log(p) - np.log(q)), 0.0)
    return np.maximum(terms.sum(1), 0.0)
