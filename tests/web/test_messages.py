"""Messages from browsers: what is taken and what is refused."""

import pytest

from play.web import messages
from play.web.messages import Allowance, BadMessage

START = {
    "mode": "solo",
    "world": "kitchen/cramped_room",
    "options": {"dynamics": "old"},
    "partners": ["kitchen/cramped_room/srpo"],
    "seat": 0,
    "tick_ms": 150,
}
KEY = {"action": 2, "down": True, "at": 1.7e12}


def test_a_start_of_our_own_page_is_taken() -> None:
    wish = messages.start(START)
    assert (wish.mode, wish.seat, wish.tick_ms) == ("solo", 0, 150)
    assert wish.partners == ("kitchen/cramped_room/srpo",)


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "debug"},
        {"mode": ["solo"]},
        {"world": "../../etc/passwd\n"},
        {"world": 7},
        {"world": "k" * 500},
        {"options": {"dynamics": {"deep": 1}}},
        {"options": {f"o{i}": 1 for i in range(9)}},
        {"options": {"horizon": -1}},
        {"partners": "kitchen/cramped_room/srpo"},
        {"partners": ["x"] * 17},
        {"partners": [None]},
        {"seat": True},
        {"seat": 16},
        {"seat": 0.0},
        {"tick_ms": 0},
        {"tick_ms": float("nan")},
        {"extra": 1},
    ],
)
def test_any_other_start_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadMessage):
        messages.start({**START, **change})


def test_a_key_press_is_taken_with_its_time() -> None:
    key = messages.key(KEY)
    assert (key.action, key.down, key.at) == (2, True, 1.7e12)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "key",
        {},
        {**KEY, "action": "2"},
        {**KEY, "action": -1},
        {**KEY, "action": True},
        {**KEY, "down": 1},
        {**KEY, "at": float("inf")},
        {**KEY, "at": "now"},
        {**KEY, "more": 0},
    ],
)
def test_any_other_key_press_is_refused(data: object) -> None:
    with pytest.raises(BadMessage):
        messages.key(data)


@pytest.mark.parametrize("code", ["ABCDEFG", "abcdefgh", "ABCDEFGH\n", "ABCDEF10", 12345678])
def test_codes_of_another_form_are_refused(code: object) -> None:
    with pytest.raises(BadMessage):
        messages.code({"code": code})


@pytest.mark.parametrize("token", ["short", "x" * 65, "a b" * 10, 5, None, ["x" * 30]])
def test_a_token_of_another_form_makes_a_newcomer(token: object) -> None:
    assert messages.token({"token": token}) is None


def test_an_allowance_refills_at_its_rate() -> None:
    now = [0.0]
    allowance = Allowance(rate=10.0, burst=3.0, mistakes=1, clock=lambda: now[0])
    assert [allowance.message() for _ in range(4)] == [True, True, True, False]
    now[0] = 0.25  # two and a half messages later
    assert [allowance.message() for _ in range(3)] == [True, True, False]


def test_an_allowance_forgives_few_mistakes() -> None:
    allowance = Allowance(rate=1.0, burst=1.0, mistakes=2, clock=lambda: 0.0)
    assert [allowance.mistake() for _ in range(3)] == [True, True, False]
