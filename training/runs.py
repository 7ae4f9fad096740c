"""Running a trainer from start to end: progress, curves, checkpoints, interruption."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from training import checkpoints
from training.config import TrainConfig
from training.ippo import Ippo
from training.self_play import SelfPlay
from training.srpo import Srpo
from training.trainer import Trainer

TRAINERS: dict[str, type[Trainer]] = {"ippo": Ippo, "self-play": SelfPlay, "srpo": Srpo}


def make_trainer(method: str, config: TrainConfig) -> Trainer:
    """Builds the trainer of a method."""
    return TRAINERS[method](config)


def start(method: str, config: TrainConfig, run_dir: Path | None) -> tuple[Path, bool]:
    """Trains from the beginning; returns the run directory and whether training finished."""
    trainer = make_trainer(method, config)
    path = checkpoints.new_run_dir(run_dir, config, method)
    checkpoints.write_config(path, config, method)
    return path, _run(path, trainer, 0.0)


def resume(run_dir: Path) -> bool:
    """Continues a run from its checkpoint; returns whether training finished."""
    record, config = checkpoints.read_config(run_dir)
    trainer = make_trainer(record["method"], config)
    seconds = checkpoints.load(run_dir, trainer)
    _forget_after(run_dir / "metrics.jsonl", trainer.steps)
    return _run(run_dir, trainer, seconds)


def _run(run_dir: Path, trainer: Trainer, seconds: float) -> bool:
    config = trainer.config
    next_save = trainer.steps + config.checkpoint_every
    began = time.perf_counter() - seconds
    with _curves(run_dir) as log, _progress(trainer) as show, _interruptible() as stop:
        while trainer.steps < config.steps and not stop:
            before, steps = time.perf_counter(), trainer.steps
            shaping, rate = trainer.shaping(), trainer.learning_rate()
            figures = trainer.iterate()
            now = time.perf_counter()
            figures |= {
                "shaping": shaping,
                "learning_rate": rate,
                "seconds": now - began,
                "steps_per_second": (trainer.steps - steps) / (now - before),
            }
            log(figures)
            show(figures)
            if trainer.steps >= next_save:
                checkpoints.save(run_dir, trainer, now - began)
                next_save += config.checkpoint_every
    checkpoints.save(run_dir, trainer, time.perf_counter() - began)
    return trainer.steps >= config.steps


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
    """Yields a function that moves a progress bar with return and speed."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[figures]}"), TimeRemainingColumn(),
    )  # fmt: skip
    speed = 0.0
    with Progress(*columns, refresh_per_second=4) as bar:
        task = bar.add_task(
            trainer.method, total=trainer.config.steps, completed=trainer.steps, figures=""
        )

        def show(figures: dict[str, float]) -> None:
            nonlocal speed
            speed = 0.9 * speed + 0.1 * figures["steps_per_second"] if speed else (
                figures["steps_per_second"]
            )  # fmt: skip
            text = f"return {figures['return']:.0f}" if "return" in figures else ""
            if "return_with_adversary" in figures:
                text += f" (with adversary {figures['return_with_adversary']:.0f})"
            bar.update(
                task, completed=figures["steps"], figures=f"{text}  {speed / 1000:.1f}k steps/s"
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
