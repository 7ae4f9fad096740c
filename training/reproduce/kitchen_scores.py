"""What trained pairs are worth in the private-cost kitchen, by dynamic programming: no episodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from play.worlds.private_kitchen.rules import COLLISION, MOVE, POTTING
from play.worlds.private_kitchen.solve import Game, tabulate
from play.worlds.private_kitchen.state import all_rows
from play.worlds.private_kitchen.world import INSTANCES
from play.worlds.registry import make_world
from training.evaluation.exact import game_of
from training.networks import ActorCritic
from training.trainer import Trainer

Array = NDArray[np.float64]
TAUS = (0.005, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.5, 5.0)
"""Prices, 1 / tau points per nat, of the adversaries that a policy's worst case is sought with."""


@dataclass(frozen=True)
class Pair:
    """The policies of a seed.

    Attributes:
        seats: [T, S, 5] probabilities in seat 0 and in seat 1.
    """

    seats: tuple[Array, Array]


def pairs_of(trainer: Trainer) -> list[Pair]:
    """The policies that each seed of a trainer would export, as arrays."""
    found = []
    for member in range(len(trainer.members)):
        seats: dict[int, Array] = {}
        for item in trainer.exports(member).values():
            (network,) = item.networks
            seats |= {seat: table_of(network, trainer, seat) for seat in item.seats}
        found.append(Pair((seats[0], seats[1])))
    return found


def table_of(network: ActorCritic, trainer: Trainer, seat: int) -> Array:
    """[T, S, 5] probabilities of a network in every state at every time."""
    world = make_world(trainer.config.world, len(all_rows()))

    def probabilities(rows: NDArray[np.int32]) -> Array:
        world.set_states(rows)
        seen = world.observe(trainer.observer.encoding.name)[:, seat].astype(np.float32)
        with torch.no_grad():
            logits, *_ = network(torch.from_numpy(seen))
        odds: Array = torch.softmax(logits.double(), 1).numpy()
        return odds

    return tabulate(probabilities, world.facts.horizon)


def score(setting: str, pairs: Sequence[Pair], strangers: Mapping[str, Sequence[Pair]]) -> dict:
    """Everything that the pages tell of one variant in one setting, as JSON values.

    Args:
        setting: Instance of the world.
        pairs: The variant's seeds, K of them.
        strangers: Partners that it never met, by kind.

    Returns:
        - ``table`` [K][K][2]: returns of both seats with seed i in seat 0 and seed j in seat 1;
        - ``moves``, ``collisions``, ``pots`` [K][2]: how often the own pair does so, by seat;
        - ``strangers``, kind -> [K]: sum of returns, mean over partners and seatings;
        - ``kl``, ``worst`` [K][1 + len(TAUS)]: beside the partner itself and adversaries, by rising
          divergence, that divergence in nats per step and the own return, means over seats;
        - ``least`` [K]: own return beside the unrestricted adversary, mean over seats;
        - ``gains`` [K]: what either would gain by its best response, the greater;
        - ``unhelped`` [K]: own return beside a partner that stands still, mean over seats.
    """
    game = game_of(INSTANCES[setting])
    table = [[game.evaluate(one.seats[0], other.seats[1]) for other in pairs] for one in pairs]
    counts = [game.counts(*pair.seats) for pair in pairs]
    curves = [_worst_cases(game, pair) for pair in pairs]
    return {
        "table": table,
        "moves": [[float(x) for x in one[:, MOVE]] for one in counts],
        "collisions": [[float(x) for x in one[:, COLLISION]] for one in counts],
        "pots": [[float(x) for x in one[:, POTTING]] for one in counts],
        "strangers": {
            kind: [_beside(game, pair, others) for pair in pairs]
            for kind, others in strangers.items()
        },
        "kl": [kl for kl, _, _ in curves],
        "worst": [worst for _, worst, _ in curves],
        "least": [least for _, _, least in curves],
        "gains": [_gain(game, pair, table[k][k]) for k, pair in enumerate(pairs)],
        "unhelped": [
            float(np.mean([_own(game, pair, seat, game.idle()) for seat in (0, 1)]))
            for pair in pairs
        ],
    }


def scripted(setting: str) -> dict[str, list[Pair]]:
    """Partners by rule and by solution: still, random, who works alone, or does at times."""
    game = game_of(INSTANCES[setting])
    still, random = game.idle(), game.uniform()
    workers = tuple(game.best_response(seat, still).policy for seat in (0, 1))
    sleepy = tuple(0.5 * worker + 0.5 * still for worker in workers)
    return {
        "still": [Pair((still, still))],
        "random": [Pair((random, random))],
        "lone worker": [Pair((workers[0], workers[1]))],
        "sleepy worker": [Pair((sleepy[0], sleepy[1]))],
    }


def _own(game: Game, pair: Pair, seat: int, partner: Array) -> float:
    """Own return of a policy in a seat beside a partner."""
    first, second = (pair.seats[0], partner) if seat == 0 else (partner, pair.seats[1])
    return game.evaluate(first, second)[seat]


def _beside(game: Game, pair: Pair, others: Sequence[Pair]) -> float:
    """Sum of both returns, mean over partners and seatings."""
    found = [
        sum(game.evaluate(first, second))
        for other in others
        for first, second in ((pair.seats[0], other.seats[1]), (other.seats[0], pair.seats[1]))
    ]
    return float(np.mean(found))


def _gain(game: Game, pair: Pair, returns: tuple[float, float]) -> float:
    gains = [
        game.best_response(seat, pair.seats[1 - seat]).start - returns[seat] for seat in (0, 1)
    ]
    return float(max(gains))


def _worst_cases(game: Game, pair: Pair) -> tuple[list[float], list[float], float]:
    """Divergences in nats per step and own returns by tau, and the least own return.

    All are means over the seats. The partner itself comes first.
    """
    kl, worst, least = np.zeros(1 + len(TAUS)), np.zeros(1 + len(TAUS)), 0.0
    for seat in (0, 1):
        own, partner = pair.seats[seat], pair.seats[1 - seat]
        worst[0] += _own(game, pair, seat, partner) / 2
        for k, tau in enumerate(TAUS, start=1):
            found = game.worst_case(seat, own, partner, tau)
            left = _own(game, pair, seat, found.policy)
            worst[k] += left / 2
            kl[k] += (found.start - left) * tau / game.horizon / 2
        least += game.worst_case(seat, own, partner, np.inf).start / 2
    return kl.tolist(), worst.tolist(), least


def summed(table: Any) -> Array:
    """[K, K] sums of both seats' returns."""
    total: Array = np.asarray(table, np.float64).sum(-1)
    return total
