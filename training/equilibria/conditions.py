"""The equations whose roots are the equilibria, with their derivatives.

Strategies are written as log-odds y against each player's first action in use, so that every
vector stands for probabilities inside the simplex. Player i's equations say that it likes
its actions as they are weighted: epsilon_i y_i = the differences of A_i p_i, where p_i is what it
imagines of the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from training.equilibria.adversary import imagined_play, respond
from training.equilibria.games import Array, Game, Preferences, log_play_of_others, log_softmax

Support = NDArray[np.int64]


@dataclass(frozen=True)
class Conditions:
    """First-order conditions of equilibrium for given supports.

    Attributes:
        game: The game.
        preferences: Those of its players; tau is finite except for players in `fixed`.
        supports: Actions that each player uses; all of them where epsilon is above 0.
        fixed: Strategies of players whose choice does not depend on the others; None for the rest.
    """

    game: Game
    preferences: Preferences
    supports: tuple[Support, ...]
    fixed: tuple[Array | None, ...]

    @classmethod
    def interior(cls, game: Game, preferences: Preferences) -> "Conditions":
        """Every player mixes over all of its actions."""
        supports = tuple(np.arange(size) for size in game.sizes)
        return cls(game, preferences, supports, (None,) * game.num_players)

    @cached_property
    def free(self) -> list[int]:
        """Players whose strategies are unknown."""
        return [player for player, given in enumerate(self.fixed) if given is None]

    @cached_property
    def widths(self) -> list[int]:
        """Number of unknowns of each free player."""
        return [len(self.supports[player]) - 1 for player in self.free]

    @cached_property
    def size(self) -> int:
        """Number D of unknowns and of equations."""
        return sum(self.widths)

    @cached_property
    def parts(self) -> list[slice]:
        """Where the unknowns of each free player are."""
        ends = np.cumsum([0, *self.widths]).tolist()
        return [slice(begin, end) for begin, end in pairwise(ends)]

    def logs(self, odds: Array) -> list[Array]:
        """Log-probabilities [n_i] of every player; -inf for actions out of use."""
        with np.errstate(divide="ignore"):
            logs = [np.log(given) if given is not None else np.empty(0) for given in self.fixed]
        for player, part in zip(self.free, self.parts, strict=True):
            used = log_softmax(np.concatenate([[0.0], odds[part]]))
            logs[player] = np.full(self.game.sizes[player], -np.inf)
            logs[player][self.supports[player]] = used
        return logs

    def strategies(self, odds: Array) -> tuple[Array, ...]:
        """Probabilities [n_i] of every player."""
        return tuple(np.exp(log) for log in self.logs(odds))

    def odds(self, strategies: Sequence[Array]) -> Array:
        """The unknowns [D] of strategies that are positive on the supports."""
        logs = [np.log(strategies[player][self.supports[player]]) for player in self.free]
        return np.concatenate([np.zeros(0), *(log[1:] - log[0] for log in logs)])

    @cached_property
    def scale(self) -> Array:
        """[D] what each equation is divided by so that errors are comparable to log-odds."""
        epsilon = self.preferences.epsilon
        each = [epsilon[player] or 1.0 for player in self.free]
        return np.repeat(each, self.widths)

    def imagined(self, logs: Sequence[Array], player: int) -> Array:
        """[M_i] what a player with finite tau imagines of the others."""
        payoff = np.exp(logs[player]) @ self.game.matrix(player)
        reference = log_play_of_others(logs, player)
        tau = self.preferences.tau[player]
        return imagined_play(payoff, reference, tau, self.preferences.direction)

    def residual(self, odds: Array) -> Array:
        """[D] left side minus right side."""
        logs = self.logs(odds)
        parts = []
        for player, part in zip(self.free, self.parts, strict=True):
            values = self.game.matrix(player) @ self.imagined(logs, player)
            values = values[self.supports[player]]
            parts.append(self.preferences.epsilon[player] * odds[part] - (values[1:] - values[0]))
        return np.concatenate([np.zeros(0), *parts]) / self.scale

    def jacobian(self, odds: Array) -> tuple[Array, Array]:
        """Derivatives of `residual` by the unknowns [D, D], and by every player's tau [D, N]."""
        logs = self.logs(odds)
        by_odds = [self._log_by_odds(logs, player) for player in range(self.game.num_players)]
        rows, by_tau = [], []
        for player in self.free:
            matrix, support = self.game.matrix(player), self.supports[player]
            tau = self.preferences.tau[player]
            strategy = np.exp(logs[player])
            payoff = strategy @ matrix
            reference = log_play_of_others(logs, player)
            imagined = respond(payoff, reference, tau, self.preferences.direction)
            dpayoff = matrix.T @ (strategy[:, None] * by_odds[player])
            moved = imagined.by_reference @ self._reference_by_odds(by_odds, player)
            moved -= tau * imagined.by_payoff @ dpayoff
            differences = matrix[support[1:]] - matrix[support[0]]
            rows.append(-differences @ moved)
            own_tau = np.zeros((len(support) - 1, self.game.num_players))
            own_tau[:, player] = differences @ imagined.by_payoff @ payoff
            by_tau.append(own_tau)
        epsilon = np.repeat([self.preferences.epsilon[player] for player in self.free], self.widths)
        jacobian = np.diag(epsilon) + np.concatenate([np.zeros((0, self.size)), *rows])
        scale = self.scale[:, None]
        return jacobian / scale, np.concatenate([np.zeros((0, len(self.fixed))), *by_tau]) / scale

    def _log_by_odds(self, logs: Sequence[Array], player: int) -> Array:
        """[n_i, D] derivative of a player's log-probabilities; 0 where an action is not used."""
        out = np.zeros((self.game.sizes[player], self.size))
        if player in self.free:
            part, support = self.parts[self.free.index(player)], self.supports[player]
            chances = np.exp(logs[player][support])[1:]
            block = np.vstack([np.zeros(len(chances)), np.eye(len(chances))]) - chances
            out[support, part] = block
        return out

    def _reference_by_odds(self, by_odds: Sequence[Array], player: int) -> Array:
        """[M_i, D] derivative of the log-probability of the others' joint actions."""
        others = [by_odds[other] for other in range(len(by_odds)) if other != player]
        total = np.zeros((1, self.size))
        for own in others:
            total = (total[:, None] + own).reshape(len(total) * len(own), self.size)
        return total


def best_response_gap(conditions: Conditions, strategies: Sequence[Array]) -> float:
    """How much better than a used action an unused one would be, at most; 0 if none is."""
    with np.errstate(divide="ignore"):
        logs = [np.log(strategy) for strategy in strategies]
    gap = 0.0
    for player in conditions.free:
        values = conditions.game.matrix(player) @ conditions.imagined(logs, player)
        gap = max(gap, float(values.max() - values[conditions.supports[player]].max()))
    return gap
