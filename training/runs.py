"""Running a trainer from start to end: progress, curves, checkpoints, interruption."""

import json
import math
import signal
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from play.worlds.errors import UserError
from training import checkpoints
from training.beginnings import begin_with
from training.config import TrainConfig, with_changes
from training.e3t import E3t
from training.exploiter import Exploiter
from training.fcp import Fcp
from training.ippo import Ippo
from training.mep import Mep
from training.ppo_bc import BestResponse, PpoBc
from training.preferring import Preferring
from training.pure_adversary import PureAdversary
from training.self_play import SelfPlay
from training.srpo import Srpo
from training.trainer import Trainer

TRAINERS: dict[str, type[Trainer]] = {
    trainer.method: trainer
    for trainer in (
        Ippo, SelfPlay, Srpo, E3t, PpoBc, BestResponse, Preferring, Fcp, Mep, PureAdversary,
        Exploiter,
    )
}  # fmt: skip


def make_trainer(method: str, config: TrainConfig, seeds: Sequence[int] | None = None) -> Trainer:
    """Builds the trainer of a method, for the config's seed or for several."""
    return TRAINERS[method](config, seeds)


def start(
    method: str,
    config: TrainConfig,
    run_dir: Path | None,
    seeds: Sequence[int] | None = None,
    keep: Sequence[float] = (),
) -> tuple[list[Path], bool]:
    """Trains from the beginning.

    Args:
        method: Name of the method.
        config: The settings.
        run_dir: Where the run goes, or the folder of the runs if there are several seeds.
        seeds: Seeds to train together; the config's if None.
        keep: Shares of the training after which a checkpoint is kept, beside the latest.

    Returns:
        The run directory of each seed, and whether training finished.
    """
    trainer = make_trainer(method, config, seeds)
    begun_with = begin_with(trainer)
    paths = []
    for seed in seeds or (config.seed,):
        asked = run_dir / f"seed{seed}" if run_dir and seeds else run_dir
        own = with_changes(config, seed=seed)
        paths.append(checkpoints.new_run_dir(asked, own, method))
        checkpoints.write_config(paths[-1], own, trainer, begun_with)
    return paths, _run(paths, trainer, 0.0, keep)


def resume(run_dirs: Sequence[Path], keep: Sequence[float] = ()) -> bool:
    """Continues runs from their checkpoints, together; returns whether training finished.

    Args:
        run_dirs: The runs.
        keep: As they were started with.

    Raises:
        UserError: They differ in more than their seeds, or have come differently far.
    """
    read = [checkpoints.read_config(run_dir) for run_dir in run_dirs]
    record, config = read[0]
    for run_dir, (other, own) in zip(run_dirs, read, strict=True):
        if other["method"] != record["method"] or with_changes(own, seed=config.seed) != config:
            raise UserError(
                f"{run_dir} and {run_dirs[0]} have different settings: resume them one by one"
            )
    seeds = [own.seed for _, own in read]
    if len(set(seeds)) < len(seeds):
        raise UserError(f"Two of the runs have one seed ({seeds}): resume them one by one")
    trainer = make_trainer(record["method"], config, seeds)
    _check_guests(run_dirs[0], record.get("guests", {}), trainer)
    reached, seconds = set(), 0.0
    for member, run_dir in enumerate(run_dirs):
        seconds = checkpoints.load(run_dir, trainer, member)
        reached.add(trainer.steps)
        if len(reached) > 1:
            raise UserError(
                f"{run_dir} has come to step {trainer.steps}, another run to step "
                f"{min(reached - {trainer.steps})}: resume them one by one"
            )
        _forget_after(run_dir / "metrics.jsonl", trainer.steps)
    return _run(run_dirs, trainer, seconds, keep)


def _check_guests(run_dir: Path, known: Mapping[str, str], trainer: Trainer) -> None:
    """Refuses to go on beside policies that have become others since the run began."""
    for name, fingerprint in trainer.fingerprints().items():
        if known.get(name, fingerprint) != fingerprint:
            raise UserError(
                f"{run_dir} began beside {name} with the SHA-256 {known[name][:12]}…, but its file "
                f"now has {fingerprint[:12]}…: restore that file, or train from the beginning"
            )


