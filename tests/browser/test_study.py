"""Whole studies in a real browser, in both languages."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from play.episode import SUFFIX, verify
from studies import schema
from studies.records import record_text
from studies.sessions import Sessions
from studies.store import Store
from tests.browser.accessibility import serious
from tests.browser.conftest import Visitor
from tests.browser.cook import by_keyboard, by_touch
from tests.studies.files import small
from tests.studies.person import Person
from tests.studies.serving import serving
from tests.studies.test_server import SECRET_WORDS
from tests.web.serving import Wire

Visit = Callable[..., Visitor]
PHONE = {"has_touch": True, "is_mobile": True, "color_scheme": "dark"}


@pytest.mark.parametrize(
    ("language", "size", "more", "way"),
    [
        ("en", (1280, 800), {}, by_keyboard),
        ("de", (360, 640), PHONE, by_touch),
    ],
    ids=["en-laptop", "de-phone"],
)
def test_a_whole_study(
    visit: Visit, tmp_path: Path, language: str, size: tuple[int, int], more: Any, way: Any
) -> None:
    """With no serious finding of axe's on any page, and no byte that tells a condition."""
    database = str(tmp_path / "study.db")
    study = small(looks="partner")
    with serving(database, study) as server, closing(Wire(server.port)) as wire:
        me = visit(*size, locale="de-DE" if language == "de" else "en-GB", **more)
        person = Person(me, language, way=way)
        seen: set[str] = set()

        def look(kind: str) -> None:
            name = f"study-{language}-{kind}"
            if kind == "questions":
                name += f"-{len([s for s in seen if s.startswith(name)])}"
            seen.add(name)
            me.shot(name)
            assert me.page.locator("html").get_attribute("lang") == language
            wide = me.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{kind} is wider than the screen"
            assert serious(me.page) == [], kind

        person.look = look
        person.enter(f"{wire.url}?PROLIFIC_PID=pid-1&STUDY_ID=s&SESSION_ID=t")
        entered = len(wire.said)
        assert b"pid-1" in wire.said  # in the form that takes it from the link
        assert "pid-1" not in me.page.url
        kinds = person.take_all()
        assert kinds == [
            "consent", "screening", "instructions", "round", "questions",
            "round", "questions", "round", "questions", "questions", "debrief",
        ]  # fmt: skip
        expect(me.page.locator("#code")).to_have_value("DONE-1")
        pay = "Pay: 2.00 GBP" if language == "en" else "Bezahlung: 2,00 GBP"
        expect(me.page.locator(".money")).to_contain_text(pay)
        link = me.page.locator("main a.primary")
        assert link.get_attribute("href") == "https://example.org/complete?cc=DONE-1"
        assert me.errors == []
        said = bytes(wire.said).lower()
        assert b"renderer" in said  # the scripts are among it
        told = json.dumps(me.wire.messages).lower()  # what the socket said, which is compressed
        assert '"tick"' in told
        secret = [word for word in SECRET_WORDS if word != "pid-1"]
        assert [word for word in secret if word.encode() in said or word in told] == []
        assert b"pid-1" not in said[entered:]
        assert "pid-1" not in told
    store = Store(database)
    with store.engine.connect() as connection:
        (name,) = connection.execute(sa.select(schema.participants.c.id)).scalars()
        rounds = list(connection.execute(sa.select(schema.rounds.c.id)).scalars())
    sitting = Sessions(store).load(name)
    assert sitting is not None
    assert sitting.state.outcome == "done"
    answers = {e.step: e.data["answers"] for e in sitting.events if e.step.startswith("survey")}
    assert answers["survey:arm:last"] == {
        "slide": 51, "pick": "b", "why": "Because.", "rank": ["x", "y"], "many": 7,
    }  # fmt: skip
    assert answers["survey:quokka:one:mood"] == {"good": 5, "bad": 5}
    assert len(rounds) == 3
    for round_id in rounds:
        path = tmp_path / f"{round_id}{SUFFIX}"
        path.write_text(record_text(store, round_id))
        report = verify(path)
        header = json.loads(path.read_text().splitlines()[0])
        assert report.reason == "complete"
        assert report.steps == 30 or header["options"]["horizon"] == 20_000
    store.close()
