"""Strategically risk-averse policy optimisation (SRPO).

The hero learns beside an adversary that stands in for its partner and minimises the hero's
return, at a price: U(hero) = min over adversaries of E[ sum_t R_t + KL_t / tau ], where KL_t is
the divergence of the adversary from the live partner in the state of step t. The divergence is
part of the discounted return of both; the adversary's loss has, besides, the gradient of the
divergence in the state at hand, which no reward can carry.

Source: Qu, Zhang, Lanzetti, Mazumdar 2026 (arXiv 2602.21515), section 4 and appendix C. Ours
differs, unless a variant is chosen, in: one policy for both seats; the reference trembles, so
that a deviation from a near-deterministic partner has a finite price; tau is steered, and the
adversary waits until there are returns to steer by; a share of the games is played with the true
partner; the hero's critic, never its actor, is told which kind of game it is in.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.errors import UserError
from training.config import SrpoConfig
from training.kernels import sample_actions
from training.loss import NO_KL, REFERENCE_FIRST, REFERENCE_SECOND
from training.networks import ActorCritic
from training.ppo import Learner, Reference
from training.trainer import Trainer

TRUE_PARTNER, ADVERSARY = 0, 1
"""Contexts of the hero's critic: who sits in the other seat."""


class Srpo(Trainer):
    """Heroes and the adversaries that stand in for them beside their partner."""

    method = "srpo"
    config: SrpoConfig

    def __init__(self, config: SrpoConfig) -> None:
        super().__init__(config)
        if self.players != 2:
            raise UserError(
                f"SRPO trains pairs, but {config.world} has {self.players} players: "
                "choose a world for two"
            )
        seats = [(0, 1)] if config.shared else [(0,), (1,)]
        adversary_slot = self._adversary_slots()
        self.context = np.repeat(self._adversarial(), 2).astype(np.int64)  # [S]
        self.heroes: list[Role] = []
        self.adversaries: list[Role] = []
        for own in seats:
            mark = "" if config.shared else f"/seat{own[0]}"
            everywhere = self.slots(*own)
            playing = everywhere[~adversary_slot[everywhere]]
            replaced = everywhere[adversary_slot[everywhere]]
            hero = self.new_learner(f"hero{mark}", num_contexts=2)
            gain = 0.0 if config.residual else 0.01
            adversary = self.new_learner(f"adversary{mark}", entropy=0.0, actor_gain=gain)
            self.heroes.append(Role(mark, hero, own, everywhere, playing))
            self.adversaries.append(Role(mark, adversary, own, replaced, replaced))
        steps, slots = config.rollout_length + 1, self.rollout.slots
        self.divergence = np.zeros((steps, slots), np.float32)  # of the adversary in each slot
        self.reference = np.zeros((steps, slots, len(self.world.facts.actions)), np.float32)
        self.tau = config.tau or config.initial_tau
        self.begun = config.tau > 0  # whether adversaries play; until then the true partner does
        self.pace = {"true": 0.0, "adversary": 0.0}  # reward per step, averaged over updates

    def groups(self) -> dict[str, NDArray[np.int64]]:
        """Games with the adversary and, where there are any, with the true partner."""
        adversarial = self._adversarial()
        groups = {
            "return": np.flatnonzero(~adversarial),
            "return_with_adversary": np.flatnonzero(adversarial),
        }
        return {name: envs for name, envs in groups.items() if len(envs)}

    def act(self, step: int, uniforms: NDArray[np.float64]) -> None:
        """Heroes act everywhere; then adversaries replace them in their seats."""
        for hero, adversary in zip(self.heroes, self.adversaries, strict=True):
            logits = self._hero_acts(hero, step, uniforms)
            if self.begun:
                replaced = np.searchsorted(hero.seen, adversary.slots)
                self._adversary_acts(adversary, logits[replaced], step, uniforms)

    def learn(self) -> dict[str, float]:
        """Heroes improve against the adversary, the adversary against the hero; tau follows."""
        observations, values = self.rollout.observations, self.rollout.values
        rewards, rate = self.rewards(), self.learning_rate()
        figures: dict[str, float] = {}
        for role in self.heroes:
            slots = role.slots if self.begun else role.seen
            samples, _ = self.samples(rewards, values, slots)
            samples.contexts[:] = np.tile(self.context[slots], self.rollout.length)
            means = role.learner.update(observations, samples, rate, self.shuffle_stream)
            figures |= {f"{name}{role.mark}": mean for name, mean in means.items()}
        for role in self.adversaries if self.begun else ():
            samples, deviation = self.samples(rewards, values, role.slots)
            reference = self._reference(role, deviation)
            means = role.learner.update(observations, samples, rate, self.shuffle_stream, reference)
            figures |= {f"adversary_{name}{role.mark}": mean for name, mean in means.items()}
        replaced = np.concatenate([role.slots for role in self.adversaries])
        figures["adversary_kl"] = float(self.divergence[:-1, replaced].mean())
        return figures | {"tau": self.tau, "return_ratio": self._steer()}

    def rewards(self) -> NDArray[np.float32]:
        """[T, S] rewards of the rollout: a hero's include KL / tau, its adversary's negate them."""
        rewards = self.rollout.slot_rewards(self.shaping())
        if not self.begun:
            return rewards
        if self.config.kl_in in ("both", "return"):
            prices = self.divergence[:-1] / np.float32(self.tau)
            rewards += prices + partners(prices)  # only one slot of a pair has a divergence
        replaced = np.concatenate([role.slots for role in self.adversaries])
        rewards[:, replaced] = -partners(rewards)[:, replaced]
        return rewards

    def exports(self) -> dict[str, tuple[ActorCritic, tuple[int, ...]]]:
        """The heroes."""
        return {
            "" if self.config.shared else f"-seat{hero.seats[0]}": (
                hero.learner.network, hero.seats,
            )
            for hero in self.heroes
        }  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on."""
        return super().state() | {"tau": self.tau, "pace": dict(self.pace), "begun": self.begun}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes back to what `state` returned."""
        super().restore(state)
        self.tau, self.pace = state["tau"], dict(state["pace"])
        self.begun = state["begun"]

    def _adversarial(self) -> NDArray[np.bool_]:
        """[N] which environments have an adversary: the last ones, in the asked share."""
        config = self.config
        true_games = round(config.num_envs * config.true_partner_share)
        if config.num_envs - true_games < 2 or (config.true_partner_share and not true_games):
            raise UserError(
                f"--num-envs {config.num_envs} is too few for --true-partner-share "
                f"{config.true_partner_share:g}: both kinds of games need some"
            )
        return np.arange(config.num_envs) >= true_games

    def _adversary_slots(self) -> NDArray[np.bool_]:
        """[S] which slots an adversary fills: one per adversarial game, seats in turn."""
        adversarial = self._adversarial()
        seat = np.arange(self.config.num_envs) % 2
        return (adversarial[:, None] & (seat[:, None] == np.arange(2))).reshape(-1)

    def _hero_acts(
        self, hero: "Role", step: int, uniforms: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        rollout, slots = self.rollout, hero.seen
        rows = step * rollout.slots + slots
        logits, values = hero.learner.network.evaluate(rollout.observations, rows)
        rollout.values[step, slots] = values[np.arange(len(slots)), self.context[slots]]
        sample_actions(logits, uniforms, slots, rollout.actions[step], rollout.log_probs[step])
        return logits

    def _adversary_acts(
        self,
        adversary: "Role",
        partner: NDArray[np.float32],
        step: int,
        uniforms: NDArray[np.float64],
    ) -> None:
        rollout, slots, config = self.rollout, adversary.slots, self.config
        rows = step * rollout.slots + slots
        logits, values = adversary.learner.network.evaluate(rollout.observations, rows)
        reference = trembling(partner, config.tremble)
        logits += reference if config.residual else 0
        self.reference[step, slots] = reference
        self.divergence[step, slots] = divergence(logits, reference, config.kl_direction)
        rollout.values[step, slots] = values[:, 0]
        sample_actions(logits, uniforms, slots, rollout.actions[step], rollout.log_probs[step])

    def _reference(self, adversary: "Role", deviation: float) -> Reference:
        """The live partner as it was in the rollout; the price is in normalised advantages."""
        config = self.config
        log_probs = self.reference[:-1, adversary.slots]
        directions = {"adversary": REFERENCE_SECOND, "partner": REFERENCE_FIRST}
        return Reference(
            log_probs.reshape(-1, log_probs.shape[2]),
            config.residual,
            NO_KL if config.kl_in == "return" else directions[config.kl_direction],
            1 / (self.tau * deviation),
        )

    def _steer(self) -> float:
        """Moves tau so that the ratio of returns nears its target; returns the ratio."""
        adversarial = self._adversarial()
        now = {"adversary": self.rollout.rewards[:, adversarial].mean()}
        if not adversarial.all():
            now["true"] = self.rollout.rewards[:, ~adversarial].mean()
        for name, pace in now.items():
            self.pace[name] += 0.1 * (float(pace) - self.pace[name])
        ratio = self.pace["adversary"] / self.pace["true"] if self.pace["true"] else float("nan")
        one_success = 1 / self.world.facts.horizon
        if not self.config.tau and self.pace["true"] > one_success:
            self.begun = True
            missed = float(np.clip(ratio - self.config.return_ratio, -0.5, 0.5))
            self.tau = float(np.clip(self.tau * np.exp(self.config.tau_rate * missed), 0.01, 1e3))
        return ratio


class Role:
    """A learner and where it sits.

    Attributes:
        mark: Ending of its names in the curves.
        learner: Policy and optimiser.
        seats: Seats that it can play.
        seen: Slots where it is evaluated.
        slots: Slots where it acts and learns.
    """

    def __init__(
        self,
        mark: str,
        learner: Learner,
        seats: tuple[int, ...],
        seen: NDArray[np.int64],
        slots: NDArray[np.int64],
    ) -> None:
        self.mark, self.learner, self.seats = mark, learner, seats
        self.seen, self.slots = seen, slots


def partners(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """[T, S] the entries of the other seat of each environment."""
    return array.reshape(len(array), -1, 2)[:, :, ::-1].reshape(array.shape)


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-probabilities [B, actions] of rows of logits."""
    shifted = logits - logits.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def trembling(logits: NDArray[np.float32], tremble: float) -> NDArray[np.float32]:
    """Log-probabilities of a policy that plays uniformly with probability `tremble`."""
    log_probs = log_softmax(logits)
    if tremble == 0:
        return log_probs
    uniform = np.float32(tremble / logits.shape[1])
    return np.log(np.float32(1 - tremble) * np.exp(log_probs) + uniform)


def divergence(
    logits: NDArray[np.floating], reference: NDArray[np.floating], direction: str
) -> NDArray[np.floating]:
    """Exact KL divergence [B] between an adversary and its reference.

    Args:
        logits: [B, actions] the adversary's.
        reference: [B, actions] the partner's log-probabilities.
        direction: "adversary" for KL(adversary || partner), as in the paper, or "partner" for
            KL(partner || adversary), as in the released grid-world and Tag code.
    """
    log_probs = log_softmax(logits)
    first, second = (log_probs, reference) if direction == "adversary" else (reference, log_probs)
    return (np.exp(first) * (first - second)).sum(1)
