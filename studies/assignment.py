"""Who comes into which arm, in which order and seat: seeded, balanced, and computed again at will.

Every choice is a pure function of the study (its seed among it) and of what was held when it was
made, so that `allocate` called again with the logged input gives the logged allocation. A place
in the design is (arm, rank): rank r of an arm fixes the order of its blocks and rounds, the seats
and the seeds. A place is held by a usable participant or by one who is at it; what dropouts held
is given out again, so that balance is that of the usable data.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.checks import facts_of, seats_of
from studies.design import Arm, Order, Study

Row = tuple[int, ...]


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The random generator of one purpose: SHA-256 of the study's seed and the purpose's name."""
    digest = hashlib.sha256("/".join(map(str, (seed, *names))).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def latin_square(n: int) -> list[Row]:
    """[n][n] the cyclic square: every item once in every row and at every position."""
    return [tuple((row + column) % n for column in range(n)) for row in range(n)]


def williams_square(n: int) -> list[Row]:
    """A Latin square in which every item follows every other equally often.

    For odd n the rows and their mirror images, 2n in all. Source: Williams, E. J. (1949).
    Experimental designs balanced for the estimation of residual effects of treatments.
    Australian Journal of Scientific Research A, 2, 149-168.
    """
    first = [0]
    low, high = 1, n - 1
    while len(first) < n:  # 0, 1, n-1, 2, n-2, …: all differences of neighbours differ
        first.append(low if len(first) % 2 else high)
        low, high = (low + 1, high) if len(first) % 2 == 0 else (low, high - 1)
    rows = [tuple((item + shift) % n for item in first) for shift in range(n)]
    return rows if n % 2 == 0 or n == 1 else rows + [row[::-1] for row in rows]


def order_rows(order: Order, n: int) -> list[Row] | None:
    """The rows that an order is balanced over; None for one that is drawn afresh each time."""
    if order == "shuffle":
        return None
    if order == "fixed":
        return [tuple(range(n))]
    return latin_square(n) if order == "latin" else williams_square(n)


def row_at(order: Order, n: int, rank: int, seed: int, *names: str | int) -> Row:
    """The order of n things for a rank: every run of len(rows) ranks has each row once.

    Args:
        order: How it is balanced.
        n: Number of things.
        rank: Rank among the participants that share this balance.
        seed: The study's.
        *names: What is ordered; keeps its random numbers apart from others'.
    """
    rows = order_rows(order, n)
    if rows is None:
        return tuple(int(i) for i in stream(seed, *names, "shuffle", rank).permutation(n))
    cycle, within = divmod(rank, len(rows))
    return rows[int(stream(seed, *names, "rows", cycle).permutation(len(rows))[within])]


def permuted_blocks(study: Study, cycle: int) -> list[str]:
    """The arms of one block of the list: each `block_size` times its share, shuffled."""
    arms = [name for name, share in study.share.items() for _ in range(share)]
    arms *= study.allocation.block_size
    return [arms[i] for i in stream(study.seed, "arms", cycle).permutation(len(arms))]


@dataclass(frozen=True)
class Held:
    """A place that somebody holds: the arm, the rank in it, and their balancing factors."""

    arm: str
    rank: int
    factors: Mapping[str, str]


@dataclass(frozen=True)
class Given:
    """What an allocation was made from; logged with it.

    Attributes:
        number: How many allocations were made before, whatever became of them.
        factors: The participant's answers to the balancing questions.
        held: The places that are held, and by whose factors.
    """

    number: int
    factors: Mapping[str, str]
    held: tuple[Held, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        held = [{"arm": h.arm, "rank": h.rank, "factors": dict(h.factors)} for h in self.held]
        return {"number": self.number, "factors": dict(self.factors), "held": held}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> "Given":
        """From the values of `plain`."""
        held = tuple(Held(h["arm"], h["rank"], h["factors"]) for h in values["held"])
        return cls(values["number"], values["factors"], held)


@dataclass(frozen=True)
class RoundPlan:
    """One round as a participant will play it.

    Attributes:
        block: Id of the block.
        round: Id of the round in the block.
        seat: The participant's seat.
        seed: Seed of the episode.
    """

    block: str
    round: str
    seat: int
    seed: int


@dataclass(frozen=True)
class Place:
    """An allocation: everything about a participant's session that is not the same for all.

    Attributes:
        blocks: The arm's blocks in the participant's order.
        rounds: All rounds in the participant's order.
        shuffle: Seed of the order of shuffled options.
    """

    arm: str
    rank: int
    blocks: tuple[str, ...]
    rounds: tuple[RoundPlan, ...]
    shuffle: int

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        rounds = [vars(played) for played in self.rounds]
        return {**vars(self), "blocks": list(self.blocks), "rounds": [dict(r) for r in rounds]}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> "Place":
        """From the values of `plain`."""
        rounds = tuple(RoundPlan(**played) for played in values["rounds"])
        return cls(**{**values, "blocks": tuple(values["blocks"]), "rounds": rounds})


def allocate(study: Study, given: Given) -> Place:
    """Gives the next participant a place; a pure function."""
    arm = _arm_by_blocks(study, given)
    if study.allocation.method == "minimisation":
        arm = minimised_arm(study, given)
    taken = {held.rank for held in given.held if held.arm == arm}
    rank = next(rank for rank in range(len(taken) + 1) if rank not in taken)
    return place_at(study, study.arm(arm), rank)


def place_at(study: Study, arm: Arm, rank: int) -> Place:
    """What rank r of an arm means."""
    order = row_at(arm.order, len(arm.blocks), rank, study.seed, "blocks", arm.id)
    blocks = tuple(arm.blocks[index] for index in order)
    rounds: list[RoundPlan] = []
    for name in blocks:
        block = study.block(name)
        size = len(block.rounds)
        within = row_at(block.round_order, size, rank, study.seed, "rounds", arm.id, name)
        for index in within:
            played = block.rounds[index]
            names = (arm.id, name, played.id)
            seat = _seat(study, played, rank, names)
            seed = int(stream(study.seed, "episode", *names, rank).integers(2**31))
            rounds.append(RoundPlan(name, played.id, seat, seed))
    shuffle = int(stream(study.seed, "options", arm.id, rank).integers(2**31))
    return Place(arm.id, rank, blocks, tuple(rounds), shuffle)


def _seat(study: Study, played: Any, rank: int, names: tuple[str, ...]) -> int:
    """The participant's seat: over any players' number of ranks in a row, each seat once.

    Two participants draw their seats when they meet; theirs here is beside an AI that stands in.
    """
    players = facts_of(played).num_players
    seats = seats_of(played, players)
    cycle, within = divmod(rank, len(seats))
    return seats[int(stream(study.seed, "seats", *names, cycle).permutation(len(seats))[within])]


def _arm_by_blocks(study: Study, given: Given) -> str:
    """The arm of the first entry of the permuted list that nobody holds."""
    taken = {(held.arm, held.rank) for held in given.held}
    ranks: Counter[str] = Counter()
    cycle = 0
    while True:
        for arm in permuted_blocks(study, cycle):
            if (arm, ranks[arm]) not in taken:
                return arm
            ranks[arm] += 1
        cycle += 1


def imbalance(study: Study, given: Given, arm: str) -> float:
    """How unbalanced the participant's factor levels would be with one more in `arm`.

    The sum over factors of the range over arms of (held with the same level) / (share of the arm).
    Source: Pocock, S. J., & Simon, R. (1975). Sequential treatment assignment with balancing for
    prognostic factors in the controlled clinical trial. Biometrics, 31(1), 103-115.
    """
    total = 0.0
    for factor, level in given.factors.items():
        counts = Counter(h.arm for h in given.held if h.factors.get(factor) == level)
        counts[arm] += 1
        loads = [counts[name] / share for name, share in study.share.items()]
        total += max(loads) - min(loads)
    return total


def minimised_arm(study: Study, given: Given) -> str:
    """The arm that minimises imbalance with probability `bias`, else one of the others."""
    rng = stream(study.seed, "minimisation", given.number)
    names = list(study.share)
    scores = np.array([imbalance(study, given, name) for name in names])
    best = _drawn(rng, names, [bool(s) for s in np.isclose(scores, scores.min())], study.share)
    others = [name != best for name in names]
    if not any(others) or rng.random() < study.allocation.bias:
        return best
    return _drawn(rng, names, others, study.share)


def _drawn(
    rng: np.random.Generator, names: Sequence[str], among: Sequence[bool], share: Mapping[str, int]
) -> str:
    weights: NDArray[np.float64] = np.array(
        [share[name] * wanted for name, wanted in zip(names, among, strict=True)], np.float64
    )
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]
