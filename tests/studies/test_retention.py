"""What the study file promises to delete is deleted, when its time has come and not before."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
from click.testing import CliRunner

from studies import schema
from studies.commands import study as command
from studies.design import Study
from studies.export import export
from studies.retention import delete_identifiers, erase_all, expired
from studies.store import Identity, Participant, Store
from tests.studies.files import SMALL, small
from tests.studies.serving import serving

NewStore = Callable[[], Store]
RULES = [{"rule": "repeated_id"}]


def came(store: Store, study: Study, name: str, *kinds: str) -> Participant:
    store.register(study)
    who = store.enter(study, Identity(name), "en", False)
    store.append(who, 0, "entered", "", {})
    for seq, kind in enumerate(kinds, start=1):
        store.append(who, seq, kind, "consent", {"outcome": "declined"})
    return who


def identified(store: Store) -> set[str]:
    with store.engine.connect() as connection:
        return set(connection.execute(sa.select(schema.identifiers.c.external_id)).scalars())


def days(count: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=count)


def test_identifiers_go_after_their_days_and_nothing_else_does(
    new_store: NewStore, tmp_path: Path
) -> None:
    store = new_store()
    first = small(exclusions=RULES, retention={"identifiers_days": 30}, version="1")
    second = small(exclusions=RULES, retention={"identifiers_days": 30}, version="2")
    came(store, first, "A", "ended")
    again = came(store, second, "A", "ended")
    came(store, second, "B")
    export(store, second, tmp_path / "before", level="raw", blind=False)
    assert delete_identifiers(store, second, days(29.9)) == 0
    assert identified(store) == {"A", "B"}
    assert delete_identifiers(store, second, days(30.1)) == 3
    assert identified(store) == set()
    assert delete_identifiers(store, second, days(60)) == 0
    export(store, second, tmp_path / "after", level="raw", blind=False)
    tables = [
        pd.read_parquet(tmp_path / name / "participants.parquet").set_index("participant")
        for name in ("before", "after")
    ]
    assert tables[1].external_id.isna().all()
    for table in tables:  # the rule that needs the identifier still says the same
        assert list(table.index[table.excluded]) == [again.id]
    same = ["outcome", "excluded", "exclusion_reasons", "pay", "steps_done"]
    pd.testing.assert_frame_equal(tables[0][same], tables[1][same])


def test_data_go_after_their_date(new_store: NewStore) -> None:
    store, study = new_store(), small(retention={"data_until": "2030-01-01"})
    came(store, study, "A", "ended")
    other = came(store, small(id="other"), "B", "ended")
    assert not expired(study, date(2030, 1, 1))
    assert expired(study, date(2030, 1, 2))
    assert not expired(small(), date(2999, 1, 1))
    assert erase_all(store, study) == 1
    for table in schema.ERASABLE:
        column = "id" if table is schema.participants else "participant_id"
        with store.engine.connect() as connection:
            assert set(connection.execute(sa.select(table.c[column])).scalars()) <= {other.id}


def test_a_server_and_a_command_delete_identifiers(tmp_path: Path) -> None:
    text = SMALL + "retention: {identifiers_days: 0, data_until: 2020-01-01}\n"
    file = tmp_path / "study.yaml"
    file.write_text(text, encoding="utf-8")
    study = small(retention={"identifiers_days": 0, "data_until": "2020-01-01"})
    store = Store(str(tmp_path / "small.db"))
    came(store, study, "A", "ended")
    with serving(str(tmp_path / "small.db"), study) as server:
        deadline = datetime.now(UTC) + timedelta(seconds=30)
        while identified(server.config.store) and datetime.now(UTC) < deadline:
            time.sleep(0.05)
        assert identified(store) == set()
    run = CliRunner()
    kept = run.invoke(command, ["retention", str(file)], input="n\n")
    assert kept.exit_code == 1
    done = run.invoke(command, ["retention", str(file), "--yes"], catch_exceptions=False)
    assert "Erased 1 participants." in done.output
    with store.engine.connect() as connection:
        assert connection.execute(sa.select(schema.participants)).all() == []
    store.close()
