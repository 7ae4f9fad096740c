"""Finite games as the solvers read them, and the preferences of their players."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from play.worlds.errors import UserError

Array = NDArray[np.float64]
ADVERSARY_FIRST, PARTNER_FIRST = "adversary", "partner"
DIRECTIONS = (ADVERSARY_FIRST, PARTNER_FIRST)


@dataclass(frozen=True)
class Game:
    """A finite game of one simultaneous move.

    Attributes:
        payoffs: One array per player, all of shape [n_1, ..., n_N]: its utility by joint action.
    """

    payoffs: tuple[Array, ...]

    @classmethod
    def of(cls, payoffs: Sequence[ArrayLike]) -> "Game":
        """Checks and copies payoff arrays, one per player.

        Raises:
            UserError: Fewer than two players, arrays that do not fit, or numbers that are not
                finite.
        """
        arrays = tuple(np.array(payoff, np.float64) for payoff in payoffs)
        shapes = [array.shape for array in arrays]
        if len(arrays) < 2:
            raise UserError(f"A game of {len(arrays)} players has no partner: give two or more")
        if any(shape != shapes[0] for shape in shapes) or len(shapes[0]) != len(arrays):
            raise UserError(
                f"Payoffs of the shapes {shapes} do not make a game of {len(arrays)} players: each "
                "player needs one number for every joint action, one axis for each player"
            )
        if 0 in shapes[0] or not all(np.isfinite(array).all() for array in arrays):
            raise UserError("Payoffs must be finite numbers, with an action or more per player")
        return cls(arrays)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of actions of each player."""
        return self.payoffs[0].shape

    @property
    def num_players(self) -> int:
        """Number of players N."""
        return len(self.payoffs)

    def matrix(self, player: int) -> Array:
        """[n_i, M_i] own utility by own action and by the joint action of the others.

        The others' joint actions are in row-major order of the players that are left.
        """
        return self._matrices[player]

    @cached_property
    def _matrices(self) -> list[Array]:
        own = [np.moveaxis(payoff, player, 0) for player, payoff in enumerate(self.payoffs)]
        return [payoff.reshape(len(payoff), -1) for payoff in own]

    def expected(self, strategies: Sequence[Array]) -> Array:
        """[N] expected utilities if everybody plays independently."""
        joint = outer(strategies)
        return np.array([(payoff * joint).sum() for payoff in self.payoffs])


@dataclass(frozen=True)
class Preferences:
    """How every player judges uncertainty.

    A player's utility of a mixed strategy x beside others who play q is
    min over p of E[u(x, p)] + D / tau, plus epsilon * entropy(x), with the divergence D as
    `direction` says.

    Attributes:
        tau: [N] degree of strategic risk aversion per unit of payoff; 0 trusts the others to play
            what they play, infinity expects the worst.
        epsilon: [N] weight of the entropy in units of payoff; 0 best-responds.
        direction: "adversary" for D = KL(p || q), the paper's, or "partner" for KL(q || p), that
            of the released grid-world and Tag code.
    """

    tau: Array
    epsilon: Array
    direction: str = ADVERSARY_FIRST

    @classmethod
    def of(
        cls, game: Game, tau: ArrayLike, epsilon: ArrayLike, direction: str = ADVERSARY_FIRST
    ) -> "Preferences":
        """Checks preferences; a single number goes for all players.

        Raises:
            UserError: A negative or missing number, or no such direction.
        """
        if direction not in DIRECTIONS:
            raise UserError(f"There is no direction {direction!r}: use {' or '.join(DIRECTIONS)}")
        return cls(
            per_player("tau", tau, game.num_players, infinite=True),
            per_player("epsilon", epsilon, game.num_players, infinite=False),
            direction,
        )


def per_player(name: str, value: ArrayLike, players: int, infinite: bool) -> Array:
    """[N] numbers from one for all or one for each.

    Raises:
        UserError: Another count of numbers, or one outside the range.
    """
    numbers: NDArray[Any] = np.asarray(value, np.float64)
    if numbers.ndim > 1 or (numbers.ndim == 1 and len(numbers) != players):
        raise UserError(f"{name} needs one number, or one for each of {players} players")
    fit = (numbers >= 0) & (infinite | np.isfinite(numbers))  # nan is neither
    if not fit.all():
        allowed = "0 or more, or infinite" if infinite else "0 or more, and finite"
        raise UserError(f"{name} is {numbers.tolist()}, but it must be {allowed}")
    return np.broadcast_to(numbers, players).copy()


def log_softmax(logits: Array) -> Array:
    """Log-probabilities of a row of logits; ten times as fast as SciPy's on so few numbers."""
    shifted = logits - logits.max()
    out: Array = shifted - np.log(np.exp(shifted).sum())
    return out


def softmax(logits: Array) -> Array:
    """Probabilities of a row of logits."""
    weights = np.exp(logits - logits.max())
    out: Array = weights / weights.sum()
    return out


def outer(strategies: Sequence[Array]) -> Array:
    """[n_1, ..., n_K] probability of every joint action of independent players."""
    joint = np.ones(())
    for strategy in strategies:
        joint = np.multiply.outer(joint, strategy)
    return joint


def log_play_of_others(logs: Sequence[Array], player: int) -> Array:
    """[M_i] log-probability of the joint actions of everybody but one."""
    total = np.zeros(())
    for other, log in enumerate(logs):
        if other != player:
            total = np.add.outer(total, log)
    return total.reshape(-1)
