"""Deleting what the study file promised: identifiers after some days, data after a date."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from studies import schema
from studies.design import Study
from studies.store import Conflict, Participant, Store
from studies.tables import UNNAMED


def unneeded_identifiers(store: Store, study: Study, now: datetime) -> list[str]:
    """Participants whose identifiers have been kept for as long as the study says.

    The days count from the last event of a session, which is its end for those who have one.
    """
    ids, e = schema.identifiers.c, schema.events.c
    oldest = (now - timedelta(days=study.retention.identifiers_days)).astimezone(UTC)
    query = (
        sa.select(ids.participant_id)
        .join(schema.events, e.participant_id == ids.participant_id)
        .where(ids.study_sha256.in_(store.versions(study.id)))
        .group_by(ids.participant_id)
        .having(sa.func.max(e.at_utc) < oldest.isoformat(timespec="milliseconds"))
        .order_by(ids.participant_id)
    )
    with store.engine.connect() as connection:
        return list(connection.execute(query).scalars())


def delete_identifiers(store: Store, study: Study, now: datetime) -> int:
    """Deletes what `unneeded_identifiers` names; returns of how many participants.

    Whether an identifier had taken part before is noted first, as the rule `repeated_id` needs it.
    """
    names = unneeded_identifiers(store, study, now)
    repeated = _repeated(store, study)
    for name in names:
        who = store.participant(name)
        if who is None:
            continue
        _note(store, who, {"repeated": name in repeated})
        with store.writing() as connection:
            ids = schema.identifiers
            connection.execute(ids.delete().where(ids.c.participant_id == name))
    return len(names)


def expired(study: Study, today: date) -> bool:
    """Whether the date is past until which data are kept."""
    return study.retention.data_until is not None and today > study.retention.data_until


def erase_all(store: Store, study: Study) -> int:
    """Erases every participant of a study, rehearsals among them; returns how many there were."""
    count = 0
    for row in store.rows(schema.participants, store.versions(study.id)):
        store.withdraw(Participant(**row), "retention", erase=True)
        count += 1
    return count


def _note(store: Store, who: Participant, data: dict[str, bool]) -> None:
    while True:
        events = store.events(who.id)
        try:
            store.append(who, len(events), UNNAMED, "", data)
            return
        except Conflict:
            if store.participant(who.id) is None:
                return  # withdrawn meanwhile


def _repeated(store: Store, study: Study) -> set[str]:
    """Participants whose identifier somebody had who came before them."""
    return set(_later_ones(store, study))


def _later_ones(store: Store, study: Study) -> Iterator[str]:
    ids, people = schema.identifiers.c, schema.participants.c
    query = (
        sa.select(ids.participant_id, ids.external_id, ids.test)
        .join(schema.participants, people.id == ids.participant_id)
        .where(ids.study_sha256.in_(store.versions(study.id)))
        .order_by(people.entered_utc, people.id)
    )
    with store.engine.connect() as connection:
        rows = connection.execute(query).all()
    seen: set[tuple[str, bool]] = set()
    for name, external, test in rows:
        if (external, test) in seen:
            yield name
        seen.add((external, test))
