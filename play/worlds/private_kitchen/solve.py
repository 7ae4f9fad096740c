"""Exact solutions of the private-cost kitchen by dynamic programming over its 8832 states.

`Game` knows every transition of a setting and answers, to rounding: what a pair of policies earns,
what a team could earn at best, what the best response to a partner is, and what remains when the
partner turns against a policy, at a price for every step away from what it would have done. So
"distance to the optimum", "exploitability" and "worst case" of trained policies have no error of
their own. All returns are undiscounted sums over an episode, in points.

A policy is an array of probabilities, [S, 5] or, when it depends on the time, [T, S, 5]. States
are numbered as in `state.all_rows`; both seats' policies are indexed by the same state, and a
policy that sees states from its seat is turned into such an array by `tabulate`.

    game = Game(INSTANCES["released"])
    worker = game.best_response(0, game.idle()).policy
    game.evaluate(worker, game.idle())  # -> (87.25, 96.90)

The solution is by backward induction, one step at a time: with n = S * 25 joint choices and two
orders of acting, a step takes some milliseconds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from play.worlds.compilation import Program, Runner, choose_compiled
from play.worlds.private_kitchen import backward, rules
from play.worlds.private_kitchen.backward import Transitions
from play.worlds.private_kitchen.state import (
    ACTIONS,
    CELL,
    CELLS,
    HOLDS,
    ONIONS,
    PLAYERS,
    STAY,
    TIME,
    Options,
    all_rows,
    first_rows,
    make_tables,
)  # fmt: skip

Array = NDArray[np.float64]
PROGRAM = Program((backward,))
NUM_ACTIONS = len(ACTIONS)
ROUNDING = 1e-9  # points; what differs by less is as good


@dataclass(frozen=True)
class Solution:
    """The outcome of an optimisation.

    Attributes:
        start: What is optimised, in points, in expectation over the first states: a return, or
            for `Game.worst_case` the return and the price paid for it.
        policy: [T, S, 5] the optimal policy of the seat in question; for the team [T, S, 5, 5]
            over joint actions.
    """

    start: float
    policy: Array


class Game:
    """A setting as a finite game.

    Args:
        options: The setting.
        compiled: Whether to use numba; None means if it is there. Without it numpy does the same
            in twice the time.

    Attributes:
        horizon: Steps T in an episode.
        size: Number of states S.
        starts: Numbers of the two first states, equally likely.
        next_states: [2, S, 5, 5] where joint actions lead before the onions come back, by who
            acts first, which is equally likely.
        respawn: Probability that a missing onion then comes back.
    """

    def __init__(self, options: Options, compiled: bool | None = None) -> None:
        options.check()
        self.horizon = int(options.horizon)
        self.respawn = float(options.respawn)
        self.next_states, events = joint_transitions()
        self.size = self.next_states.shape[1]
        self._after = self.next_states.astype(np.intp)  # what `np.take` needs no copy of
        rewards = _rewards(options, events).mean(0)
        self._rewards = np.ascontiguousarray(np.moveaxis(rewards, -1, 0))  # [2, S, 5, 5]
        self._events = events.mean(0)  # [S, 5, 5, 2, E]
        self.starts = numbers_of(first_rows())
        self._run: Runner | None = None
        if choose_compiled(compiled, self.size):
            flat = (*self.next_states.shape[:2], -1)
            after = self.next_states.reshape(flat).astype(np.int16)  # small, to stay in the cache
            transitions = Transitions(after, self._rewards.reshape(flat))
            self._run = Runner(PROGRAM, transitions, compiled=True)

    def idle(self) -> Array:
        """[S, 5] the policy that always stays."""
        return self.constant(np.eye(NUM_ACTIONS)[STAY])

    def uniform(self) -> Array:
        """[S, 5] the policy that draws uniformly among all actions."""
        return self.constant(np.full(NUM_ACTIONS, 1 / NUM_ACTIONS))

    def constant(self, weights: Array) -> Array:
        """[S, 5] the policy that draws from the same weights [5] in every state."""
        return np.tile(np.asarray(weights, np.float64), (self.size, 1))

    def evaluate(self, first: Array, second: Array) -> tuple[float, float]:
        """The returns of seats 0 and 1 when these policies play."""
        values = [np.zeros(self.size), np.zeros(self.size)]
        for one, other in self._backwards(first, second):
            for seat in (0, 1):
                choices = self._choices(values[seat], 0, other, of=seat)
                values[seat] = np.einsum("sa,sa->s", choices, one)
        return self._at_start(values[0]), self._at_start(values[1])

    def counts(self, first: Array, second: Array) -> Array:
        """[2, E] how often each event of `EVENTS` happens to each player, in expectation."""
        counted = np.zeros((2, rules.NUM_EVENTS))
        present: Array = np.bincount(self.starts, minlength=self.size) / len(self.starts)
        after = self.next_states.reshape(2, -1)
        for one, other in reversed(list(self._backwards(first, second))):
            chosen = present[:, None, None] * one[:, :, None] * other[:, None, :]  # [S, 5, 5]
            counted += np.einsum("sab,sabpe->pe", chosen, self._events, optimize=True)
            flow = 0.5 * chosen.reshape(-1)
            present = np.bincount(after[0], flow, self.size).astype(np.float64)
            present += np.bincount(after[1], flow, self.size)
            back = present.reshape(-1, 2, 2)  # [S / 4, onion 0, onion 1]
            for missing, there in ((back[:, 0], back[:, 1]), (back[:, :, 0], back[:, :, 1])):
                there += self.respawn * missing
                missing *= 1 - self.respawn
        return counted

    def team_optimum(self) -> Solution:
        """The greatest sum of both returns, and joint actions that reach it."""
        policy = np.zeros((self.horizon, self.size, NUM_ACTIONS, NUM_ACTIONS))
        values = np.zeros(self.size)
        for t in reversed(range(self.horizon)):
            choices = self._expected(values) + self._rewards.sum(0)  # [S, 5, 5]
            values, joint = _greatest(choices.reshape(self.size, -1), choices)
            policy[t] = joint.reshape(choices.shape)
        return Solution(self._at_start(values), policy)

    def best_response(self, seat: int, partner: Array) -> Solution:
        """What a seat earns at most beside a partner, and how.

        Args:
            seat: The seat that responds.
            partner: [S, 5] or [T, S, 5] the policy of the other seat.
        """
        return self._respond(seat, partner, _greatest)

    def worst_case(self, seat: int, policy: Array, reference: Array, tau: float) -> Solution:
        """What is left of a policy's return when its partner turns against it, at a price.

        The partner minimises the expected return of `seat` plus, in every step, its divergence
        KL(partner || reference) / tau; the result is that sum and the minimising partner. With tau
        infinite it is the unrestricted worst case, which does not look at the reference.

        Args:
            seat: The seat of the policy.
            policy: [S, 5] or [T, S, 5] the policy that is tested.
            reference: [S, 5] or [T, S, 5] what the partner would do of itself.
            tau: Degree of risk aversion per point, positive; see `WorldFacts.reward_unit` for
                how training states it.
        """
        if not tau > 0:
            raise ValueError(f"tau is {tau}, but it must be positive")
        minimise = _least if np.isinf(tau) else _soft_least(tau)
        return self._respond(1 - seat, policy, minimise, of=seat, reference=reference)

    def _respond(
        self,
        seat: int,
        partner: Array,
        choose: Callable[[Array, Array], tuple[Array, Array]],
        of: int | None = None,
        reference: Array | None = None,
    ) -> Solution:
        """Backward induction over a seat's choices, by default by its own reward.

        `choose` turns what actions lead to [S, 5] and a reference [S, 5] into values [S] and
        probabilities [S, 5].
        """
        of = seat if of is None else of
        policy = np.zeros((self.horizon, self.size, NUM_ACTIONS))
        values = np.zeros(self.size)
        reference = self.uniform() if reference is None else reference
        steps = self._backwards(partner, reference)
        for t, (other, usual) in zip(reversed(range(self.horizon)), steps, strict=True):
            values, policy[t] = choose(self._choices(values, seat, other, of), usual)
        return Solution(self._at_start(values), policy)

    def _choices(self, values: Array, seat: int, partner: Array, of: int) -> Array:
        """[S, 5] reward of seat `of` and value afterwards for the actions of a seat, in expectation
        over its partner's [S, 5].
        """
        if self._run is not None:
            out = np.empty((self.size, NUM_ACTIONS))
            reads = (self._half(values), np.ascontiguousarray(partner), seat, of)
            self._run("choices_loop", self.size, (out,), reads)
            return out
        joint = self._expected(values)
        joint += self._rewards[of]
        own = joint if seat == 0 else joint.transpose(0, 2, 1)
        choices: Array = np.einsum("sab,sb->sa", own, partner)
        return choices

    def _expected(self, values: Array) -> Array:
        """[S, 5, 5] expected value [S] after a step, over the order of acting and the onions."""
        half = self._half(values)
        # all numbers are in range; "clip" spares the check
        after: Array = np.take(half, self._after[0], mode="clip")
        after += np.take(half, self._after[1], mode="clip")
        return after

    def _half(self, values: Array) -> Array:
        """[S] half the value of a state before the onions come back."""
        back = values.reshape(-1, 2, 2).copy()  # [S / 4, onion 0, onion 1]
        back[:, 0] += self.respawn * (back[:, 1] - back[:, 0])
        back[:, :, 0] += self.respawn * (back[:, :, 1] - back[:, :, 0])
        half: Array = 0.5 * back.reshape(-1)
        return half

    def _backwards(self, *policies: Array) -> Iterator[tuple[Array, ...]]:
        """The policies [S, 5] of every step, the last step first."""
        for policy in policies:
            shapes = ((self.size, NUM_ACTIONS), (self.horizon, self.size, NUM_ACTIONS))
            if policy.shape not in shapes:
                raise ValueError(f"a policy has shape {policy.shape}, but it must be {shapes}")
        for t in reversed(range(self.horizon)):
            yield tuple(policy if policy.ndim == 2 else policy[t] for policy in policies)

    def _at_start(self, values: Array) -> float:
        return float(values[self.starts].mean())


def _greatest(choices: Array, reference: Array) -> tuple[Array, Array]:
    """The best choice; of equally good ones the first, whichever way sums were rounded."""
    best: Array = choices.max(1)
    policy = np.zeros_like(choices)
    good = choices >= best[:, None] - ROUNDING
    policy[np.arange(len(choices)), good.argmax(1)] = 1
    return best, policy


def _least(choices: Array, reference: Array) -> tuple[Array, Array]:
    worst, policy = _greatest(-choices, reference)
    return -worst, policy


def _soft_least(tau: float) -> Callable[[Array, Array], tuple[Array, Array]]:
    """The minimum of E_p[choice] + KL(p || reference) / tau over p.

    Source: the closed form of the entropic risk measure (Donsker and Varadhan): the minimiser is
    proportional to reference * exp(-tau * choice), the minimum -log E_reference[exp(-tau *
    choice)] / tau.
    """

    def choose(choices: Array, reference: Array) -> tuple[Array, Array]:
        least = choices.min(1, where=reference > 0, initial=np.inf)
        with np.errstate(over="ignore"):  # of choices that the reference never takes
            weights = np.where(reference > 0, np.exp(-tau * (choices - least[:, None])), 0.0)
        weights = weights * reference
        total = weights.sum(1)
        return least - np.log(total) / tau, weights / total[:, None]

    return choose


def tabulate(
    probabilities: Callable[[NDArray[np.int32]], Array], horizon: int | None = None
) -> Array:
    """A policy that is asked by state rows as the array that `Game` works on.

    Args:
        probabilities: State rows [S, size] -> its probabilities [S, 5].
        horizon: Asks at every time 0 .. horizon - 1, for a policy that depends on it; None asks
            once, at time 0.

    Returns:
        [S, 5], or [T, S, 5] with a horizon.
    """
    rows = all_rows()
    if horizon is None:
        return np.asarray(probabilities(rows), np.float64)
    table = np.zeros((horizon, len(rows), NUM_ACTIONS))
    for t in range(horizon):
        rows[:, TIME] = t
        table[t] = probabilities(rows)
    return table


def numbers_of(rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """[M] the number of each state row's state, whatever the time and the facings."""
    found: NDArray[np.int32] = _numbers()[_keys(rows)]
    return found


