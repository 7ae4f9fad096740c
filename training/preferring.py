"""Partners with preferences of their own, and a policy that learns to play beside them.

A partner is paid for events that it likes or dislikes, such as putting dishes down, and perhaps for
what the team earns; the adapting policy, in the other seat, is paid for what the team earns. Their
seed decides the preferences. Such partners behave in ways that no training for the team's return
comes to, and are made to test others with.

Source: Yu et al. 2023, "Learning zero-shot cooperation with humans, assuming humans are biased"
(HSP, arXiv 2302.01605), and ZSC-Eval (arXiv 2310.05208). Differs in: weights are in units of
success and few, so that most preferences leave a way to earn something together. On request the
preferences count only after a share of the training, are weaker, or come beside the team's reward
for all.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.errors import UserError
from training.config import PreferringConfig, parse_options
from training.ppo import Lesson
from training.trainer import Export, Trainer, by_member

REWARD, IDLE = "reward", "idle"
"""Names of the two preferences that are no events: what the team earns, and standing still."""
EVENT_WEIGHTS = (-0.25, 0.0, 0.0, 0.25)
IDLE_WEIGHTS = (-0.02, 0.0, 0.0, 0.02)
REWARD_WEIGHTS = (0.0, 1.0)
DOMAIN = 2  # tells the stream of the preferences from others of the same seed


class Preferring(Trainer):
    """In each game a partner with preferences in one seat, the adapting policy in the other.

    Attributes:
        preferences: For each seed the weight of every event by name, of IDLE and of REWARD, in
            units of success.
        partners: The policies with preferences.
        adapting: The policies that adapt to them.
        liked: [T, S] what the partner in each slot was paid.
    """

    method = "preferring"
    config: PreferringConfig

    def __init__(self, config: PreferringConfig, seeds: Sequence[int] | None = None) -> None:
        super().__init__(config, seeds)
        if len(self.team) != 2:
            raise UserError(
                f"{self.method} trains pairs, but {config.world} has a team of {len(self.team)}: "
                "choose a world for two"
            )
        self.preferences = [self._preferences(member.seed) for member in self.members]
        self.partners = self.new_policies("partner")
        self.adapting = self.new_policies("adapting")
        self.partner_slots = self.slots_in_turn()
        self.adapting_slots = np.setdiff1d(self.slots(*self.team), self.partner_slots)
        events = self.world.facts.events
        names = (*events, IDLE, REWARD)
        self._weights = np.array(
            [[own.get(name, 0.0) for name in names] for own in self.preferences], np.float32
        )  # [seeds, E + 2]
        self.liked = np.zeros((config.rollout_length, self.rollout.slots), np.float32)

    def _preferences(self, seed: int) -> dict[str, float]:
        names = self.config.events
        known = self.world.facts.events
        if unknown := [name for name in names if name not in known]:
            raise UserError(
                f"--liked-events names {unknown[0]}, but {self.config.world} has the events "
                f"{', '.join(known)}"
            )
        if self.config.preferences:
            given = parse_options(self.config.preferences)
            if unknown := sorted(set(given) - {*known, IDLE, REWARD}):
                raise UserError(
                    f"--preferences names {unknown[0]}, but it must be {IDLE}, {REWARD} or an "
                    f"event of {self.config.world}: {', '.join(known)}"
                )
            return {name: float(weight) for name, weight in given.items()}
        drawn = draw_preferences(seed, names)
        reward = max(REWARD_WEIGHTS) if self.config.reward_always else drawn[REWARD]
        strength = self.config.preference_strength
        return {name: strength * weight for name, weight in drawn.items()} | {REWARD: reward}

    def act(self, step: int, uniforms: NDArray[np.float64]) -> None:
        """Each acts in its own slots."""
        self.decide(self.partners, step, self.partner_slots, uniforms)
        self.decide(self.adapting, step, self.adapting_slots, uniforms)

    def after_step(self, step: int) -> None:
        """Pays the partners for what happened."""
        world, rollout, players = self.world, self.rollout, self.players
        events = world.events.reshape(rollout.slots, -1)
        idle = rollout.actions[step] == world.facts.idle_action
        for k in range(len(self.members)):
            own = self.of_member(self.partner_slots, k)
            happened = np.column_stack(
                [events[own], idle[own], rollout.rewards[step, own // players]]
            ).astype(np.float32)
            self.liked[step, own] = happened @ self._weights[k]

    def learn(self) -> list[dict[str, float]]:
        """Partners learn from what they like, the adapting policies from the team's reward."""
        earned = self.rollout.slot_rewards(self.shaping())
        counts = self.steps >= self.config.preferences_after * self.config.steps
        liked = self.liked if counts else earned
        lessons, marks = [], []
        for k, member in enumerate(self.members):
            for mark, policies, slots, rewards in (
                ("partner_{}", self.partners, self.partner_slots, liked),
                ("{}", self.adapting, self.adapting_slots, earned),
            ):
                samples, _ = self.samples(policies, rewards, self.of_member(slots, k))
                lessons.append(Lesson(policies.learners[k], samples, member.shuffle_stream))
                marks.append((k, mark))
        return by_member(marks, self.teach(lessons))

    def exports(self, member: int = 0) -> dict[str, Export]:
        """The partner and, with an ending of its name, the policy that adapted to it."""
        return {
            "": Export((self.partners.stack.networks[member],), self.team),
            "-adapting": Export((self.adapting.stack.networks[member],), self.team),
        }

    def drawn(self, member: int = 0) -> dict[str, Any]:
        """The preferences, as the card tells them."""
        own = self.preferences[member]
        return {"preferences": {name: weight for name, weight in own.items() if weight}}


def draw_preferences(seed: int, events: Sequence[str]) -> dict[str, float]:
    """Weights of some events, of standing still and of the team's reward, by a seed."""
    generator = np.random.default_rng(np.random.SeedSequence([seed, DOMAIN]))
    found = {name: float(generator.choice(EVENT_WEIGHTS)) for name in events}
    found[IDLE] = float(generator.choice(IDLE_WEIGHTS))
    found[REWARD] = float(generator.choice(REWARD_WEIGHTS))
    return found
