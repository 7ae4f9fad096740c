"""Fictitious co-play (FCP): a best response to self-play policies of several strengths.

First a population of self-play policies is trained, each from a seed of its own. Each of them is
kept as it was at first, where it had come half-way to its final return, and at the end. Then the
hero is trained beside these partners, a new one drawn for every episode.

Source: Strouse et al. 2021, "Collaborating with humans without human data" (arXiv 2110.08176).
Differs in: half-way is looked for at eighths of the training, and between the return before it and
the final one, so that it is defined for negative returns too.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.config import FcpConfig, SelfPlayConfig, shared_settings
from training.kernels import sample_actions
from training.self_play import SelfPlay
from training.trainer import Export, Trainer

SNAPSHOTS = 3
"""Times that a partner is kept: untrained, half-way to its final return, at the end."""
POINTS = 8
"""Points of a partner's training, evenly spaced, of which one is half-way."""
SMOOTHING = 0.05


class Fcp(Trainer):
    """One hero for all seats, and partners that no longer learn.

    Attributes:
        hero: The policy that learns.
        population: The trainer of the partners, until they are ready.
        snapshots: [seeds, SNAPSHOTS, partners, P] weights of the partners as they were kept.
        partner: [N] which partner sits in each environment, among those of its seed.
        success: [seeds, partners] mean return of recent episodes with each partner, in units.
    """

    method = "fcp"
    config: FcpConfig

    def __init__(self, config: FcpConfig, seeds: Sequence[int] | None = None) -> None:
        super().__init__(config, seeds)
        self.hero = self.new_policies("hero")
        self.partner_memory = self.new_memory(self.hero.stack.networks[0])
        self.hero_slots = self.slots_in_turn()
        self.partner_slots = np.setdiff1d(self.slots(*self.team), self.hero_slots)
        population = self.make_population()
        self.population: SelfPlay | None = population
        size = self.hero.stack.flat.shape[1]
        shape = (len(self.members), SNAPSHOTS, config.population, size)
        self.snapshots = np.zeros(shape, np.float32)
        self.snapshots[:, 0] = self._of_partners(population.policy.stack.flat)
        self._past = np.zeros((shape[0], POINTS, *shape[2:]), np.float32)
        self._past_returns = np.full((shape[0], POINTS, config.population), np.nan)
        self._first_returns = np.full((shape[0], config.population), np.nan)
        pool = SNAPSHOTS * config.population
        self.partner = np.zeros(self.world.num_envs, np.int64)
        self.success = np.zeros((len(self.members), pool))
        self._earned = np.zeros(self.world.num_envs)

    def population_settings(self) -> dict[str, Any]:
        """The settings of the partners' training."""
        return shared_settings(self.config) | {"steps": self.config.steps_per_partner}

    def population_seeds(self) -> list[int]:
        """A seed for each partner of each seed, in order."""
        return [
            int(word)
            for member in self.members
            for word in np.random.SeedSequence([member.seed, 1]).generate_state(
                self.config.population
            )
        ]

    def make_population(self) -> SelfPlay:
        """The trainer of the partners of all seeds."""
        config = SelfPlayConfig.from_json(self.population_settings())
        return SelfPlay(config, self.population_seeds())

    @property
    def population_steps(self) -> int:
        """Steps of a seed's whole population."""
        return self.config.population * self.config.steps_per_partner

    @property
    def total_steps(self) -> int:
        """Steps of the population and of the hero."""
        return self.population_steps + self.config.steps

    @property
    def own_steps(self) -> int:
        """Steps of the hero."""
        return max(0, self.steps - self.population_steps)

    def iterate(self) -> list[dict[str, float]]:
        """One round of the population's training or, once that is over, of the hero's."""
        if self.population is not None:
            return self._raise_population(self.population)
        return super().iterate()

    def _raise_population(self, population: SelfPlay) -> list[dict[str, float]]:
        before, whole = population.steps, self.config.steps_per_partner
        returns = self._of_partners(np.array([own["return"] for own in population.iterate()]))
        self.steps = population.steps * self.config.population
        self._first_returns = np.where(np.isnan(self._first_returns), returns, self._first_returns)
        for point in range(POINTS):
            if before < (point + 1) / POINTS * whole <= population.steps:
                self._past[:, point] = self._of_partners(population.policy.stack.flat)
                self._past_returns[:, point] = returns
        if population.steps >= whole:
            self._keep()
            self._sit_down(np.ones(self.world.num_envs, np.bool_))
            self.population = None
        return [
            {"steps": float(self.steps), "population_return": float(m)} for m in returns.mean(1)
        ]

    def _of_partners(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of all policies of the populations, as [seeds, partners, ...]."""
        return values.reshape(len(self.members), self.config.population, *values.shape[1:])

    def _keep(self) -> None:
        """Keeps each partner as it was half-way to its final return and as it is at the end."""
        last = POINTS - 1
        there = (
            self._past_returns >= (self._first_returns + self._past_returns[:, last])[:, None] / 2
        )
        there[:, last] = True
        half = there.argmax(1)  # the first point
        self.snapshots[:, 1] = np.take_along_axis(self._past, half[:, None, :, None], 1)[:, 0]
        self.snapshots[:, 2] = self._past[:, last]

    def act(self, step: int, uniforms: NDArray[np.float64]) -> None:
        """The hero acts in one seat of every game, its partners in the others."""
        self.decide(self.hero, step, self.hero_slots, uniforms)
        rollout, slots = self.rollout, self.partner_slots
        pool = self.success.shape[1]
        env = slots // self.players
        number = self.partner[env] + env // self.config.num_envs * pool  # over all seeds
        order = np.argsort(number, kind="stable")
        ends = np.searchsorted(number[order], np.arange(len(self.members) * pool + 1))
        flat = self.snapshots.reshape(-1, self.snapshots.shape[-1])
        shape = self.hero.stack.networks[0]
        logits, _ = self.consult(shape, flat, self.partner_memory, step, slots[order], ends)
        sample_actions(
            logits, uniforms, slots[order], rollout.actions[step], rollout.log_probs[step]
        )

    def learn(self) -> list[dict[str, float]]:
        """The hero learns from its own seats."""
        return self.teach_from(self.hero, self.hero_slots)

    def weights(self, member: int) -> NDArray[np.float64]:
        """Probability of each partner of a seed to be the next one."""
        count = self.success.shape[1]
        return np.full(count, 1 / count)

    def after_step(self, step: int) -> None:
        """Takes note of episodes that ended and draws the partners of the next ones."""
        self._earned += self.rollout.rewards[step]
        done = self.rollout.done[step]
        if done.any():
            for env in np.flatnonzero(done):
                success = self.success[env // self.config.num_envs]
                partner = self.partner[env]
                success[partner] += SMOOTHING * (self._earned[env] - success[partner])
            self._earned[done] = 0
            self._sit_down(done)

    def _sit_down(self, where: NDArray[np.bool_]) -> None:
        for k, member in enumerate(self.members):
            own = np.flatnonzero(where[member.envs]) + member.envs.start
            if len(own):
                weights = self.weights(k)
                self.partner[own] = member.start_stream.choice(len(weights), len(own), p=weights)

    def exports(self, member: int = 0) -> dict[str, Export]:
        """The hero."""
        return {"": Export((self.hero.stack.networks[member],), self.team)}

    def state(self, member: int = 0) -> dict[str, Any]:
        """Everything that the rest of a seed's run depends on."""
        envs, count = self.members[member].envs, self.config.population
        raised = range(member * count, (member + 1) * count)
        return super().state(member) | {
            "snapshots": torch.from_numpy(self.snapshots[member].copy()),
            "partner": torch.from_numpy(self.partner[envs].copy()),
            "success": torch.from_numpy(self.success[member].copy()),
            "earned": torch.from_numpy(self._earned[envs].copy()),
            "population": None
            if self.population is None
            else {
                "partners": [self.population.state(each) for each in raised],
                "past": torch.from_numpy(self._past[member].copy()),
                "past_returns": torch.from_numpy(self._past_returns[member].copy()),
                "first_returns": torch.from_numpy(self._first_returns[member].copy()),
            },
        }

    def restore(self, state: dict[str, Any], member: int = 0) -> None:
        """Brings a seed back to what `state` returned."""
        super().restore(state, member)
        envs, count = self.members[member].envs, self.config.population
        self.snapshots[member] = state["snapshots"].numpy()
        self.partner[envs] = state["partner"].numpy()
        self.success[member] = state["success"].numpy()
        self._earned[envs] = state["earned"].numpy()
        if state["population"] is None:
            self.population = None
        elif self.population is not None:
            population = state["population"]
            for number, saved in enumerate(population["partners"]):
                self.population.restore(saved, member * count + number)
            self._past[member] = population["past"].numpy()
            self._past_returns[member] = population["past_returns"].numpy()
            self._first_returns[member] = population["first_returns"].numpy()
