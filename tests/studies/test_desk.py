"""The dashboard: who gets in, what it shows, and what its switches do."""

import csv
import io
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from play.episode import SUFFIX, read_episode
from play.replay import ReplayCursor
from play.worlds.errors import UserError
from studies import schema
from studies.commands import study as command
from studies.export import export
from studies.monitor import Monitor
from studies.oversight import Oversight
from studies.records import record_text
from studies.store import Identity, Store
from studies.web.config import StudyConfig
from studies.web.desk.door import (
    ALL_TRIES,
    SESSION_S,
    TRIES,
    Door,
    TooMany,
    checked_hash,
    hashed,
    kept,
)
from studies.web.server import StudyServer
from tests.studies.bots import Bot, Player
from tests.studies.desk import HASH, PASSWORD, Researcher
from tests.studies.files import SMALL, small
from tests.studies.serving import SECRET, serving

pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)
ADDRESSES = (
    "/desk", "/desk/live", "/desk/payments", "/desk/payments/bonuses.csv",
    "/desk/payments/approved.csv", "/desk/people/x", "/desk/watch/x", "/desk/rounds/x",
)  # fmt: skip


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudyServer]:
    """A study in which two are done, one declined, one is in a round, and one has rehearsed."""
    folder = tmp_path_factory.mktemp("desk")
    rules = [{"rule": "few_keys", "below": 0.01}, {"rule": "incomplete"}]
    study = small(tutorial=None, exclusions=rules)
    with serving(str(folder / "s.db"), study, password=HASH, countdown_ms=0) as running:
        for number, quiz in enumerate(("three", "two")):
            bot = Bot(running.url, quiz, seed=number)
            bot.enter(f"?PROLIFIC_PID=PID{number}")
            bot.quiz = "three" if number == 0 else bot.quiz
            while bot.kind != "ended":
                bot.take()
                bot.quiz = "three" if bot.page.count("Try 2") else bot.quiz
        bot = Bot(running.url)
        bot.enter("?PROLIFIC_PID==cmd|x")
        bot.take(agrees="no")
        rehearsal = Bot(running.url)
        rehearsal.enter("?" + urlsplit(running.rehearsal_url).query)
        rehearsal.take()
        yield running


def door(clock: Clock, password: str = HASH, secret: bytes = SECRET) -> Door:
    return Door(StudyConfig(small(), None, secret, password=password), clock)  # type: ignore[arg-type]


# Getting in


def test_the_dashboard_is_for_those_who_know_the_password(server: StudyServer) -> None:
    stranger = Researcher(server, None)
    for path in ADDRESSES:
        assert stranger.get(path) == 200
        assert urlsplit(stranger.answer.url).path == "/desk/login", path
        assert "lemur" not in stranger.page
    for path in ("/desk/switch", "/desk/review", "/desk/logout"):
        stranger.post(path, {"name": "recruiting", "on": "no"})
        assert urlsplit(stranger.answer.url).path == "/desk/login"
    assert Oversight(server.config.store, "small").is_on("recruiting")
    assert stranger.post("/desk/login", {"password": "a guess of mine"}) == 403
    assert "not the password" in stranger.page
    bot = Bot(server.url)
    bot.enter()
    stranger.http.cookies.set("desk", bot.http.cookies["participant"])
    stranger.get("/desk")
    assert urlsplit(stranger.answer.url).path == "/desk/login"
    assert server.config.password is not None
    assert PASSWORD not in server.config.password


def test_every_page_of_the_desk_is_among_those_tried(server: StudyServer) -> None:
    from studies.web.server import create_app

    app, _, _ = create_app(server.config, server._links)
    rules = {re.sub("<.*>", "x", str(rule)) for rule in app.url_map.iter_rules()}
    mine = {rule for rule in rules if rule.startswith("/desk")}
    assert mine == {*ADDRESSES, "/desk/login", "/desk/switch", "/desk/review", "/desk/logout"}


