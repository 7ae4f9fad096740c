"""Training that begins with what a policy has learnt, such as one for all kitchens in a single one.

Only the actor is in a policy's file; critics and adversaries begin as they always do.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.card import Card
from agents.library import POLICIES_DIR, check_fit, load_policy
from play.worlds.errors import UserError
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
        UserError: There is none of that name, or it does not fit the world or the network.
    """
    config = trainer.config
    name, root = config.start_from, Path(config.start_folder or POLICIES_DIR)
    if not name:
        return {}
    policy = load_policy(name, folder=root)
    card: Card | None = getattr(policy, "card", None)
    if card is None:
        raise UserError(
            f"--start-from is {name}, which plays by rules: choose a policy that was trained"
        )
    exports = [e for k in range(len(trainer.members)) for e in trainer.exports(k).values()]
    if any(len(export.networks) > 1 for export in exports):
        raise UserError(f"{trainer.method} begins with its --hero: leave --start-from out")
    seats = sorted({seat for export in exports for seat in export.seats})
    check_fit(policy, trainer.world.facts, seats)
    here = {key: getattr(config, key) for key in ("hidden", "activation", "memory")}
    said = {key: card.hyperparameters.get(key, value) for key, value in here.items()}
    seen = trainer.observer.encoding.name
    _check(name, said | {"encoding": card.encoding["name"]}, here | {"encoding": seen})
    actor = read_actor(root / name, trainer.world, trainer.observer, seats)
    memory = "gru" if actor.state_size else "none"
    are = {"hidden": actor.hidden, "activation": actor.activation, "memory": memory}
    _check(name, are, here)  # a card from elsewhere need not tell
    for export in exports:
        _give(export.networks[0], actor)
    return {name: card.sha256}


def _check(name: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    if give := [f"--{key} {value}" for key, value in there.items() if value != here[key]]:
        raise UserError(
            f"--start-from is {name}, whose network has other settings: give {' '.join(give)}"
        )


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
