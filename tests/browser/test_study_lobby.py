"""Two people, two browsers: the lobby, a round together, a closed laptop, nobody who comes."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from studies.design import Study
from studies.sessions import Sessions
from studies.store import Store
from tests.browser.accessibility import serious
from tests.browser.conftest import Visitor
from tests.browser.cook import by_touch
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


def one_round(**lobby: object) -> Study:
    block = {"id": "duo", "rounds": [{"id": "one", **ROUND, "tick_ms": 60}]}
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