def test_the_cookie_is_kept_from_scripts_and_other_sites(tmp_path: Path) -> None:
    url = "https://study.example.org"
    with serving(str(tmp_path / "s.db"), small(), password=HASH, public_url=url) as running:
        running.url = f"http://localhost:{running._server.port}"
        someone = Researcher(running, None)
        someone.answer = someone.http.post(
            f"{running.url}/desk/login", {"password": PASSWORD}, allow_redirects=False
        )
        cookie = someone.answer.headers["Set-Cookie"]
        parts = set(re.split(r"; |, ", cookie))
        assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/desk"} <= parts
        assert someone.answer.headers["Cache-Control"] == "no-store"


def test_a_session_ends_with_its_time_and_with_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    mine = door(clock)
    cookie = mine.enter(PASSWORD, "1.2.3.4")
    assert cookie is not None
    session = mine.session(cookie)
    assert session is not None
    assert door(clock).session(cookie) == session  # after a restart too
    assert door(clock, hashed("another password")).session(cookie) is None
    assert door(clock, secret=b"another secret").session(cookie) is None
    assert mine.session(cookie[:-2] + "xx") is None
    assert mine.session("") is None
    assert mine.genuine(session, mine.csrf(session))
    assert not mine.genuine(session, mine.csrf("another session"))
    later = time.time() + SESSION_S + 10
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    assert mine.session(cookie) is None


def test_passwords_can_be_guessed_only_slowly() -> None:
    clock = Clock()
    mine = door(clock)
    for _ in range(TRIES):
        assert mine.enter("a wrong password", "1.2.3.4") is None
    with pytest.raises(TooMany):
        mine.enter(PASSWORD, "1.2.3.4")
    assert mine.enter(PASSWORD, "5.6.7.8") is not None
    clock.now += 30
    assert mine.enter(PASSWORD, "1.2.3.4") is not None
    many = door(clock)
    for number in range(ALL_TRIES):
        many._tries.clear()
        many.enter("x" * 3, f"10.0.0.{number}")
    with pytest.raises(TooMany):
        many.enter(PASSWORD, "11.0.0.1")


def test_too_many_tries_are_answered_so(tmp_path: Path) -> None:
    with serving(str(tmp_path / "s.db"), small(), password=HASH) as running:
        someone = Researcher(running, None)
        for _ in range(TRIES):
            assert someone.post("/desk/login", {"password": "a guess of mine"}) == 403
        assert someone.post("/desk/login", {"password": PASSWORD}) == 429
        assert someone.answer.headers["Retry-After"] == "60"


def test_forms_of_others_change_nothing(server: StudyServer) -> None:
    me = Researcher(server)
    wish = {"name": "recruiting", "on": "no"}
    assert me.post("/desk/switch", wish) == 400
    assert me.post("/desk/switch", {**wish, "csrf": "0" * 32}) == 400
    other = Researcher(server)
    assert me.post("/desk/switch", {**wish, "csrf": other.csrf()}) == 400
    fine = {**wish, "csrf": me.csrf()}
    assert me.post("/desk/switch", fine, Origin="https://evil.example") == 403
    assert Oversight(server.config.store, "small").is_on("recruiting")
    assert me.post("/desk/logout", {"csrf": me.csrf()}) == 200
    me.get("/desk")
    assert urlsplit(me.answer.url).path == "/desk/login"


def test_pages_of_the_desk_need_nothing_that_the_policy_forbids(server: StudyServer) -> None:
    me = Researcher(server)
    for path in ("/desk", "/desk/payments", "/desk/login"):
        me.get(path)
        assert "default-src 'none'" in me.answer.headers["Content-Security-Policy"]
        assert not re.search(r"\son\w+=|style=|<style|src=\"http", me.page)


def test_without_a_password_there_is_no_dashboard(tmp_path: Path) -> None:
    with serving(str(tmp_path / "s.db"), small()) as running:
        assert running.desk_url is None
        stranger = Researcher(running, None)
        assert stranger.get("/desk") == 404
        assert stranger.get("/desk/login") == 404


# Looking


