"""PPO-BC: the policy learns beside a human proxy that does not learn.

It begins with itself as its partner, since beside somebody who waits for help little is found out;
the share of the episodes beside the proxy then rises to its final value.

Source: Carroll et al. 2019, "On the utility of learning about humans for human-AI coordination"
(arXiv 1910.05789). The same with one given policy from the beginning is its best response, which
BR-Prox is relative to (ZSC-Eval, arXiv 2310.05208).
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from play.worlds.errors import UserError
from training.config import BestResponseConfig, PpoBcConfig
from training.guests import Guest, let_in
from training.trainer import Export, Trainer


class PpoBc(Trainer):
    """One policy for all seats, which learns in one seat of each game.

    Attributes:
        policy: The policy that learns.
        learning: [N] the slot of each game where it learns.
        partner_slots: [N] the other's slot.
        beside: [N] whether the other is the proxy in this episode, and not the policy itself.
    """

    method = "ppo-bc"
    config: PpoBcConfig
    meets_held_out: ClassVar[bool] = False

    def __init__(self, config: PpoBcConfig, seeds: Sequence[int] | None = None) -> None:
        super().__init__(config, seeds)
        self.policy = self.new_policies("policy")
        self.everywhere = self.slots(*self.team)
        self.learning = self.slots_in_turn()
        self.partner_slots = np.setdiff1d(self.everywhere, self.learning)
        self.beside = np.zeros(self.world.num_envs, np.bool_)
        self._choose(np.ones(self.world.num_envs, np.bool_))

    def _invite(self) -> list[Guest]:
        if len(self.team) != 2:
            raise UserError(
                f"{self.method} trains pairs, but {self.config.world} has a team of "
                f"{len(self.team)}: choose a world for two"
            )
        slots = np.setdiff1d(self.slots(*self.team), self.slots_in_turn())
        partners = self.partners_in(
            slots, self.config.partner, self.config.partner_folder, held_out=self.meets_held_out
        )
        return [*super()._invite(), *partners]

    def partner_share(self) -> float:
        """Share of the episodes that begin now which are played beside the proxy."""
        return self.config.partner_share * let_in(self.config, self.own_steps)

    def act(self, step: int, uniforms: NDArray[np.float64]) -> None:
        """The policy acts in every seat but those where the proxy, who acted before, is seated."""
        actions, seated = self.rollout.actions[step], self.partner_slots[self.beside]
        theirs = actions[seated]
        self.decide(self.policy, step, self.everywhere, uniforms)
        actions[seated] = theirs

    def learn(self) -> list[dict[str, float]]:
        """The policy learns from its own seat of each game, whoever is its partner."""
        return self.teach_from(self.policy, self.learning)

    def after_step(self, step: int) -> None:
        """Draws the partners of the episodes that begin."""
        done = self.rollout.done[step]
        if done.any():
            self._choose(done)

    def _choose(self, where: NDArray[np.bool_]) -> None:
        for member in self.members:
            own = np.flatnonzero(where[member.envs]) + member.envs.start
            self.beside[own] = member.start_stream.random(len(own)) < self.partner_share()

    def exports(self, member: int = 0) -> dict[str, Export]:
        """One policy for all seats."""
        return {"": Export((self.policy.stack.networks[member],), self.team)}

    def state(self, member: int = 0) -> dict[str, Any]:
        """Everything that the rest of a seed's run depends on."""
        beside = self.beside[self.members[member].envs].copy()
        return super().state(member) | {"beside": torch.from_numpy(beside)}

    def restore(self, state: dict[str, Any], member: int = 0) -> None:
        """Brings a seed back to what `state` returned."""
        super().restore(state, member)
        self.beside[self.members[member].envs] = state["beside"].numpy()


class BestResponse(PpoBc):
    """The best response to one policy; a yardstick, which may meet what is held out."""

    method = "best-response"
    config: BestResponseConfig
    meets_held_out = True
