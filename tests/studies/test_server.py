"""The study server against bots: blinding, tokens, tabs, withdrawal, crashes, a lost database."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from string import Formatter
from urllib.parse import urlsplit

import pytest
import requests
import socketio
import sqlalchemy as sa
import yaml
from werkzeug.datastructures import MultiDict

from play.episode import SUFFIX, verify
from studies import schema
from studies.bots.reading import Fields
from studies.design import Study
from studies.messages import CATALOGUES, messages
from studies.records import record_text
from studies.sessions import Session, Sessions
from studies.store import Store
from studies.web.forms import answers_of
from tests.studies.bots import Bot, Player
from tests.studies.databases import PostgresServer
from tests.studies.files import SMALL, small
from tests.studies.serving import serving

# The client library leaves its own end open when a server hangs up.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)

SECRET_WORDS = (
    "quokka", "wombat", "lemur", "srpo", "greedy", "self-play", "ippo", "'policy'", '"policy"',
    "sha256", "pid-1",
)  # fmt: skip


def only_session(store: Store) -> Session:
    with store.engine.connect() as connection:
        (name,) = connection.execute(sa.select(schema.participants.c.id)).scalars()
    found = Sessions(store).load(name)
    assert found is not None
    return found


def only_round(store: Store, kind: str) -> str:
    r = schema.rounds.c
    with store.engine.connect() as connection:
        (name,) = connection.execute(sa.select(r.id).where(r.step.startswith(kind))).scalars()
    return str(name)


def verified(store: Store, round_id: str, folder: Path) -> int:
    path = folder / f"{round_id}{SUFFIX}"
    path.write_text(record_text(store, round_id))
    return verify(path).steps


def without_rounds_before(**changes: object) -> Study:
    """A study whose first page after the instructions is a round."""
    return small(tutorial=None, quiz=None, **changes)


def test_a_bot_takes_part_and_no_byte_tells_the_condition(database: str) -> None:
    study = small()
    with serving(database, study) as server:
        bot = Bot(server.url)
        bot.enter("?PROLIFIC_PID=pid-1&STUDY_ID=s&SESSION_ID=t")
        bot.told.clear()  # the link itself names the participant
        bot.take_until("ended")
        assert bot.code == "DONE-1"
        for word in SECRET_WORDS:
            where = [text[:200] for text in bot.told if word in text.lower()]
            assert where == [], word
        session = only_session(server.config.store)
        assert session.state.outcome == "done"
        assert {word for word in SECRET_WORDS if word in str(session.place)} >= {"quokka", "lemur"}
        again = Bot(server.url)  # the same link, after the end: the same code, no second session
        again.enter("?PROLIFIC_PID=pid-1&STUDY_ID=s&SESSION_ID=t")
        assert again.code == "DONE-1"
        assert only_session(server.config.store).who == session.who


def test_answers_that_are_none_keep_the_page_open_and_what_was_given(tmp_path: Path) -> None:
    with serving(str(tmp_path / "s.db"), without_rounds_before(before=["last"])) as server:
        bot = Bot(server.url)
        bot.enter()
        assert bot.take(**{"statement-0": ""}) == 422
        assert 'id="problem-statement-0"' in bot.page
        bot.take_until("questions")
        before = len(only_session(server.config.store).events)
        wrong = {"item-many": "9.5", "item-rank-x": "2", "item-pick": "c", "item-slide": "900"}
        assert bot.take(**wrong) == 422
        for item in ("many", "rank", "pick", "slide"):
            assert f'id="problem-{item}"' in bot.page
        assert 'value="9.5"' in bot.page
        assert len(only_session(server.config.store).events) == before
        assert bot.take(**{"item-pick": "b", "item-why": "<b>&amp;</b>"}) == 200
        answers = only_session(server.config.store).events[-1].data["answers"]
        assert answers["why"] == "<b>&amp;</b>"


def test_every_way_out_has_its_code(tmp_path: Path) -> None:
    with serving(str(tmp_path / "s.db"), small()) as server:
        bot = Bot(server.url)
        bot.enter()
        bot.take(agrees="no")
        assert bot.code == "DECLINED-1"
        bot = Bot(server.url)
        bot.enter()
        bot.take()
        bot.take(input="telepathy")
        assert bot.code == "SCREENED-1"
        bot = Bot(server.url, quiz="two")
        bot.enter()
        bot.take_until("ended")
        assert bot.code == "QUIZ-1"


def test_whoever_is_not_who_they_say_changes_nothing(tmp_path: Path) -> None:
    with serving(str(tmp_path / "s.db"), small()) as server:
        bot = Bot(server.url)
        bot.enter()
        form = bot.answers()
        assert bot.post("/study", {**form, "csrf": "0" * 32}) == 400
        assert bot.post("/study", {k: v for k, v in form.items() if k != "csrf"}) == 400
        assert bot.post("/study/leave", {"csrf": ""}) == 400
        assert bot.post("/study", form, Origin="https://evil.example") == 403
        assert len(only_session(server.config.store).events) == 1
        stranger = Bot(server.url)
        assert stranger.get("/study") == 404
        cookie = bot.http.cookies["participant"]
        name, _, signature = cookie.rpartition(".")
        for forged in (name, f"{name}.{signature[:-2]}xx", f"{'0' * 24}.{signature}"):
            stranger.http.cookies.set("participant", forged)
            assert stranger.get("/study") == 404
            client = socketio.Client(reconnection=False, http_session=stranger.http)
            with pytest.raises(socketio.exceptions.ConnectionError):
                client.connect(server.url, transports=["websocket"])
        assert stranger.get("/?test=guess") == 404


def test_pages_carry_strict_headers_and_are_not_kept(tmp_path: Path) -> None:
    with serving(str(tmp_path / "s.db"), small(), public_url="https://study.example.org") as server:
        port = server._server.port
        answer = requests.get(f"http://localhost:{port}/")
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert not re.search(r"\son\w+=|style=|https?://", answer.text)
        begun = requests.post(f"http://localhost:{port}/begin", allow_redirects=False)
        cookie = begun.headers["Set-Cookie"]
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(re.split(r"; |, ", cookie))


def test_of_two_tabs_one_wins(tmp_path: Path) -> None:
    with serving(str(tmp_path / "s.db"), small()) as server:
        bot = Bot(server.url)
        bot.enter()
        form = bot.answers()
        assert bot.post("/study", form) == 200
        events = only_session(server.config.store).events
        assert bot.post("/study", {**form, "agrees": "no"}) == 200  # the other tab
        assert "answered already" in bot.page
        assert bot.kind == "screening"
        assert only_session(server.config.store).events == events
        bot.take_until("round")
        with Player(bot) as first:
            first.begin()
            with Player(bot) as second:
                assert first.wait("replaced")
                assert second.wait("game")[1]["t"] >= 0


def test_a_withdrawal_erases_what_the_study_promises(database: str) -> None:
    with serving(database, without_rounds_before()) as server:
        bot = Bot(server.url)
        bot.enter("?PROLIFIC_PID=pid-1")
        bot.take_until("round")
        player = Player(bot)
        player.play(until=5)
        bot.get("/study/leave")
        assert bot.post("/study/leave", Fields(bot.page).filled) == 200
        assert bot.code == "WITHDRAWN-1"
        assert "has been erased" in bot.page
        assert player.wait("over")
        player.close()
        store = server.config.store
        for table in schema.ERASABLE:
            with store.engine.connect() as connection:
                assert connection.execute(sa.select(table)).all() == [], table.name
        assert bot.get("/study") == 200
        assert bot.code == "WITHDRAWN-1"


def test_without_the_promise_a_withdrawal_keeps_the_data(tmp_path: Path) -> None:
    study = without_rounds_before(erase_on_withdrawal=False)
    with serving(str(tmp_path / "s.db"), study) as server:
        bot = Bot(server.url)
        bot.enter()
        bot.take_until("round")
        bot.get("/study/leave")
        bot.post("/study/leave", Fields(bot.page).filled)
        assert bot.code == "WITHDRAWN-1"
        session = only_session(server.config.store)
        assert session.state.outcome == "withdrawn"
        assert len(session.events) == 5


def test_a_round_goes_on_after_the_server_was_stopped_and_started(
    database: str, tmp_path: Path
) -> None:
    study = without_rounds_before()
    with serving(database, study) as server:
        bot = Bot(server.url)
        bot.enter()
        bot.take_until("round")
        player = Player(bot)
        player.play(until=10)
        place = only_session(server.config.store).place
        told = player.ticks()
    player.close()
    with serving(database, study) as server:
        bot.url = server.url
        assert bot.get("/study") == 200
        assert bot.kind == "round"
        with Player(bot) as player:
            assert player.wait("wait")
            game = player.begin()
            assert game["t"] >= told[-1]
            player.play()
            ticks = player.ticks()
        assert ticks == list(range(game["t"] + 1, 31))
        session = only_session(server.config.store)
        assert session.place == place
        assert session.state.step is not None
        assert session.state.step.kind == "survey"
        assert (
            verified(server.config.store, only_round(server.config.store, "round"), tmp_path) == 30
        )


def start_process(folder: Path, port: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", "from play.main import main; main()", "study", "serve",
         "study.yaml", "--port", str(port)],
        cwd=folder, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
             "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    said = [process.stdout.readline()]
    while "Everything is kept" not in said[-1]:
        said.append(process.stdout.readline())
    assert said[0].startswith("Participants:"), said
    assert "{{%PROLIFIC_PID%}}" in said[1]
    assert "?test=" in said[2]
    return process


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_killed_in_the_middle_of_a_round_nothing_that_was_told_is_lost(tmp_path: Path) -> None:
    text = re.sub(r"tutorial: .*\n", "", SMALL)
    text = re.sub(r"quiz:\n(  .*\n)+", "", text)
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    port = free_port()
    process = start_process(tmp_path, port)
    bot = Bot(f"http://localhost:{port}")
    bot.enter()
    bot.take_until("round")
    with Player(bot) as player:
        player.play(until=12)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
        time.sleep(0.1)
        told = player.ticks()
    store = Store(str(tmp_path / "small.db"))
    recorded = record_text(store, only_round(store, "round")).count('"kind":"tick"')
    assert recorded >= told[-1] >= 12
    place = only_session(store).place
    process = start_process(tmp_path, port)
    try:
        assert bot.get("/study") == 200
        bot.take()
        assert bot.kind == "questions"
        assert only_session(store).place == place
        assert verified(store, only_round(store, "round"), tmp_path) == 30
    finally:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
        store.close()
    assert process.returncode == 0
    assert "Ended" in said


def test_while_the_database_is_away_pages_say_so_and_nothing_is_lost(
    postgres: PostgresServer,
) -> None:
    with serving(postgres.new_database(), small()) as server:
        bot = Bot(server.url)
        bot.enter()
        form = bot.answers()
        postgres.stop("immediate")
        try:
            assert bot.post("/study", form) == 503
            assert "Nothing is lost" in bot.page
        finally:
            postgres.start()
        assert bot.post("/study", form) == 200
        assert bot.kind == "screening"


def test_the_study_closes_when_its_targets_are_reached(tmp_path: Path) -> None:
    study = small()
    with serving(str(tmp_path / "s.db"), study) as server:
        store = server.config.store
        for _ in range(study.arms[0].target):
            who = store.enter(study, None, "en", False)
            store.append(who, 0, "entered", "", {})
            store.allocate(study, who, {})
        bot = Bot(server.url)
        bot.enter("?PROLIFIC_PID=late")
        assert "No more participants" in bot.page
        rehearsal = Bot(server.url)
        rehearsal.enter(urlsplit(server.rehearsal_url).query.join(("?", "")))
        assert rehearsal.kind == "consent"
        found = store.rows(schema.participants, [study.sha256])
        assert [row["test"] for row in found].count(True) == 1


def test_the_language_is_changed_on_any_page(tmp_path: Path) -> None:
    with serving(str(tmp_path / "s.db"), small()) as server:
        bot = Bot(server.url)
        bot.enter()
        csrf = Fields(bot.page).filled["csrf"]
        assert bot.post("/study/language", {"csrf": csrf, "language": "de"}) == 200
        assert '<html lang="de">' in bot.page
        assert "Wir zeichnen auf" in bot.page
        bot.post("/study/language", {"csrf": csrf, "language": "xx"})
        assert '<html lang="de">' in bot.page


def test_catalogues_have_the_same_messages_and_placeholders() -> None:
    english, german = messages("en"), messages("de")
    assert english.keys() == german.keys()
    values = {
        name: yaml.safe_load((CATALOGUES / f"{name}.yaml").read_text()) for name in ("en", "de")
    }
    for key in english.keys():  # noqa: SIM118 - a method of the catalogue
        marks = [
            {field for _, field, _, _ in Formatter().parse(values[name][key]) if field}
            for name in ("en", "de")
        ]
        assert marks[0] == marks[1], key
    scripts = Path(__file__).resolve().parents[2] / "play" / "web" / "static" / "js"
    source = "".join((scripts / f"{name}.js").read_text() for name in ("game", "hud"))
    wanted = set(re.findall(r'\b(?:t|words)\(\s*"([^"]+)"', source))
    wanted |= set(re.findall(r'[?:] "(\{n\} \w+)"', source))
    assert wanted == set(german.game)


def test_forms_become_what_items_expect() -> None:
    items = small().survey("last").items
    form = MultiDict(
        {"item-slide": "12.0", "item-pick": "a", "item-many": " 3 ", "item-rank-x": "2",
         "item-rank-y": "1", "item-why": ""}
    )  # fmt: skip
    assert answers_of(items, form) == {"slide": 12, "pick": "a", "many": 3, "rank": ["y", "x"]}
    odd = MultiDict({"item-slide": "nan", "item-many": "1e999", "item-rank-x": "1"})
    assert answers_of(items, odd) == {}
    likert = small().survey("mood").items
    assert answers_of(likert, MultiDict({"item-good": "²", "item-bad": "99999"})) == {}
