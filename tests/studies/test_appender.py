"""Rows of many rounds in one statement, on both databases."""

import json
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from play.recorder import Lost
from play.session import Line
from studies.records import RoundJournal, RoundRecord, begin_round, record_text
from studies.store import Store
from tests.studies.databases import PostgresServer
from tests.studies.files import small

HEADER: Line = {"world": "kitchen/cramped_room"}


def rounds_in(store: Store, count: int) -> list[RoundRecord]:
    study = small()
    store.register(study)
    people = [store.enter(study, None, "en", True) for _ in range(count)]
    return [begin_round(store, who, "round:b:one", HEADER) for who in people]


def steps_of(store: Store, record: RoundRecord) -> list[str]:
    return record_text(store, record.id).splitlines()[1:]


def test_lines_of_many_rounds_are_kept_as_they_were(new_store: Callable[[], Store]) -> None:
    store = new_store()
    records = rounds_in(store, 30)
    journal, odd = RoundJournal(store), 'quotes " \\ \n ä漢🙂 %s :rows ?'
    for t in (1, 2):
        journal.append_all([(record, [{"t": t, "said": odd}]) for record in records])
    for record in records:
        assert [json.loads(line) for line in steps_of(store, record)] == [
            {"t": 1, "said": odd}, {"t": 2, "said": odd}
        ]  # fmt: skip


def test_where_one_position_is_taken_nothing_is_written(new_store: Callable[[], Store]) -> None:
    store = new_store()
    first, second = rounds_in(store, 2)
    RoundJournal(store).append_all([(second, [{"t": 1}])])
    second.seq -= 1
    with pytest.raises(Lost):
        RoundJournal(store).append_all([(first, [{"t": 1}]), (second, [{"t": 1}])])
    assert steps_of(store, first) == []
    RoundJournal(store).append_all([(first, [{"t": 1}])])  # the connection is fit for more
    assert steps_of(store, first) == ['{"t":1}']


def test_a_connection_that_was_lost_is_opened_again(postgres: PostgresServer) -> None:
    store = Store(postgres.new_database())
    (record,) = rounds_in(store, 1)
    RoundJournal(store).append_all([(record, [{"t": 1}])])
    with store.engine.connect() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
        others += "current_database() AND pid <> pg_backend_pid()"
        connection.execute(sa.text(others))
    RoundJournal(store).append_all([(record, [{"t": 2}])])
    assert steps_of(store, record) == ['{"t":1}', '{"t":2}']
    store.close()


def test_a_database_that_is_gone_is_an_error_to_try_again(
    new_store: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store()
    (record,) = rounds_in(store, 1)
    errors = store.engine.dialect.loaded_dbapi
    secret = "a row that nobody may read in a log"

    def refuse() -> None:
        raise errors.OperationalError(f"cannot connect\nDETAIL: {secret}")

    with monkeypatch.context() as patched:
        patched.setattr(store.engine, "raw_connection", refuse)
        with pytest.raises(OSError, match="cannot connect") as failure:
            RoundJournal(store).append_all([(record, [{"t": 1}])])
        assert secret not in str(failure.value)
    RoundJournal(store).append_all([(record, [{"t": 1}])])
    assert steps_of(store, record) == ['{"t":1}']