def test_the_overview_agrees_with_the_export(server: StudyServer, tmp_path: Path) -> None:
    store, study = server.config.store, server.config.study
    snapshot = Monitor(store, study).snapshot()
    export(store, study, tmp_path / "x", level="raw", blind=False)
    people = pd.read_parquet(tmp_path / "x" / "participants.parquet").set_index("participant")
    people.outcome = people.outcome.fillna("")
    rounds = pd.read_parquet(tmp_path / "x" / "rounds.parquet")
    assert {p.who.id for p in snapshot.people} == set(people.index)
    for person in snapshot.people:
        row = people.loc[person.who.id]
        assert (person.session.state.outcome or "") == row.outcome
        assert sum(person.pay) == pytest.approx(row.pay + row.bonus)
        assert person.usable == (row.outcome == "done" and not row.excluded)
        if person.presence == "done":
            assert person.minutes == pytest.approx(row.minutes, abs=1e-3)
            assert person.figures is not None
            assert " ".join(person.figures.reasons) == row.exclusion_reasons
            mine = rounds[rounds.participant == person.who.id]
            assert sorted(person.figures.late) == pytest.approx(sorted(mine.late_share))
    (cell,) = snapshot.cells
    assert cell.usable + cell.excluded == (people.outcome == "done").sum() == 2
    assert sum(cell.orders.values()) == cell.usable + cell.excluded + cell.at_it
    assert snapshot.quiz_failed == (people.quiz_failures > 0).sum() == 1
    assert snapshot.questions[0].asked == 2
    assert snapshot.questions[0].wrong == 1
    money = snapshot.money
    assert money.pay + money.bonus == pytest.approx((people.pay + people.bonus).sum())
    stages = {stage.name: stage for stage in snapshot.stages}
    assert stages["consent"].reached == len(people)
    assert stages["consent"].left == (people.outcome == "declined").sum()
    assert stages["done"].reached == 2
    assert stages["round 2"].reached == 2


def test_rehearsals_are_not_among_the_participants(server: StudyServer) -> None:
    store, study = server.config.store, server.config.study
    monitor = Monitor(store, study)
    shown = {p.who.id for p in monitor.snapshot().people}
    (rehearsal,) = monitor.snapshot("rehearsals").people
    assert rehearsal.who.test
    assert rehearsal.who.id not in shown
    assert monitor.snapshot("simulated").people == ()
    me = Researcher(server)
    me.get("/desk?kind=rehearsals")
    assert rehearsal.name in me.page
    assert "none of this counts" in me.page


def test_somebody_is_silent_and_then_gone(tmp_path: Path) -> None:
    store, study = Store(str(tmp_path / "s.db")), small(pace={"fresh_minutes": 1})
    store.register(study)
    who = store.enter(study, None, "en", False)
    long_ago = "2026-01-01T00:00:00.000+00:00"
    row = {"participant_id": who.id, "study_sha256": study.sha256, "seq": 0, "kind": "entered",
           "step": "", "data": {}, "at_utc": long_ago}  # fmt: skip
    with store.writing() as connection:
        connection.execute(schema.events.insert(), row)
    monitor = Monitor(store, study)
    (person,) = monitor.snapshot().people
    assert person.presence == "gone"
    assert monitor.snapshot().dropouts == 1
    store.append(who, 1, "passed", "consent", {"consent": "1"})
    monitor.refresh()
    (person,) = monitor.snapshot().people
    assert (person.presence, person.stage) == ("here", "screening")
    store.withdraw(who, "withdrawn", erase=True)
    monitor.refresh()
    assert monitor.snapshot().people == ()
    assert (monitor.snapshot().erased, monitor.snapshot().dropouts) == (1, 1)
    store.close()


def test_a_person_is_shown_page_by_page(server: StudyServer) -> None:
    me = Researcher(server)
    store = server.config.store
    who = store.find("PID1")
    assert who is not None
    assert me.get(f"/desk/people/{who}") == 200
    for word in ("quokka / one", "wombat / one", "Replay", "passed", "failed"):
        assert word in me.page
    assert me.get("/desk/people/nobody") == 404


# Deciding


