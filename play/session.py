"""One live episode: seats, inputs, joint actions. No clock, no socket, no file.

Whoever runs a session tells it what time it is and hands it what the policies decided; it hands
back the lines of the record. So the browser, the desktop, a study and a test play the very same
game, and the record replays it exactly.

Times are milliseconds since the start of the session, except `client_ms`, which is what the
player's device said.
"""

import hashlib
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.policy import Policy, SeatView
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from play.worlds.spec import World, WorldFacts

HASH_EVERY = 10
"""Steps between two state hashes in the record."""

Line = dict[str, Any]
"""One line of the record, as JSON values."""


@dataclass(frozen=True)
class SeatConfig:
    """Who takes a seat.

    Attributes:
        kind: ``"human"`` or ``"policy"``.
        label: What the other players see.
        policy: Name of the policy, for a policy's seat.
        sha256: Hash of the policy's file; None for rule-based ones.
    """

    kind: str
    label: str
    policy: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class SessionConfig:
    """Everything that determines an episode, but for what people press.

    Attributes:
        world: Name for `make_world`.
        options: Options for `make_world`.
        seats: One per player of the world.
        seed: Seed of the world and of every policy's random draws.
        tick_ms: Time between steps; None takes the world's own.
    """

    world: str
    seats: tuple[SeatConfig, ...]
    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)
    tick_ms: int | None = None


class Request(NamedTuple):
    """A decision that a policy owes before the next step.

    Attributes:
        seat: The seat.
        policy: Who decides.
        observation: [*shape] the seat's observation, or None for a rule-based policy.
        view: The seat in its world.
        state: [1, …] the policy's memory, or None.
        uniform: The random number in [0, 1) of this decision.
    """

    seat: int
    policy: Policy
    observation: NDArray[Any] | None
    view: SeatView
    state: Any
    uniform: float


class Decision(NamedTuple):
    """What a policy answered to a request.

    Attributes:
        action: The action; ignored when `fallback` says why there is none.
        probabilities: The distribution that the action was drawn from, to six places, or None.
        state: The policy's memory after the decision.
        inference_ms: How long the decision took.
        fallback: None, or why the idle action was taken instead ("late", "error: …").
    """

    action: int
    probabilities: Sequence[float] | None = None
    state: Any = None
    inference_ms: float = 0.0
    fallback: str | None = None


class TickResult(NamedTuple):
    """What one step did.

    Attributes:
        t: Number of steps taken so far, this one included.
        actions: Joint action.
        rewards: Reward per seat, shaping excluded.
        events: Names of the events per seat.
        score: Score of the episode so far, see `WorldFacts.score`.
        scores: Reward per seat of the episode so far.
        scene: The state after the step, for drawing.
        done: Whether the episode is over.
        lines: Lines for the record; they must be on disk before anybody sees the scene.
    """

    t: int
    actions: tuple[int, ...]
    rewards: tuple[float, ...]
    events: tuple[tuple[str, ...], ...]
    score: float
    scores: tuple[float, ...]
    scene: dict[str, Any]
    done: bool
    lines: list[Line]


class InputSlot:
    """What a person's keys mean at the next step: one slot, the last key wins.

    A press counts at the next step even when the key is up again by then. A held key counts at
    every step, except for one-shot actions. Nothing ever queues.
    """

    def __init__(self, facts: WorldFacts) -> None:
        self._idle = facts.idle_action
        self._one_shot = frozenset(facts.one_shot)
        self._held: list[int] = []  # oldest first
        self._pressed: int | None = None

    def press(self, action: int) -> bool:
        """A key goes down; False for the auto-repeat of a key that is down already."""
        if action in self._held:
            return False
        self._held.append(action)
        self._pressed = action
        return True

    def release(self, action: int) -> bool:
        """A key goes up; False when it was not down."""
        if action not in self._held:
            return False
        self._held.remove(action)
        return True

    def clear(self) -> None:
        """Everything is up: the player is gone or the window lost its focus."""
        self._held.clear()
        self._pressed = None

    def take(self) -> int:
        """The action of this step; the slot is empty afterwards, held keys stay held."""
        pressed, self._pressed = self._pressed, None
        if pressed is not None:
            return pressed
        lasting = [action for action in self._held if action not in self._one_shot]
        return lasting[-1] if lasting else self._idle


