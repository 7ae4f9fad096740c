"""Playing the environments and keeping what was seen, done and earned."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.spec import World, WorldFacts
from training.networks import SparseObserver


class Rollout:
    """T steps of N environments with A seats; a slot is one seat of one environment.

    Attributes:
        observations: Sparse observations of the (T + 1) * S states' slots, S = N * A; the last S
            rows are what is seen after the last step.
        actions: [T + 1, S] int64; the last row is decided but not played.
        log_probs: [T + 1, S] log-probability of each action.
        values: [T + 1, S] value of each slot's state, as its policy's critic says.
        rewards: [T, N] reward of the team, the seats that learn together, in units of success.
        own: [T, S] the reward that each slot wants to be high, in the same units.
        shaped: [T, S] shaping reward of each slot in units of success.
        done: [T, N] whether the step ended its episode.
        shared_shaping: Whether a slot's shaping rewards are those of all whose reward it wants.
    """

    def __init__(
        self, world: World, observer: SparseObserver, length: int, shared_shaping: bool = False
    ) -> None:
        num_envs, players = world.num_envs, world.facts.num_players
        slots = num_envs * players
        self.length, self.slots, self.players = length, slots, players
        self.shared_shaping = shared_shaping
        self.observations = observer.empty(length + 1)
        self.actions = np.zeros((length + 1, slots), np.int64)
        self.log_probs = np.zeros((length + 1, slots), np.float32)
        self.values = np.zeros((length + 1, slots), np.float32)
        self.rewards = np.zeros((length, num_envs), np.float32)
        self.own = np.zeros((length, slots), np.float32)
        self.shaped = np.zeros((length, slots), np.float32)
        self.done = np.zeros((length, num_envs), np.bool_)

    def rows(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """[T * len(slots)] where the observations of these slots are, step after step."""
        return (np.arange(self.length)[:, None] * self.slots + slots).reshape(-1)

    def slot_done(self) -> NDArray[np.bool_]:
        """[T, S] `done`, repeated for every seat of an environment."""
        return np.repeat(self.done, self.players, axis=1)

    def slot_rewards(self, shaping: float) -> NDArray[np.float32]:
        """[T, S] every slot's own reward plus `shaping` times its shaping reward."""
        return self.own + np.float32(shaping) * self.shaped


def collect(
    world: World,
    observer: SparseObserver,
    rollout: Rollout,
    team: Sequence[int],
    act: Callable[[int, NDArray[np.float64]], None],
    uniforms: NDArray[np.float64],
    after_step: Callable[[int], None] = lambda step: None,
) -> None:
    """Fills the rollout.

    `act(t, uniforms)` decides for all slots from the observations of step t: it writes
    actions[t], log_probs[t] and values[t]. It is called once more at t = T, with actions to be
    thrown away, for the values of the last states.

    Args:
        world: The environments, which restart by themselves.
        observer: Reads their observations.
        rollout: To be filled.
        team: The seats that learn.
        act: See above.
        uniforms: [T + 1, S] in [0, 1); chance, one number for each decision.
        after_step: Called with the number of every step that was played.
    """
    unit = np.float32(1 / world.facts.reward_unit)
    wanted, learning = interests(world.facts), list(team)
    helped = wanted if rollout.shared_shaping else np.eye(rollout.players, dtype=np.float32)
    shape = (world.num_envs, rollout.players)
    for t in range(rollout.length):
        observer.write(rollout.observations, t)
        act(t, uniforms[t])
        world.step(rollout.actions[t].reshape(shape))
        rollout.rewards[t] = world.rewards[:, learning].sum(1) * unit
        rollout.own[t] = (world.rewards @ wanted * unit).reshape(-1)
        rollout.shaped[t] = (world.shaped_rewards @ helped * unit).reshape(-1)
        rollout.done[t] = world.done
        after_step(t)
    observer.write(rollout.observations, rollout.length)
    act(rollout.length, uniforms[rollout.length])


def interests(facts: WorldFacts) -> NDArray[np.float32]:
    """[A, A] whether the reward of one seat (row) is what another one (column) wants.

    Where rewards are shared, every seat wants those of all seats of its role.
    """
    if not facts.shared_reward:
        return np.eye(facts.num_players, dtype=np.float32)
    roles = np.array(facts.roles or ("",) * facts.num_players)
    return (roles[:, None] == roles).astype(np.float32)


class Returns:
    """Returns of the latest whole episodes of a group of environments, in the world's points.

    Episodes that began at a later time than 0, as exploring starts do, would make the mean lower.
    """

    def __init__(self, num_envs: int, unit: float, horizon: int, window: int = 100) -> None:
        self._running = np.zeros(num_envs, np.float64)
        self._lengths = np.zeros(num_envs, np.int64)
        self._unit, self._horizon = unit, horizon
        self.latest: deque[float] = deque(maxlen=window)

    def add(self, rewards: NDArray[np.float32], done: NDArray[np.bool_]) -> None:
        """Takes in rewards [T, N] in units and episode ends [T, N]."""
        for t in range(len(rewards)):
            self._running += rewards[t]
            self._lengths += 1
            if done[t].any():
                whole = done[t] & (self._lengths == self._horizon)
                self.latest.extend((self._running[whole] * self._unit).tolist())
                self._running[done[t]] = 0
                self._lengths[done[t]] = 0

    def mean(self) -> float:
        """Mean return, or nan before the first episode has ended."""
        return float(np.mean(self.latest)) if self.latest else float("nan")

    def state(self) -> dict[str, Any]:
        """Everything that the next `add` depends on."""
        return {
            "running": self._running.tolist(), "lengths": self._lengths.tolist(),
            "latest": list(self.latest),
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Goes back to what `state` returned."""
        self._running[:] = state["running"]
        self._lengths[:] = state["lengths"]
        self.latest.clear()
        self.latest.extend(state["latest"])
