"""Policies as files that take seats in training: those of other roles, or a learner's partner's."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.card import Card
from agents.library import list_partners, load_policy
from agents.policy import Decisions, Policy, SeatView
from play.worlds.errors import UserError
from play.worlds.spec import World, WorldFacts
from training.config import PpoBcConfig, SrpoConfig, TrainConfig
from training.rollout import Rollout

RULE_BASED = "rule-based"
LEAST_PROBABILITY = 1e-8  # so that logarithms are finite


class Guest:
    """One policy in some slots; every seed's slots are decided in a call of their own.

    A runtime may round differently in a larger batch, and a seed must not depend on how many
    others it is trained with.

    Attributes:
        policy: Who decides.
        seats: The seats of an environment that it takes, here or there.
        decided: For each seed, what it decided last.
    """

    def __init__(self, policy: Policy, world: World, parts: Sequence[NDArray[np.int64]]) -> None:
        """Sits down.

        Args:
            policy: Who decides.
            world: The environments of all seeds.
            parts: The slots, for each seed; one that it does not meet has none.
        """
        self.policy, self._world, self._parts = policy, world, list(parts)
        self._players = world.facts.num_players
        self.seats = sorted(set((np.concatenate(parts) % self._players).tolist()))
        self.decided: list[Decisions | None] = [None] * len(parts)
        self._states = [policy.initial_state(len(part)) for part in parts]
        self._views = [
            [SeatView(world, *divmod(slot, self._players)) for slot in part.tolist()]
            for part in parts
        ]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the policy's file, or "rule-based"."""
        card: Card | None = getattr(self.policy, "card", None)
        return card.sha256 if card else RULE_BASED

    def act(
        self,
        rollout: Rollout,
        step: int,
        uniforms: NDArray[np.float64],
        observed: dict[str, NDArray[Any]],
    ) -> None:
        """Writes the actions of its slots.

        Args:
            rollout: Where to.
            step: Which step of it.
            uniforms: [S] chance.
            observed: By encoding what all slots see in this step, as far as other guests have
                looked already; what this one has to look at is added.
        """
        policy = self.policy
        seen = None
        if policy.encoding is not None:
            if policy.encoding not in observed:
                dense = self._world.observe(policy.encoding)
                observed[policy.encoding] = dense.reshape(-1, *dense.shape[2:])
            seen = observed[policy.encoding]
        for number, part in enumerate(self._parts):
            if not len(part):
                continue
            observations = None if seen is None else np.ascontiguousarray(seen[part])
            decided = policy.act(
                observations, self._views[number], self._states[number], uniforms[part]
            )
            rollout.actions[step, part] = decided.actions
            self.decided[number], self._states[number] = decided, decided.state

    def tell(self, log_probs: NDArray[np.float32]) -> None:
        """Writes with which log-probabilities it decided last into its slots of [S, actions]."""
        for part, decided in zip(self._parts, self.decided, strict=True):
            if decided is not None:
                log_probs[part] = np.log(np.maximum(decided.probabilities, LEAST_PROBABILITY))

    def forget(self, done: NDArray[np.bool_]) -> None:
        """Begins anew where an episode ended, done [N]."""
        for state, part in zip(self._states, self._parts, strict=True):
            over = done[part // self._players]
            if state is not None and over.any():
                state[over] = self.policy.initial_state(int(over.sum()))

    def meets(self, member: int) -> bool:
        """Whether it plays with a seed."""
        return len(self._parts[member]) > 0

    def state(self, member: int) -> Any:
        """What a seed's games have made it remember."""
        memory = self._states[member]
        return None if memory is None else memory.tolist()

    def restore(self, state: Any, member: int) -> None:
        """Goes back to what `state` returned."""
        if state is not None:
            self._states[member] = np.array(state, self._states[member].dtype)


def load_guests(
    config: TrainConfig, facts: WorldFacts, seats: Sequence[int]
) -> dict[int, list[Policy]]:
    """The policies for the seats of other roles: those asked for, or the one recommended.

    Args:
        config: Says who, if anybody in particular.
        facts: The world.
        seats: The seats.

    Returns:
        For each seat those that can take it.

    Raises:
        UserError: Somebody can take none of these seats or is held out, or nobody can take one.
    """
    folder = Path(config.others_folder) if config.others_folder else None
    names = [name for name in map(str.strip, config.others.split(",")) if name]
    if config.others and not names:
        raise UserError(f"--others is {config.others!r}, but it must name one policy or several")
    known = {partner.name: partner for partner in list_partners(facts.world, folder)}
    if not names:
        fit = (p for p in known.values() if p.takes(facts, seats))
        names = [p.name for p in islice((p for p in fit if not (p.card and p.card.held_out)), 1)]
    guests: dict[int, list[Policy]] = {seat: [] for seat in seats}
    for name in names:
        fitting = [seat for seat in seats if name in known and known[name].takes(facts, [seat])]
        policy = load_policy(name, facts, folder, fitting or seats)
        refuse_held_out(policy)
        for seat in fitting:
            guests[seat].append(policy)
    for seat, policies in guests.items():
        if not policies:
            raise UserError(
                f"Nobody can take seat {seat} of {facts.world}: train a policy for it first"
            )
    return guests


def seat_partners(
    name: str, folder: str, world: World, parts: Mapping[int, NDArray[np.int64]], *, held_out: bool
) -> list[Guest]:
    """Policies in the places of learners' partners, in any seats of the team.

    Several share a seed's slots out: neighbours, which take one seat each, go to the same of them,
    the next two to the next.

    Args:
        name: Names of the policies, separated by commas, in which {seed} stands for the learner's
            seed; the world's human proxy if empty.
        folder: Where they are; with the shipped policies if empty.
        world: The environments of all seeds.
        parts: Seed -> slots, one of each environment.
        held_out: Whether policies that are kept for evaluation are let in, as they are beside
            nobody who is evaluated.

    Raises:
        UserError: There is no such policy, it does not fit, or it is held out; or there are more
            of them than pairs of slots.
    """
    asked = [own.strip() for own in (name or f"{world.facts.world}/human-proxy").split(",")]
    pairs = min(len(part) // 2 for part in parts.values())
    if len(asked) > max(1, pairs):
        raise UserError(
            f"--partner names {len(asked)} policies, but there are {pairs} pairs of games to share "
            "out among them: name fewer, or give --num-envs a larger number"
        )
    guests = []
    names = {seed: [own.replace("{seed}", str(seed)) for own in asked] for seed in parts}
    for own in dict.fromkeys(own for each in names.values() for own in each):
        policy = load_policy(own, world.facts, Path(folder) if folder else None, world.facts.team)
        if not held_out:
            refuse_held_out(policy)
        mine = []
        for seed, part in parts.items():
            turn = np.arange(len(part)) // 2 % len(asked)
            mine.append(part[np.array([name == own for name in names[seed]])[turn]])
        guests.append(Guest(policy, world, mine))
    return guests


def let_in(config: PpoBcConfig | SrpoConfig, steps: int) -> float:
    """Which part of `partner_share` the partners have by now.

    It rises from zero over `partner_warmup` of the run, and then falls until the end to what makes
    `final_partner_share` of the games, if that is asked for; both linearly.
    """
    warmup = config.partner_warmup * config.steps
    if steps < warmup:
        return steps / warmup
    if config.final_partner_share < 0 or not config.partner_share:
        return 1.0
    fallen = min(1.0, (steps - warmup) / (config.steps - warmup)) if warmup < config.steps else 1.0
    return 1 + fallen * (config.final_partner_share / config.partner_share - 1)


def seat_guests(
    guests: Mapping[int, Sequence[Policy]], world: World, parts: Sequence[NDArray[np.int64]]
) -> list[Guest]:
    """Shares slots out among policies, so that all combinations of them come up equally often.

    The number of an environment is read as a number whose digits say who sits in each seat.

    Args:
        guests: For each seat, who may take it.
        world: The environments of all seeds.
        parts: [slots] of each seed, in ascending order; these seats of every environment.
    """
    envs, rest = np.divmod(parts[0], world.facts.num_players)
    found: dict[str, tuple[Policy, NDArray[np.bool_]]] = {}
    for seat, policies in guests.items():
        digit, envs = envs % len(policies), envs // len(policies)
        for number, policy in enumerate(policies):
            _, mine = found.setdefault(policy.name, (policy, np.zeros(len(envs), np.bool_)))
            mine |= (rest == seat) & (digit == number)
    return [
        Guest(policy, world, [part[mine] for part in parts])
        for policy, mine in found.values()
        if mine.any()
    ]


def refuse_held_out(policy: Policy) -> None:
    """Refuses a policy, as company or beginning of a training, that is kept for evaluation.

    Raises:
        UserError: Its card says so.
    """
    card: Card | None = getattr(policy, "card", None)
    if card is not None and card.held_out:
        raise UserError(
            f"{policy.name} is held out for evaluation, so no training may use it: choose another "
            "policy, such as the human proxy that is not held out"
        )
