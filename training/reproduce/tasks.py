"""Work that an experiment is made of, done one piece after the other or side by side.

A task is a function of its arguments that goes on where it was stopped, has nothing to do when it
was done before, and leaves its results in files. So an experiment that was killed at any moment is
finished by running all of its tasks again.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import click

from training.evaluation.runner import in_worker
from training.workers import SHARDS


@dataclass(frozen=True)
class Task:
    """One piece of work.

    Attributes:
        name: What it is, for the person who waits.
        run: Does it; a function of a module that returns whether it came to its end.
        arguments: What `run` is called with.
        after: Names of the tasks that must be done before; they come earlier in every list.
        threads: Processors that it keeps busy.
    """

    name: str
    run: Callable[..., bool]
    arguments: tuple[Any, ...]
    after: tuple[str, ...] = ()
    threads: int = SHARDS


def run_here(tasks: Sequence[Task], processes: int) -> bool:
    """Runs tasks on this machine; returns whether all came to their end.

    Args:
        tasks: In an order in which they can be done; neighbours that need one processor each must
            not depend on each other, and run side by side.
        processes: How many may run side by side.
    """
    groups = groupby(tasks, lambda task: task.threads == 1 and processes > 1)
    return all(
        all(_side_by_side(list(group), processes) if parallel else _in_turn(group))
        for parallel, group in groups
    )


def _in_turn(tasks: Iterable[Task]) -> Iterator[bool]:
    for task in tasks:
        click.echo(task.name, err=True)
        yield task.run(*task.arguments)


def _side_by_side(tasks: Sequence[Task], processes: int) -> Iterator[bool]:
    # A fork would copy the threads of numba and onnxruntime in the middle of their work.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, initializer=in_worker)
    try:
        running = [(task, pool.submit(task.run, *task.arguments)) for task in tasks]
        for task, future in running:
            click.echo(task.name, err=True)
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