def _keys(rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """[M] a number below 16 * CELLS**2 for each row that tells its state."""
    one, other = PLAYERS, PLAYERS + 3
    keys: NDArray[np.int32] = rows[:, one + CELL] * CELLS + rows[:, other + CELL]
    for bit in (one + HOLDS, other + HOLDS, ONIONS, ONIONS + 1):
        keys = 2 * keys + rows[:, bit]
    return keys


@cache
def _numbers() -> NDArray[np.int32]:
    """Key -> number of the state, or -1."""
    keys = _keys(all_rows())
    numbers = np.full(16 * CELLS**2, -1, np.int32)
    numbers[keys] = np.arange(len(keys))
    return numbers


@cache
def joint_transitions() -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """What joint actions lead to, before the onions come back; the same in every setting.

    Returns:
        States [2, S, 5, 5] and events [2, S, 5, 5, 2, E], by who acts first.
    """
    rows = all_rows()
    after, happened = zip(*(single_transitions(rows, player) for player in (0, 1)), strict=True)
    states = np.zeros((2, len(rows), NUM_ACTIONS, NUM_ACTIONS), np.int32)
    events = np.zeros((*states.shape, 2, rules.NUM_EVENTS), np.bool_)
    every = np.arange(NUM_ACTIONS)
    for first in (0, 1):
        middle = after[first][:, :, None]  # [S, first's action, 1]
        end = after[1 - first][middle, every]
        mine = np.broadcast_to(happened[first][:, :, None], (*end.shape, rules.NUM_EVENTS))
        theirs = happened[1 - first][middle, every]
        swap = (0, 1, 2) if first == 0 else (0, 2, 1)
        states[first] = end.transpose(swap)
        events[first, ..., first, :] = mine.transpose(*swap, 3)
        events[first, ..., 1 - first, :] = theirs.transpose(*swap, 3)
    return states, events


def single_transitions(
    rows: NDArray[np.int32], player: int
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """What one player's action alone leads to: states [S, 5] and the player's events [S, 5, E]."""
    tables = make_tables(Options())
    tables = tables._replace(ahead=tables.ahead.tolist(), onion=tables.onion.tolist())
    after: list[list[int]] = []
    happened = np.zeros((len(rows) * NUM_ACTIONS, rules.NUM_EVENTS), np.bool_)
    begin = rules.NUM_EVENTS * player
    for row in rows.tolist():
        for action in range(NUM_ACTIONS):
            state, events = row.copy(), [False] * (2 * rules.NUM_EVENTS)
            rules.act(tables, state, player, action, events)
            happened[len(after)] = events[begin : begin + rules.NUM_EVENTS]
            after.append(state)
    states = numbers_of(np.array(after, np.int32))
    shape = (len(rows), NUM_ACTIONS)
    return states.reshape(shape), happened.reshape(*shape, rules.NUM_EVENTS)


def _rewards(options: Options, events: NDArray[np.bool_]) -> Array:
    """[..., 2] rewards of both seats for events [..., 2, E]; `rules.pay` for arrays."""
    points = np.zeros((2, rules.NUM_EVENTS))  # shared, own
    points[0, rules.PICKUP], points[0, rules.POTTING] = options.pickup_reward, options.pot_reward
    points[1, rules.MOVE], points[1, rules.COLLISION] = options.move_cost, options.collision
    shared = (events @ points[0]).sum(-1, keepdims=True)
    rewards: Array = shared - events @ points[1]
    return rewards
