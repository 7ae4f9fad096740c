"""Allocations against the definitions of the designs, and again from their log."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.assignment import (
    Given,
    Held,
    Place,
    allocate,
    imbalance,
    latin_square,
    permuted_blocks,
    place_at,
    row_at,
    williams_square,
)
from studies.design import Study
from tests.studies.files import small

SIZES = range(1, 11)


@pytest.mark.parametrize("n", SIZES)
def test_a_latin_square_has_every_item_once_in_every_row_and_column(n: int) -> None:
    square = np.array(latin_square(n))
    everything = list(range(n))
    assert all(sorted(line) == everything for line in (*square.tolist(), *square.T.tolist()))


@pytest.mark.parametrize("n", SIZES)
def test_a_williams_square_balances_positions_and_what_follows_what(n: int) -> None:
    rows = williams_square(n)
    assert len(rows) == (n if n % 2 == 0 or n == 1 else 2 * n)
    for column in zip(*rows, strict=True):
        assert set(Counter(column).values()) == {len(rows) // n}
    follows = Counter(pair for row in rows for pair in pairwise(row))
    ordered = {(a, b) for a in range(n) for b in range(n) if a != b}
    assert set(follows) == ordered
    assert len(set(follows.values())) <= 1


@pytest.mark.parametrize("order", ["latin", "williams"])
@pytest.mark.parametrize("n", [2, 3, 4])
def test_each_run_of_ranks_has_each_row_once(order: str, n: int) -> None:
    rows = latin_square(n) if order == "latin" else williams_square(n)
    for start in (0, len(rows), 7 * len(rows)):
        seen = [row_at(order, n, start + i, 3, "x") for i in range(len(rows))]  # type: ignore[arg-type]
        assert sorted(seen) == sorted(rows)


def test_the_seed_and_the_purpose_matter() -> None:
    orders = {
        tuple(row_at("williams", 4, rank, seed, name) for rank in range(40))
        for seed in (1, 2)
        for name in ("a", "b")
    }
    assert len(orders) == 4


def three_arms(method: str = "blocks", **settings: object) -> Study:
    arms = [
        {"id": name, "blocks": ["quokka"], "target": target}
        for name, target in (("a", 10), ("b", 10), ("c", 20))
    ]
    question = {
        "id": "plays", "kind": "choice", "text": "Do you play?",
        "options": [{"value": v, "text": v} for v in ("often", "rarely")],
    }  # fmt: skip
    return small(
        arms=arms,
        screening={"questions": [question]},
        allocation={"method": method, **settings},
    )


def filled(study: Study, count: int, levels: list[str] | None = None) -> list[Held]:
    held: list[Held] = []
    for number in range(count):
        factors = {"plays": levels[number]} if levels else {}
        place = allocate(study, Given(number, factors, tuple(held)))
        held.append(Held(place.arm, place.rank, factors))
    return held


def test_permuted_blocks_hold_each_arm_as_its_target_asks() -> None:
    study = three_arms(block_size=2)
    blocks = [permuted_blocks(study, cycle) for cycle in range(20)]
    assert all(Counter(block) == {"a": 2, "b": 2, "c": 4} for block in blocks)
    assert len({tuple(block) for block in blocks}) > 1
    held = filled(study, 24)
    assert [h.arm for h in held] == blocks[0] + blocks[1] + blocks[2]
    assert len({(h.arm, h.rank) for h in held}) == 24


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_whoever_drops_out_the_usable_ones_end_up_balanced(data: st.DataObject) -> None:
    study = three_arms(block_size=1)
    held: list[Held] = []
    number = 0
    while len(held) < 12:
        place = allocate(study, Given(number, {}, tuple(held)))
        number += 1
        if not data.draw(st.booleans(), label="drops out") or number > 60:
            held.append(Held(place.arm, place.rank, {}))
    assert Counter(h.arm for h in held) == {"a": 3, "b": 3, "c": 6}
    for arm in "abc":
        ranks = sorted(h.rank for h in held if h.arm == arm)
        assert ranks == list(range(len(ranks)))


def test_minimisation_takes_the_arm_with_the_least_imbalance_as_often_as_its_bias_says() -> None:
    study = three_arms("minimisation", factors=["plays"], bias=0.8)
    held = (
        *(Held("a", rank, {"plays": "often"}) for rank in range(3)),
        *(Held("c", rank, {"plays": "often"}) for rank in range(3)),
    )
    # Held over share, with one more: a (4, 0, 1.5), b (3, 1, 1.5), c (3, 0, 2).
    given = Given(0, {"plays": "often"}, held)
    assert [imbalance(study, given, arm) for arm in "abc"] == [4.0, 2.0, 3.0]
    drawn = Counter(
        allocate(study, Given(number, {"plays": "often"}, held)).arm for number in range(4000)
    )
    assert drawn["b"] / 4000 == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / 4000))
    assert drawn["c"] / drawn["a"] == pytest.approx(2, rel=0.35)  # as the targets


def test_minimisation_balances_within_each_level() -> None:
    study = three_arms("minimisation", factors=["plays"], bias=0.9)
    levels = np.random.default_rng(1).choice(["often", "rarely"], 120, p=[0.3, 0.7]).tolist()
    held = filled(study, 120, levels)
    for level in ("often", "rarely"):
        counts = Counter(h.arm for h in held if h.factors["plays"] == level)
        total = counts.total()
        assert abs(counts["a"] - total / 4) <= 3
        assert abs(counts["c"] - total / 2) <= 5


def test_seats_and_orders_balance_over_ranks() -> None:
    study = small()
    places = [place_at(study, study.arms[0], rank) for rank in range(8)]
    for pair in zip(places[::2], places[1::2], strict=True):
        assert {place.blocks for place in pair} == {("quokka", "wombat"), ("wombat", "quokka")}
        for block in ("quokka", "wombat"):
            seats = {r.seat for place in pair for r in place.rounds if r.block == block}
            assert seats == {0, 1}
    seeds = [r.seed for place in places for r in place.rounds]
    assert len(set(seeds)) == len(seeds)


def test_an_allocation_is_computed_again_from_its_log() -> None:
    study = three_arms("minimisation", factors=["plays"])
    given = Given(3, {"plays": "often"}, (Held("a", 0, {"plays": "often"}),))
    place = allocate(study, given)
    again = allocate(study, Given.from_plain(given.plain()))
    assert again == place == Place.from_plain(place.plain())
