"""Rounds and tutorials as participants play them: one table per participant, on one clock.

The record is in the database. A round that was interrupted, by its participant or by the end of
the process, is put away and goes on from its record when the participant is ready again.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from agents.library import check_fit, load_policy
from agents.policy import Policy
from play.episode import software
from play.presentation.families import face_of
from play.recorder import STORE_RETRY_S, Lost
from play.scheduler import Game, Scheduler
from play.session import SeatConfig, Session, SessionConfig, TickResult
from play.web.messages import Key
from play.web.table import Message, Table, Tell
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from play.worlds.spec import WorldFacts
from studies.checks import options_of, partner_of
from studies.design import Study
from studies.flow import Step, Verdict
from studies.messages import messages
from studies.records import begin_round, find_round
from studies.sessions import Session as Sitting
from studies.sessions import Sessions
from studies.store import Conflict
from studies.web.config import StudyConfig

log = logging.getLogger("understudy.studies")

Send = Callable[[str, Message, str], None]
"""Sends (event, data) to the connection with the given id."""
TUTORIAL_STEPS = 20_000
"""Steps after which an abandoned tutorial ends; at 150 ms, fifty minutes."""
PLAYED = ("round", "tutorial")


@dataclass(frozen=True)
class Plan:
    """What is played in a step.

    Attributes:
        policy: Name of the policy in every other seat.
        tasks: What must be performed for a tutorial to end; () for a round.
    """

    config: SessionConfig
    policy: str
    seat: int
    tasks: tuple[str, ...] = ()


def plan_of(sitting: Sitting, step: Step) -> Plan:
    """What a participant plays in a step.

    Raises:
        UserError: The partner is not here any more.
    """
    study = sitting.study
    if step.kind == "tutorial":
        assert study.tutorial is not None
        world, tick_ms = study.tutorial.world, study.tutorial.tick_ms
        chairs = _chairs(world, {}, 0, "stay", None)
        config = SessionConfig(world, chairs, study.seed, {"horizon": TUTORIAL_STEPS}, tick_ms)
        return Plan(config, "stay", 0, tuple(study.tutorial.tasks))
    assert sitting.place is not None
    place = next(p for p in sitting.place.rounds if (p.block, p.round) == (step.block, step.round))
    played = next(r for r in study.block(step.block).rounds if r.id == step.round)
    found = partner_of(study, played)
    if found is None:
        raise UserError(f"The partner of {step.key} is not in the library any more")
    index, partner = found
    pinned = study.partners[played.partner][index].sha256
    if pinned and not (partner.sha256 or "").startswith(pinned):
        raise UserError(f"{partner.name} is not the file that the study names")
    options = options_of(played)
    chairs = _chairs(played.world, options, place.seat, partner.name, partner.sha256)
    config = SessionConfig(played.world, chairs, place.seed, options, played.tick_ms)
    return Plan(config, partner.name, place.seat)


def _chairs(
    world: str, options: dict[str, Any], seat: int, policy: str, sha256: str | None
) -> tuple[SeatConfig, ...]:
    players = make_world(world, **options).facts.num_players
    return tuple(
        SeatConfig("human", "participant")
        if index == seat
        else SeatConfig("policy", "partner", policy, sha256)
        for index in range(players)
    )


class RoundTable(Table):
    """A table that watches a participant perform tasks; without tasks, like any other."""

    def __init__(
        self,
        plan: Plan,
        facts: WorldFacts,
        on_tick: Tell,
        on_end: Tell,
        on_stall: Tell,
        on_task: Tell,
        on_lost: Callable[["RoundTable"], None],
    ) -> None:
        super().__init__(plan.config.seats, on_tick, on_end, on_stall)
        self.plan = plan
        self._on_lost = on_lost
        self.performed = 0
        self._still = {facts.idle_action, *facts.one_shot}
        self._tell_task = on_task

    @property
    def taught(self) -> bool:
        """Whether there were tasks, and all are performed."""
        return 0 < len(self.plan.tasks) <= self.performed

    def on_tick(self, game: Game, result: TickResult) -> None:
        """A step is in the database."""
        super().on_tick(game, result)
        if self.look(result):
            self._tell_task({"id": game.id, "performed": self.performed})
            if self.taught:
                game.stop("complete")

    def on_lost(self, game: Game) -> None:
        """The round goes on in another process, or is erased."""
        self._on_lost(self)

    def look(self, result: TickResult) -> bool:
        """Whether the next task was performed in a step; counts it."""
        if self.performed >= len(self.plan.tasks):
            return False
        task, seat = self.plan.tasks[self.performed], self.plan.seat
        moved = result.actions[seat] not in self._still
        if not (moved if task == "move" else task in result.events[seat]):
            return False
        self.performed += 1
        return True


@dataclass(eq=False)
class Chair:
    """A participant who is at a round.

    Attributes:
        sid: The connection, or None while it is lost.
        table: The running round; None until the participant is ready.
        away_since: When the connection was lost, in monotonic seconds.
        opening: Whether the round is being loaded.
    """

    sitting: Sitting
    step: Step
    sid: str | None
    table: RoundTable | None = None
    away_since: float | None = None
    opening: bool = False


class Rounds:
    """All rounds that are being played on a server."""

    def __init__(self, config: StudyConfig, sessions: Sessions, send: Send) -> None:
        self._config, self._sessions, self._send = config, sessions, send
        self._lock = threading.RLock()
        self._chairs: dict[str, Chair] = {}  # participant -> chair
        self._sids: dict[str, str] = {}  # connection -> participant
        self._scheduler = Scheduler()
        self._policies: dict[str, Policy] = {}
        self._stopping = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep_loop, daemon=True, name="rounds")

    def start(self) -> None:
        """Starts the clock."""
        self._scheduler.start()
        self._sweeper.start()

    def close(self) -> None:
        """Stops the clock; running rounds can go on from their records."""
        self._stopping.set()
        self._scheduler.close(None)

    def preload(self, study: Study) -> None:
        """Loads every policy and world of a study, so that nobody waits for one.

        Raises:
            UserError: One is damaged.
        """
        for entries in study.partners.values():
            for entry in entries:
                self._policy(entry.policy)
        for block in study.blocks:
            for played in block.rounds:
                make_world(played.world, **options_of(played)).warm_up()

    # What connections do

    def connect(self, sid: str, participant_id: str) -> None:
        """Greets a participant's connection; an older one of theirs is told to go."""
        sitting = self._sessions.load(participant_id)
        step = sitting.state.step if sitting else None
        if sitting is None or step is None or step.kind not in PLAYED:
            self._send("over", {}, sid)
            return
        with self._lock:
            chair = self._chairs.get(participant_id)
            if chair is None or chair.step != step:
                chair = Chair(sitting, step, None)
                self._chairs[participant_id] = chair
            if chair.sid is not None and chair.sid != sid:
                self._send("replaced", {}, chair.sid)
                self._sids.pop(chair.sid, None)
            chair.sid, chair.away_since = sid, None
            self._sids[sid] = participant_id
            table = chair.table
            if table is None:
                self._send("wait", {}, sid)
                return
            table.set_connected(table.plan.seat, True)
            table.release("away")
            self._send("game", self._picture(chair, table), sid)

    def disconnect(self, sid: str) -> None:
        """Lets a round stand still while its participant is away."""
        with self._lock:
            chair = self._chairs.get(self._sids.pop(sid, ""))
            if chair is None or chair.sid != sid:
                return
            chair.sid, chair.away_since = None, time.monotonic()
            if chair.table is not None:
                self._hold(chair.table)

    def ready(self, sid: str) -> None:
        """The participant has pressed the start button."""
        with self._lock:
            chair = self._chairs.get(self._sids.get(sid, ""))
            if chair is None or chair.table is not None or chair.opening:
                return
            chair.opening = True
        try:
            table = self._open(chair)
        except (UserError, ValueError):
            log.exception("a round of %s cannot be played", chair.sitting.who.id)
            self._fault(chair)
            return
        except OSError:
            log.exception("a round of %s cannot be recorded", chair.sitting.who.id)
            self._send("stalled", {}, sid)
            return
        finally:
            chair.opening = False
        if table is None:  # it had ended, but its event was not there yet
            self._send("over", {}, sid)
            return
        with self._lock:
            if self._chairs.get(chair.sitting.who.id) is not chair:
                self._scheduler.put_away(table.game)  # withdrawn meanwhile
                return
            chair.table = table
            table.start(self._config.countdown_ms)
            if chair.sid is None:
                self._hold(table)
            else:
                self._send("game", self._picture(chair, table), chair.sid)

    def key(self, sid: str, key: Key) -> bool:
        """Passes a press or release on; False when the action does not exist in this world."""
        with self._lock:
            chair = self._chairs.get(self._sids.get(sid, ""))
            table = chair.table if chair else None
        return True if table is None else table.key(table.plan.seat, key)

    def drop(self, participant_id: str) -> None:
        """Puts a participant's round away: they have withdrawn."""
        with self._lock:
            chair = self._chairs.pop(participant_id, None)
            if chair is None:
                return
            if chair.sid is not None:
                self._sids.pop(chair.sid, None)
                self._send("over", {}, chair.sid)
            if chair.table is not None:
                self._scheduler.put_away(chair.table.game)

    def sweep(self, now: float) -> None:
        """Puts away what nobody came back to; `now` in monotonic seconds."""
        with self._lock:
            for name, chair in list(self._chairs.items()):
                kept = chair.sitting.study.pace.away_s
                if chair.away_since is not None and now - chair.away_since > kept:
                    if chair.opening:
                        continue
                    del self._chairs[name]
                    if chair.table is not None:
                        self._scheduler.put_away(chair.table.game)

    def count(self) -> int:
        """How many participants are at a round."""
        with self._lock:
            return len(self._chairs)

    # Inside

    def _open(self, chair: Chair) -> RoundTable | None:
        """Begins the round, or goes on from its record; None for one that had ended."""
        while True:
            try:
                return self._try_to_open(chair)
            except Lost:
                if self._sessions.store.participant(chair.sitting.who.id) is None:
                    return None  # withdrawn meanwhile
                # Another process was at it, and has written once more: read again.

    def _try_to_open(self, chair: Chair) -> RoundTable | None:
        sitting, step = chair.sitting, chair.step
        plan = plan_of(sitting, step)
        session = self._session(plan)
        table = RoundTable(
            plan,
            session.facts,
            on_tick=lambda message: self._tell(chair, "tick", message),
            on_end=lambda result: self._on_end(chair, result),
            on_stall=lambda message: self._tell(chair, "stalled", message),
            on_task=lambda message: self._tell(chair, "task", message),
            on_lost=lambda lost: self._on_lost(chair, lost),
        )
        found = find_round(self._config.store, sitting.who, step.key)
        if found is None:
            record = begin_round(self._config.store, sitting.who, step.key, session.header())
            table.sit_down(self._scheduler.seat(session, record, table))
            return table
        record, lines = found
        if lines[-1]["kind"] == "end":
            end = lines[-1]
            self._passed(chair, record.id, end["reason"], end["score"], end["steps"])
            return None
        elapsed = session.catch_up(lines, table.look)
        if session.over or table.taught:  # the process ended between the last step and the end
            record.append(session.finish("complete", elapsed))
            self._passed(chair, record.id, "complete", session.score, session.t)
            return None
        # With this line the round is this process's: another one that still plays it has lost it.
        record.append([{"kind": "resumed", "at_ms": elapsed, "software": software()}])
        table.sit_down(self._scheduler.seat(session, record, table, elapsed))
        return table

    def _session(self, plan: Plan) -> Session:
        policies = [
            None if seat == plan.seat else self._policy(plan.policy)
            for seat in range(len(plan.config.seats))
        ]
        session = Session(plan.config, policies)
        for seat, policy in enumerate(policies):
            if policy is not None:
                check_fit(policy, session.facts, [seat])
        return session

    def _hold(self, table: RoundTable) -> None:
        table.set_connected(table.plan.seat, False)
        table.hold("away", table.plan.seat)

    def _picture(self, chair: Chair, table: RoundTable) -> Message:
        words = messages(chair.sitting.language)
        facts = table.game.session.facts
        picture = {
            **table.picture(),
            "help": words("help"),
            "goal": words("goal") if chair.step.kind == "round" else "",
            "mode": "solo",
            "title": "",
            "renderer": facts.renderer,
            "seat": table.plan.seat,
            "seats": [
                {
                    "label": words("you" if i == table.plan.seat else "partner"),
                    "connected": True,
                    "face": face_of(facts, i),
                }
                for i in range(len(table.chairs))
            ],
            "paused": None,
            "can_pause": False,
            "performed": table.performed,
        }
        if chair.step.kind == "tutorial":
            picture["seats"][1:] = []
        return picture

    def _tell(self, chair: Chair, event: str, message: Message) -> None:
        sid = chair.sid
        if sid is not None:
            self._send(event, message, sid)

    def _on_end(self, chair: Chair, result: Message) -> None:
        """The record is closed; the event that leads on is stored before anybody is told."""
        self._passed(chair, result["id"], result["reason"], result["score"], result["steps"])
        with self._lock:
            if self._chairs.get(chair.sitting.who.id) is chair:
                del self._chairs[chair.sitting.who.id]
            sid = chair.sid
        if sid is not None:
            shown = {name: result[name] for name in ("id", "reason", "score", "steps")}
            self._send("end", shown, sid)

    def _on_lost(self, chair: Chair, table: RoundTable) -> None:
        """Another process goes on with the round, or its participant has withdrawn there."""
        erased = self._sessions.store.participant(chair.sitting.who.id) is None
        with self._lock:
            if chair.table is not table or self._chairs.get(chair.sitting.who.id) is not chair:
                return
            del self._chairs[chair.sitting.who.id]
            sid = chair.sid
            self._sids.pop(sid or "", None)
        if sid is not None:
            self._send("over" if erased else "replaced", {}, sid)

    def _passed(self, chair: Chair, round_id: str, reason: str, score: float, steps: int) -> None:
        data = {"round_id": round_id, "reason": reason, "score": score, "steps": steps}
        kind = "passed"
        if reason != "complete":
            kind, data = "ended", {**data, "outcome": "technical_fault"}
        self._append(chair, Verdict(kind, data))

    def _fault(self, chair: Chair) -> None:
        self._append(chair, Verdict("ended", {"outcome": "technical_fault"}))
        self.drop(chair.sitting.who.id)

    def _append(self, chair: Chair, verdict: Verdict) -> None:
        """Appends to the session, and tries again while the database does not answer."""
        while True:
            try:
                sitting = self._sessions.load(chair.sitting.who.id)
                if sitting is not None and sitting.state.step == chair.step:
                    self._sessions.take(sitting, chair.step, verdict)
                return
            except Conflict:
                continue  # something was appended in between: look again
            except SQLAlchemyError:
                log.exception("the end of a round cannot be stored; trying again")
                if self._stopping.wait(STORE_RETRY_S):
                    return  # the record has its end, and the event follows when it is read

    def _policy(self, name: str) -> Policy:
        with self._lock:
            if name not in self._policies:
                self._policies[name] = load_policy(name)
            return self._policies[name]

    def _sweep_loop(self) -> None:
        while not self._stopping.wait(1.0):
            self.sweep(time.monotonic())
