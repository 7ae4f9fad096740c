"""The database, the same tests on SQLite and on a real PostgreSQL server."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from agents.library import load_policy
from play.episode import SUFFIX, verify
from play.scheduler import Game, Scheduler
from play.session import SeatConfig, Session, SessionConfig, TickResult
from play.worlds.errors import UserError
from studies import schema
from studies.assignment import Given, Place, allocate
from studies.design import Study
from studies.oversight import Oversight
from studies.records import begin_round, find_round, record_text
from studies.store import Conflict, Identity, Participant, Store
from tests.play.games import Walker, Watcher
from tests.studies.databases import PostgresServer
from tests.studies.files import small

NewStore = Callable[[], Store]


def newcomer(
    store: Store, study: Study, name: str | None = None, test: bool = False
) -> Participant:
    identity = Identity(name, "study-9", "session-9") if name else None
    return store.enter(study, identity, "en", test)


def filled(store: Store, study: Study) -> Participant:
    """A participant of whom there is something in every table."""
    store.register(study)
    who = newcomer(store, study, "PID-1")
    store.append(who, 0, "entered", "", {"x": 1})
    store.allocate(study, who, {})
    begin_round(store, who, "round:quokka:one", session().header())
    oversight = Oversight(store, study.id)
    oversight.turn("recruiting", False)
    oversight.review(who, "approved")
    return who


def session(*policies: Walker | None, horizon: int = 400, tick_ms: int = 10) -> Session:
    chosen = policies or (None, None)
    seats = tuple(
        SeatConfig("human", "you") if p is None else SeatConfig("policy", "partner", p.name)
        for p in chosen
    )
    config = SessionConfig("kitchen/cramped_room", seats, 7, {"horizon": horizon}, tick_ms)
    return Session(config, chosen)


def test_the_migrations_make_the_tables_that_the_code_uses(new_store: NewStore) -> None:
    store = new_store()
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata) == []
    new_store()  # a second start finds everything in place


def test_somebody_who_comes_back_is_found_by_their_identifier(new_store: NewStore) -> None:
    store, study = new_store(), small()
    store.register(study)
    one = newcomer(store, study, "PID-1")
    assert newcomer(store, study, "PID-1") == one
    assert newcomer(store, study, "PID-2") != one
    assert newcomer(store, study) != newcomer(store, study)
    assert store.participant(one.id) == one
    assert store.find("PID-1") == store.find(one.id) == one.id
    assert store.find("nobody") is None
    rehearsal = newcomer(store, study, "PID-1", test=True)
    assert rehearsal.id != one.id
    assert newcomer(store, study, "PID-1") == one
    assert newcomer(store, study, "PID-1", test=True) == rehearsal
    assert store.study(study.sha256).sha256 == study.sha256


def test_identifiers_are_in_their_own_table_only(new_store: NewStore) -> None:
    store, study = new_store(), small()
    filled(store, study)
    for table in schema.metadata.sorted_tables:
        with store.engine.connect() as connection:
            rows = connection.execute(sa.select(table)).mappings().all()
        text = json.dumps([dict(row) for row in rows], default=str)
        assert ("PID-1" in text) is (table.name == "identifiers"), table.name
        assert rows or table.name == "withdrawals", table.name


def test_an_event_is_appended_only_where_its_writer_thinks_it_is(new_store: NewStore) -> None:
    store, study = new_store(), small()
    store.register(study)
    who = newcomer(store, study)
    first = store.append(who, 0, "entered", "", {"a": [1, "ä"]})
    with pytest.raises(Conflict):
        store.append(who, 0, "entered", "", {})
    with pytest.raises(Conflict):
        store.append(who, 2, "entered", "", {})
    assert store.events(who.id) == [first]


@pytest.mark.parametrize(
    "table",
    ["participants", "allocations", "events", "rounds", "chunks", "withdrawals", "reviews",
     "switches"],
)  # fmt: skip
def test_the_database_itself_refuses_to_change_what_was_written(
    new_store: NewStore, table: str
) -> None:
    store, study = new_store(), small()
    who = filled(store, study)
    if table == "withdrawals":
        store.withdraw(who, "withdrawn", erase=False)
    other = {"withdrawals": "reason", "reviews": "reason", "chunks": "lines", "switches": "name"}
    column = other.get(table, "study_sha256")
    order = [f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"]
    if not store.sqlite:
        order.append(f"TRUNCATE {table} CASCADE")
    for statement in order:
        with pytest.raises(DBAPIError, match="written once"), store.writing() as connection:
            connection.execute(sa.text(statement))
    with store.engine.connect() as connection:
        assert connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar() == 1


def test_a_withdrawal_erases_one_participant_and_nobody_else(new_store: NewStore) -> None:
    store, study = new_store(), small()
    who = filled(store, study)
    other = newcomer(store, study, "PID-2")
    store.append(other, 0, "entered", "", {})
    store.allocate(study, other, {})
    begin_round(store, other, "round:quokka:one", session().header())
    Oversight(store, study.id).review(other, "approved")
    store.withdraw(who, "withdrawn", erase=True)
    assert store.withdrawn(who.id)
    for table in schema.ERASABLE:
        column = "id" if table is schema.participants else "participant_id"
        with store.engine.connect() as connection:
            assert list(connection.execute(sa.select(table.c[column])).scalars()) == [other.id]
    with pytest.raises(Conflict):
        store.append(who, 1, "entered", "", {})
    place = store.place(other.id)
    assert place is not None
    third = store.allocate(study, newcomer(store, study), {})
    assert (third.arm, third.rank) == ("lemur", 0)  # the erased one's place is free again
    assert place.rank == 1


def test_many_arrive_at_once_and_each_place_is_given_once(new_store: NewStore) -> None:
    store, study = new_store(), small()
    store.register(study)
    people = [newcomer(store, study) for _ in range(24)]
    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(lambda who: store.allocate(study, who, {}), people))
    assert sorted(place.rank for place in places) == list(range(24))
    assert Counter(place.blocks for place in places) == {
        ("quokka", "wombat"): 12,
        ("wombat", "quokka"): 12,
    }
    assert [store.allocate(study, who, {}) for who in people] == places  # the same again
    for row in store.rows(schema.allocations, [study.sha256]):
        again = allocate(study, Given.from_plain(row["given"]))
        assert again == Place.from_plain(row["place"])


def test_the_balance_is_that_of_usable_participants(new_store: NewStore) -> None:
    study = small(pace={"fresh_minutes": 1})
    store = new_store()
    store.register(study)
    done, out, stale, at_it = (newcomer(store, study) for _ in range(4))
    for rank, who in enumerate((done, out, stale, at_it)):
        store.append(who, 0, "entered", "", {})
        assert store.allocate(study, who, {}).rank == rank
    rehearsal = newcomer(store, study, test=True)
    assert store.allocate(study, rehearsal, {}).rank == 0  # balanced among rehearsals
    store.append(done, 1, "ended", "", {"outcome": "done"})
    store.append(out, 1, "ended", "", {"outcome": "failed_quiz"})
    assert {held.rank for held in store.held(study)} == {0, 2, 3}
    assert store.allocate(study, newcomer(store, study), {}).rank == 1


def test_a_round_is_a_record_like_any_other(new_store: NewStore, tmp_path: Path) -> None:
    store, study = new_store(), small()
    store.register(study)
    who = newcomer(store, study)
    scheduler, watcher = Scheduler(), ToldLater(store)
    scheduler.start()
    play = session(Walker(), None, horizon=40, tick_ms=5)
    game = scheduler.seat(play, begin_round(store, who, "round:a", play.header()), watcher)
    game.start(0)
    assert watcher.ended.wait(30)
    scheduler.close()
    assert len(watcher.ticks) == 40
    path = tmp_path / f"{game.id}{SUFFIX}"
    path.write_text(record_text(store, game.id))
    assert verify(path).steps == 40
    assert watcher.stored == list(range(1, 41))  # each step was there when it was told


class ToldLater(Watcher):
    """A listener that looks into the database when it is told of a step."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.stored: list[int] = []

    def on_tick(self, game: Game, result: TickResult) -> None:
        last = json.loads(record_text(self.store, game.id).splitlines()[-1])
        self.stored.append(last["t"])
        self.ticks.append(result)


