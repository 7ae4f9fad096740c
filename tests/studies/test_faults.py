"""Faults while people play: killed servers, lost databases, full disks, clocks that jump, lies.

`docs/reliability.md` has the figures; they are printed by these tests (`-s`).
"""

import json
import os
import re
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import socketio
import sqlalchemy as sa
import yaml

from play.episode import SUFFIX, verify
from play.session import Line
from studies import schema
from studies.records import record_text
from studies.store import Store
from studies.web import opening
from tests.play.games import Walker
from tests.studies.bots import Bot, Player
from tests.studies.databases import PostgresServer
from tests.studies.files import SMALL, small
from tests.studies.hosting import Served, Servers, servers
from tests.studies.serving import serving
from tests.studies.survivors import Survivor, missing
from tests.studies.test_pairs import ROUND, at_once, enter, of_two

# The client library leaves its own end open when a server hangs up.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


def study_text(steps: int, tick_ms: int = 30) -> str:
    text = re.sub(r"tutorial: .*\n", "", SMALL)
    text = re.sub(r"quiz:\n(  .*\n)+", "", text)
    text = text.replace("steps: 30, tick_ms: 30", f"steps: {steps}, tick_ms: {tick_ms}")
    return text.replace("target: 4", "target: 4000")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Servers]:
    (tmp_path / "study.yaml").write_text(study_text(40), encoding="utf-8")
    with servers(tmp_path) as start:
        yield start


def lines_of(store: Store, round_id: str) -> list[Line]:
    return [json.loads(line) for line in record_text(store, round_id).splitlines()]


def verified(store: Store, folder: Path) -> dict[str, int]:
    """Re-simulates every round; returns how many there are, whole and interrupted."""
    with store.engine.connect() as connection:
        names = connection.execute(sa.select(schema.rounds.c.id)).scalars().all()
    count = {"whole": 0, "interrupted": 0}
    for name in names:
        path = folder / f"{name}{SUFFIX}"
        path.write_text(record_text(store, name))
        count["whole" if verify(path, partial=True).reason else "interrupted"] += 1
    return count


def wait_until(true: Callable[[], bool], what: str, timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def killed_again_and_again(served: Served, store: Store, times: int, people: int) -> dict[str, Any]:
    """Kills a server while people play; everything that was acknowledged must be there."""
    chance = np.random.default_rng(0)
    survivors = [Survivor(served.url, f"p{n}", 1000 * n) for n in range(people)]
    for survivor in survivors:
        survivor.start()
    away = []
    for _ in range(times):
        for survivor in survivors:
            survivor.moving.clear()
        for survivor in survivors:  # everybody has heard of a step since the last kill
            assert survivor.moving.wait(600), survivor.failure
        time.sleep(float(chance.uniform(0, 0.4)))
        served.kill()
        killed = time.monotonic()
        time.sleep(0.05)  # what was on its way to the clients has arrived
        assert missing(store, survivors) == []
        served.start()
        away.append(time.monotonic() - killed)
    for survivor in survivors:
        survivor.stopping.set()
    for survivor in survivors:
        survivor.join(timeout=300)
        assert not survivor.is_alive(), "somebody is stuck"
        assert survivor.failure is None
    assert missing(store, survivors) == []
    people_all = [had for survivor in survivors for had in survivor.everybody.values()]
    return {
        "kills": times,
        "participants": len(people_all),
        "finished": sum(len(survivor.finished) for survivor in survivors),
        "rounds resumed": sum(survivor.resumed for survivor in survivors),
        "steps acknowledged": sum(sum(had.steps.values()) for had in people_all),
        "pages acknowledged": sum(had.page + 1 for had in people_all),
        "seconds until the server listens again, median": float(np.median(away)),
    }


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        pytest.param("sqlite", 2, id="sqlite-2"),
        pytest.param("sqlite", 100, id="sqlite-100", marks=pytest.mark.full),
        pytest.param("postgresql", 100, id="postgresql-100", marks=pytest.mark.full),
    ],
)
@pytest.mark.timeout(3600)
def test_a_server_that_is_killed_in_the_middle_of_rounds_loses_nothing(
    start: Servers, tmp_path: Path, request: pytest.FixtureRequest, kind: str, times: int
) -> None:
    database = str(tmp_path / "faults.db")
    if kind == "postgresql":
        database = request.getfixturevalue("postgres").new_database()
    served = start.quick(database, {})
    store = Store(database)
    figures = killed_again_and_again(served, store, times, people=3)
    assert figures["finished"] == figures["participants"]
    assert figures["rounds resumed"] >= times
    figures |= {f"rounds {state}": n for state, n in verified(store, tmp_path).items()}
    print(f"\n{kind}: {json.dumps(figures)}")
    store.close()
    served.stop()


