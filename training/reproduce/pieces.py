"""Training runs as pieces of an experiment: begun, continued where they were cut off, exported."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.card import read_card
from agents.library import BUILTIN, POLICIES_DIR
from play.worlds.errors import UserError
from training import checkpoints, runs
from training.commands import parse_seeds
from training.config import METHODS, TrainConfig
from training.export import export_run

FEWEST_SEEDS = 2  # cross-play needs strangers


def seeds_for_crossplay(text: str) -> tuple[int, ...]:
    """The seeds of ``0-9`` or ``1,4,7``.

    Raises:
        UserError: Something else, or too few for cross-play.
    """
    seeds = tuple(parse_seeds(text) or ())
    if len(seeds) < FEWEST_SEEDS:
        raise UserError(
            f"--seeds is {text!r}, but cross-play needs policies of at least {FEWEST_SEEDS} seeds: "
            "give more, as in 0-9"
        )
    return seeds


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

    def policy(self, world: str, seed: int | str, share: float = 1.0) -> str:
        """Name of the policies of a seed, without the ending that tells seats apart.

        Args:
            world: Where they play.
            seed: The seed, or what stands for one.
            share: For policies as they were on the way, the share of the training by then.
        """
        way = "" if share == 1 else f"-at-{100 * share:g}"
        return f"{world}/{self.name}{way}/seed{seed}"


def train_piece(piece: Piece, folder: Path, keep: Sequence[float] = ()) -> bool:
    """Trains a piece, or what is missing of it; returns whether it is finished.

    Args:
        piece: What to train.
        folder: Where the runs of all pieces are, in a folder for each.
        keep: Shares of the training after which a checkpoint is kept.

    Raises:
        UserError: The folder holds the piece with other settings.
    """
    home, config = folder / piece.name, piece.config()
    paths = [home / f"seed{seed}" for seed in piece.seeds]
    if not all((path / "checkpoint.pt").is_file() for path in paths):
        for path in paths:  # cut off before the first checkpoint of all
            shutil.rmtree(path, ignore_errors=True)
        return runs.start(piece.method, config, home, piece.seeds, keep)[1]
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
        return all(runs.resume([path], keep) for path in paths)
    return runs.resume(paths, keep)


def export_piece(
    piece: Piece,
    folder: Path,
    policies: Path,
    *,
    seeds: Sequence[int] | None = None,
    share: float = 1.0,
    compact: bool = False,
    held_out: bool = False,
) -> None:
    """Writes the policies that have not been written yet, or only before the training began.

    Args:
        piece: What was trained.
        folder: Where the runs of all pieces are.
        policies: Where the policies go.
        seeds: Whose policies; those of every seed if None.
        share: For policies as they were on the way, the share of the training by then.
        compact: See `training.export.export_run`.
        held_out: See there.
    """
    world = piece.config().world
    for seed in piece.seeds if seeds is None else seeds:
        name = piece.policy(world, seed, share)
        home, run = (policies / name).parent, folder / piece.name / f"seed{seed}"
        begun = checkpoints.read_config(run)[0]["created"]
        there = [*home.glob(f"seed{seed}/card.json"), *home.glob(f"seed{seed}-*/card.json")]
        if any((read_card(path.parent).created or "") < begun for path in there):  # a former one's
            for path in there:
                shutil.rmtree(path.parent)
            there = []
        if not there:
            export_run(run, name, policies, share=share, compact=compact, held_out=held_out)


def freeze(name: str, policies: Path) -> None:
    """Copies a shipped policy to those of an experiment, where it stays as it is.

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
