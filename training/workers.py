"""The threads that training shares; compiled code lets go of the interpreter's lock."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
SHARDS = 2  # fixed, so that results do not depend on the number of cores
WORKERS = ThreadPoolExecutor(SHARDS - 1, thread_name_prefix="training")


def at_once(function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """Runs a function here and now, where a pool's `submit` would leave it to another thread."""
    done: Future[Any] = Future()
    done.set_result(function(*arguments))
    return done


def side_by_side(jobs: Sequence[Callable[[], T]], sizes: Sequence[int]) -> list[T]:
    """Runs jobs that do not depend on each other, the largest first, in all threads.

    Args:
        jobs: What to run.
        sizes: How long each takes, in any unit.

    Returns:
        Their results, in the order of `jobs`.
    """
    waiting = sorted(range(len(jobs)), key=lambda number: sizes[number])
    results: dict[int, T] = {}

    def work() -> None:
        while True:
            try:
                number = waiting.pop()  # atomic, so that no job is taken twice
            except IndexError:
                return
            results[number] = jobs[number]()

    others = [WORKERS.submit(work) for _ in range(SHARDS - 1)]
    work()
    for other in others:
        other.result()
    return [results[number] for number in range(len(jobs))]