class Session:
    """One episode, from the first picture to the end line of its record.

    Args:
        config: What is played by whom.
        policies: One per seat; None for a person's seat.

    Attributes:
        t: Steps taken so far.
        score: Score so far, see `WorldFacts.score`.
        scores: Reward so far of each seat.
        over: Whether the episode has ended, by its horizon or by `finish`.

    Raises:
        UserError: The world does not exist, or the seats do not fit it.
    """

    def __init__(self, config: SessionConfig, policies: Sequence[Policy | None]) -> None:
        self.config = config
        self.world: World = make_world(config.world, **config.options)
        self.facts: WorldFacts = self.world.facts
        _check_seats(config, policies, self.facts)
        self.world.reset(config.seed)
        self.tick_ms = config.tick_ms or self.facts.tick_ms
        self.policies = tuple(policies)
        self.t = 0
        self.score = 0.0
        self.scores = [0.0] * len(config.seats)
        self.over = False
        self._views = [SeatView(self.world, 0, seat) for seat in range(len(config.seats))]
        self._slots = [InputSlot(self.facts) for _ in config.seats]
        self._states = [p.initial_state(1) if p else None for p in policies]
        self._draws = [
            np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=(seat,)))
            for seat in range(len(config.seats))
        ]
        self._requests: list[Request] | None = None
        self._waiting: list[Line] = []
        self._event_counts = np.zeros((len(config.seats), len(self.facts.events)), np.int64)
        self._idle_steps = [0] * len(config.seats)

    def header(self) -> Line:
        """The first line of the record; the recorder adds id, time and software."""
        return {
            "kind": "header",
            "world": self.config.world,
            "options": dict(self.facts.options),
            "world_version": self.facts.version,
            "actions": list(self.facts.actions),
            "horizon": self.facts.horizon,
            "tick_ms": self.tick_ms,
            "seed": self.config.seed,
            "seats": [
                {"kind": s.kind, "label": s.label, "policy": s.policy, "sha256": s.sha256}
                for s in self.config.seats
            ],
            "hash": self.world.state_hash(0),
        }

    def static_scene(self) -> dict[str, Any]:
        """The part of the drawing that never changes."""
        return self.world.static_scene()

    def scene(self) -> dict[str, Any]:
        """The state now, for drawing."""
        return self.world.scene(0)

    # What people do

    def press(self, seat: int, action: int, client_ms: float, now_ms: float) -> None:
        """A key of a person's seat goes down.

        Raises:
            ValueError: Not a person's seat, or no such action.
        """
        self._check_input(seat, action)
        if self._slots[seat].press(action):
            self._note_input(seat, action, True, client_ms, now_ms)

    def release(self, seat: int, action: int, client_ms: float, now_ms: float) -> None:
        """A key of a person's seat goes up.

        Raises:
            ValueError: Not a person's seat, or no such action.
        """
        self._check_input(seat, action)
        if self._slots[seat].release(action):
            self._note_input(seat, action, False, client_ms, now_ms)

    def set_connected(self, seat: int, connected: bool, now_ms: float) -> None:
        """A person's connection is lost or back; lost keys are up."""
        if not connected:
            self._slots[seat].clear()
        self._waiting.append(
            {"kind": "connection", "seat": seat, "connected": connected, "at_ms": _ms(now_ms)}
        )

    def note_pause(self, paused: bool, reason: str, now_ms: float) -> None:
        """The clock stops or goes on; nothing that was pressed before counts afterwards."""
        for slot in self._slots:
            slot.clear()
        self._waiting.append(
            {"kind": "pause", "paused": paused, "reason": reason, "at_ms": _ms(now_ms)}
        )

    # What policies do

    def requests(self) -> list[Request]:
        """The decisions owed before the next step; the same list until the step is taken."""
        if self._requests is None:
            self._requests = [
                self._request(seat, policy)
                for seat, policy in enumerate(self.policies)
                if policy is not None
            ]
        return self._requests

    def step(self, due_ms: float, now_ms: float, decisions: Mapping[int, Decision]) -> TickResult:
        """Takes one step.

        Args:
            due_ms: When the step was to happen.
            now_ms: When it happens.
            decisions: Seat -> decision; a missing one counts as late.

        Raises:
            RuntimeError: The episode is over.
        """
        if self.over:
            raise RuntimeError("the episode is over; start a new session")
        requests = {request.seat: request for request in self.requests()}
        actions, telemetry = [], []
        for seat, slot in enumerate(self._slots):
            if seat in requests:
                decision = decisions.get(seat) or Decision(0, fallback="late")
                decision = _checked(decision, self.facts)
                actions.append(decision.action)
                telemetry.append(_telemetry(requests[seat], decision))
                if decision.fallback is None:
                    self._states[seat] = decision.state
            else:
                actions.append(slot.take())
        self._requests = None
        self.world.step(np.array([actions]))
        return self._result(actions, telemetry, due_ms, now_ms)

    def finish(self, reason: str, now_ms: float) -> list[Line]:
        """Ends the record and returns its last lines; reasons are "complete", "left", "timeout"."""
        self.over = True
        end = {
            "kind": "end",
            "reason": reason,
            "steps": self.t,
            "score": self.score,
            "at_ms": _ms(now_ms),
            "hash": self.world.state_hash(0),
        }
        return [*self._drain(), end]

    def put_away(self) -> list[Line]:
        """Stops without an end and returns the last lines; `catch_up` goes on from the record."""
        self.over = True
        return self._drain()

    def catch_up(
        self, lines: Sequence[Line], retaken: Callable[[TickResult], object] | None = None
    ) -> float:
        """Takes the steps of a record again, so that the episode goes on where the record stops.

        Nothing of it is recorded a second time. Decisions are taken from the record; policies
        are asked only to renew their memory.

        Args:
            lines: The record of an episode with this configuration, in order.
            retaken: Told of each step.

        Returns:
            The time of the last line, in milliseconds since the start.

        Raises:
            ValueError: The record is of another episode, or of one that has ended.
        """
        last_ms = 0.0
        for line in lines:
            last_ms = max(last_ms, line.get("at_ms", 0.0), line.get("server_ms", 0.0))
            if line["kind"] == "end":
                raise ValueError("the episode has ended")
            if line["kind"] == "tick":
                result = self._retake(line)
                if retaken is not None:
                    retaken(result)
            if "hash" in line and line["hash"] != self.world.state_hash(0):
                raise ValueError(f"the record does not replay: its states differ at step {self.t}")
        return last_ms

    def drain(self) -> list[Line]:
        """Lines that wait for the next step, for a record that must be complete now."""
        return self._drain()

    def contributions(self) -> list[dict[str, Any]]:
        """What each seat did so far.

        Returns:
            For each seat counts (label -> count), idle_share (of its steps), and its own score
            and private cost in points.
        """
        names = list(self.facts.events)
        shares = [steps / max(self.t, 1) for steps in self._idle_steps]
        costs = self._event_counts @ [self.facts.costs.get(name, 0.0) for name in names]
        return [
            {
                "counts": {
                    label: int(sum(counts[names.index(event)] for event in events))
                    for label, events in self.facts.contributions.items()
                },
                "idle_share": round(share, 4),
                "score": round(score, 4),
                "cost": round(float(cost), 4),
            }
            for counts, share, score, cost in zip(
                self._event_counts, shares, self.scores, costs, strict=True
            )
        ]

    # Inside

    def _request(self, seat: int, policy: Policy) -> Request:
        observation = None
        if policy.encoding is not None:
            observation = self.world.observe(policy.encoding)[0, seat].copy()
        uniform = float(self._draws[seat].random())
        return Request(seat, policy, observation, self._views[seat], self._states[seat], uniform)

    def _retake(self, line: Line) -> TickResult:
        fallbacks = {d["seat"] for d in line.get("decisions", ()) if "fallback" in d}
        for request in self.requests():
            if request.state is not None and request.seat not in fallbacks:
                observations = None if request.observation is None else request.observation[None]
                made = request.policy.act(
                    observations, [request.view], request.state, np.array([request.uniform])
                )
                self._states[request.seat] = made.state
        self._requests = None
        self.world.step(np.array([line["actions"]]))
        return self._result(line["actions"], [], 0.0, 0.0)

    def _result(
        self, actions: list[int], telemetry: list[Line], due_ms: float, now_ms: float
    ) -> TickResult:
        self.t += 1
        rewards = tuple(self.world.rewards[0].tolist())
        self.score += self.facts.score(rewards)
        self.scores = [score + own for score, own in zip(self.scores, rewards, strict=True)]
        self.over = bool(self.world.done[0])
        happened = self.world.events[0]
        events: tuple[tuple[str, ...], ...] = ((),) * len(actions)
        if b"\x01" in happened.tobytes():  # at most steps nothing happens
            self._event_counts += happened
            names = self.facts.events
            events = tuple(tuple(itertools.compress(names, row)) for row in happened.tolist())
        for seat, action in enumerate(actions):
            self._idle_steps[seat] += action == self.facts.idle_action
        line: Line = {
            "kind": "tick",
            "t": self.t,
            "actions": actions,
            "rewards": list(rewards),
            "due_ms": _ms(due_ms),
            "at_ms": _ms(now_ms),
        }
        if telemetry:
            line["decisions"] = telemetry
        if self.t % HASH_EVERY == 0 or self.over:
            line["hash"] = self.world.state_hash(0)
        return TickResult(
            t=self.t,
            actions=tuple(actions),
            rewards=rewards,
            events=events,
            score=self.score,
            scores=tuple(self.scores),
            scene=self.scene(),
            done=self.over,
            lines=[*self._drain(), line],
        )

    def _drain(self) -> list[Line]:
        waiting, self._waiting = self._waiting, []
        return waiting

    def _check_input(self, seat: int, action: int) -> None:
        if not 0 <= seat < len(self._slots) or self.policies[seat] is not None:
            raise ValueError(f"seat {seat} is not a person's")
        if not 0 <= action < len(self.facts.actions):
            raise ValueError(f"action {action}: there are 0 to {len(self.facts.actions) - 1}")

    def _note_input(
        self, seat: int, action: int, down: bool, client_ms: float, now_ms: float
    ) -> None:
        self._waiting.append(
            {
                "kind": "input",
                "seat": seat,
                "action": action,
                "down": down,
                "client_ms": _ms(client_ms),
                "server_ms": _ms(now_ms),
            }
        )


