"""From games of people to a human proxy: a policy that plays as they do, with what it is worth."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from agents.demonstrations import Demonstration, load_demonstrations, pairs_of
from agents.library import FREE_OPTIONS, HUMAN_PROXY, POLICIES_DIR, write_card
from agents.onnx import OnnxPolicy
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from play.worlds.spec import WorldFacts
from training.cloning.config import EVERYBODY, CloneConfig
from training.cloning.data import batch_of, plays_of
from training.cloning.export import check_against_torch, to_onnx
from training.cloning.fit import Fitted, fit, score
from training.evaluation.habits import habits_of, played
from training.export import OPSET
from training.provenance import git_commit, versions

GAMES = 50
NAMES = {"train": "human-proxy", "test": "human-proxy-held-out", EVERYBODY: "human-proxy-all"}
SIDES = {"train": "test", "test": "train"}


@dataclass(frozen=True)
class Proxy:
    """A human proxy on disk.

    Attributes:
        folder: Where it is.
        fitted: The model.
        results: What its card says of it.
    """

    folder: Path
    fitted: Fitted
    results: dict[str, Any]

    def sentences(self) -> list[str]:
        """What the results say, for a person."""
        said = []
        for key, who in (("unseen_pairs_of_its_side", "pairs left out of the fit"),
                         ("pairs_of_the_other_side", "the other side's pairs")):  # fmt: skip
            if key in self.results:
                found = self.results[key]
                said.append(
                    f"Actions of {who}: log-likelihood {found['log_likelihood']:.3f} nats each, "
                    f"{found['accuracy']:.0%} were the likeliest"
                )
        for key, who in (("people", "People"), ("own_pair_habits", "The proxy with itself")):
            habits = self.results[key]
            said.append(
                f"{who}: {habits['soups']:.1f} soups in 400 steps, stays {habits['stay']:.0%}, "
                f"interacts {habits['interact']:.1%}, stuck {habits['futile']:.1%}"
            )
        return said


def make_proxy(config: CloneConfig, name: str, root: Path = POLICIES_DIR) -> Proxy:
    """Fits a human proxy and writes it as a policy.

    Args:
        config: The settings.
        name: Name of the policy, such as ``kitchen/cramped_room/human-proxy``.
        root: What the name is relative to.

    Raises:
        UserError: A policy of that name exists, or there are no or too few games.
    """
    target = root / name
    if target.exists():
        raise UserError(f"{target} already exists: choose another name or remove it first")
    games = load_demonstrations(Path(config.data), config.world, config.side)
    facts = facts_of(games)
    plays = plays_of(games, config.encoding, config.pace)
    fitted = fit(plays, len(facts.actions), config)
    model = to_onnx(fitted.model, facts, config)
    check_against_torch(model, fitted.model, observations_of(games[0], config), plays[0].inputs)
    root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=root, prefix=".export-") as workshop:
        draft = Path(workshop) / "proxy"
        draft.mkdir()
        (draft / "policy.onnx").write_bytes(model.SerializeToString())
        state = [i for i in model.graph.input if i.name == "state_in"]
        shape = [state[0].type.tensor_type.shape.dim[1].dim_value] if state else None
        card = card_of(name, config, games, facts, fitted) | {
            "recurrent": shape is not None,
            "state_shape": shape,
        }
        write_card(draft, card)
        results = results_of(config, games, facts, fitted, OnnxPolicy(draft))
        write_card(draft, card | {"results": results})
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(target)
    return Proxy(target, fitted, results)


def facts_of(games: Sequence[Demonstration]) -> WorldFacts:
    """The world that games were played in, with its own horizon.

    Raises:
        UserError: The games were played under different rules.
    """
    rules = [{k: v for k, v in g.options.items() if k not in FREE_OPTIONS} for g in games]
    for game, other in zip(games, rules, strict=True):
        if other != rules[0]:
            raise UserError(
                f"{games[0].name} was played with {rules[0]}, but {game.name} with {other}: import "
                "games of one kind at a time"
            )
    return make_world(games[0].world, **rules[0]).facts


def observations_of(game: Demonstration, config: CloneConfig) -> Any:
    """[T, *shape] what the first person of a game saw."""
    world = make_world(game.world, len(game.actions), **game.options)
    world.set_states(game.states[:-1])
    return world.observe(config.encoding)[:, game.people[0]]


def results_of(
    config: CloneConfig,
    games: Sequence[Demonstration],
    facts: WorldFacts,
    fitted: Fitted,
    policy: OnnxPolicy,
) -> dict[str, Any]:
    """How well the model predicts people whom it has not seen, and how it plays beside itself."""
    results: dict[str, Any] = {
        "unseen_pairs_of_its_side": {
            "log_likelihood": fitted.log_likelihood,
            "accuracy": fitted.accuracy,
            "by_fold": fitted.by_fold,
        }
    }
    if config.split != EVERYBODY:
        others = load_demonstrations(Path(config.data), config.world, SIDES[config.split])
        unseen = batch_of(plays_of(others, config.encoding, config.pace))
        likelihood, accuracy = score(fitted.model, unseen)
        results["pairs_of_the_other_side"] = {
            "log_likelihood": likelihood,
            "accuracy": accuracy,
            "pairs": len(pairs_of(others)),
        }
    team = (policy,) * facts.num_players
    own, returns = played(team, facts.world, facts.options, GAMES, config.seed)
    results["people"] = asdict(habits_of(games))
    results["own_pair_habits"] = asdict(habits_of(own))
    results["own_pair"] = {
        "return": float(returns.mean()),
        "standard_error": float(returns.std(ddof=1) / np.sqrt(len(returns))),
        "episodes": GAMES,
        "seed": config.seed,
    }
    return results


def card_of(
    name: str,
    config: CloneConfig,
    games: Sequence[Demonstration],
    facts: WorldFacts,
    fitted: Fitted,
) -> dict[str, Any]:
    """The card, but for the results."""
    encoding, layout = facts.encodings[config.encoding], facts.world.split("/", 1)[1]
    held_out = config.split == "test"
    people = f"{len(pairs_of(games))} pairs of people in {len(games)} games"
    return {
        "schema": 1,
        "name": name,
        "title": f"{'Held-out human' if held_out else 'Human'} proxy ({layout.replace('_', ' ')})",
        "description": f"Plays as {people} did, by behaviour cloning."
        + (" For evaluation only: nothing is trained beside it." if held_out else ""),
        "world": facts.world,
        "options": dict(facts.options),
        "layouts": [layout],
        "num_players": facts.num_players,
        "seats": list(range(facts.num_players)),
        "encoding": {
            "name": encoding.name,
            "version": encoding.version,
            "shape": list(encoding.shape),
            "dtype": encoding.dtype,
        },
        "actions": list(facts.actions),
        "algorithm": HUMAN_PROXY,
        "hyperparameters": {
            **config.to_json(),
            "data": Path(config.data).name,
            "chosen_epochs": fitted.epochs,
            "patience": float(fitted.model.patience),
        },
        "seed": config.seed,
        "steps": None,
        "git_commit": git_commit(),
        "versions": versions("numpy", "torch", "onnx", "onnxruntime"),
        "opset": OPSET,
        "known_failures": [],
        "held_out": held_out,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
