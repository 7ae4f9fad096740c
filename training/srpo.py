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
partner; the hero's critic, never its actor, is told which kind of game it is in. On request the
true partner is another policy in some of the games, such as a human proxy; the adversary of these
games stays close to that one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.errors import UserError
from training.config import SrpoConfig
from training.guests import Guest, let_in
from training.kernels import sample_actions
from training.loss import NO_KL, REFERENCE_FIRST, REFERENCE_SECOND
from training.ppo import Lesson, Reference
from training.trainer import Export, Policies, Trainer, by_member

TRUE_PARTNER, ADVERSARY = 0, 1
"""Contexts of the hero's critic: who sits in the other seat; 2 more where the true partner is not
the hero itself."""


@dataclass
class Role:
    """A policy of every seed and where it sits.

    Attributes:
        mark: Ending of its names in the curves.
        policies: One for each seed.
        seats: Seats that it can play.
        seen: Slots where it is evaluated.
        slots: Slots where it acts and learns.
        early: The same before adversaries play.
    """

    mark: str
    policies: Policies
    seats: tuple[int, ...]
    seen: NDArray[np.int64]
    slots: NDArray[np.int64]
    early: NDArray[np.int64]


@dataclass
class Steering:
    """How risk-averse a seed's hero is at present.

    Attributes:
        tau: Degree of risk aversion.
        begun: Whether adversaries play; until then the true partner does. They wait for the end of
            a warm start and, if tau is steered, for returns to steer by.
        pace: Reward per step with the "true" partner and with the "adversary", averaged over
            updates.
    """

    tau: float
    begun: bool
    pace: dict[str, float]


