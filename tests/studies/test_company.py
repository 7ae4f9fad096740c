"""What a study file may say of rounds of two and of colours; and what follows from it."""

from collections import Counter
from typing import Any

import pytest

from studies.assignment import place_at
from studies.checks import mistakes
from studies.company import Company, company_of, paired
from studies.design import Study
from studies.flow import Step, pay_of, state_of, steps_of
from studies.looks import looks_at
from studies.sessions import Session
from studies.store import Event, Participant
from tests.studies.files import small
from tests.studies.test_pairs import ROUND, of_two

ROUNDS = [{"id": "one", **ROUND}, {"id": "two", **ROUND}]


def said(study: Study) -> list[tuple[str, str]]:
    return [(".".join(map(str, place)), reason) for place, reason in mistakes(study)]


def endings(*without: str, **more: Any) -> dict[str, Any]:
    given = {**of_two().plain()["payment"]["endings"], **more}
    return {"endings": {name: one for name, one in given.items() if name not in without}}


TWO_BLOCKS = [{"id": "a", "rounds": ROUNDS[:1]}, {"id": "b", "rounds": ROUNDS[:1]}]
MISTAKEN: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"then": "ai"}, {}, "lobby.partner", "is missing: say which"),
    ({"left": "ai", "partner": "wombta"}, {}, "lobby.partner", "did you mean 'wombat'?"),
    ({}, {"payment": endings("lobby_timeout")}, "payment.endings", "has no 'lobby_timeout'"),
    ({}, {"payment": endings("partner_left")}, "payment.endings", "has no 'partner_left'"),
    (
        {},
        {"attention": {"idle": {"after_s": 9, "then": "end"}}},
        "payment.endings",
        "has no 'inactive'",
    ),
    (
        {},
        {"blocks": [{"id": "duo", "rounds": [{**ROUNDS[0], "seat": 1}]}]},
        "blocks.0.rounds.0.seat",
        "must be random",
    ),
    (
        {},
        {"blocks": [{"id": "duo", "rounds": ROUNDS, "round_order": "latin"}]},
        "blocks.0.round_order",
        "must be fixed where pairs stay together",
    ),
    (
        {},
        {
            "blocks": TWO_BLOCKS,
            "arms": [{"id": "p", "blocks": ["a", "b"], "order": "latin", "target": 4}],
        },
        "arms.0.order",
        "or set together to block",
    ),
]


@pytest.mark.parametrize(("lobby", "changes", "place", "reason"), MISTAKEN)
def test_a_lobby_that_cannot_work_is_refused_with_its_place(
    lobby: dict[str, Any], changes: dict[str, Any], place: str, reason: str
) -> None:
    found = said(of_two(lobby, **changes))
    assert len(found) == 1
    assert found[0][0] == place
    assert reason in found[0][1]


def test_orders_are_free_where_pairs_are_made_anew() -> None:
    latin = [{"id": "duo", "rounds": ROUNDS, "round_order": "latin"}]
    assert said(of_two({"together": "round"}, blocks=latin)) == []
    arms = [{"id": "p", "blocks": ["a", "b"], "order": "latin", "target": 4}]
    assert said(of_two({"together": "block"}, blocks=TWO_BLOCKS, arms=arms)) == []
    both = endings("lobby_timeout", "partner_left")
    assert said(of_two({"then": "ai", "partner": "wombat"}, payment=both)) == []


def test_pay_is_that_of_the_ending_unless_the_file_ends_without() -> None:
    assert pay_of(of_two({"then": "pay"}), "lobby_timeout", []) == (0.5, 0)
    assert pay_of(of_two({"then": "end"}), "lobby_timeout", []) == (0, 0)
    assert pay_of(of_two({"then": "end"}), "partner_left", [20]) == (0, 0)
    assert pay_of(of_two({"then": "end", "left": "pay"}), "partner_left", [20]) == (1, 0)


