"""`understudy reproduce tag-runners`: the two trained runners of Tag that chasers are tried on."""

from pathlib import Path
from typing import Any

import click

from training.reproduce.folders import open_folder, write_record
from training.reproduce.pieces import Piece, export_piece, train_piece

EXPERIMENT = "tag-runners"
WORLD = "tag/simple"
FAST: dict[str, Any] = {
    "world": WORLD, "learning_rate": 3e-3, "final_learning_rate": 5e-4, "epochs": 2,
    "checkpoint_every": 200_000,
}  # fmt: skip


def hunters(steps: int) -> list[Piece]:
    """The chasers that the runners learn from, trained themselves against the rule-based runner."""
    settings = FAST | {"others": "flee", "steps": steps}
    return [
        Piece("hunters", "self-play", range(100, 104), settings),
        Piece("other-hunters", "e3t", range(200, 204), settings),
    ]


def runners(steps: int, policies: Path) -> list[Piece]:
    """The runner that chasers train against, and the one that they never meet.

    They differ in the chasers that they learnt from, in nonlinearity, discount, entropy and seed.
    """
    ours, theirs = hunters(1)
    base = FAST | {"role": "runner", "others_folder": str(policies), "steps": steps}

    def beside(*names: str, piece: Piece) -> str:
        return ",".join([*names, *(piece.policy(WORLD, seed) for seed in piece.seeds)])

    return [
        Piece("runner", "ippo", [0], base | {"others": beside("pursue", piece=ours)}),
        Piece(
            "runner-held-out", "ippo", [1],
            base | {"others": beside("pursue", "random", piece=theirs), "activation": "tanh",
                    "discount": 0.97, "entropy": 0.02},
        ),
    ]  # fmt: skip


@click.command(name=EXPERIMENT)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("results") / EXPERIMENT,
    show_default=True, help="Folder for the runs and policies.",
)  # fmt: skip
@click.option(
    "--steps", type=click.IntRange(1), default=1_000_000, show_default=True,
    help="Joint steps of every run.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Go on in a folder with finished results.")
def tag_runners(out: Path, steps: int, overwrite: bool) -> None:
    """Train the runners of Tag: one to train chasers against, one that is held out.

    First chasers learn to catch the rule-based runner, four by self-play and four beside partners
    that are random at times. Then each runner learns to flee from a population of them and of
    rule-based chasers. If the command is stopped, the same command goes on where it was.
    """
    open_folder(out, EXPERIMENT, overwrite)
    policies = out / "policies"
    for piece in (*hunters(steps), *runners(steps, policies)):
        click.echo(f"{piece.name}: {piece.method}, seeds {', '.join(map(str, piece.seeds))}")
        if not train_piece(piece, out / "runs"):
            click.echo("Stopped and saved. The same command goes on.")
            return
        export_piece(piece, out / "runs", policies)
    write_record(out, EXPERIMENT, {"settings": {"steps": steps}}, finished=True)
    click.echo(f"Wrote {policies / WORLD}")
