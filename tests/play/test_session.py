"""What a key press means, and that a session depends on nothing but its configuration."""

from dataclasses import replace

import numpy as np
import pytest

from play.deciding import decide
from play.session import Decision, InputSlot, Line, Session
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from tests.play.games import WORLD, Walker, session

NORTH, SOUTH, EAST, WEST, STAY, INTERACT = range(6)
FACTS = make_world(WORLD).facts


def played(slot: InputSlot, script: str) -> list[int]:
    """Runs a script of presses (upper case), releases (lower case) and steps (.)."""
    keys = dict(zip("NSEWI", (NORTH, SOUTH, EAST, WEST, INTERACT), strict=True))
    taken = []
    for letter in script:
        if letter == ".":
            taken.append(slot.take())
        elif letter.isupper():
            slot.press(keys[letter])
        else:
            slot.release(keys[letter.upper()])
    return taken


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("..", [STAY, STAY]),
        ("Nn.", [NORTH]),  # a short press counts
        ("Nn..", [NORTH, STAY]),  # and once
        ("N...n.", [NORTH, NORTH, NORTH, STAY]),  # a held key goes on
        ("NE..", [EAST, EAST]),  # the last key wins
        ("NnEe..", [EAST, STAY]),  # nothing queues
        ("NnEeSsWw...", [WEST, STAY, STAY]),
        ("NE.e..", [EAST, NORTH, NORTH]),  # the older key is still held
        ("NE.n..", [EAST, EAST, EAST]),
        ("I...", [INTERACT, STAY, STAY]),  # a held one-shot action is not repeated
        ("EIi..", [INTERACT, EAST]),  # a tap of the action key within a walk
        ("E.I..i.", [EAST, INTERACT, EAST, EAST]),
        ("NNN..n.", [NORTH, NORTH, STAY]),  # auto-repeat of the keyboard changes nothing
    ],
)
def test_what_keys_mean(script: str, expected: list[int]) -> None:
    assert played(InputSlot(FACTS), script) == expected


def test_auto_repeat_and_stray_releases_are_not_inputs() -> None:
    play = session(None, Walker())
    play.press(0, EAST, 1.0, 5.0)
    play.press(0, EAST, 2.0, 6.0)
    play.release(0, EAST, 3.0, 7.0)
    play.release(0, EAST, 4.0, 8.0)
    lines = play.drain()
    assert [(line["down"], line["client_ms"], line["server_ms"]) for line in lines] == [
        (True, 1.0, 5.0),
        (False, 3.0, 7.0),
    ]


def test_a_lost_connection_lifts_all_keys() -> None:
    play = session(None, None)
    play.press(0, EAST, 0, 0)
    play.set_connected(0, False, 1)
    assert play.step(10, 10, {}).actions == (STAY, STAY)


def run(play: Session, steps: int) -> list[tuple[int, ...]]:
    actions = []
    for _ in range(steps):
        decisions = {r.seat: Decision(int(r.uniform * 6), state=r.state) for r in play.requests()}
        actions.append(play.step(0, 0, decisions).actions)
    return actions


def test_the_seed_decides_what_policies_draw() -> None:
    first = run(session(Walker(), Walker()), 50)
    assert first == run(session(Walker(), Walker()), 50)
    assert first != run(session(Walker(), Walker(), seed=8), 50)
    assert [a for a, _ in first] != [b for _, b in first]  # the seats draw apart


def test_a_late_decision_costs_no_later_draw() -> None:
    """The uniform numbers belong to steps, so a fallback does not shift those that follow."""
    on_time, late = session(None, Walker()), session(None, Walker())
    uniforms = []
    for play in (on_time, late):
        for t in range(3):
            (request,) = play.requests()
            last = request.uniform
            missed = play is late and t == 1
            play.step(0, 0, {} if missed else {1: Decision(STAY, state=request.state)})
        uniforms.append(last)
    assert uniforms[0] == uniforms[1]


def test_a_missing_decision_is_the_idle_action_and_says_so() -> None:
    play = session(None, Walker())
    result = play.step(10, 11, {})
    assert result.actions[1] == STAY
    (decision,) = result.lines[-1]["decisions"]
    assert decision["fallback"] == "late"


def test_an_action_that_does_not_exist_is_replaced() -> None:
    play = session(None, Walker())
    result = play.step(10, 11, {1: Decision(17)})
    assert result.actions[1] == STAY
    assert "does not exist" in result.lines[-1]["decisions"][0]["fallback"]


def test_contributions_count_events_of_the_right_seat() -> None:
    play = session(None, None, dynamics="old")
    # Seat 0 fetches an onion from the left crate of cramped_room and pots it.
    for action in (NORTH, WEST, INTERACT, EAST, NORTH, INTERACT):
        play.press(0, action, 0, 0)
        play.release(0, action, 0, 0)
        play.step(0, 0, {})
    counts = [entry["counts"] for entry in play.contributions()]
    assert sum(counts[0].values()) > 0
    assert sum(counts[1].values()) == 0
    idle = [entry["idle_share"] for entry in play.contributions()]
    assert idle == [0.0, 1.0]


def test_the_wrong_number_of_players_is_refused() -> None:
    with pytest.raises(UserError, match="2 seats, but 1"):
        session(None)


def test_a_session_is_over_at_its_horizon() -> None:
    play = session(None, None, horizon=3)
    assert [play.step(0, 0, {}).done for _ in range(3)] == [False, False, True]
    with pytest.raises(RuntimeError, match="over"):
        play.step(0, 0, {})


class Counter(Walker):
    """A policy whose memory counts its decisions, and which does what the count says."""

    def act(self, observations, views, state, uniforms):  # type: ignore[no-untyped-def]
        made = super().act(observations, views, state, uniforms)
        return replace(made, actions=(state[:, 0] % 6).astype(np.int64))


def test_a_session_that_catches_up_with_its_record_goes_on_as_if_it_had_never_stopped() -> None:
    def advance(play: Session, steps: int) -> list[Line]:
        lines: list[Line] = []
        for _ in range(steps):
            late = play.t % 7 == 3  # the memory stays as it was where a decision was late
            made = {} if late else {r.seat: decide([r])[0] for r in play.requests()}
            lines += play.step(play.t * 10.0, play.t * 10.0 + 1, made).lines
        return lines

    whole = session(Counter(), Counter(), horizon=60)
    straight = advance(whole, 60)
    first = session(Counter(), Counter(), horizon=60)
    lines = advance(first, 23)
    later = session(Counter(), Counter(), horizon=60)
    seen: list[int] = []
    assert later.catch_up(lines, lambda result: seen.append(result.t)) == 221.0
    assert seen == list(range(1, 24))
    rest = advance(later, 37)
    assert [line["actions"] for line in lines + rest] == [line["actions"] for line in straight]
    assert later.world.state_hash(0) == whole.world.state_hash(0)
    assert later.contributions() == whole.contributions()
    with pytest.raises(ValueError, match="has ended"):
        session(Counter(), Counter()).catch_up(later.finish("complete", 1.0))
    wrong = [{**line, "actions": [5, 5]} for line in lines]
    with pytest.raises(ValueError, match="does not replay"):
        session(Counter(), Counter(), horizon=60).catch_up(wrong)