def _ms(value: float) -> float:
    return math.floor(value * 100.0 + 0.5) / 100.0  # `round` takes four times as long


def _check_seats(
    config: SessionConfig, policies: Sequence[Policy | None], facts: WorldFacts
) -> None:
    if len(config.seats) != facts.num_players or len(policies) != facts.num_players:
        raise UserError(
            f"{config.world} has {facts.num_players} seats, but {len(config.seats)} were filled: "
            "name one player for each seat"
        )
    for seat, (who, policy) in enumerate(zip(config.seats, policies, strict=True)):
        if (who.kind == "policy") is not (policy is not None):
            raise UserError(f"Seat {seat} is for a {who.kind}, but was given the other kind")


def _checked(decision: Decision, facts: WorldFacts) -> Decision:
    """The decision, or the idle action where it names none that exists."""
    if decision.fallback is None and not 0 <= decision.action < len(facts.actions):
        decision = Decision(0, fallback=f"error: action {decision.action} does not exist")
    if decision.fallback is None:
        return decision
    return Decision(
        facts.idle_action, inference_ms=decision.inference_ms, fallback=decision.fallback
    )


def _telemetry(request: Request, decision: Decision) -> Line:
    line: Line = {
        "seat": request.seat,
        "action": decision.action,
        "uniform": request.uniform,
        "inference_ms": round(decision.inference_ms, 3),
    }
    if request.observation is not None:
        line["observation"] = _digest(request.observation)
    if decision.probabilities is not None:
        line["probabilities"] = decision.probabilities
    if decision.fallback is not None:
        line["fallback"] = decision.fallback
    return line


def _digest(observation: NDArray[Any]) -> str:
    return hashlib.blake2b(observation.tobytes(), digest_size=8).hexdigest()
