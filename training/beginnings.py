"""Training that begins with what a policy has learnt, such as one for all kitchens in a single one.

Only the actor is in a policy's file; critics and adversaries begin as they always do.
"""

from pathlib import Path

from agents.card import Card
from agents.library import POLICIES_DIR, load_policy
from play.worlds.errors import UserError
from training.guests import refuse_held_out
from training.networks import ActorCritic
from training.published import read_actor
from training.trainer import Trainer


def begin_with(trainer: Trainer) -> dict[str, str]:
    """Gives the policies that training will export the weights of the one that it starts from.

    Args:
        trainer: A trainer that has not learnt anything; its settings name the policy.

    Returns:
        Name and SHA-256 of that policy; nothing if training starts from random weights.

    Raises:
        UserError: There is none of that name, it is held out, or it does not fit the world or the
            network.
    """
    config = trainer.config
    name, root = config.start_from, Path(config.start_folder or POLICIES_DIR)
    if not name:
        return {}
    policy = load_policy(name, folder=root)
    refuse_held_out(policy)
    card: Card | None = getattr(policy, "card", None)
    if card is None:
        raise UserError(
            f"--start-from is {name}, which plays by rules: choose a policy that was trained"
        )
    exports = [e for k in range(len(trainer.members)) for e in trainer.exports(k).values()]
    if any(len(export.networks) > 1 for export in exports):
        raise UserError(f"{trainer.method} begins with its --hero: leave --start-from out")
    seats = sorted({seat for export in exports for seat in export.seats})
    actor = read_actor(root / name, trainer.world, trainer.observer, seats)
    memory = "gru" if actor.state_size else "none"
    there = {"hidden": actor.hidden, "activation": actor.activation, "memory": memory}
    if give := [f"--{key} {own}" for key, own in there.items() if own != getattr(config, key)]:
        raise UserError(
            f"--start-from is {name}, whose network has other settings: give {' '.join(give)}"
        )
    for export in exports:
        _give(export.networks[0], actor)
    return {name: card.sha256}


def _give(network: ActorCritic, actor: ActorCritic) -> None:
    """Copies an actor into a network of its shape, whose critic stays what it is."""
    hidden = network.hidden
    for part, into, own in zip(network.parts._fields, network.weights, actor.weights, strict=True):
        if part in ("table", "bias1"):  # actor and critic side by side
            into[..., :hidden] = own[..., :hidden]
        elif part.startswith("actor"):
            into[...] = own
        elif not part.startswith("critic"):  # one above the other
            into[0] = own[0]
