"""Any world as a parallel environment of PettingZoo, for trainers that are not ours.

    from play.worlds.parallel import ParallelWorld

    env = ParallelWorld("tag/simple", reward_scale=0.1)

Needs the extra ``pettingzoo``. One environment at a time; `play.worlds.registry.make_world` steps
thousands together.
"""

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from play.worlds.registry import make_world
from play.worlds.spec import Encoding, WorldFacts

Observation = NDArray[Any]


class ParallelWorld(ParallelEnv[str, Observation, int]):  # type: ignore[misc]
    """One environment of a world; see PettingZoo's documentation of `ParallelEnv`.

    An episode ends for everybody at the world's horizon, as a termination, since the end is part of
    the task. Where a world says that its reward is shared, everybody gets the team's; otherwise
    each gets its own. `infos` has the step's ``events`` of the agent by name, its
    ``shaped_reward`` and its ``own_reward``.

    Attributes:
        facts: What the world declares.
    """

    metadata: dict[str, Any]

    def __init__(self, name: str, encoding: str | None = None, **options: Any) -> None:
        """Builds the world.

        Args:
            name: As for `make_world`, such as ``"kitchen/cramped_room"``.
            encoding: One of the world's encodings; the first if None.
            **options: The world's options.

        Raises:
            UserError: No such world or option.
            ValueError: No such encoding.
        """
        self._world = make_world(name, **options)
        self.facts = self._world.facts
        known = self.facts.encodings
        if encoding is not None and encoding not in known:
            raise ValueError(f"there is no encoding {encoding!r}; there are {', '.join(known)}")
        self._encoding = known[encoding] if encoding else next(iter(known.values()))
        self.metadata = {"name": self.facts.world, "render_modes": [], "is_parallelizable": True}
        self.render_mode = None
        self.possible_agents = agent_names(self.facts)
        self.agents: list[str] = []
        self.observation_spaces = {
            a: observation_space(self._encoding) for a in self.possible_agents
        }
        self.action_spaces = {a: Discrete(len(self.facts.actions)) for a in self.possible_agents}
        self._seeded = False

    def observation_space(self, agent: str) -> Box:
        """The space of an agent's observations."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Discrete[Any]:
        """The space of an agent's actions."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Starts an episode; without a seed, the one after the last, or any if it is the first.

        Args:
            seed: Determines this episode and all that follow without a seed.
            options: Not used.
        """
        if seed is None and not self._seeded:
            seed = int(np.random.SeedSequence().generate_state(1)[0])
        self._seeded = True
        self._world.reset(seed)
        self.agents = list(self.possible_agents)
        return self._observations(), {agent: {} for agent in self.agents}

    def step(
        self, actions: dict[str, int]
    ) -> tuple[
        dict[str, Observation],
        dict[str, float],
        dict[str, bool],
        dict[str, bool],
        dict[str, dict[str, Any]],
    ]:
        """Takes everybody's action; observations, rewards, terminations, truncations and infos.

        Raises:
            ValueError: An agent's action is missing or does not exist, or the episode is over.
        """
        if set(actions) != set(self.agents):
            raise ValueError(f"actions are for {sorted(actions)}, but must be for {self.agents}")
        if not self.agents:
            raise ValueError("the episode is over: call reset()")
        self._world.step(np.array([[actions[agent] for agent in self.agents]]))
        agents, over = self.agents, bool(self._world.done[0])
        own = self._world.rewards[0].astype(np.float64)
        given = np.full_like(own, own.sum()) if self.facts.shared_reward else own
        rewards = {agent: float(given[seat]) for seat, agent in enumerate(agents)}
        infos = {agent: self._info(seat) for seat, agent in enumerate(agents)}
        seen = self._observations()
        if over:
            self.agents = []
        return seen, rewards, dict.fromkeys(agents, over), dict.fromkeys(agents, False), infos

    def state(self) -> Observation:
        """Everybody's observations one after the other, for a central critic."""
        seen: Observation = self._world.observe(self._encoding.name)[0]
        return seen.reshape(-1).copy()

    def render(self) -> None:
        """Nothing: `understudy replay` shows recorded games."""

    def close(self) -> None:
        """Nothing needs to be released."""

    def _observations(self) -> dict[str, Observation]:
        seen = self._world.observe(self._encoding.name)[0]
        return {agent: seen[seat].copy() for seat, agent in enumerate(self.agents)}

    def _info(self, seat: int) -> dict[str, Any]:
        happened = np.flatnonzero(self._world.events[0, seat])
        return {
            "events": [self.facts.events[event] for event in happened],
            "shaped_reward": float(self._world.shaped_rewards[0, seat]),
            "own_reward": float(self._world.rewards[0, seat]),
        }


def agent_names(facts: WorldFacts) -> list[str]:
    """A name for each seat, by role: ``["chaser_0", "chaser_1", "runner_0"]``."""
    roles = facts.roles or ("player",) * facts.num_players
    return [f"{role}_{roles[:seat].count(role)}" for seat, role in enumerate(roles)]


def observation_space(encoding: Encoding) -> Box:
    """All arrays of an encoding's shape and type."""
    dtype = np.dtype(encoding.dtype)
    if np.issubdtype(dtype, np.integer):
        bounds = np.iinfo(dtype)
        return Box(int(bounds.min), int(bounds.max), encoding.shape, dtype.type)
    return Box(-np.inf, np.inf, encoding.shape, dtype.type)