def test_recruitment_pauses_for_newcomers_only(database: str) -> None:
    with serving(database, small(), password=HASH) as running:
        me = Researcher(running)
        early = Bot(running.url)
        early.enter("?PROLIFIC_PID=early")
        me.turn("recruiting", False)
        late = Bot(running.url)
        late.enter("?PROLIFIC_PID=late")
        assert "takes a break" in late.page
        assert running.config.store.find("late") is None
        again = Bot(running.url)
        again.enter("?PROLIFIC_PID=early")
        assert again.kind == "consent"
        assert early.take() == 200
        rehearsal = Bot(running.url)
        rehearsal.enter("?" + urlsplit(running.rehearsal_url).query)
        assert rehearsal.kind == "consent"
        assert "Paused" in (me.get("/desk/live") and me.page)
    with serving(database, small(), password=HASH) as running:  # it is still so afterwards
        late.url = running.url
        late.enter("?PROLIFIC_PID=late")
        assert "takes a break" in late.page
        Researcher(running).turn("recruiting", True)
        late.enter("?PROLIFIC_PID=late")
        assert late.kind == "consent"


def test_a_dry_run_never_counts(database: str) -> None:
    with serving(database, small(tutorial=None), password=HASH, countdown_ms=0) as running:
        store, study = running.config.store, running.config.study
        me = Researcher(running)
        real = Bot(running.url)
        real.enter("?PROLIFIC_PID=before")
        real.take_until("questions")
        me.turn("rehearsing", True)
        trial = Bot(running.url)
        trial.enter("?PROLIFIC_PID=PID")
        trial.take_until("ended")
        back = Bot(running.url)
        back.enter("?PROLIFIC_PID=before")  # is no rehearsal, for they had begun
        assert back.kind == "questions"
        me.turn("rehearsing", False)
        held = store.held(study)
        assert len(held) == 1
        again = Bot(running.url)
        again.enter("?PROLIFIC_PID=PID")  # the same person for real
        assert again.kind == "consent"
        with store.engine.connect() as connection:
            people = connection.execute(sa.select(schema.participants)).mappings().all()
        assert sorted(row["test"] for row in people) == [False, False, True]
        assert Monitor(store, study).snapshot("rehearsals").count("done") == 1


def test_approved_and_rejected_become_lists_for_the_platform(database: str) -> None:
    study = small(tutorial=None, quiz=None)
    with serving(database, study, password=HASH) as running:
        store, me = running.config.store, Researcher(running)
        scores = {"A1": 30.0, "B2": 500.0, "C3": 0.0, "=HYPERLINK(1)": 80.0, "D4": 60.0}
        names = {}
        for external, score in scores.items():
            who = store.enter(study, Identity(external), "en", False)
            names[external] = who.id
            play_through(store, study, who, score)
        unfinished = store.enter(study, Identity("E5"), "en", False)
        csrf = me.csrf()
        chosen = [names[e] for e in ("A1", "B2", "C3", "=HYPERLINK(1)")] + [unfinished.id, "x"]
        form = {"csrf": csrf, "who": chosen, "verdict": "approved"}
        assert me.post("/desk/review", form) == 200
        reject = {"csrf": csrf, "who": [names["D4"]], "verdict": "rejected"}
        assert me.post("/desk/review", reject) == 400
        assert me.post("/desk/review", {**reject, "reason": "Did not take part."}) == 200
        assert me.post("/desk/review", {**form, "verdict": "burnt"}) == 400
        decided = Oversight(store, study.id).reviews()
        assert {name: r.verdict for name, r in decided.items()} == {
            **{names[e]: "approved" for e in ("A1", "B2", "C3", "=HYPERLINK(1)")},
            names["D4"]: "rejected",
        }
        assert decided[names["D4"]].reason == "Did not take part."
        assert me.get("/desk/payments/bonuses.csv") == 200
        bonus = dict(csv.reader(io.StringIO(me.page)))
        assert bonus == {"A1": "0.60", "B2": "2.00"}  # min(2, 0.01 * score), nothing for nothing
        assert me.answer.headers["Content-Disposition"].startswith("attachment")
        me.get("/desk/payments/approved.csv")
        assert me.page.split() == ["A1", "B2", "C3"]
        me.post("/desk/review", {**form, "who": [names["B2"]], "verdict": "open"})
        me.get("/desk/payments/bonuses.csv")
        assert "B2" not in me.page
        who = store.participant(names["A1"])
        assert who is not None
        store.withdraw(who, "withdrawn", erase=True)
        assert names["A1"] not in Oversight(store, study.id).reviews()


