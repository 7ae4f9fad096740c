"""Training runs as pieces of an experiment: begun, continued where they were cut off, exported."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.library import BUILTIN, POLICIES_DIR
from play.worlds.errors import UserError
from training import checkpoints, runs
from training.config import METHODS, TrainConfig
from training.export import export_run


@dataclass(frozen=True)
class Piece:
    """Runs of one method and one set of settings, which are trained together.

    Attributes:
        name: Name of its folder of runs and of its policies.
        method: How it is trained.
        seeds: Training seeds.
        settings: Settings that are not the method's own.
    """

    name: str
    method: str
    seeds: Sequence[int]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def config(self) -> TrainConfig:
        """All settings; the seeds are given beside them."""
        return METHODS[self.method].from_json(dict(self.settings) | {"seed": self.seeds[0]})

    def policy(self, world: str, seed: int) -> str:
        """Name of the policies of a seed, without the ending that tells seats apart."""
        return f"{world}/{self.name}/seed{seed}"


def train_piece(piece: Piece, folder: Path) -> bool:
    """Trains a piece, or what is missing of it; returns whether it is finished.

    Args:
        piece: What to train.
        folder: Where the runs of all pieces are, in a folder for each.

    Raises:
        UserError: The folder holds the piece with other settings.
    """
    home, config = folder / piece.name, piece.config()
    paths = [home / f"seed{seed}" for seed in piece.seeds]
    if not all((path / "checkpoint.pt").is_file() for path in paths):
        for path in paths:  # cut off before the first checkpoint of all
            shutil.rmtree(path, ignore_errors=True)
        return runs.start(piece.method, config, home, piece.seeds)[1]
    for path, seed in zip(paths, piece.seeds, strict=True):
        record, own = checkpoints.read_config(path)
        wanted = config.to_json() | {"seed": seed}
        differing = [name for name, value in own.to_json().items() if value != wanted.get(name)]
        if record["method"] != piece.method or differing:
            raise UserError(
                f"{path} was trained with other settings ({', '.join(differing) or 'method'}): "
                "choose another --out, or remove that run"
            )
    if len({checkpoints.steps_of(path) for path in paths}) > 1:  # killed while it was saving
        return all(runs.resume([path]) for path in paths)
    return runs.resume(paths)


def export_piece(piece: Piece, folder: Path, policies: Path) -> None:
    """Writes the policies of every seed that have not been written yet."""
    world = piece.config().world
    for seed in piece.seeds:
        name = piece.policy(world, seed)
        home = policies / world / piece.name
        if not any(home.glob(f"seed{seed}/card.json")) and not any(home.glob(f"seed{seed}-seat*")):
            export_run(folder / piece.name / f"seed{seed}", name, policies)


def freeze(name: str, policies: Path) -> None:
    """Copies a shipped policy to those of the experiment, where it stays as it is.

    Raises:
        UserError: Another one of that name is there already.
    """
    if name in BUILTIN:
        return
    source, target = POLICIES_DIR / name, policies / name
    if not target.exists():
        shutil.copytree(source, target)
    if (source / "policy.onnx").read_bytes() != (target / "policy.onnx").read_bytes():
        raise UserError(
            f"{target} is not the shipped {name} any more: choose another --out for new results"
        )