def find_runs(folder: Path) -> list[Path]:
    """The run in a folder, or the runs of several seeds below it."""
    below = folder.glob("seed*/config.json")
    several = sorted((path.parent for path in below), key=lambda path: (len(path.name), path.name))
    return several if several and not (folder / "config.json").is_file() else [folder]


def _run(run_dirs: Sequence[Path], trainer: Trainer, seconds: float, keep: Sequence[float]) -> bool:
    config, total = trainer.config, trainer.total_steps
    next_save = trainer.steps + config.checkpoint_every
    began = time.perf_counter() - seconds

    def save(share: float = 1.0) -> None:
        for member, run_dir in enumerate(run_dirs):
            checkpoints.save(run_dir, trainer, time.perf_counter() - began, member, share)

    with ExitStack() as files, _progress(trainer) as show, _interruptible() as stop:
        logs = [files.enter_context(_curves(run_dir)) for run_dir in run_dirs]
        while trainer.steps < total and not stop:
            before, steps, own = time.perf_counter(), trainer.steps, trainer.own_steps
            shaping, rate = trainer.shaping(), trainer.learning_rate()
            figures = trainer.iterate()
            now = time.perf_counter()
            pace = {
                "shaping": shaping,
                "learning_rate": rate,
                "seconds": now - began,
                "steps_per_second": (trainer.steps - steps) / (now - before),
            }
            for log, figure in zip(logs, figures, strict=True):
                log(figure | pace)
            show(figures, pace["steps_per_second"] * len(run_dirs))
            for share in keep:
                if own < share * config.steps <= trainer.own_steps:
                    save(share)
            if trainer.steps >= next_save:
                save()
                next_save += config.checkpoint_every
    save()
    return trainer.steps >= total


@contextmanager
def _curves(run_dir: Path) -> Iterator:
    """Yields a function that appends figures to metrics.jsonl and to TensorBoard."""
    from torch.utils.tensorboard import SummaryWriter  # slow to import, so only when needed

    writer = SummaryWriter(str(run_dir), flush_secs=10)
    with (run_dir / "metrics.jsonl").open("a") as lines:

        def log(figures: dict[str, float]) -> None:
            # JSON has no NaN: a figure that does not exist yet is left out
            known = {name: value for name, value in figures.items() if value == value}
            lines.write(json.dumps(known) + "\n")
            lines.flush()
            for name, value in known.items():
                if name != "steps":
                    writer.add_scalar(name, value, int(figures["steps"]))

        try:
            yield log
        finally:
            writer.close()


@contextmanager
def _progress(trainer: Trainer) -> Iterator:
    """Yields a function that moves a progress bar with mean return and speed over all seeds."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[figures]}"), TimeRemainingColumn(),
    )  # fmt: skip
    speed = 0.0
    seeds = len(trainer.members)
    name = trainer.method + (f", {seeds} seeds" if seeds > 1 else "")
    with Progress(*columns, refresh_per_second=4) as bar:
        task = bar.add_task(name, total=trainer.total_steps, completed=trainer.steps, figures="")

        def show(figures: Sequence[dict[str, float]], rate: float) -> None:
            nonlocal speed
            speed = 0.9 * speed + 0.1 * rate if speed else rate

            def mean(name: str) -> float:
                return statistics.fmean(own.get(name, math.nan) for own in figures)

            def words(name: str) -> str:
                return "–" if math.isnan(mean(name)) else f"{mean(name):.0f}"

            text = f"return {words('return')}" if "return" in figures[0] else ""
            if "return_with_adversary" in figures[0]:
                text += f" (with adversary {words('return_with_adversary')})"
            bar.update(
                task, completed=trainer.steps, figures=f"{text}  {speed / 1000:.1f}k steps/s"
            )

        yield show


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Yields a list that is empty until Ctrl-C or a polite kill asks to stop."""
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _forget_after(path: Path, steps: int) -> None:
    """Drops the lines of curves beyond a checkpoint; they will be written again."""
    if path.is_file():
        lines = path.read_text().splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n")]
        path.write_text("".join(line for line in kept if json.loads(line)["steps"] <= steps))