def play_through(store: Store, study: Any, who: Any, score: float) -> None:
    """All events of somebody who is done, without the rounds' records; each round gives `score`."""
    from studies.sessions import Sessions

    store.append(who, 0, "entered", "", {})
    while True:
        session = Sessions(store).load(who.id)
        assert session is not None
        step = session.state.step
        if step is None:
            return
        data: dict[str, Any] = {"device": {"ping_ms": 20.0}, "answers": {}, "score": score}
        kind = "passed"
        if step.kind == "debrief":
            kind, data = "ended", {"outcome": "done"}
        store.append(who, session.state.seq, kind, step.key, data)


# Watching


def test_a_round_is_watched_as_it_is_played_and_afterwards(
    server: StudyServer, tmp_path: Path
) -> None:
    me, store = Researcher(server), server.config.store
    bot = Bot(server.url)
    bot.enter("?PROLIFIC_PID=watched")
    bot.take_until("round")
    with Player(bot) as player:
        player.play(until=10)  # and goes away, so that the round stands still
    who = store.find("watched")
    r = schema.rounds.c
    with store.engine.connect() as connection:
        (name,) = connection.execute(sa.select(r.id).where(r.participant_id == who)).scalars()
    assert me.get(f"/desk/rounds/{name}") == 200
    first = me.answer.json()
    assert first["ended"] is None
    assert len(first["frames"]) > 10  # the state before the first step, and after ten
    deadline = time.monotonic() + 30
    while f"/desk/watch/{name}" not in me.page:  # a snapshot may be a second old
        assert time.monotonic() < deadline
        assert me.get("/desk/live") == 200
    assert me.get(f"/desk/watch/{name}") == 200
    with Player(bot) as player:
        player.play()
    me.get(f"/desk/rounds/{name}?after={len(first['frames'])}")
    more = me.answer.json()
    assert more["ended"] == "complete"
    assert "static" in first
    assert "static" not in more
    path = tmp_path / f"{name}{SUFFIX}"
    path.write_text(record_text(store, name))
    replay = ReplayCursor(read_episode(path))
    frames = [*first["frames"], *more["frames"]]
    assert len(frames) == replay.steps + 1 == 31
    for t, frame in enumerate(frames):
        assert frame["scene"] == replay.scene(t)
        assert frame["score"] == replay.score(t)
        assert frame["actions"] == replay.actions(t)
        told = [decision["action"] for decision in frame["decisions"] if decision]
        assert told == [decision["action"] for decision in replay.decisions(t)]
    assert me.get("/desk/rounds/another") == 404
    assert me.get(f"/desk/rounds/{name}?after=x") == 200
    one = store.participant(str(who))
    assert one is not None
    store.withdraw(one, "withdrawn", erase=True)
    assert me.get(f"/desk/rounds/{name}") == 404


# The command line


def test_passwords_on_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(SMALL, encoding="utf-8")
    run = CliRunner()
    done = run.invoke(command, ["password", str(file), "--password", "long enough for us"])
    assert done.exit_code == 0
    place = tmp_path / "small.password"
    assert place.stat().st_mode & 0o777 == 0o600
    digest = kept(place)
    assert digest is not None
    assert digest in done.output
    assert digest.startswith("scrypt:")
    assert "long enough" not in place.read_text() + done.output
    clock = Clock()
    assert door(clock, digest).enter("long enough for us", "1.2.3.4") is not None
    with pytest.raises(UserError, match="7 characters"):
        run.invoke(
            command, ["password", str(file), "--password", "shorter"], catch_exceptions=False
        )
    with pytest.raises(UserError, match="no password hash"):
        checked_hash("secret", "UNDERSTUDY_PASSWORD_HASH")
    assert kept(tmp_path / "none") is None