class Patient(Watcher):
    """A listener that knows when the database does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.stalled = threading.Event()

    def on_tick(self, game: Game, result: TickResult) -> None:
        self.ticks.append(result)

    def on_store_error(self, game: Game, error: OSError) -> None:
        self.stalled.set()


@pytest.mark.parametrize("partner", ["kitchen/cramped_room/srpo", "greedy"])
def test_a_round_goes_on_from_its_record_as_if_nothing_had_happened(
    new_store: NewStore, tmp_path: Path, partner: str
) -> None:
    store, study = new_store(), small()
    store.register(study)
    who = newcomer(store, study)
    policy = load_policy(partner)

    def fresh() -> Session:
        seats = (SeatConfig("human", "you"), SeatConfig("policy", "p", partner))
        config = SessionConfig("kitchen/cramped_room", seats, 3, {"horizon": 120}, 8)
        return Session(config, [None, policy])

    play = fresh()
    record = begin_round(store, who, "round:a", play.header())
    elapsed = 0.0
    while not play.over:
        scheduler, watcher = Scheduler(), ToldLater(store)
        scheduler.start()
        game = scheduler.seat(play, record, watcher, elapsed)
        game.press(0, len(watcher.ticks) % 4, 0.0)
        game.start(0)
        deadline = time.monotonic() + 30
        while len(watcher.ticks) < 50 and not watcher.ended.is_set():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        finished = watcher.ended.is_set()
        scheduler.close(None)  # leaves the record open, as a server that stops does
        if finished:
            break
        found = find_round(store, who, "round:a")
        assert found is not None
        record, lines = found
        play = fresh()
        elapsed = play.catch_up(lines)
        assert play.t == sum(line["kind"] == "tick" for line in lines)
    path = tmp_path / f"{record.id}{SUFFIX}"
    path.write_text(record_text(store, record.id))
    assert verify(path).steps == 120
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    ticks = [line for line in lines if line["kind"] == "tick"]
    times = [line["at_ms"] for line in ticks]
    assert times == sorted(times)
    again = fresh()  # every decision is the one that an uninterrupted game would have made
    memory = policy.initial_state(1)
    for line in ticks:
        (request,) = again.requests()
        (decided,) = line["decisions"]
        assert decided["uniform"] == request.uniform
        if "fallback" not in decided:
            seen = None if request.observation is None else request.observation[None]
            made = policy.act(seen, [request.view], memory, np.array([request.uniform]))
            assert int(made.actions[0]) == decided["action"]
            memory = made.state
        again.catch_up([line])


def test_a_database_that_is_away_stops_the_round_and_nothing_is_lost(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    store, study = Store(postgres.new_database()), small()
    store.register(study)
    who = newcomer(store, study)
    scheduler, watcher = Scheduler(), Patient()
    scheduler.start()
    play = session(Walker(), None, horizon=120, tick_ms=5)
    game = scheduler.seat(play, begin_round(store, who, "round:a", play.header()), watcher)
    game.start(0)
    while len(watcher.ticks) < 20:
        time.sleep(0.01)
    postgres.stop("immediate")
    try:
        assert watcher.stalled.wait(30)
        told = len(watcher.ticks)
        time.sleep(0.3)
        assert len(watcher.ticks) == told  # the game stands still
    finally:
        postgres.start()
    assert watcher.ended.wait(60)
    scheduler.close()
    path = tmp_path / f"{game.id}{SUFFIX}"
    path.write_text(record_text(store, game.id))
    assert verify(path).steps == len(watcher.ticks) == 120
    store.close()


def test_a_database_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be used"):
        Store(str(tmp_path / "nowhere" / "study.db"))
    with pytest.raises(UserError, match="'mysql'"):
        Store("mysql://x@localhost/y")
    with pytest.raises(UserError, match="cannot be used") as refusal:
        Store("postgresql://u:secret@127.0.0.1:1/none")
    assert "secret" not in str(refusal.value)
