"""Rounds of two participants: bots that meet, wait in vain, leave, withdraw, and come back."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from play.episode import SUFFIX, read_episode, verify
from studies import schema
from studies.design import Study
from studies.records import record_text
from studies.sessions import Session, Sessions
from studies.store import Store
from studies.tables import dossiers_of, rounds
from studies.templates import TEMPLATES
from tests.studies.bots import Bot, Fields, Player
from tests.studies.files import small
from tests.studies.serving import serving

# The client library leaves its own end open when a server hangs up.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)
ROUND = {"world": "kitchen/cramped_room", "partner": "human", "steps": 30, "tick_ms": 30}


def of_two(lobby: dict[str, Any] | None = None, steps: int = 30, **changes: Any) -> Study:
    """A study of two rounds in pairs, without a tutorial or a quiz.

    Args:
        lobby: What to say of the lobby.
        steps: Steps of the first round; many, where there must be time to do something in it.
        changes: What to say otherwise.
    """
    endings = {**small().plain()["payment"]["endings"],
               "lobby_timeout": {"code": "LOBBY-1", "pay": 0.5},
               "partner_left": {"code": "LEFT-1", "pay": 1}}  # fmt: skip
    given: dict[str, Any] = {
        "tutorial": None,
        "quiz": None,
        "blocks": [
            {
                "id": "duo",
                "rounds": [{"id": "one", **ROUND, "steps": steps}, {"id": "two", **ROUND}],
            }
        ],
        "arms": [{"id": "pairs", "blocks": ["duo"], "target": 4}],
        "lobby": {"timeout_s": 60, **(lobby or {})},
        "payment": {"endings": endings},
    }
    return small(**{**given, **changes})


@contextmanager
def at_once(*acts: Callable[[], Any]) -> Iterator[None]:
    """Runs things beside each other; whatever fails in one fails the test."""
    failures: list[BaseException] = []

    def run(act: Callable[[], Any]) -> None:
        try:
            act()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join(timeout=120)
    assert failures == []


def enter(url: str, *names: str) -> list[Bot]:
    """Bots that have come to their first round."""
    bots = [Bot(url, seed=at) for at in range(len(names))]
    for bot, name in zip(bots, names, strict=True):
        bot.enter(f"?PROLIFIC_PID={name}")
        bot.take_until("round")
    return bots


def session_of(store: Store, name: str) -> Session:
    found = Sessions(store).load(store.find(name) or "")
    assert found is not None
    return found


def events_of(session: Session, kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(e.step, dict(e.data)) for e in session.events if e.kind == kind]


def test_two_participants_play_the_study_together(database: str, tmp_path: Path) -> None:
    with serving(database, of_two()) as server:
        one, two = enter(server.url, "ada", "bob")
        with at_once(lambda: one.take_until("ended"), lambda: two.take_until("ended")):
            pass
        assert [one.code, two.code] == ["DONE-1", "DONE-1"]
        store = server.config.store
        ada, bob = session_of(store, "ada"), session_of(store, "bob")
        pairs = [events_of(session, "paired") for session in (ada, bob)]
        assert [step for step, _ in pairs[0]] == ["round:duo:one"]  # once, for the whole study
        assert pairs[0][0][1]["pair"] == pairs[1][0][1]["pair"]
        assert pairs[0][0][1]["other"] == bob.who.id
        assert {pairs[0][0][1]["first"], pairs[1][0][1]["first"]} == {True, False}
        assert ada.state.scores == bob.state.scores
        people = list(dossiers_of(store, "small"))
        rows = list(rounds(store, people))
        assert [row["partner"] for row in rows] == ["human"] * 4
        assert {row["pair"] for row in rows} == {pairs[0][0][1]["pair"]}
        assert not any(row["stand_in"] for row in rows)
        for number in (1, 2):
            both = [row for row in rows if row["number"] == number]
            assert {row["seat"] for row in both} == {0, 1}
            assert len({row["seed"] for row in both}) == 1
            assert all(row["key_presses"] > 0 for row in both)
        copies = []
        for row in rows:
            path = tmp_path / f"{row['round_id']}{SUFFIX}"
            path.write_text(record_text(store, row["round_id"]))
            assert verify(path).steps == 30
            copies.append(read_episode(path))
        for copy, row in zip(copies, rows, strict=True):
            assert {line["seat"] for line in copy.inputs} == {row["seat"]}
        assert copies[0].joint_actions == copies[2].joint_actions  # ada's and bob's first round


def test_people_of_other_arms_rounds_and_rehearsals_do_not_meet(tmp_path: Path) -> None:
    with serving(str(tmp_path / "s.db"), of_two()) as server:
        (one,) = enter(server.url, "ada")
        rehearsal = Bot(server.url)
        rehearsal.enter("?" + server.rehearsal_url.partition("?")[2])
        rehearsal.take_until("round")
        with Player(one) as ada, Player(rehearsal) as somebody:
            for player in (ada, somebody):
                player.wait("wait")
                player.socket.emit("ready", {})
            assert ada.wait("lobby")[1]["left_ms"] > 0
            assert somebody.wait("lobby")[1]["left_ms"] > 0
            (two,) = enter(server.url, "bob")
            with at_once(two.take):
                assert ada.wait("game")[1]["t"] == 0
            assert not any(event == "game" for event, _ in somebody.got)


def test_whoever_waits_in_vain_ends_as_the_file_says(tmp_path: Path) -> None:
    study = of_two({"timeout_s": 5, "then": "end"})
    with serving(str(tmp_path / "s.db"), study) as server:
        (bot,) = enter(server.url, "ada")
        bot.take()
        assert bot.code == "LOBBY-1"
        assert "GBP" not in bot.page
        state = session_of(server.config.store, "ada").state
        assert state.outcome == "lobby_timeout"


def test_an_ai_partner_stands_in_and_the_data_say_so(tmp_path: Path) -> None:
    study = of_two({"timeout_s": 5, "then": "ai", "partner": "wombat"})
    with serving(str(tmp_path / "s.db"), study) as server:
        (bot,) = enter(server.url, "ada")
        bot.take()
        assert bot.kind == "round"
        assert "Nobody came" in bot.page
        bot.take_until("ended")
        assert bot.code == "DONE-1"
        store = server.config.store
        (alone,) = events_of(session_of(store, "ada"), "alone")
        assert alone == ("round:duo:one", {"why": "lobby_timeout"})
        rows = list(rounds(store, list(dossiers_of(store, "small"))))
        assert [(row["partner"], row["stand_in"], row["policy"]) for row in rows] == [
            ("wombat", True, "greedy")
        ] * 2
        assert not any("wombat" in told or "greedy" in told for told in bot.told)


@pytest.mark.parametrize("left", ["pay", "ai"])
def test_when_a_partner_withdraws_the_other_goes_on_as_the_file_says(
    tmp_path: Path, left: str
) -> None:
    study = of_two({"left": left, "partner": "wombat"}, steps=80)
    with serving(str(tmp_path / "s.db"), study) as server:
        store = server.config.store
        one, two = enter(server.url, "ada", "bob")
        with Player(one) as ada, Player(two) as bob:
            with at_once(lambda: ada.play(until=8)):
                bob.play(until=8)
            one.get("/study/leave")
            one.post("/study/leave", Fields(one.page).filled)
            assert one.code == "WITHDRAWN-1"
            assert ada.wait("over")
            assert bob.wait("over")
        c = schema.chunks.c
        with store.engine.connect() as connection:
            kept = set(connection.execute(sa.select(c.participant_id)).scalars())
        assert kept == {store.find("bob")}  # ada's copy is erased, bob's is whole
        two.get("/study")
        if left == "pay":
            assert two.code == "LEFT-1"
            assert session_of(store, "bob").state.outcome == "partner_left"
            return
        assert "has left" in two.page
        two.take_until("ended")
        assert two.code == "DONE-1"
        rows = list(rounds(store, list(dossiers_of(store, "small"))))
        assert [row["stand_in"] for row in rows] == [False, True, True]
        assert [row["reason"] for row in rows] == ["left", "complete", "complete"]


def test_whoever_comes_to_a_partner_who_has_left_between_rounds_does_not_wait(
    tmp_path: Path,
) -> None:
    with serving(str(tmp_path / "s.db"), of_two({"timeout_s": 600})) as server:
        one, two = enter(server.url, "ada", "bob")
        with at_once(one.take):
            two.take()
        assert [one.kind, two.kind] == ["round", "round"]
        one.get("/study/leave")
        one.post("/study/leave", Fields(one.page).filled)
        two.take()
        assert two.code == "LEFT-1"
        session = session_of(server.config.store, "bob")
        assert session.state.outcome == "partner_left"
        assert len(session.state.scores) == 1


def test_a_partner_who_does_not_come_back_is_waited_for_and_then_left(tmp_path: Path) -> None:
    study = of_two(steps=400, pace={"away_s": 3})
    with serving(str(tmp_path / "s.db"), study) as server:
        one, two = enter(server.url, "ada", "bob")
        with Player(two) as bob:
            with Player(one) as ada, at_once(lambda: ada.play(until=5)):
                bob.play(until=5)
            status = bob.wait("status")[1]  # ada's laptop is closed
            seat = bob.wait("game")[1]["seat"]
            assert status["paused"]["reason"] == "away"
            assert status["paused"]["seat"] == 1 - seat
            assert not status["seats"][1 - seat]["connected"]
            with Player(one) as back:  # open again in time: the same round goes on
                game = back.wait("game")[1]
                assert game["t"] >= 5
                with at_once(lambda: back.play(until=10)):
                    bob.play(until=10)
            assert bob.wait("over", "end", after=len(bob.got) - 1)
        for bot in (one, two):  # closed for good
            for _ in range(100):  # the page may be asked for before the end is written
                assert bot.get("/study") == 200
                if bot.code is not None:
                    break
                time.sleep(0.05)
            assert bot.code == "LEFT-1"


def test_a_pair_goes_on_after_the_server_was_stopped_and_started(database: str) -> None:
    study = of_two(steps=60)
    with serving(database, study) as server:
        one, two = enter(server.url, "ada", "bob")
        ada, bob = Player(one), Player(two)
        with at_once(lambda: ada.play(until=8)):
            bob.play(until=8)
        told = max(ada.ticks())
    ada.close()
    bob.close()
    with serving(database, study) as server:
        for bot in (one, two):
            bot.url = server.url
            assert bot.get("/study") == 200
            assert bot.kind == "round"
        with Player(one) as ada, Player(two) as bob:
            with at_once(bob.play):
                ada.play()
            assert ada.wait("game")[1]["t"] >= told
            assert ada.ticks()[-1] == 60
        with at_once(lambda: one.take_until("ended"), lambda: two.take_until("ended")):
            pass
        assert [one.code, two.code] == ["DONE-1", "DONE-1"]


def test_a_reload_in_the_lobby_keeps_the_place_and_the_clock(tmp_path: Path) -> None:
    with serving(str(tmp_path / "s.db"), of_two({"timeout_s": 30})) as server:
        one, two = enter(server.url, "ada", "bob")
        with Player(one) as ada:
            ada.wait("wait")
            ada.socket.emit("ready", {})
            first = ada.wait("lobby")[1]["left_ms"]
            place = session_of(server.config.store, "ada").place
            with Player(one) as again:  # a second tab, without a press of the button
                assert ada.wait("replaced")
                assert again.wait("lobby")[1]["left_ms"] < first
                with at_once(two.take):
                    again.play()
        assert session_of(server.config.store, "ada").place == place


def test_pairs_that_stay_for_a_round_are_made_anew(tmp_path: Path) -> None:
    with serving(str(tmp_path / "s.db"), of_two({"together": "round"})) as server:
        one, two = enter(server.url, "ada", "bob")
        with at_once(lambda: one.take_until("ended"), lambda: two.take_until("ended")):
            pass
        store = server.config.store
        met = events_of(session_of(store, "ada"), "paired")
        assert [step for step, _ in met] == ["round:duo:one", "round:duo:two"]
        assert len({data["pair"] for _, data in met}) == 2
        rows = list(rounds(store, list(dossiers_of(store, "small"))))
        assert {(row["number"], row["pair"]) for row in rows} == {
            (number, data["pair"]) for number, (_, data) in enumerate(met, start=1)
        }


@pytest.mark.full
def test_the_template_runs_to_its_end_with_two_pairs(tmp_path: Path) -> None:
    """The file as `study init` writes it, only at a faster tick."""
    values = yaml.safe_load((TEMPLATES / "human-human.yaml").read_text(encoding="utf-8"))
    values["tutorial"]["tick_ms"] = 30
    for block in values["blocks"]:
        for played in block["rounds"]:
            played["tick_ms"] = 40  # two messages a step stay within the allowance
    study = Study.model_validate(values)
    with serving(str(tmp_path / "s.db"), study) as server:
        bots = [Bot(server.url, seed=at) for at in range(4)]
        for at, bot in enumerate(bots):
            bot.answer("points", "both")
            bot.answer("age", "30")
            bot.enter(f"?PROLIFIC_PID=p{at}")
        with at_once(*(lambda bot=bot: bot.take_until("ended") for bot in bots)):
            pass
        assert {bot.code for bot in bots} == {"CHANGE-DONE"}
        people = list(dossiers_of(server.config.store, study.id))
        rows = [row for row in rounds(server.config.store, people) if row["kind"] == "round"]
        assert len(rows) == 8
        assert all(row["reason"] == "complete" and row["steps"] == 400 for row in rows)
        pairs = {row["pair"] for row in rows}
        assert len(pairs) == 2
        for pair in pairs:
            both = [row for row in rows if row["pair"] == pair]
            assert len({row["participant"] for row in both}) == 2
            assert {row["round"] for row in both} == {"room", "sides"}
