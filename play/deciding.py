"""Policies at work: all decisions that wait for one policy are made in one call."""

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from agents.policy import Policy
from play.session import Decision, Request

log = logging.getLogger("understudy.deciding")


class Question(Protocol):
    """A decision that somebody waits for."""

    @property
    def request(self) -> Request:
        """What is to be decided."""
        ...

    def wanted(self) -> bool:
        """Whether anybody still waits for it."""
        ...

    def answer(self, decision: Decision) -> None:
        """Hands the decision over."""
        ...


class PolicyWorker:
    """Makes all decisions that wait for one policy in one call."""

    def __init__(self, policy: Policy) -> None:
        self._waiting: list[Question] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"policy {policy.name}")
        self._thread.start()

    def ask(self, questions: Iterable[Question]) -> None:
        """Queues decisions; they will be answered, unless they come too late to be wanted."""
        with self._wake:
            self._waiting += questions
            self._wake.notify()

    def stop(self) -> None:
        """Ends the thread when it is free."""
        with self._wake:
            self._stopping = True
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._stopping)
                if self._stopping:
                    return
                batch, self._waiting = self._waiting, []
            batch = [question for question in batch if question.wanted()]
            if not batch:
                continue
            decisions = decide([question.request for question in batch])
            for question, decision in zip(batch, decisions, strict=True):
                question.answer(decision)


def decide(requests: Sequence[Request]) -> list[Decision]:
    """Makes the decisions of one policy for several seats in one call; never raises.

    Args:
        requests: At least one, all of the same policy.
    """
    start = time.perf_counter()
    try:
        answers = _act(requests)
    except Exception as error:
        log.exception("policy %s failed", requests[0].policy.name)
        elapsed = (time.perf_counter() - start) * 1000
        why = f"error: {type(error).__name__}: {error}"[:200]
        return [Decision(0, inference_ms=elapsed, fallback=why) for _ in requests]
    elapsed = (time.perf_counter() - start) * 1000
    return [Decision(a, p, s, elapsed) for a, p, s in answers]


def _act(requests: Sequence[Request]) -> list[tuple[int, list[float], Any]]:
    policy = requests[0].policy
    observations = None
    if policy.encoding is not None:
        observations = np.stack(
            [request.observation for request in requests if request.observation is not None]
        )
    state = None
    if requests[0].state is not None:
        state = np.concatenate([request.state for request in requests])
    uniforms = np.array([request.uniform for request in requests])
    made = policy.act(observations, [request.view for request in requests], state, uniforms)
    if len(made.actions) != len(requests) or len(made.probabilities) != len(requests):
        raise ValueError(f"{len(made.actions)} decisions for {len(requests)} seats")
    if not np.isfinite(made.probabilities).all():
        raise ValueError("the action probabilities are not finite")
    actions = made.actions.tolist()
    probabilities = made.probabilities.astype(np.float64).round(6).tolist()
    return [
        (
            actions[i],
            probabilities[i],
            None if made.state is None else made.state[i : i + 1],
        )
        for i in range(len(requests))
    ]
