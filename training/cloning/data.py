"""What people saw and did, as sequences to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.demonstrations import Demonstration
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from play.worlds.spec import Encoding
from training.cloning.pace import Pace


@dataclass(frozen=True)
class Play:
    """One person's play of one game.

    Attributes:
        pair: Who played.
        inputs: [T, F] float32 what the model sees, flat.
        actions: [T] int64.
    """

    pair: str
    inputs: NDArray[np.float32]
    actions: NDArray[np.int64]


def plays_of(games: Sequence[Demonstration], encoding: str, pace: bool) -> list[Play]:
    """What every person of some games saw and did.

    Args:
        games: Games of one world.
        encoding: How the model sees it.
        pace: Whether it also has the memory of `Pace`.

    Raises:
        UserError: The world has no such encoding, or none that `Pace` can read.
    """
    plays = []
    seen_as = _encoding(games[0], encoding)
    memory = Pace(seen_as) if pace else None
    for game in games:
        world = make_world(game.world, len(game.actions), **game.options)
        world.set_states(game.states[:-1])
        seen = world.observe(encoding)
        for seat in game.people:
            inputs = seen[:, seat].reshape(len(seen), -1).astype(np.float32)
            if memory:
                inputs = _with_memory(inputs, memory)
            plays.append(Play(game.pair, inputs, game.actions[:, seat].astype(np.int64)))
    return plays


def _encoding(game: Demonstration, name: str) -> Encoding:
    """An encoding of the world of a game.

    Raises:
        UserError: It has none of this name.
    """
    facts = make_world(game.world, 1, **game.options).facts
    if name not in facts.encodings:
        raise UserError(
            f"{facts.world} has no encoding {name!r}: choose {', '.join(facts.encodings)}"
        )
    return facts.encodings[name]


def _with_memory(observations: NDArray[np.float32], pace: Pace) -> NDArray[np.float32]:
    memory = np.zeros((1, pace.size), np.float32)
    rows = []
    for observation in observations:
        extended, memory = pace.step(observation[None], memory)
        rows.append(extended[0])
    return np.stack(rows)


@dataclass(frozen=True)
class Batch:
    """Plays side by side.

    Attributes:
        inputs: [T, B, F] float32.
        actions: [T, B] int64.
        weights: [T, B] float32; 0 behind the end of a play.
    """

    inputs: NDArray[np.float32]
    actions: NDArray[np.int64]
    weights: NDArray[np.float32]


def batch_of(plays: Sequence[Play]) -> Batch:
    """Puts plays side by side, padded at the end."""
    longest = max(len(play.actions) for play in plays)
    shape = (longest, len(plays))
    batch = Batch(
        np.zeros((*shape, plays[0].inputs.shape[1]), np.float32),
        np.zeros(shape, np.int64),
        np.zeros(shape, np.float32),
    )
    for b, play in enumerate(plays):
        steps = slice(len(play.actions))
        batch.inputs[steps, b], batch.actions[steps, b] = play.inputs, play.actions
        batch.weights[steps, b] = 1
    return batch


def folds_of(plays: Sequence[Play], folds: int) -> list[tuple[list[Play], list[Play]]]:
    """Parts to learn from and parts to check on, which have no pair in common.

    Raises:
        UserError: There are too few pairs.
    """
    pairs = sorted({play.pair for play in plays})
    if len(pairs) < folds:
        raise UserError(
            f"--folds is {folds}, but only {len(pairs)} pairs played: give {len(pairs)} or fewer"
        )
    return [
        (
            [play for play in plays if play.pair not in pairs[fold::folds]],
            [play for play in plays if play.pair in pairs[fold::folds]],
        )
        for fold in range(folds)
    ]
