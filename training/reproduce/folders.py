"""The folder that an experiment writes: whose it is, whether it is finished, what made it."""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from play.worlds.errors import UserError
from training.provenance import git_commit, versions

RECORD = "results.json"
PIECES = ("pieces", "runs")
"""Where experiments keep what is done of them, in their folder."""


def open_folder(folder: Path, experiment: str, overwrite: bool) -> None:
    """Makes a folder ready for an experiment's results.

    One that the same experiment left unfinished is used again.

    Raises:
        UserError: It holds something else, or finished results that may not be overwritten.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: choose a folder for the results with --out")
    record = read_record(folder)
    if folder.is_dir() and any(folder.iterdir()) and record.get("experiment") != experiment:
        raise UserError(
            f"{folder} holds something that `understudy reproduce {experiment}` did not write: "
            "choose another folder with --out"
        )
    if record.get("finished") and not overwrite:
        raise UserError(
            f"{folder} holds finished results: add --overwrite to replace them, or choose another "
            "folder with --out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_record(folder, experiment, {}, finished=False)


def check_same(folder: Path, experiment: str, settings: Mapping[str, Any]) -> None:
    """Refuses a folder in which the experiment was begun with other settings.

    To be called before `open_folder`, which begins the record anew.

    Args:
        folder: The folder; it need not exist.
        experiment: Name of the experiment.
        settings: What all pieces have in common, as JSON values; see `write_record`.

    Raises:
        UserError: Pieces are there that were made with others.
    """
    record = read_record(folder)
    if record.get("experiment") != experiment:
        return
    if not any((folder / name).is_dir() for name in PIECES):
        return
    before = record | record.get("settings", {})
    for key, asked in settings.items():
        if before.get(key, asked) != asked:
            raise UserError(
                f"{folder} holds pieces with {key} {before[key]}, but {key} {asked} were asked "
                "for: give the same, or another folder with --out"
            )


def read_record(folder: Path) -> dict[str, Any]:
    """results.json of a folder, or nothing if there is none that can be read."""
    try:
        record = json.loads((folder / RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def write_record(
    folder: Path, experiment: str, results: Mapping[str, Any], *, finished: bool
) -> None:
    """Writes results.json: what was found, and by which command, commit and versions.

    Settings that `check_same` is to compare are among the results, or in a part "settings".
    """
    record = {
        "experiment": experiment,
        "finished": finished,
        "command": " ".join(["understudy", *sys.argv[1:]]),
        "git_commit": git_commit(),
        "versions": versions("numpy", "scipy", "torch", "numba"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **results,
    }
    (folder / RECORD).write_text(json.dumps(record, indent=2, allow_nan=False) + "\n")
