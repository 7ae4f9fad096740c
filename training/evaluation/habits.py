"""How somebody plays, in numbers that hold for people and for models of them alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.demonstrations import Demonstration
from agents.policy import Decisions, Policy, SeatView
from play.worlds.kitchen.state import CELL, FACING, HELD, INTERACT, PLAYERS, STAY
from play.worlds.registry import make_world
from training.evaluation.crossplay import Seating, returns_of
from training.evaluation.statistics import mean_figure

WINDOW = 400  # steps
LONG_REST = 40  # steps, 6 seconds in live play


class Recorder:
    """Another policy, whose actions are written down.

    Attributes:
        actions: [T] arrays [B], one for each call.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.name, self.encoding = policy.name, policy.encoding
        self.actions: list[NDArray[np.int64]] = []

    def initial_state(self, batch: int) -> Any:
        """The other policy's."""
        return self._policy.initial_state(batch)

    def act(
        self,
        observations: NDArray[Any] | None,
        views: Sequence[SeatView],
        state: Any,
        uniforms: NDArray[np.float64],
    ) -> Decisions:
        """Decides as the other policy does; see `agents.policy.Policy`."""
        decided = self._policy.act(observations, views, state, uniforms)
        self.actions.append(decided.actions.copy())
        return decided


def played(
    policies: Sequence[Policy], world: str, options: Mapping[str, Any], games: int, seed: int
) -> tuple[list[Demonstration], NDArray[np.float64]]:
    """Games of some policies, one per seat, in the form in which those of people are kept.

    Returns:
        The games, and their team returns [games] in points.
    """
    recorders = tuple(Recorder(policy) for policy in policies)
    returns = returns_of(Seating(recorders), world, options, games, seed)
    actions = np.stack([np.stack(r.actions, 1) for r in recorders], -1).astype(np.int8)
    batch = make_world(world, games, **options)
    batch.reset(seed=seed)
    states = [batch.get_states()]
    for joint in actions.swapaxes(0, 1):
        batch.step(joint)
        states.append(batch.get_states())
    by_game = np.stack(states, 1)  # [games, T + 1, size]
    everybody = tuple(range(len(policies)))
    return [
        Demonstration(world, options, f"{n}", f"{n}", "", everybody, by_game[n], actions[n])
        for n in range(games)
    ], returns


@dataclass(frozen=True)
class Habits:
    """How somebody plays a kitchen; shares are of the steps, means over games.

    Attributes:
        games: Number of games.
        soups: Soups delivered per 400 steps by the team.
        soups_low: Lower end of its 95 % bootstrap interval over games.
        soups_high: Upper end.
        stay: Share of steps in which a seat stays.
        interact: Share of steps in which it interacts.
        futile: Share of steps in which it tries something, and neither its place nor its facing
            nor its hand changes: it is stuck.
        rests: Stretches of `LONG_REST` steps or more without such a change, per 400 steps.
        longest_rest: Longest such stretch, median over games and seats.
        by_seat: Stays, interacts, futile steps, ingredients potted and soups delivered (per 400
            steps), of each seat.
    """

    games: int
    soups: float
    soups_low: float
    soups_high: float
    stay: float
    interact: float
    futile: float
    rests: float
    longest_rest: float
    by_seat: list[dict[str, float]]


def habits_of(games: Sequence[Demonstration], window: int | None = WINDOW) -> Habits:
    """The habits of the people, or policies, in games of one kitchen.

    Args:
        games: The games; all seats are counted.
        window: How many steps from the start to look at; None for whole games.
    """
    soups, seats, rests, longest = [], [], [], []
    for game in games:
        steps = len(game.actions[:window])
        states, actions = game.states[: steps + 1], game.actions[:steps]
        counts = _contributions(game, steps)
        per_window = WINDOW / steps
        soups.append(counts["soups delivered"].sum() * per_window)
        own = np.stack([states[:, PLAYERS + k :: 3][:, : actions.shape[1]]
                        for k in (CELL, FACING, HELD)], -1)  # fmt: skip
        still = (own[1:] == own[:-1]).all(-1)  # [T, A]
        stretches = [_stretches(still[:, seat]) for seat in range(actions.shape[1])]
        rests += [np.sum(s >= LONG_REST) * per_window for s in stretches]
        longest += [max(s, default=0) for s in stretches]
        shares = {
            "stay": (actions == STAY).mean(0),
            "interact": (actions == INTERACT).mean(0),
            "futile": (still & (actions != STAY)).mean(0),
            "ingredients potted": counts["ingredients potted"] * per_window,
            "soups delivered": counts["soups delivered"] * per_window,
        }
        seats.append(shares)
    figure = mean_figure(soups, np.random.default_rng(0), "games")
    by_seat = [
        {name: float(np.mean([game[name][seat] for game in seats])) for name in seats[0]}
        for seat in range(games[0].actions.shape[1])
    ]

    def mean(name: str) -> float:
        return float(np.mean([seat[name] for seat in by_seat]))

    return Habits(
        len(games), figure.mean, figure.low, figure.high, mean("stay"), mean("interact"),
        mean("futile"), float(np.mean(rests)), float(np.median(longest)), by_seat,
    )  # fmt: skip


def _contributions(game: Demonstration, steps: int) -> dict[str, NDArray[np.int64]]:
    """How often each seat [A] did what helps, by the labels of the world's facts."""
    world = make_world(game.world, steps, **game.options)
    world.set_states(game.states[:steps])
    world.step(game.actions[:steps])
    names = world.facts.events
    return {
        label: sum(world.events[:, :, names.index(event)].sum(0) for event in events)
        for label, events in world.facts.contributions.items()
    }


def _stretches(still: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Lengths of the runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], still.astype(np.int8), [0]])))
    return edges[1::2] - edges[::2]