@pytest.mark.parametrize(
    ("together", "reach"),
    [("study", ["a:one", "a:two", "b:one"]), ("block", ["a:one", "a:two"]), ("round", ["a:one"])],
)
@pytest.mark.parametrize("kind", ["paired", "alone"])
def test_a_pair_and_a_stand_in_last_as_long_as_the_file_says(
    together: str, reach: list[str], kind: str
) -> None:
    blocks = [{"id": "a", "rounds": ROUNDS}, {"id": "b", "rounds": ROUNDS[:1]}]
    arms = [{"id": "p", "blocks": ["a", "b"], "target": 4}]
    study = of_two({"together": together}, blocks=blocks, arms=arms)
    steps = steps_of(study, place_at(study, study.arms[0], 0))
    data = paired("pair", (0, 1), ("ada", "bob"))[0] if kind == "paired" else {"why": "x"}
    events = [Event(0, kind, "round:a:one", data, "")]
    wanted = "person" if kind == "paired" else "ai"
    reached = [
        step.key.removeprefix("round:")
        for step in steps
        if step.kind == "round" and company_of(study, steps, events, step).kind == wanted
    ]
    assert reached == reach


def test_the_last_that_was_decided_holds() -> None:
    study = of_two()
    steps = steps_of(study, place_at(study, study.arms[0], 0))
    step = next(step for step in steps if step.kind == "round")
    met = Event(0, "paired", step.key, paired("x", (3, 7), ("ada", "bob"))[1], "")
    assert company_of(study, steps, [], step) == Company("nobody")
    assert company_of(study, steps, [met], step) == Company("person", "ada", "x", False, (3, 7))
    alone = Event(1, "alone", step.key, {"why": "partner_left"}, "")
    assert company_of(study, steps, [met, alone], step) == Company("ai")


def test_two_have_two_seats_and_one_seed_and_seats_are_balanced() -> None:
    study = of_two()
    step = Step("round:duo:one", "round", block="duo", round="one")
    drawn = []
    for rank in range(400):
        pair = [Company("person", "x", "p", first, (rank, rank + 1)) for first in (True, False)]
        seats = tuple(one.seat(study, "p", step) for one in pair)
        seeds = {one.seed(study, "p", step) for one in pair}
        assert len(seeds) == 1
        drawn.append((seats, seeds.pop()))
    counts = Counter(seats for seats, _ in drawn)
    assert set(counts) == {(0, 1), (1, 0)}
    assert 160 < counts[0, 1] < 240
    assert len({seed for _, seed in drawn}) == 400


def session_at(study: Study, rank: int) -> Session:
    who = Participant("ada", study.sha256, False, "en", "")
    place = place_at(study, study.arms[0], rank)
    return Session(who, study, place, (), state_of(study, place, []))


def looks(study: Study, rank: int, seat: int = 0) -> dict[str, list[int]]:
    """Block -> the colours of both seats in its round."""
    session = session_at(study, rank)
    rounds = [step for step in session.state.steps if step.kind == "round"]
    return {step.block: looks_at(session, step, seat, 2) for step in rounds}


def test_colours_by_seat_are_the_same_for_everybody() -> None:
    for rank in range(8):
        assert looks(small(), rank) == {"quokka": [0, 1], "wombat": [0, 1]}


def test_colours_by_partner_tell_partners_apart_and_say_nothing_of_the_condition() -> None:
    study = small(looks="partner")
    own: Counter[int] = Counter()
    partners: dict[str, Counter[int]] = {"quokka": Counter(), "wombat": Counter()}
    for rank in range(2000):
        seen = looks(study, rank)
        mine = {block: pair[0] for block, pair in seen.items()}
        assert mine["quokka"] == mine["wombat"]
        assert len({mine["quokka"], seen["quokka"][1], seen["wombat"][1]}) == 3
        own[mine["quokka"]] += 1
        for block, pair in seen.items():
            partners[block][pair[1]] += 1
        assert looks(study, rank, seat=1)["quokka"] == seen["quokka"][::-1]
    for counts in (own, *partners.values()):
        assert set(counts) == {0, 1, 2, 3}
        assert all(400 < count < 600 for count in counts.values()), counts


def test_more_partners_than_colours_are_refused() -> None:
    names = ["quokka", "wombat", "third", "fourth"]
    partners = {name: [{"policy": "greedy"}] for name in names}
    blocks = [{"id": name, "rounds": [{"id": "one", **ROUND, "partner": name}]} for name in names]
    arms = [{"id": "lemur", "blocks": names, "target": 4}]
    study = small(looks="partner", partners=partners, blocks=blocks, arms=arms)
    assert said(study) == [
        ("arms.0", "has 4 partners, but with looks by partner there are colours for 3: set looks "
                   "to seat")
    ]  # fmt: skip
    assert said(small(partners=partners, blocks=blocks, arms=arms)) == []
