"""Work that an experiment is made of, done one piece after the other or side by side.

A task is a function of its arguments that goes on where it was stopped, has nothing to do when it
was done before, and leaves its results in files. So an experiment that was killed at any moment is
finished by running all of its tasks again. On a cluster the tasks are Ray's, which also runs those
again whose worker has died; its machines must see the same folders.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import click

from play.worlds.errors import UserError
from training.evaluation.runner import in_worker
from training.workers import SHARDS

RETRIES = 20
"""How often Ray runs a task again whose worker has died."""


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


def run_on_cluster(tasks: Sequence[Task]) -> bool:
    """Runs tasks with Ray; returns whether all came to their end.

    The cluster is the one that RAY_ADDRESS names, or Ray on this machine, started for the purpose.

    Args:
        tasks: In an order in which they can be done.

    Raises:
        UserError: Ray is not installed.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        raise UserError(
            "--cluster needs ray, which is not installed: run pip install --editable '.[cluster]' "
            "in the project's folder, or leave --cluster out"
        ) from error
    begun = not ray.is_initialized()
    if begun:
        ray.init(log_to_driver=False, include_dashboard=False)
    work = ray.remote(max_retries=RETRIES)(_work)
    results: dict[Any, Task] = {}
    by_name: dict[str, Any] = {}
    try:
        for task in tasks:
            before = [by_name[name] for name in task.after]
            placed = work.options(num_cpus=task.threads, name=task.name)
            by_name[task.name] = placed.remote(task, os.getcwd(), *before)
            results[by_name[task.name]] = task
        waiting, finished = list(results), True
        while waiting:
            (done,), waiting = ray.wait(waiting)
            finished = ray.get(done) and finished
            click.echo(f"{results[done].name}: done", err=True)
    finally:
        if begun:
            ray.shutdown()
    return finished


def _work(task: Task, folder: str, *before: bool) -> bool:
    """Runs a task in the command's folder, if those before it came to their end."""
    os.chdir(folder)
    return all(before) and task.run(*task.arguments)
