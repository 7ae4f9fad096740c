"""What every world declares about itself, and the interface through which it is used.

Trainers, sessions, records and front ends work on these facts alone and never ask which world
they serve. Axes are named as follows: N environments, A players (seats), E events.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Encoding:
    """One way to write a state as the observation of a seat.

    Attributes:
        name: The name that policies' cards use, such as ``"lossless"``.
        version: Raised whenever the numbers for one state change, so that a policy trained on an
            older version is refused rather than misread.
        shape: Shape of one seat's observation, without the batch axis.
        dtype: NumPy type name of the array that `World.observe` fills.
        channels: Names along the last axis.
    """

    name: str
    version: int
    shape: tuple[int, ...]
    dtype: str
    channels: tuple[str, ...]


@dataclass(frozen=True)
class WorldFacts:
    """Everything that code outside a world may know about it.

    Attributes:
        world: Full name, such as ``"kitchen/cramped_room"``.
        version: Version of the rules; raised when any transition changes.
        options: What was chosen at construction (JSON values); ``make_world(world, **options)``
            builds the same world again.
        num_players: Number of seats A.
        actions: Action names by index.
        idle_action: Index of the action that does nothing; the stated fallback of late policies.
        horizon: Steps in an episode. Episodes end here and the end is part of the task
            (termination, no bootstrapping), as in the published Overcooked baselines.
        tick_ms: Default time between steps in live play, in milliseconds.
        step_reward_range: Least and greatest team reward of one step.
        reward_unit: The reward of the world's natural unit of success (one soup), in points.
            SRPO's tau is stated per unit.
        encodings: Encodings by name; the first is the one that trainers use by default.
        events: Names along the event axis E.
        contributions: Events that count as helping the team, as label -> event names.
        keys: Default keyboard map, ``KeyboardEvent.code`` -> action index.
        renderer: Name of the drawing module of the front ends.
        one_shot: Actions that a held key gives once and does not repeat at every step.
        shared_reward: Whether all seats want the same, the sum of the seats' rewards; otherwise
            each wants its own reward, and the sum is their welfare.
        roles: Name of the role of each seat. Seats of one role are partners, who can be in each
            other's place; trainers train those of seat 0's role. () when all are alike.
        score_seats: Seats whose rewards add up to the score of a game; () for all. Where the seats
            of a role are given one reward each for what they did together, one of them stands for
            all.
        costs: Events that cost a seat points of its own, event name -> points; what is taken off
            `World.rewards` for them is the seat's private cost.
        family: Family of worlds of which every environment is some instance, so that a policy that
            learnt here plays all of them; empty where all environments are of one world.
        features: What only some worlds of a family have, in words, such as tomatoes; a policy for a
            whole family plays those of which its training had all features.
        training: Settings of training that suit the world better than the usual ones, for every
            method that has them; names as on the command line, with underscores.
    """

    world: str
    version: int
    options: Mapping[str, Any]
    num_players: int
    actions: tuple[str, ...]
    idle_action: int
    horizon: int
    tick_ms: int
    step_reward_range: tuple[float, float]
    reward_unit: float
    encodings: Mapping[str, Encoding]
    events: tuple[str, ...]
    contributions: Mapping[str, Sequence[str]]
    keys: Mapping[str, int]
    renderer: str
    one_shot: tuple[int, ...] = ()
    shared_reward: bool = True
    roles: tuple[str, ...] = ()
    score_seats: tuple[int, ...] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
    family: str = ""
    features: tuple[str, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def team(self) -> tuple[int, ...]:
        """The seats of seat 0's role."""
        return self.seats_of("")

    def seats_of(self, role: str) -> tuple[int, ...]:
        """The seats of a role; of seat 0's if that is empty."""
        roles = self.roles or ("",) * self.num_players
        return tuple(seat for seat, own in enumerate(roles) if own == (role or roles[0]))

    def score(self, rewards: Sequence[float]) -> float:
        """What one step's rewards of all seats add to the score."""
        seats = self.score_seats or range(self.num_players)
        return sum(float(rewards[seat]) for seat in seats)

    def groups(self, without: Collection[int] = ()) -> list[list[int]]:
        """The seats by role, in the order of the seats, but for some."""
        roles = self.roles or ("",) * self.num_players
        seats = [seat for seat in range(self.num_players) if seat not in without]
        names = dict.fromkeys(roles[seat] for seat in seats)
        return [[seat for seat in seats if roles[seat] == name] for name in names]

    def partners_of(self, seat: int | None) -> list[int]:
        """The other seats of a seat's role, or if there is none, of the first other role.

        Args:
            seat: The seat; None for nobody's, which has all of seat 0's role as partners.
        """
        groups = self.groups(without=() if seat is None else (seat,))
        roles = self.roles or ("",) * self.num_players
        own = roles[seat or 0]
        return next((group for group in groups if roles[group[0]] == own), (groups or [[]])[0])


class World(Protocol):
    """N independent environments of one world, stepped together.

    The arrays are owned by the world and overwritten by the next `step`. An episode that ends in
    a step is *not* restarted unless the world was made with ``autoreset=True`` (same-step
    autoreset: `done` is set, the rewards are the last step's, and the state is already the next
    episode's first).
    """

    facts: WorldFacts
    num_envs: int
    rewards: NDArray[np.float32]
    """[N, A] Reward of the last step, per seat (in a shared-reward world each seat's own share;
    the team reward is the sum over seats; see `WorldFacts.shared_reward`)."""
    shaped_rewards: NDArray[np.float32]
    """[N, A] Shaping reward of the last step, per seat; never part of `rewards`."""
    done: NDArray[np.bool_]
    """[N] Whether the last step ended the episode."""
    events: NDArray[np.bool_]
    """[N, A, E] Events of the last step."""
    streams: NDArray[np.int64]
    """[N, …] The environments' random streams; with the states, all that the future depends on."""

    def reset(self, seed: int | Sequence[int] | None = None) -> None:
        """Starts a new episode everywhere. Environment i gets the i-th stream of `seed`."""
        ...

    def draw_starts(self, share: float) -> None:
        """Lets this share of the episodes from now on begin in random states at random times."""
        ...

    def shape_useful(self) -> None:
        """Pays shaped rewards from now on only for what can earn something, as trainers may."""
        ...

    def step(self, actions: NDArray[np.integer[Any]]) -> None:
        """Applies joint actions [N, A] and fills rewards, shaped_rewards, done and events."""
        ...

    def observe(self, encoding: str, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Writes the observations [N, A, *shape] of every seat into `out` and returns it."""
        ...

    def get_states(self, envs: Any = slice(None)) -> NDArray[Any]:
        """Copies of the states [M, size] of the environments that `envs` indexes."""
        ...

    def set_states(self, rows: NDArray[Any], envs: Any = slice(None)) -> None:
        """Puts these environments into states from `get_states`; `rewards` and the like are 0."""
        ...

    def state_hash(self, env: int) -> str:
        """A short hexadecimal hash of everything that determines the environment's future."""
        ...

    def static_scene(self) -> dict[str, Any]:
        """The part of the drawing that never changes, as JSON values."""
        ...

    def scene(self, env: int) -> dict[str, Any]:
        """The part of the drawing that changes, as JSON values."""
        ...