def back(bot: Bot) -> Player:
    """A bot at its round; a server that has just started may take a while to answer."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return Player(bot)
        except socketio.exceptions.ConnectionError:
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.2)


def test_a_pair_whose_server_is_killed_goes_on_together(
    start: Servers, tmp_path: Path, database: str
) -> None:
    """Two people in one round, their server killed twice in its middle."""
    rounds = [{"id": "one", **ROUND, "steps": 60}]
    study = of_two(blocks=[{"id": "duo", "rounds": rounds}])
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study.plain()), encoding="utf-8")
    served, store = start.quick(database, {}), Store(database)
    bots = enter(served.url, "ada", "bob")
    told = 0
    for until in (10, 25, 60):
        ada, bob = (back(bot) for bot in bots)
        with at_once(lambda player=ada, until=until: player.play(until=until)):  # type: ignore[misc]
            bob.play(until=until)
        for player in (ada, bob):
            game = player.wait("game")[1]
            assert game["t"] >= told
            first, *_, last = ticks = player.ticks()
            assert first <= game["t"] + 1
            assert ticks == list(range(first, last + 1))
        if until < 60:
            served.kill()
            assert ada.lost.wait(20)
            assert bob.lost.wait(20)
        told = max(ada.ticks()[-1], bob.ticks()[-1])
        with store.engine.connect() as connection:
            names = connection.execute(sa.select(schema.rounds.c.id)).scalars().all()
        copies = [[x for x in lines_of(store, name) if x["kind"] == "tick"] for name in names]
        assert len(copies) == 2
        assert copies[0] == copies[1]
        assert len(copies[0]) >= told
        for player in (ada, bob):
            player.close()
        if until < 60:
            served.start()
    assert told == 60
    with at_once(*(lambda bot=bot: bot.get("/study") for bot in bots)):
        pass
    with at_once(*(lambda bot=bot: bot.take_until("ended") for bot in bots)):
        pass
    assert [bot.code for bot in bots] == ["DONE-1", "DONE-1"]
    assert verified(store, tmp_path) == {"whole": 2, "interrupted": 0}
    store.close()
    served.stop()


def at_a_round(served: Served, until: int = 5) -> tuple[Bot, Player]:
    bot = Bot(served.url)
    bot.enter()
    bot.take_until("round")
    player = Player(bot)
    player.play(until=until)
    return bot, player


def finish(bot: Bot, player: Player, store: Store, folder: Path) -> list[Line]:
    """Plays on to the end; no step is missing or told twice. Returns the record."""
    player.play()
    game = next(data for event, data in player.got if event == "game")
    ticks = player.ticks()
    assert ticks == list(range(1, game["horizon"] + 1))
    player.close()
    assert bot.get("/study") == 200
    assert bot.kind == "questions"
    assert verified(store, folder) == {"whole": 1, "interrupted": 0}
    return lines_of(store, game["id"])


def pauses(lines: list[Line]) -> list[tuple[bool, str]]:
    return [(line["paused"], line["reason"]) for line in lines if line["kind"] == "pause"]


def test_a_round_waits_for_a_database_that_was_stopped(
    start: Servers, tmp_path: Path, postgres: PostgresServer
) -> None:
    database = postgres.new_database()
    served = start.quick(database, {})
    bot, player = at_a_round(served)
    postgres.stop("immediate")
    try:
        assert player.wait("stalled")
        told = len(player.ticks())
        time.sleep(1.2)
        assert len(player.ticks()) == told  # nothing is told that is not stored
    finally:
        postgres.start()
    store = Store(database)
    lines = finish(bot, player, store, tmp_path)
    assert pauses(lines) == [(True, "store"), (False, "")]
    store.close()
    served.stop()


def test_a_round_waits_while_the_disk_takes_nothing(start: Servers, tmp_path: Path) -> None:
    """The kernel refuses to let the database's files grow, as on a full disk."""
    database = tmp_path / "faults.db"
    served = start.quick(str(database), {})
    bot, player = at_a_round(served)
    log = Path(f"{database}-wal")
    free = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)
    size = log.stat().st_size
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (size, free[1]))
    assert player.wait("stalled")
    told = len(player.ticks())
    other = Bot(served.url)
    other.get("/")
    assert other.post("/begin", {}) == 503
    assert "Nothing is lost" in other.page
    assert len(player.ticks()) == told
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, free)
    assert other.post("/begin", {}) == 200
    store = Store(str(database))
    lines = finish(bot, player, store, tmp_path)
    assert pauses(lines) == [(True, "store"), (False, "")]
    store.close()
    served.stop()


def test_steps_do_not_follow_a_clock_that_is_set(start: Servers, tmp_path: Path) -> None:
    """The wall clock goes an hour forward and a day back; the round notices nothing."""
    if not FAKETIME.exists():
        if os.environ.get("UNDERSTUDY_NO_SKIP"):
            pytest.fail("libfaketime is not installed")
        pytest.skip("libfaketime is not installed")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    served = start.quick(
        str(tmp_path / "faults.db"), {}, LD_PRELOAD=str(FAKETIME), FAKETIME_NO_CACHE="1",
        FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_DONT_FAKE_MONOTONIC="1",
    )  # fmt: skip
    bot, player = at_a_round(served)
    for step, shift in ((12, "+3600"), (24, "-86400")):
        clock.write_text(shift)
        player.play(until=step)
    store = Store(str(tmp_path / "faults.db"))
    lines = finish(bot, player, store, tmp_path)
    due = [line["due_ms"] for line in lines if line["kind"] == "tick"]
    gaps = np.diff(due)
    assert (gaps > 0).all()
    assert gaps.max() < 5_000
    assert pauses(lines) == []
    name = store.rows(schema.events, [small_hash(store)])
    days = {row["at_utc"][:10] for row in name}
    assert len(days) == 2  # events carry the time that the clock showed
    store.close()
    served.stop()


