"""Matrix games as a world: every episode is one simultaneous move, and all states are alike.

There is nothing to draw and nothing to watch, so no menu offers these games to people; they are
for training and for checking what is learnt against equilibria that are known exactly.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.errors import UserError
from play.worlds.matrix.games import ABSTAIN, ACTIONS, CONTRIBUTE, GAMES, MatrixGame, make_game
from play.worlds.spec import Encoding, WorldFacts

VERSION = 1


def instances() -> list[str]:
    """Names of all games."""
    return list(GAMES)


def make(
    instance: str,
    num_envs: int = 1,
    *,
    autoreset: bool = False,
    cost: float = 0.4,
    players: int = 2,
    **unknown: Any,
) -> "MatrixWorld":
    """Builds a batch of matrix games.

    Args:
        instance: "free-riding" or "stag-hunt", see `play.worlds.matrix.games`.
        num_envs: Number of environments N.
        autoreset: Whether finished episodes restart within the step that ends them.
        cost: What a seat pays for contributing; the team's reward is 1 for every seat.
        players: Number of seats A.
        **unknown: Refused.

    Raises:
        UserError: No such game or option.
    """
    if unknown:
        raise UserError(
            f"A matrix game has no option {sorted(unknown)[0]!r}; there are cost and players"
        )
    if num_envs < 1:
        raise UserError(f"num_envs is {num_envs}, but at least one environment is needed")
    options = {"cost": cost, "players": players}
    return MatrixWorld(make_game(instance, cost, players), num_envs, autoreset, options)


def make_facts(game: MatrixGame, options: dict[str, Any]) -> WorldFacts:
    """What a matrix game declares."""
    seats = tuple(f"seat {seat}" for seat in range(game.players))
    welfare = sum(game.payoffs)
    return WorldFacts(
        world=f"matrix/{game.name}",
        version=VERSION,
        options=options,
        num_players=game.players,
        actions=ACTIONS,
        idle_action=ABSTAIN,
        horizon=1,
        tick_ms=1000,
        step_reward_range=(float(np.min(welfare)), float(np.max(welfare))),
        reward_unit=1.0,
        encodings={"seat": Encoding("seat", 1, (game.players,), "uint8", seats)},
        events=("contribution",),
        contributions={"contributions": ("contribution",)},
        keys={},
        renderer="none",
        shared_reward=False,
    )


class MatrixWorld:
    """N independent plays of one game; see `play.worlds.spec.World`.

    Nothing is random, a seat sees which seat it is, and rewards are each seat's own utility.

    Attributes:
        game: The game.
    """

    def __init__(
        self, game: MatrixGame, num_envs: int, autoreset: bool, options: dict[str, Any]
    ) -> None:
        """See `make`."""
        self.game, self.num_envs, self.autoreset = game, num_envs, autoreset
        self.facts = make_facts(game, options)
        self._payoffs = np.stack(game.payoffs, axis=-1).astype(np.float32)  # [2, ..., 2, A]
        self.rewards = np.zeros((num_envs, game.players), np.float32)
        self.shaped_rewards = np.zeros((num_envs, game.players), np.float32)
        self.done = np.zeros(num_envs, np.bool_)
        self.events = np.zeros((num_envs, game.players, 1), np.bool_)
        self.streams = np.zeros((num_envs, 0), np.int64)

    def reset(self, seed: int | Sequence[int] | None = None) -> None:
        """Starts a new episode everywhere; nothing depends on the seed."""
        for array in (self.rewards, self.done, self.events):
            array.fill(0)

    def shape_useful(self) -> None:
        """Without effect: nothing is shaped."""

    def draw_starts(self, share: float) -> None:
        """Does nothing: there is only one state to start in."""

    def step(self, actions: NDArray[np.integer[Any]]) -> None:
        """Plays the move.

        Args:
            actions: [N, A] action indices.

        Raises:
            ValueError: Wrong shape, an action that doesn't exist, or an episode that is over.
        """
        joint = np.asarray(actions)
        if joint.shape != self.rewards.shape:
            raise ValueError(
                f"actions have shape {joint.shape}, but {self.num_envs} environments of "
                f"{self.game.players} players need {self.rewards.shape}"
            )
        if not self.autoreset and self.done.any():
            raise ValueError("an episode is over: call reset(), or make the world with autoreset")
        if not ((joint >= 0) & (joint < len(ACTIONS))).all():
            raise ValueError(f"actions are 0 to {len(ACTIONS) - 1}, not {joint.tolist()}")
        self.rewards[:] = self._payoffs[tuple(joint.T)]
        self.events[..., 0] = joint == CONTRIBUTE
        self.done.fill(True)

    def observe(self, encoding: str = "seat", out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Writes which seat each seat is, one-hot, [N, A, A].

        Raises:
            ValueError: No such encoding.
        """
        if encoding not in self.facts.encodings:
            raise ValueError(f"there is no encoding {encoding!r}; there is seat")
        seats = np.eye(self.game.players, dtype=np.uint8)
        if out is None:
            out = np.empty((self.num_envs, *seats.shape), np.uint8)
        out[:] = seats
        return out

    def get_states(self, envs: Any = slice(None)) -> NDArray[np.bool_]:
        """Copies of the states [M, 1] of the chosen environments: whether the move is made."""
        states: NDArray[np.bool_] = self._over[:, None][envs].copy()
        return states

    def set_states(self, rows: NDArray[np.bool_], envs: Any = slice(None)) -> None:
        """Puts the chosen environments into states that `get_states` returned."""
        self.done[envs] = rows[:, 0]
        self.rewards[envs] = 0
        self.events[envs] = False

    @property
    def _over(self) -> NDArray[np.bool_]:
        """[N] whether the state is after the move, which with autoreset it never is."""
        return np.zeros_like(self.done) if self.autoreset else self.done

    def state_hash(self, env: int) -> str:
        """Sixteen hexadecimal digits that tell states of all matrix games apart."""
        content = repr((self.game.name, self._payoffs.tolist(), bool(self._over[env])))
        return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()

    def static_scene(self) -> dict[str, Any]:
        """The game as JSON values; there is no picture of it."""
        return {
            "renderer": self.facts.renderer,
            "actions": list(ACTIONS),
            "payoffs": self._payoffs.tolist(),
        }

    def scene(self, env: int) -> dict[str, Any]:
        """What was played and earned, as JSON values."""
        return {
            "over": bool(self._over[env]),
            "contributed": self.events[env, :, 0].tolist(),
            "rewards": self.rewards[env].tolist(),
        }
