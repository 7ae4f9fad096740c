"""Policies as files that take the seats of other roles while a team is trained."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.card import Card
from agents.library import list_partners, load_policy
from agents.policy import Policy, SeatView
from play.worlds.errors import UserError
from play.worlds.spec import World
from training.config import TrainConfig
from training.rollout import Rollout


class Guest:
    """One policy in some slots; every seed's slots are decided in a call of their own.

    A runtime may round differently in a larger batch, and a seed must not depend on how many
    others it is trained with.
    """

    def __init__(self, policy: Policy, parts: Sequence[NDArray[np.int64]], players: int) -> None:
        """Sits down.

        Args:
            policy: Who decides.
            parts: The slots, for each seed.
            players: Seats of an environment.
        """
        self._policy, self._parts, self._players = policy, list(parts), players
        self._states = [policy.initial_state(len(part)) for part in parts]

    def act(self, world: World, rollout: Rollout, step: int, uniforms: NDArray[np.float64]) -> None:
        """Writes the actions of its slots."""
        policy = self._policy
        seen = None
        if policy.encoding is not None:
            dense = world.observe(policy.encoding)
            seen = dense.reshape(-1, *dense.shape[2:])
        for number, part in enumerate(self._parts):
            views = [SeatView(world, *divmod(int(slot), self._players)) for slot in part]
            observations = None if seen is None else np.ascontiguousarray(seen[part])
            decided = policy.act(observations, views, self._states[number], uniforms[part])
            rollout.actions[step, part] = decided.actions
            self._states[number] = decided.state

    def forget(self, done: NDArray[np.bool_]) -> None:
        """Begins anew where an episode ended, done [N]."""
        for state, part in zip(self._states, self._parts, strict=True):
            over = done[part // self._players]
            if state is not None and over.any():
                state[over] = self._policy.initial_state(int(over.sum()))

    def state(self, member: int) -> Any:
        """What a seed's games have made it remember."""
        memory = self._states[member]
        return None if memory is None else memory.tolist()

    def restore(self, state: Any, member: int) -> None:
        """Goes back to what `state` returned."""
        if state is not None:
            self._states[member] = np.array(state, self._states[member].dtype)


def invite(config: TrainConfig, world: World, parts: Sequence[NDArray[np.int64]]) -> list[Guest]:
    """The guest for the seats of other roles: the one asked for, or the one recommended.

    Args:
        config: Says who, if anybody in particular.
        world: The environments.
        parts: The slots of those seats, for each seed.

    Raises:
        UserError: Nobody can take these seats, or the one asked for is held out.
    """
    facts = world.facts
    seats = [seat for seat in range(facts.num_players) if seat not in facts.team]
    fitting = [
        partner.name
        for partner in list_partners(facts.world)
        if partner.takes(facts, seats) and not (partner.card and partner.card.held_out)
    ]
    name = config.others or next(iter(fitting), "")
    if not name:
        raise UserError(
            f"Nobody can take seat {seats[0]} of {facts.world}: train a policy for it first"
        )
    policy = load_policy(name, facts, seats=seats)
    refuse_held_out(policy)
    return [Guest(policy, parts, facts.num_players)]


def refuse_held_out(policy: Policy) -> None:
    """Refuses a policy as company in training that is kept for evaluation.

    Raises:
        UserError: Its card says so.
    """
    card: Card | None = getattr(policy, "card", None)
    if card is not None and card.held_out:
        raise UserError(
            f"{policy.name} is held out for evaluation, so nothing may be trained beside it: use "
            "another partner, such as the human proxy that is not held out"
        )