def small_hash(store: Store) -> str:
    return store.versions("small")[0]


@pytest.mark.parametrize("broken", ["slow", "raises"])
def test_a_policy_that_is_slow_or_raises_costs_its_own_decisions_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Two participants at once: one beside a broken policy, one beside a sound one."""
    load = opening.load_policy

    def loaded(name: str) -> Any:
        if name != "greedy":
            return load(name)
        return Walker(delay=0.5) if broken == "slow" else Walker(broken="raises")

    monkeypatch.setattr(opening, "load_policy", loaded)
    study = small(tutorial=None, quiz=None)
    with serving(str(tmp_path / "s.db"), study) as server:
        bots = [Bot(server.url, seed=seed) for seed in range(2)]
        for bot in bots:
            bot.enter()
            bot.take_until("round")
        players = [Player(bot) for bot in bots]
        for player in players:
            player.begin()
        for player in players:
            player.wait("end")
            assert player.ticks() == list(range(1, 31))
            player.close()
        store = server.config.store
        with store.engine.connect() as connection:
            names = connection.execute(sa.select(schema.rounds.c.id)).scalars().all()
        shares = {}
        for name in names:
            header, *lines = lines_of(store, name)
            policy = next(s["policy"] for s in header["seats"] if s["kind"] == "policy")
            made = [d for line in lines for d in line.get("decisions", ())]
            shares[policy] = [d["fallback"] for d in made if "fallback" in d]
        assert len(shares["greedy"]) >= 20
        assert all(why == "late" or why.startswith("error") for why in shares["greedy"])
        assert "late" in shares["greedy"] if broken == "slow" else "error" in shares["greedy"][-1]
        assert len(shares["kitchen/cramped_room/srpo"]) < 10
        assert verified(store, tmp_path) == {"whole": 2, "interrupted": 0}


def test_keys_that_lie_are_replayed_or_come_out_of_order_are_recorded_as_they_came(
    tmp_path: Path,
) -> None:
    """The record says what arrived when; what a client says of times changes no step."""
    study = small(tutorial=None, quiz=None)
    with serving(str(tmp_path / "s.db"), study) as server:
        bot = Bot(server.url)
        bot.enter()
        bot.take_until("round")
        with Player(bot) as player:
            player.begin()
            player.wait("tick")
            sent = [
                (1, True, 0.0),  # pressed in 1970
                (1, True, 0.0),  # the same message again
                (1, False, 99_999_999_999_999.0),  # released in the year 5138
                (1, False, 1.0),
                (2, False, 5.0),  # released before it was pressed
                (2, True, 4.0),
                (5, True, 4.0),
                (5, False, 3.0),
            ]
            for action, down, at in sent:
                player.socket.emit("key", {"action": action, "down": down, "at": at})
            lies: list[Any] = [
                {"action": 1, "down": True, "at": 1e15},
                {"action": 1, "down": True, "at": "now"},
                {"action": 9, "down": True, "at": 0},
                {"action": 1, "down": 1, "at": 0},
            ]
            for lie in lies:
                player.socket.emit("key", lie)
            player.wait("end")
        (name,) = (row["id"] for row in server.config.store.rows(schema.rounds, [study.sha256]))
        lines = lines_of(server.config.store, name)
        inputs = [(x["action"], x["down"], x["client_ms"]) for x in lines if x["kind"] == "input"]
        # Auto-repeat and releases of what is not held mean nothing.
        assert inputs == [sent[0], sent[2], sent[5], sent[6], sent[7]]
        times = [x["server_ms"] for x in lines if x["kind"] == "input"]
        assert times == sorted(times)
        assert verified(server.config.store, tmp_path) == {"whole": 1, "interrupted": 0}


def test_a_flood_ends_its_own_connection_and_costs_no_other_a_step(tmp_path: Path) -> None:
    study = small(tutorial=None, quiz=None)
    with serving(str(tmp_path / "s.db"), study) as server:
        bots = [Bot(server.url, seed=seed) for seed in range(2)]
        for bot in bots:
            bot.enter()
            bot.take_until("round")
        flood, calm = (Player(bot) for bot in bots)
        flood.begin()
        calm.begin()
        calm.wait("tick")
        for number in range(3000):
            if flood.lost.is_set():
                break
            key = {"action": number % 6, "down": number % 2 == 0, "at": 1.0}
            flood.socket.emit("key", key)
        assert flood.lost.wait(20)
        calm.wait("end")
        assert calm.ticks() == list(range(1, 31))
        calm.close()
        with Player(bots[0]) as back:  # and may come back to where it was
            assert back.begin()["t"] >= flood.ticks()[-1] if flood.ticks() else 0
            back.wait("end")
        assert verified(server.config.store, tmp_path) == {"whole": 2, "interrupted": 0}
