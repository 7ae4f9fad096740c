"""Run directories: what was asked for, the curves, and checkpoints from which a run continues.

A run directory holds ``config.json`` (method, settings, command, git commit, versions),
``metrics.jsonl`` (one line per update), ``checkpoint.pt`` and TensorBoard's event files; where a
policy is wanted as it was on the way, also ``checkpoint-25.pt`` and the like, by per cent of its
training.
"""

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from play.worlds.errors import UserError
from training.config import METHODS, TrainConfig
from training.provenance import git_commit, versions
from training.trainer import Trainer

SCHEMA = 2


def new_run_dir(asked: Path | None, config: TrainConfig, method: str) -> Path:
    """Makes the directory of a new run: the one asked for, or the next free one in runs/.

    Raises:
        UserError: The directory that was asked for already holds something.
    """
    if asked is not None:
        if asked.exists() and any(asked.iterdir() if asked.is_dir() else [asked]):
            raise UserError(
                f"{asked} already exists: choose another --run-dir, or continue the run in it "
                f"with --resume {asked}"
            )
        asked.mkdir(parents=True, exist_ok=True)
        return asked
    base = f"{config.world.replace('/', '-')}-{method}-seed{config.seed}"
    number = 1
    while True:
        path = Path("runs") / (base if number == 1 else f"{base}-{number}")
        if not path.exists():
            path.mkdir(parents=True)
            return path
        number += 1


def write_config(
    run_dir: Path, config: TrainConfig, trainer: Trainer, start: Mapping[str, str] | None = None
) -> None:
    """Writes config.json of a seed's run.

    Args:
        run_dir: The run.
        config: Its settings.
        trainer: Who trains it.
        start: Name and SHA-256 of the policy that it begins with, if any.
    """
    record = {
        "schema": SCHEMA,
        "method": trainer.method,
        "config": config.to_json(),
        "guests": trainer.fingerprints(),
        "start": dict(start or {}),
        "command": " ".join(["understudy", *sys.argv[1:]]),
        "git_commit": git_commit(),
        "versions": versions("numpy", "torch", "numba", "onnx", "onnxruntime"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (run_dir / "config.json").write_text(json.dumps(record, indent=2) + "\n")


def read_config(run_dir: Path) -> tuple[dict[str, Any], TrainConfig]:
    """Reads config.json.

    Raises:
        UserError: There is none, or it was written by another version of the program.
    """
    path = run_dir / "config.json"
    if not path.is_file():
        raise UserError(f"{run_dir} is not a training run: it has no config.json")
    try:
        record = json.loads(path.read_text())
        config = METHODS[record["method"]].from_json(record["config"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged or from another version: {error!r}") from error
    return record, config


def path_of(run_dir: Path, share: float = 1.0) -> Path:
    """Where a run's checkpoint is: the latest, or the one kept after a share of the training."""
    return run_dir / ("checkpoint.pt" if share == 1 else f"checkpoint-{100 * share:g}.pt")


def save(
    run_dir: Path, trainer: Trainer, seconds: float, member: int = 0, share: float = 1.0
) -> None:
    """Writes a seed's checkpoint.pt; a crash while writing leaves the previous one whole.

    Args:
        run_dir: The run.
        trainer: Who trains it.
        seconds: How long that has taken so far.
        member: Which of the trainer's seeds it is.
        share: For a checkpoint that is kept, the share of the training after which it is.
    """
    part = run_dir / "checkpoint.part"
    torch.save({"schema": SCHEMA, "seconds": seconds, "trainer": trainer.state(member)}, part)
    os.replace(part, path_of(run_dir, share))


def steps_of(run_dir: Path) -> int:
    """How far a run had come at its checkpoint."""
    saved = torch.load(run_dir / "checkpoint.pt", weights_only=True)
    return int(saved["trainer"]["steps"])


def load(run_dir: Path, trainer: Trainer, member: int = 0, share: float = 1.0) -> float:
    """Restores a seed of the trainer and returns the seconds that its run has taken so far.

    Args:
        run_dir: The run.
        trainer: Of the run's method and settings.
        member: Which of the trainer's seeds it is.
        share: For a checkpoint that was kept, the share of the training after which it was.

    Raises:
        UserError: There is no such checkpoint, or it is damaged.
    """
    path = path_of(run_dir, share)
    if not path.is_file():
        raise UserError(f"{run_dir} has no {path.name}: the run stopped before its first one")
    try:
        saved = torch.load(path, weights_only=True)
        trainer.restore(saved["trainer"], member)
    except (RuntimeError, KeyError, ValueError, EOFError) as error:
        raise UserError(f"{path} is damaged or from another version: {error}") from error
    return float(saved["seconds"])