class Srpo(Trainer):
    """Heroes and the adversaries that stand in for them beside their partner."""

    method = "srpo"
    config: SrpoConfig

    def __init__(self, config: SrpoConfig, seeds: Sequence[int] | None = None) -> None:
        super().__init__(config, seeds)
        adversarial = np.tile(self._adversarial(), len(self.members))
        self.partner_slot = self._partner_slots()
        self.adversary_slot = self._stand_in_slots() & np.repeat(adversarial, self.players)  # [S]
        self.heroes: list[Role] = []
        self.adversaries: list[Role] = []
        for own in [self.team] if config.shared else [(seat,) for seat in self.team]:
            mark = "" if config.shared else f"/seat{own[0]}"
            everywhere = self.slots(*own)
            replaced = everywhere[self.adversary_slot[everywhere]]
            contexts = 4 if self._hosted().any() else 2
            hero = self.new_policies(f"hero{mark}", num_contexts=contexts)
            gain = 0.0 if config.residual else 0.01
            adversary = self.new_policies(f"adversary{mark}", entropy=0.0, actor_gain=gain)
            self.heroes.append(Role(mark, hero, own, everywhere, everywhere, everywhere))
            self.adversaries.append(Role(mark, adversary, own, replaced, replaced, replaced[:0]))
        self.replaced = np.flatnonzero(self.adversary_slot)
        steps, slots = config.rollout_length + 1, self.rollout.slots
        self.divergence = np.zeros((steps, slots), np.float32)  # of the adversary in each slot
        actions = len(self.world.facts.actions)
        self.reference = np.zeros((steps, slots, actions), np.float32)
        self.theirs = np.zeros((slots, actions), np.float32)  # guests' log-probabilities now
        self.steering = [
            Steering(
                config.tau or config.initial_tau,
                config.tau > 0 and config.warm_start == 0,
                {"true": 0.0, "adversary": 0.0},
            )
            for _ in self.members
        ]
        self._seat_guests()

    def _invite(self) -> list[Guest]:
        config = self.config
        if len(self.team) != 2:
            raise UserError(
                f"{self.method} trains pairs, but {config.world} has a team of {len(self.team)}: "
                "choose a world for two"
            )
        if not config.partner_share:
            return super()._invite()
        hosted = np.repeat(np.tile(self._hosted(), len(self.members)), self.players)
        slots = np.flatnonzero(self._stand_in_slots() & hosted)
        return [
            *super()._invite(), *self.partners_in(slots, config.partner, config.partner_folder)
        ]  # fmt: skip

    def groups(self) -> dict[str, NDArray[np.int64]]:
        """Games with the adversary and, where there are any, with the true partner."""
        adversarial = self._adversarial()
        groups = {
            "return": np.flatnonzero(~adversarial),
            "return_with_adversary": np.flatnonzero(adversarial),
        }
        return {name: envs for name, envs in groups.items() if len(envs)}

    def play(self) -> None:
        """Fills the rollout; between two of them guests are let in, or sent away."""
        self._seat_guests()
        super().play()

    def act(self, step: int, uniforms: NDArray[np.float64]) -> None:
        """Heroes act but where another partner does; then adversaries take the seats of both."""
        begun = [steering.begun for steering in self.steering]
        for guest in self.guests if self.config.partner_share else ():
            guest.tell(self.theirs)
        for hero, adversary in zip(self.heroes, self.adversaries, strict=True):
            logits = self._hero_acts(hero, step, uniforms)
            if any(begun):
                share = len(adversary.slots) // len(begun)
                slots = adversary.slots[np.repeat(begun, share)]
                ends = np.cumsum([0, *begun]) * share
                partner = logits[np.searchsorted(hero.seen, slots)]
                hosted = self.is_guest[slots]
                partner[hosted] = self.theirs[slots[hosted]]
                self._adversary_acts(adversary, slots, ends, partner, step, uniforms)

    def learn(self) -> list[dict[str, float]]:
        """Heroes improve against the adversary, the adversary against the hero; tau follows."""
        rewards, lessons, marks = self.rewards(), [], []
        for k, steering in enumerate(self.steering):
            for role in self.heroes:
                slots = self.of_member(role.slots if steering.begun else role.early, k)
                lessons.append(self._heros_lesson(role, k, rewards, slots))
                marks.append((k, f"{{}}{role.mark}"))
            for role in self.adversaries if steering.begun else ():
                lessons.append(self._adversarys_lesson(role, k, rewards))
                marks.append((k, f"adversary_{{}}{role.mark}"))
        figures = by_member(marks, self.teach(lessons))
        for k, own in enumerate(figures):
            divergence = self.divergence[:-1, self.of_member(self.replaced, k)]
            own["adversary_kl"] = float(divergence.mean())
            own["tau"] = self.steering[k].tau
            own["return_ratio"] = self._steer(k)
        return figures

    def rewards(self) -> NDArray[np.float32]:
        """[T, S] rewards of the rollout: a hero's include KL / tau, its adversary's negate them."""
        rewards = self.rollout.slot_rewards(self.shaping())
        share = self.rollout.slots // len(self.members)
        if self.config.kl_in in ("both", "return"):
            tau = np.array([steering.tau for steering in self.steering], np.float32)
            prices = self.divergence[:-1] / tau.repeat(share)
            # only one slot of a pair has a divergence, and none before adversaries play
            rewards += prices + prices[:, self.partner_slot]
        begun = np.repeat([steering.begun for steering in self.steering], share)
        replaced = self.replaced[begun[self.replaced]]
        rewards[:, replaced] = -rewards[:, self.partner_slot[replaced]]
        return rewards

    def exports(self, member: int = 0) -> dict[str, Export]:
        """The heroes."""
        found = {}
        for hero in self.heroes:
            suffix = "" if self.config.shared else f"-seat{hero.seats[0]}"
            found[suffix] = Export((hero.policies.stack.networks[member],), hero.seats)
        return found

    def state(self, member: int = 0) -> dict[str, Any]:
        """Everything that the rest of a seed's run depends on."""
        steering = self.steering[member]
        return super().state(member) | {
            "tau": steering.tau, "begun": steering.begun, "pace": dict(steering.pace),
        }  # fmt: skip

    def restore(self, state: dict[str, Any], member: int = 0) -> None:
        """Brings a seed back to what `state` returned."""
        super().restore(state, member)
        self.steering[member] = Steering(state["tau"], state["begun"], dict(state["pace"]))
        self._seat_guests()

    def _adversarial(self) -> NDArray[np.bool_]:
        """[N] which environments of a seed have an adversary: the last ones, as many as asked."""
        config = self.config
        true_games = round(config.num_envs * config.true_partner_share)
        if config.num_envs - true_games < 2 or (config.true_partner_share and not true_games):
            raise UserError(
                f"--num-envs {config.num_envs} is too few for --true-partner-share "
                f"{config.true_partner_share:g}: both kinds of games need some"
            )
        return np.arange(config.num_envs) >= true_games

    def _seat_guests(self) -> None:
        """Decides who the true partner is in which games.

        A guest who is not let in yet decides as well; the hero then acts and learns in its place.
        """
        adversarial, hosted = self._adversarial(), self._hosted()
        part = let_in(self.config, self.steps)
        for kind in (adversarial, ~adversarial) if part < 1 else ():
            games = np.flatnonzero(hosted & kind)
            pairs = int(part * len(games) / 2 + 1e-9)  # of games, one for each seat
            hosted[games[2 * pairs :]] = False
        hosted = np.tile(hosted, len(self.members))
        contexts = np.tile(adversarial, len(self.members)) + 2 * hosted
        self.context = np.repeat(contexts, self.players).astype(np.int64)  # [S]
        # [S] where the true partner is another
        self.is_guest = self._stand_in_slots() & np.repeat(hosted, self.players)
        for hero in self.heroes:
            hero.early = hero.seen[~self.is_guest[hero.seen]]
            hero.slots = hero.early[~self.adversary_slot[hero.early]]

    def _hosted(self) -> NDArray[np.bool_]:
        """[N] in which environments of a seed the true partner is another policy in the end.

        As many as asked of those with and of those without an adversary; neighbours are alike, so
        that both seats have the same share.
        """
        adversarial, share = self._adversarial(), self.config.partner_share
        true_games = int((~adversarial).sum())
        number = np.arange(self.config.num_envs)
        pair = np.where(adversarial, number - true_games, number) // 2
        hosted: NDArray[np.bool_] = np.floor((pair + 1) * share) > np.floor(pair * share)
        return hosted

    def _stand_in_slots(self) -> NDArray[np.bool_]:
        """[S] one slot of each game, the team's in turn: where somebody else than the hero sits.

        In an adversarial game that is the adversary, or before these play, the true partner.
        """
        seat = np.array(self.team)[np.arange(self.config.num_envs) % 2]
        own = seat[:, None] == np.arange(self.players)
        return np.tile(own.reshape(-1), len(self.members))

    def _partner_slots(self) -> NDArray[np.int64]:
        """[S] the slot of the partner in the same game; a slot outside of the team is its own."""
        partner = np.arange(self.players)
        partner[list(self.team)] = self.team[::-1]
        first = np.arange(self.world.num_envs)[:, None] * self.players
        return (first + partner).reshape(-1)

    def _hero_acts(
        self, hero: Role, step: int, uniforms: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        rollout, slots = self.rollout, hero.seen
        logits, values = self.evaluate(hero.policies, step, slots)
        rollout.values[step, slots] = values[np.arange(len(slots)), self.context[slots]]
        acting = hero.early
        sample_actions(
            logits[np.searchsorted(slots, acting)], uniforms, acting, rollout.actions[step],
            rollout.log_probs[step],
        )  # fmt: skip
        return logits

    def _adversary_acts(
        self, adversary: Role, slots: NDArray[np.int64], ends: NDArray[np.int64],
        partner: NDArray[np.float32], step: int, uniforms: NDArray[np.float64],
    ) -> None:  # fmt: skip
        rollout, config = self.rollout, self.config
        logits, values = self.evaluate(adversary.policies, step, slots, ends)
        reference = trembling(partner, config.tremble)
        logits += reference if config.residual else 0
        self.reference[step, slots] = reference
        self.divergence[step, slots] = divergence(logits, reference, config.kl_direction)
        rollout.values[step, slots] = values[:, 0]
        sample_actions(logits, uniforms, slots, rollout.actions[step], rollout.log_probs[step])

    def _heros_lesson(
        self, role: Role, member: int, rewards: NDArray[np.float32], slots: NDArray[np.int64]
    ) -> Lesson:
        samples, _ = self.samples(role.policies, rewards, slots)
        samples.contexts[:] = np.tile(self.context[slots], self.rollout.length)
        learner, stream = role.policies.learners[member], self.members[member].shuffle_stream
        return Lesson(learner, samples, stream)

    def _adversarys_lesson(self, role: Role, member: int, rewards: NDArray[np.float32]) -> Lesson:
        slots = self.of_member(role.slots, member)
        samples, deviation = self.samples(role.policies, rewards, slots)
        learner, stream = role.policies.learners[member], self.members[member].shuffle_stream
        return Lesson(learner, samples, stream, self._reference(slots, member, deviation))

    def _reference(self, slots: NDArray[np.int64], member: int, deviation: float) -> Reference:
        """The live partner as it was in the rollout; the price is in normalised advantages."""
        config = self.config
        log_probs = self.reference[:-1, slots]
        directions = {"adversary": REFERENCE_SECOND, "partner": REFERENCE_FIRST}
        return Reference(
            log_probs.reshape(-1, log_probs.shape[2]),
            config.residual,
            directions[config.kl_direction] if config.kl_in in ("both", "loss") else NO_KL,
            1 / (self.steering[member].tau * deviation),
        )

    def _steer(self, member: int) -> float:
        """Moves tau so that the ratio of returns nears its target; returns the ratio."""
        steering, adversarial = self.steering[member], self._adversarial()
        pace, rewards = steering.pace, self.rollout.rewards[:, self.members[member].envs]
        now = {"adversary": rewards[:, adversarial].mean()}
        if not adversarial.all():
            now["true"] = rewards[:, ~adversarial].mean()
        for name, reward in now.items():
            pace[name] += 0.1 * (float(reward) - pace[name])
        ratio = pace["adversary"] / pace["true"] if pace["true"] else float("nan")
        one_success = 1 / self.world.facts.horizon
        by_then = self.steps + rewards.size
        if by_then < self.config.warm_start * self.config.steps:
            return ratio
        if self.config.tau:
            steering.begun = True
        elif pace["true"] > one_success:
            steering.begun = True
            missed = float(np.clip(ratio - self.config.return_ratio, -0.5, 0.5))
            steering.tau *= np.exp(self.config.tau_rate * missed)
            steering.tau = float(np.clip(steering.tau, 0.01, 1e3))
        return ratio


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
