"""Two people, two browsers: the lobby, a round together, a closed laptop, nobody who comes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from studies.design import Study
from studies.sessions import Sessions
from studies.store import Store
from tests.browser.accessibility import serious
from tests.browser.conftest import Visitor
from tests.browser.cook import by_touch
from tests.studies.files import small
from tests.studies.person import Person, play_together
from tests.studies.serving import serving
from tests.studies.test_pairs import ROUND, of_two

Visit = Callable[..., Visitor]


def outcomes(database: str, *names: str) -> list[str | None]:
    store = Store(database)
    found = [Sessions(store).load(store.find(name) or "") for name in names]
    store.close()
    return [session.state.outcome if session else None for session in found]


def come(person: Person, url: str, name: str) -> None:
    """Takes somebody to their first round."""
    person.enter(f"{url}/?PROLIFIC_PID={name}")
    while person.kind() != "round":
        person.take()
        person.page.wait_for_load_state()


def one_round(steps: int = 30, **lobby: object) -> Study:
    block = {"id": "duo", "rounds": [{"id": "one", **ROUND, "tick_ms": 60, "steps": steps}]}
    return of_two(lobby, blocks=[block], arms=[{"id": "pairs", "blocks": ["duo"], "target": 4}])


def test_two_people_meet_in_the_lobby_and_cook(visit: Visit, tmp_path: Path) -> None:
    database = str(tmp_path / "s.db")
    with serving(database, one_round(), countdown_ms=600) as server:
        mine = visit(locale="en-GB")
        theirs = visit(360, 640, locale="de-DE", has_touch=True, is_mobile=True)
        ada, bob = Person(mine, "en"), Person(theirs, "de", way=by_touch)
        come(ada, server.url, "ada")
        come(bob, server.url, "bob")
        expect(ada.page.locator("#ready")).to_contain_text("together with another participant")
        ada.get_ready()
        expect(ada.page.locator("#lobby")).to_be_visible()
        expect(ada.page.locator("#lobby-left")).to_contain_text(":")
        mine.shot("study-lobby-desktop")
        assert serious(ada.page) == []
        ada.page.reload()  # the place in the lobby stays, without a press of the button
        expect(ada.page.locator("#lobby")).to_be_visible()
        bob.get_ready()
        for person in (ada, bob):
            expect(person.page.locator("#game")).to_be_visible()
        expect(ada.page.locator("#chefs")).to_contain_text("Partner")
        assert serious(bob.page) == []
        play_together(ada, bob)
        for person in (ada, bob):
            while person.kind() != "ended":
                person.take()
                person.page.wait_for_load_state()
            expect(person.page.locator("#code")).to_have_value("DONE-1")
        assert mine.errors == theirs.errors == []
    assert outcomes(database, "ada", "bob") == ["done", "done"]


@pytest.mark.full
def test_whoever_waits_in_vain_is_thanked_and_has_a_code(visit: Visit, tmp_path: Path) -> None:
    database = str(tmp_path / "s.db")
    with serving(database, one_round(timeout_s=5)) as server:
        me = visit(locale="de-DE")
        ada = Person(me, "de")
        come(ada, server.url, "ada")
        ada.get_ready()
        expect(ada.page.locator("#lobby")).to_be_visible()
        expect(ada.page.locator("#code")).to_have_value("LOBBY-1")
        expect(ada.page.locator("h1")).to_have_text("Vielen Dank fürs Warten")
        assert serious(ada.page) == []
        assert me.errors == []
    assert outcomes(database, "ada") == ["lobby_timeout"]


@pytest.mark.full
def test_after_a_lobby_in_vain_a_partner_stands_in_and_nothing_tells(
    visit: Visit, tmp_path: Path
) -> None:
    study = one_round(timeout_s=5, then="ai", partner="wombat")
    with serving(str(tmp_path / "s.db"), study) as server:
        me = visit(locale="en-GB")
        ada = Person(me, "en")
        come(ada, server.url, "ada")
        ada.get_ready()
        expect(ada.page.locator("#ready .banner")).to_contain_text("You go on with another partner")
        ada.get_ready()
        play_together(ada)
        told = str(me.wire.messages).lower()
        assert not any(word in told for word in ("wombat", "greedy", "'ai'", "policy"))


@pytest.mark.full
def test_a_closed_laptop_is_waited_for_and_its_owner_comes_back(
    visit: Visit, tmp_path: Path
) -> None:
    """In the lobby, in the middle of the round, and after it."""
    database = str(tmp_path / "s.db")
    with serving(database, one_round(steps=150)) as server:
        mine, theirs = visit(locale="en-GB"), visit(locale="en-GB")
        ada, bob = Person(mine), Person(theirs)
        come(ada, server.url, "ada")
        come(bob, server.url, "bob")
        bob.get_ready()
        expect(bob.page.locator("#lobby")).to_be_visible()
        bob.page.goto("about:blank")  # closed while waiting
        ada.get_ready()
        expect(ada.page.locator("#lobby")).to_be_visible()
        bob.page.goto(f"{server.url}/study")  # open again
        cooks = [ada.cook(), bob.cook()]
        for _ in range(3):
            for person, cook in zip((ada, bob), cooks, strict=True):
                seen = cook.seen
                cook.play(lambda: cook.seen > seen or person.over())  # noqa: B023
        bob.page.goto("about:blank")  # closed in the middle of the round
        expect(ada.page.locator("#overlay-title")).to_have_text("Partner lost the connection")
        expect(ada.page.locator("#chefs")).to_contain_text("away")
        mine.shot("study-away-desktop")
        assert serious(ada.page) == []
        bob.page.goto(f"{server.url}/study")
        expect(ada.page.locator("#overlay")).to_be_hidden()
        assert len({game["id"] for game in theirs.wire.of("game")}) == 1
        play_together(ada, bob)
        expect(bob.page.locator("main form")).to_be_visible()
        at = bob.page.locator("input[name=at]").input_value()
        bob.page.goto("about:blank")
        bob.page.goto(f"{server.url}/study")
        expect(bob.page.locator("input[name=at]")).to_have_value(at)
    assert outcomes(database, "ada", "bob") == [None, None]


HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.mark.full
def test_a_hidden_tab_stops_the_round_until_its_owner_says_that_they_are_back(
    visit: Visit, tmp_path: Path
) -> None:
    block = {"id": "wombat", "rounds": [{"id": "one", **ROUND, "partner": "wombat", "steps": 200}]}
    rules = {"hidden": {"after_s": 1, "grace_s": 1, "then": "pause"}}
    arms = [{"id": "alone", "blocks": ["wombat"], "target": 4}]
    study = small(tutorial=None, quiz=None, blocks=[block], arms=arms, attention=rules)
    with serving(str(tmp_path / "s.db"), study) as server:
        me = visit(locale="de-DE")
        ada = Person(me, "de")
        come(ada, server.url, "ada")
        ada.get_ready()
        cook = ada.cook()
        cook.play(lambda: cook.seen > 3)
        ada.page.evaluate(HIDE, True)
        expect(ada.page.locator("#attention")).to_contain_text("Die Runde läuft")
        assert ada.page.title().startswith("● Bitte kommen Sie zurück")
        expect(ada.page.locator("#overlay-title")).to_have_text("Angehalten")
        ada.page.evaluate(HIDE, False)
        assert "●" not in ada.page.title()
        me.shot("study-hidden-desktop")
        assert serious(ada.page) == []
        ada.page.get_by_role("button", name="Weiter").click()
        expect(ada.page.locator("#overlay")).to_be_hidden()
        play_together(ada)
        assert me.errors == []


@pytest.mark.full
def test_the_duplicate_tab_of_somebody_in_the_lobby_waits_in_their_place(
    visit: Visit, tmp_path: Path
) -> None:
    with serving(str(tmp_path / "s.db"), one_round()) as server:
        me = visit(locale="en-GB")
        ada = Person(me)
        come(ada, server.url, "ada")
        ada.get_ready()
        expect(ada.page.locator("#lobby")).to_be_visible()
        second = me.open()
        second.goto(f"{server.url}/study")
        expect(second.locator("#lobby")).to_be_visible()
        expect(ada.page.locator("#notice-title")).to_have_text("The study is open elsewhere")
        ada.page.get_by_role("button", name="Go on here").click()
        expect(ada.page.locator("#lobby")).to_be_visible()
        expect(second.locator("#notice-title")).to_have_text("The study is open elsewhere")
