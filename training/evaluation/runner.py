"""Playing many matches, in several processes where there is enough to play."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from play.worlds.registry import make_world
from training.evaluation.crossplay import Played
from training.evaluation.matches import Match, Rules, play_match

WORTH_A_PROCESS = 100_000
"""Joint steps for each process; with fewer, its start costs what it saves."""


def play_all(
    matches: Sequence[Match], rules: Rules, processes: int
) -> Iterator[tuple[Match, Played]]:
    """Plays matches and yields each as it ends; what comes of one depends on nothing else.

    Args:
        matches: What to play.
        rules: What the matches have in common.
        processes: How many processes may share the work; one alone is this one.
    """
    horizon = make_world(rules.world, 1, **rules.options).facts.horizon
    worth = len(matches) * rules.episodes * horizon // WORTH_A_PROCESS
    processes = min(processes, len(matches), worth)
    if processes <= 1:
        for match in matches:
            yield match, play_match(match, rules)
        return
    # A fork would copy the threads of numba and onnxruntime in the middle of their work.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, initializer=in_worker)
    try:
        futures = {pool.submit(play_match, match, rules): match for match in matches}
        for future in as_completed(futures):
            yield futures.pop(future), future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def in_worker() -> None:
    """Ctrl-C ends a worker at once and quietly, and so does the end of the command."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # the command was killed, and nobody waits for the match
