"""Idle, hidden and slow participants: the watch by itself, and what a server makes of it."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.attention import Notice, Watch
from studies.design import Attention
from studies.records import record_text
from studies.tables import dossiers_of, events, rounds
from studies.web.chairs import Chair
from studies.web.noting import Notes
from tests.studies.bots import Player
from tests.studies.files import small
from tests.studies.serving import serving
from tests.studies.test_pairs import at_once, enter, of_two, session_of

pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)
RULES = Attention.model_validate(
    {
        "idle": {"after_s": 10, "grace_s": 5, "then": "note"},
        "hidden": {"after_s": 2, "grace_s": 3, "then": "pause"},
        "lag": {"over_ms": 100, "grace_s": 4, "then": "end"},
    }
)


def said(notices: list[Notice]) -> list[tuple[str, str, float]]:
    return [(n.what, n.now, n.lasted_s) for n in notices]


def test_somebody_idle_is_warned_then_noted_and_is_fine_again_with_a_press() -> None:
    watch = Watch(RULES, 100.0)
    assert watch.look(109.9) == []
    assert said(watch.look(110.0)) == [("idle", "warned", 10.0)]
    assert watch.look(114.9) == []
    assert said(watch.look(115.0)) == [("idle", "note", 15.0)]
    assert watch.look(999.0) == []  # once
    assert said(watch.pressed(1000.0)) == [("idle", "fine", 900.0)]
    assert watch.pressed(1001.0) == []
    assert watch.look(1010.9) == []
    assert said(watch.look(1011.0)) == [("idle", "warned", 10.0)]


def test_a_round_that_stands_still_makes_nobody_idle() -> None:
    watch = Watch(RULES, 0.0)
    watch.rested(50.0)
    assert watch.look(59.9) == []
    assert said(watch.look(60.0)) == [("idle", "warned", 10.0)]
    watch.rested(80.0)  # a warning is not taken back by it
    assert said(watch.look(80.0)) == [("idle", "note", 30.0)]


def test_a_hidden_page_is_timed_and_handled() -> None:
    watch = Watch(RULES, 0.0)
    assert watch.hidden(True, 1.0) == []
    assert watch.hidden(True, 1.5) == []  # said twice, it counts from the first
    assert said(watch.look(3.0)) == [("hidden", "warned", 2.0)]
    assert said(watch.look(6.0)) == [("hidden", "pause", 5.0)]
    assert said(watch.hidden(False, 8.0)) == [("hidden", "fine", 7.0)]
    assert watch.hidden(False, 9.0) == []
    assert watch.hidden_s == 7.0
    watch.hidden(True, 9.0)
    assert watch.hidden(False, 9.5) == []  # too short for a warning
    assert watch.hidden_s == 7.5


def test_a_slow_connection_is_the_median_of_three() -> None:
    watch = Watch(RULES, 0.0)
    for at, ms in enumerate((500.0, 20.0, 20.0, 500.0)):
        watch.trip(ms, float(at))
    assert watch.look(4.0) == []  # one outlier of three
    watch.trip(300.0, 4.0)
    assert said(watch.look(4.0)) == [("lag", "warned", 0.0)]
    assert said(watch.look(8.0)) == [("lag", "end", 4.0)]
    watch.trip(20.0, 9.0)
    assert said(watch.trip(20.0, 10.0)) == [("lag", "fine", 6.0)]
    assert watch.lag_ms == 20.0


def test_what_the_file_leaves_out_is_never_said() -> None:
    watch = Watch(Attention(idle=None, hidden=None, lag=None), 0.0)
    watch.hidden(True, 0.0)
    for at in range(5):
        watch.trip(9e5, float(at))
    assert watch.look(1e6) == []
    assert watch.pressed(1e6) == []
    assert watch.hidden(False, 2e6) == []
    assert watch.hidden_s == 2e6  # measured all the same


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["look", "press", "hide", "show", "slow", "quick", "rest"]),
            st.floats(0, 20),
        ),
        max_size=60,
    )
)
@settings(max_examples=200, deadline=None)
def test_each_of_the_three_goes_from_fine_to_warned_to_handled_and_back(steps: Any) -> None:
    """The watch against its rule: whatever happens, notices of one kind come in this order."""
    watch, now, stage = Watch(RULES, 0.0), 0.0, {"idle": 0, "hidden": 0, "lag": 0}
    then = {"idle": "note", "hidden": "pause", "lag": "end"}
    for act, later in steps:
        now += later
        notices: list[Notice] = {
            "look": lambda at: watch.look(at),
            "press": lambda at: watch.pressed(at),
            "hide": lambda at: watch.hidden(True, at),
            "show": lambda at: watch.hidden(False, at),
            "slow": lambda at: watch.trip(400.0, at),
            "quick": lambda at: watch.trip(1.0, at),
            "rest": lambda at: watch.rested(at) or [],
        }[act](now)
        for notice in notices:
            before = stage[notice.what]
            if notice.now == "warned":
                assert before == 0
                stage[notice.what] = 1
            elif notice.now == "fine":
                assert before in (1, 2)
                stage[notice.what] = 0
            else:
                assert (before, notice.now) == (1, then[notice.what])
                stage[notice.what] = 2
            assert notice.lasted_s >= 0


SLOW = {"world": "kitchen/cramped_room", "partner": "wombat", "steps": 400, "tick_ms": 20}


def alone(**rules: Any) -> Any:
    nothing = {"idle": None, "hidden": None, "lag": None}
    endings = {**small().plain()["payment"]["endings"], "inactive": {"code": "IDLE-1"}}
    return small(
        tutorial=None,
        quiz=None,
        blocks=[{"id": "wombat", "rounds": [{"id": "one", **SLOW}]}],
        arms=[{"id": "lemur", "blocks": ["wombat"], "target": 4}],
        attention={**nothing, **rules},
        payment={"endings": endings},
    )


def test_a_hidden_page_stops_the_round_until_the_participant_says_that_they_are_back(
    tmp_path: Path,
) -> None:
    study = alone(hidden={"after_s": 0.2, "grace_s": 0.2, "then": "pause"})
    with serving(str(tmp_path / "s.db"), study, countdown_ms=0) as server:
        (bot,) = enter(server.url, "ada")
        with Player(bot) as ada:
            ada.begin()
            ada.wait("tick")
            ada.socket.emit("hidden", {"on": True})
            status = ada.wait("status")[1]
            assert status["paused"]["reason"] == "pause"
            assert status["paused"]["seat"] == ada.wait("game")[1]["seat"]
            told = [data for event, data in ada.got if event == "attention"]
            assert told == [{"what": "hidden", "now": "warned"}, {"what": "hidden", "now": "pause"}]
            stopped = ada.ticks()[-1]
            time.sleep(0.3)
            assert ada.ticks()[-1] <= stopped + 1  # one step was on its way
            before = len(ada.got)
            ada.socket.emit("hidden", {"on": False})
            assert ada.wait("attention", after=before)[1] == {"what": "hidden", "now": "fine"}
            assert ada.ticks()[-1] <= stopped + 1
            ada.socket.emit("beat", {"ms": 12.5})
            ada.socket.emit("here", {})
            assert ada.wait("status", after=before)[1]["paused"] is None
            assert ada.wait("tick", after=before)[1]["t"] > stopped
            ada.wait("end")
        store = server.config.store
        (row,) = rounds(store, list(dossiers_of(store, "small")))
        assert row["warnings"] == "hidden"
        assert row["hidden_s"] > 0.3
        assert row["lag_ms"] == 12.5
        assert row["reason"] == "complete"
        noted = [e for e in events(store, list(dossiers_of(store, "small"))) if e["what"]]
        assert [(e["what"], e["now"]) for e in noted] == [
            ("hidden", "warned"), ("hidden", "pause"), ("hidden", "fine"),
        ]  # fmt: skip


def test_somebody_who_never_plays_is_warned_and_ends_where_the_file_says_so(tmp_path: Path) -> None:
    study = alone(idle={"after_s": 1, "grace_s": 1, "then": "end"})
    with serving(str(tmp_path / "s.db"), study, countdown_ms=0) as server:
        (bot,) = enter(server.url, "ada")
        with Player(bot) as ada:
            ada.begin()
            assert ada.wait("attention")[1] == {"what": "idle", "now": "warned"}
            assert ada.wait("end")[1]["reason"] == "inactive"
        bot.get("/study")
        assert bot.code == "IDLE-1"
        session = session_of(server.config.store, "ada")
        assert session.state.outcome == "inactive"
        assert session.events[-1].data["reason"] == "inactive"


def test_keys_are_read_while_the_database_keeps_a_note_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = alone(idle={"after_s": 0.5, "grace_s": 60, "then": "note"})
    noted, open_ = threading.Event(), threading.Event()
    notice = Notes.notice

    def slow(self: Notes, chair: Chair, about: Notice, t: int) -> None:
        if about.now == "fine":
            noted.set()
            assert open_.wait(60)
        notice(self, chair, about, t)

    monkeypatch.setattr(Notes, "notice", slow)
    with serving(str(tmp_path / "s.db"), study, countdown_ms=0) as server:
        one, two = enter(server.url, "ada", "bob")
        try:
            with Player(one) as ada, Player(two) as bob:
                ada.begin()
                bob_game = bob.begin()
                assert ada.wait("attention")[1] == {"what": "idle", "now": "warned"}
                ada.socket.emit("key", {"action": 1, "down": True, "at": 1.0})
                assert noted.wait(20)
                bob.socket.emit("key", {"action": 2, "down": True, "at": 1.0})
                deadline = time.monotonic() + 20
                while '"input"' not in record_text(server.config.store, bob_game["id"]):
                    assert time.monotonic() < deadline, "nobody reads the keys"
                    time.sleep(0.02)
        finally:
            open_.set()


def test_of_two_who_play_the_one_who_does_not_is_inactive_and_the_other_is_left(
    tmp_path: Path,
) -> None:
    endings = of_two().plain()["payment"]["endings"] | {"inactive": {"code": "IDLE-1"}}
    block = {**SLOW, "partner": "human", "id": "one"}
    study = of_two(
        blocks=[{"id": "duo", "rounds": [block]}],
        attention={"idle": {"after_s": 2, "grace_s": 1, "then": "end"}},
        payment={"endings": endings},
    )
    with serving(str(tmp_path / "s.db"), study, countdown_ms=0) as server:
        one, two = enter(server.url, "ada", "bob")

        def sleep() -> None:
            with Player(one) as ada:
                ada.begin()
                ada.wait("end", "over")

        with at_once(sleep), Player(two) as bob:
            bob.play()
        for bot, code in ((one, "IDLE-1"), (two, "LEFT-1")):
            bot.get("/study")
            assert bot.code == code


def test_a_malformed_sign_of_life_is_a_mistake(tmp_path: Path) -> None:
    with serving(str(tmp_path / "s.db"), alone(), mistakes=0) as server:
        (bot,) = enter(server.url, "ada")
        for event, data in (("beat", {"ms": "quick"}), ("beat", {"ms": -1}), ("hidden", {"on": 1})):
            with Player(bot) as ada:
                ada.wait("wait")
                ada.socket.emit(event, data)
                assert ada.wait("refused")
