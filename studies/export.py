"""Tidy tables of a study, as Parquet and CSV, with a data dictionary.

Two levels: ``raw`` has everything, the platform's identifiers included; ``shareable`` has no
identifiers, no free text, no dates and no browser strings, and participants under new names. Either
can be analyst-blind: arms, blocks, partners and policies under code names, whose key is a file of
its own. What would name them otherwise, the studies and the records of the rounds, is then left
out; records are in the raw level only, since their names and times tell when somebody came.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from play.episode import SUFFIX
from play.worlds.errors import UserError
from studies import schema, tables
from studies.assignment import stream
from studies.design import Study
from studies.records import record_text
from studies.store import Store
from studies.tables import COLUMNS, Column, Dossier, Kind, Row, dossiers_of

Level = Literal["raw", "shareable"]
BATCH = 5000
"""Rows that are held in memory at once."""
TYPES = {
    "text": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
}
BLINDED = {
    "arm": "arm", "block": "block", "blocks": "block", "partner": "partner", "policy": "policy",
    "policy_sha256": "hash", "step_key": "step",
}  # fmt: skip
"""Column -> kind of name that it holds, for the analyst-blind form."""


@dataclass(frozen=True)
class Exported:
    """What was written: table -> rows."""

    folder: Path
    rows: Mapping[str, int]


def export(
    store: Store,
    study: Study,
    out: Path,
    *,
    level: Level,
    blind: bool,
    kind: Kind = "participants",
) -> Exported:
    """Writes every table of all versions of a study.

    Args:
        store: The database.
        study: The study; every state of its file that was run is exported.
        out: A folder, which must not exist.
        level: ``raw`` or ``shareable``.
        blind: Whether conditions get code names.
        kind: Whom to export; participants, people's rehearsals and programs never mix.

    Raises:
        UserError: `out` exists or cannot be written, or there are no participants.
    """
    if out.exists():
        raise UserError(f"{out} already exists: choose another --out")
    people = list(dossiers_of(store, study.id, kind))
    if not people:
        raise UserError(f"There are no {kind} of {study.id!r} in this database: check --database")
    names = _new_names(study, people) if level == "shareable" else None
    codes: dict[str, dict[str, str]] = {}
    coded = codes if blind else None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out.parent, prefix=".export-") as draft:
            folder = Path(draft) / "tables"
            folder.mkdir()
            rows = {
                name: _write(
                    folder,
                    name,
                    _kept(name, level),
                    _changed(study, names, coded, make(store, people)),
                )
                for name, make in tables.TABLES.items()
            }
            (folder / "dictionary.json").write_text(_dictionary(level))
            if not blind:
                (folder / "study.json").write_text(_studies(store, people))
            if level == "raw" and not blind:
                _write_records(store, people, folder / "records")
            if blind:
                key = out.with_name(f"{out.name}-key.json")
                key.write_text(json.dumps(codes, indent=2, sort_keys=True) + "\n")
            folder.rename(out)
    except OSError as error:
        raise UserError(
            f"{out} cannot be written ({error.strerror}): choose another --out"
        ) from error
    return Exported(out, rows)


def _kept(table: str, level: Level) -> list[Column]:
    return [column for column in COLUMNS[table] if level == "raw" or not column.private]


@dataclass(frozen=True)
class NewNames:
    """Names for the shareable level: of participants, and of their rounds, which name dates."""

    participants: Mapping[str, str]
    rounds: Mapping[str, str]

    def change(self, row: Row) -> Row | None:
        """The row under new names; None for one that is not shared, a free text."""
        if row.get("kind") == "text":
            return None
        if "participant" not in row:
            return row
        named: Row = {"participant": self.participants[row["participant"]]}
        for column in ("round_id", "trial_id"):
            if column in row:
                named[column] = self.rounds[row[column]]
        if "workerid_num" in row:  # theirs would tell in which order people came
            named["workerid_num"] = int(named["participant"].removeprefix("p"))
        return {**row, **named}


def _new_names(study: Study, people: Sequence[Dossier]) -> NewNames:
    """New names for participants, in an order that says nothing of when they came."""
    ids = sorted(dossier.who.id for dossier in people)
    order = stream(study.seed, "shareable", len(ids)).permutation(len(ids))
    names = {ids[index]: f"p{number:04d}" for number, index in enumerate(order, start=1)}
    rounds = {
        played.id: f"{names[one.who.id]}-{number}"
        for one in people
        for number, played in enumerate(one.played, start=1)
    }
    return NewNames(names, rounds)


def _changed(
    study: Study,
    names: NewNames | None,
    codes: dict[str, dict[str, str]] | None,
    rows: Iterator[Row],
) -> Iterator[Row]:
    """The rows as they go out: under new names, and blinded where there are codes."""
    for row in rows:
        out = row if names is None else names.change(row)
        if out is None:
            continue
        if codes is not None:
            for column, kind in BLINDED.items():
                if out.get(column):
                    parts = str(out[column]).split(" ")
                    out[column] = " ".join(_code(study, codes, kind, part) for part in parts)
        yield out


def _code(study: Study, codes: dict[str, dict[str, str]], kind: str, name: str) -> str:
    """The code name of a condition; letters in a seeded order that the names do not tell."""
    known = codes.setdefault(kind, {})
    if name not in known:
        known[name] = f"{kind}-{stream(study.seed, 'blind', kind, name).integers(16**6):06x}"
    return known[name]


def _write(folder: Path, name: str, columns: list[Column], rows: Iterator[Row]) -> int:
    """Writes a table in both formats, a few thousand rows at a time; returns how many."""
    schema = pa.schema([(column.name, TYPES[column.type]) for column in columns])
    count = 0
    with (
        pa.parquet.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd") as parquet,
        pa.csv.CSVWriter(folder / f"{name}.csv", schema) as csv,
    ):
        for batch in _batches(rows):
            plain = [{column.name: row.get(column.name) for column in columns} for row in batch]
            table = pa.Table.from_pylist(plain, schema=schema)
            parquet.write_table(table)
            csv.write_table(table)
            count += len(batch)
    return count


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _studies(store: Store, people: Sequence[Dossier]) -> str:
    """Every state of the study that somebody was in: its hash -> design, and code and models."""
    hashes = sorted({one.who.study_sha256 for one in people})
    rows = {row["sha256"]: row for row in store.rows(schema.studies, hashes)}
    values = {name: {key: rows[name][key] for key in ("design", "manifest")} for name in hashes}
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _write_records(store: Store, people: Sequence[Dossier], folder: Path) -> None:
    """The records as episode files, for `understudy replay` and training."""
    folder.mkdir()
    for one in people:
        for played in one.played:
            text = record_text(store, played.id)
            (folder / f"{played.id}{SUFFIX}").write_text(text, encoding="utf-8")


def _dictionary(level: Level) -> str:
    values = {
        table: {column.name: {"type": column.type, "means": column.means} for column in columns}
        for table in COLUMNS
        for columns in [_kept(table, level)]
    }
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"
