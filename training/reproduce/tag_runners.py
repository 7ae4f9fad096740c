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


def hunters() -> list[Piece]:
    """The chasers that the runners learn from, trained themselves against the rule-based runner."""
    base = {"world": WORLD, "others": "flee"}
    return [
        Piece("hunters", "self-play", range(100, 104),
              base | {"learning_rate": 3e-3, "epochs": 2, "steps": 1_000_000}),
        Piece("other-hunters", "ippo", range(100, 102), base | {"steps": 2_000_000}),
    ]  # fmt: skip


def runners(policies: Path) -> list[Piece]:
    """The runner that chasers train against, and the one that they never meet.

    They differ in the chasers that they learnt from, in nonlinearity, discount, entropy and seed.
    """
    ours, theirs = hunters()
    base = FAST | {"role": "runner", "others_folder": str(policies), "steps": 1_000_000}
    pairs = [ours.policy(WORLD, seed) for seed in ours.seeds]
    singles = [f"{theirs.policy(WORLD, s)}-seat{seat}" for s in theirs.seeds for seat in (0, 1)]
    return [
        Piece("runner", "ippo", [0], base | {"others": ",".join(["pursue", *pairs])}),
        Piece(
            "runner-held-out", "ippo", [1],
            base | {"others": ",".join(["pursue", "random", *singles]), "activation": "tanh",
                    "discount": 0.97, "entropy": 0.02},
        ),
    ]  # fmt: skip


@click.command(name=EXPERIMENT)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("results") / EXPERIMENT,
    show_default=True, help="Folder for the runs and policies.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Go on in a folder with finished results.")
def tag_runners(out: Path, overwrite: bool) -> None:
    """Train the runners of Tag: one to train chasers against, one that is held out.

    First chasers learn to catch the rule-based runner, four pairs by self-play and two by IPPO.
    Then one runner learns to flee from the former and a rule-based chaser, the other from the
    latter and rule-based ones. If the command is stopped, the same command goes on where it was.
    """
    open_folder(out, EXPERIMENT, overwrite)
    policies = out / "policies"
    for piece in (*hunters(), *runners(policies)):
        click.echo(f"{piece.name}: {piece.method}, seeds {', '.join(map(str, piece.seeds))}")
        if not train_piece(piece, out / "runs"):
            click.echo("Stopped and saved. The same command goes on.")
            return
        export_piece(piece, out / "runs", policies)
    write_record(out, EXPERIMENT, {}, finished=True)
    click.echo(f"Wrote {policies / WORLD}")
