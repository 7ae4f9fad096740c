"""Ways through a study besides the straight one: refused, failed, cut off, twice, by key alone."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from studies.design import Study
from studies.sessions import Session, Sessions
from studies.store import Store
from tests.browser.accessibility import serious
from tests.browser.conftest import Visitor
from tests.studies.files import small
from tests.studies.person import ByKeyAlone, Person
from tests.studies.serving import serving
from tests.web.serving import Wire

Visit = Callable[..., Visitor]
pytestmark = pytest.mark.full


def session_of(database: str, name: str = "ada") -> Session:
    store = Store(database)
    found = Sessions(store).load(store.find(name) or "")
    store.close()
    assert found is not None
    return found


def with_long_rounds() -> Study:
    """Rounds in which there is time to do something."""
    blocks = small().plain()["blocks"]
    for block in blocks:
        block["rounds"][0]["steps"] = 200
    return small(blocks=blocks)


def test_refused_consent_ends_at_once_with_its_code(visit: Visit, tmp_path: Path) -> None:
    database = str(tmp_path / "s.db")
    with serving(database, small()) as server:
        me = visit(locale="de-DE")
        person = Person(me, "de")
        person.enter(f"{server.url}/?PROLIFIC_PID=ada")
        person.press(person.words["decline"])
        expect(me.page.locator("#code")).to_have_value("DECLINED-1")
        assert serious(me.page) == []
        me.page.goto(f"{server.url}/study")
        expect(me.page.locator("#code")).to_have_value("DECLINED-1")
        assert me.errors == []
    session = session_of(database)
    assert session.state.outcome == "declined"
    assert session.place is None


def test_a_failed_quiz_shows_the_instructions_again_and_then_ends(
    visit: Visit, tmp_path: Path
) -> None:
    database = str(tmp_path / "s.db")
    with serving(database, small(tutorial=None)) as server:
        me = visit(locale="en-GB")
        person = Person(me, quiz=("two",))
        person.look = lambda kind: expect(me.page.locator("h1:visible").first).to_be_visible()
        person.enter(f"{server.url}/?PROLIFIC_PID=ada")
        kinds = person.take_all()
        assert kinds == [
            "consent", "screening", "instructions", "questions", "instructions", "questions",
        ]  # fmt: skip
        expect(me.page.locator("#code")).to_have_value("QUIZ-1")
        assert serious(me.page) == []
    assert session_of(database).state.failures == 1  # the second failure is the end


def test_a_network_that_drops_on_every_page_and_in_every_round_loses_nothing(
    visit: Visit, tmp_path: Path
) -> None:
    """Each page is handed in into a dead network first, and again when it is back."""
    database = str(tmp_path / "s.db")
    with serving(database, with_long_rounds()) as server, closing(Wire(server.port)) as wire:
        me = visit(locale="en-GB")
        person = Person(me)

        def cut(kind: str) -> None:
            if kind == "game" and not me.page.locator("body.tutorial").count():
                wire.cut()
                expect(me.page.locator("#overlay-title")).to_have_text("Connection lost")
                wire.mend()
                expect(me.page.locator("#overlay")).to_be_hidden()
            elif me.page.locator("input[name=at]").count():
                before = session_of(database)
                wire.cut()
                with me.page.expect_event("requestfailed"):
                    me.page.locator("main form").evaluate("form => form.submit()")
                expect(me.page.locator("main form")).to_have_count(0)  # the browser's own page
                wire.mend()
                me.page.goto(f"{wire.url}study")
                assert session_of(database).events == before.events, kind
                cuts.append(kind)

        cuts: list[str] = []
        person.look = cut
        person.enter(f"{wire.url}?PROLIFIC_PID=ada")
        kinds = person.take_all()
        assert [kind for kind in kinds if kind != "round"] == cuts
        expect(me.page.locator("#code")).to_have_value("DONE-1")
    assert session_of(database).state.outcome == "done"


def test_a_second_tab_on_every_page_comes_to_the_same_place_and_one_wins(
    visit: Visit, tmp_path: Path
) -> None:
    database = str(tmp_path / "s.db")
    with serving(database, small()) as server:
        me = visit(locale="en-GB")
        person = Person(me)
        person.enter(f"{server.url}/?PROLIFIC_PID=ada")
        second = me.open()
        places: list[Any] = []
        while person.kind() != "ended":
            kind = person.kind()
            second.goto(f"{server.url}/study")  # the same page in the other tab
            if kind == "round":
                expect(me.page.locator("#notice-title")).to_have_text("The study is open elsewhere")
                me.page.get_by_role("button", name="Go on here").click()
                expect(second.locator("#notice-title")).to_have_text("The study is open elsewhere")
                person.take()
            else:
                at = second.locator("input[name=at]").input_value()
                assert at == me.page.locator("input[name=at]").input_value()
                person.take()
                me.page.wait_for_load_state()
                before = session_of(database)
                second.locator("main form").evaluate("form => form.requestSubmit()")
                second.wait_for_load_state()
                after = session_of(database)
                assert after.events == before.events, kind
            places.append(session_of(database).place)
            me.page.wait_for_load_state()
        assert len({str(place) for place in places if place}) == 1
        expect(me.page.locator("#code")).to_have_value("DONE-1")


def test_a_laptop_that_is_closed_at_every_stage_comes_back_to_the_same_place(
    visit: Visit, tmp_path: Path
) -> None:
    """Every page is left and opened again by the link, with what was there before."""
    database = str(tmp_path / "s.db")
    link = "?PROLIFIC_PID=ada&STUDY_ID=s&SESSION_ID=t"
    with serving(database, with_long_rounds()) as server:
        me = visit(locale="en-GB")
        person = Person(me)
        closed: set[str] = set()

        def close(kind: str) -> None:
            tutorial = me.page.locator("body.tutorial").count() > 0
            if kind in ("start", "end", "ended") or (kind == "game" and tutorial):
                return
            before = session_of(database)
            me.page.goto("about:blank")
            me.page.goto(f"{server.url}/{link}")
            if me.page.get_by_role("button", name=person.words["begin"]).count():
                person.press(person.words["begin"])
            me.page.wait_for_load_state()
            after = session_of(database)
            assert after.place == before.place, kind
            assert after.state.step == before.state.step, kind
            closed.add(kind)
            if kind == "game":
                expect(me.page.locator("#game")).to_be_visible()

        person.look = close
        person.enter(f"{server.url}/{link}")
        person.take_all()
        expect(me.page.locator("#code")).to_have_value("DONE-1")
        rounds = {"round", "ready", "game"}
        assert closed == rounds | {"consent", "screening", "instructions", "questions", "debrief"}
    assert session_of(database).state.outcome == "done"


def test_a_whole_study_by_keyboard_alone(visit: Visit, tmp_path: Path) -> None:
    database = str(tmp_path / "s.db")
    with serving(database, small()) as server:
        me = visit(locale="en-GB")
        person = ByKeyAlone(me)
        person.enter(f"{server.url}/?PROLIFIC_PID=ada")
        person.take_all()
        expect(me.page.locator("#code")).to_have_value("DONE-1")
        assert me.errors == []
    answers = [e.data["answers"] for e in session_of(database).events if "answers" in e.data]
    assert answers[-1] == {"slide": 51, "pick": "a", "rank": ["x", "y"], "many": 7}
