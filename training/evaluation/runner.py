"""Playing many matches, in several processes where there is enough to play."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from training.evaluation.crossplay import Played
from training.evaluation.matches import Match, Rules, play_match


def play_all(
    matches: Sequence[Match], rules: Rules, processes: int
) -> Iterator[tuple[Match, Played]]:
    """Plays matches and yields each as it ends; what comes of one depends on nothing else.

    Args:
        matches: What to play.
        rules: What the matches have in common.
        processes: How many processes share the work; with 1 it is done in this one.
    """
    if processes <= 1 or len(matches) <= 1:
        for match in matches:
            yield match, play_match(match, rules)
        return
    # A fork would copy the threads of numba and onnxruntime in the middle of their work.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(processes, len(matches)), context, initializer=_in_worker)
    try:
        futures = {pool.submit(play_match, match, rules): match for match in matches}
        for future in as_completed(futures):
            yield futures.pop(future), future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _in_worker() -> None:
    """Ctrl-C ends a worker at once and quietly, and so does the end of the command."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # the command was killed, and nobody waits for the match
