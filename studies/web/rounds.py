"""Rounds and tutorials as participants play them, alone or two at a table, on one clock.

The record is in the database. A round that was interrupted, by its participant or by the end of
the process, is put away and goes on from its record when the participant is ready again. A round of
two waits for either of them, and is broken off when one does not come back.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress

from sqlalchemy.exc import SQLAlchemyError

from play.recorder import Telling
from play.scheduler import Scheduler
from play.web.messages import Key
from play.web.table import Message
from play.worlds.errors import UserError
from play.worlds.spec import WorldFacts
from studies.attention import Notice, Watch
from studies.design import Outcome, Study
from studies.flow import Verdict
from studies.sessions import Session as Sitting
from studies.sessions import Sessions
from studies.store import Conflict
from studies.web.chairs import Chair, picture_of, seen_of, status_of
from studies.web.cluster import Processes
from studies.web.config import StudyConfig
from studies.web.meetings import Meetings, with_whom
from studies.web.noting import Notes
from studies.web.opening import Opener
from studies.web.plans import Plan, RoundTable, company_at, plan_of

log = logging.getLogger("understudy.studies")

Send = Callable[[str, Message, str], None]
"""Sends (event, data) to the connection with the given id."""
PLAYED = ("round", "tutorial")
LEFT, INACTIVE = "left", "inactive"
"""Why a round was broken off: one of two is gone, or did not play."""


class Rounds:
    """All rounds that are being played on a server.

    Attributes:
        processes: The other servers of the study.
    """

    def __init__(
        self,
        config: StudyConfig,
        sessions: Sessions,
        send: Send,
        processes: Processes,
        telling: Telling = nullcontext,
    ) -> None:
        self.processes = processes
        self._config, self._sessions, self._send = config, sessions, send
        self._lock = threading.RLock()
        self._chairs: dict[str, Chair] = {}  # participant -> chair
        self._sids: dict[str, str] = {}  # connection -> participant
        self._scheduler = Scheduler(telling=telling)
        self._meetings = Meetings(sessions)
        self._opener = Opener(config.store, self._scheduler, config.speed)
        self._stopping = threading.Event()
        self._notes = Notes(sessions, self._stopping)
        self._noting = ThreadPoolExecutor(1, thread_name_prefix="notes")
        self._sweeper = threading.Thread(target=self._sweep_loop, daemon=True, name="rounds")

    def start(self) -> None:
        """Starts the clock."""
        self._scheduler.start()
        self._sweeper.start()

    def close(self) -> None:
        """Stops the clock; running rounds can go on from their records."""
        self._stopping.set()
        self._scheduler.close(None)
        self._noting.shutdown()  # when what was noticed is noted

    def preload(self, study: Study) -> None:
        """Loads every policy and world of a study, so that nobody waits for one.

        Raises:
            UserError: One is damaged.
        """
        self._opener.preload(study)

    # What connections do

    def connect(self, sid: str, participant_id: str) -> None:
        """Greets a participant's connection; an older one of theirs is told to go."""
        sitting = self._notes.read(participant_id, lambda: self._send("stalled", {}, sid))
        step = sitting.state.step if sitting else None
        if sitting is None or step is None or step.kind not in PLAYED:
            self._send("over", {}, sid)
            return
        self.processes.arrive(participant_id, sid)
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
            if chair.table is not None:
                self._back(chair, chair.table)
                return
            if chair.opening or not self._meetings.waits_still(sitting, step):
                self._send("wait", {}, sid)
                return
            chair.opening = True
        self._seek(chair)

    def home(self, sitting: Sitting) -> str:
        """The process at which a participant plays the round that they are at; "" for here."""
        step = sitting.state.step
        if step is None or step.kind not in PLAYED:
            return ""
        return self.processes.home(sitting.who.id, self._meetings.seeks(sitting, step))

    def disconnect(self, sid: str) -> None:
        """Lets a round stand still while its participant is away."""
        with self._lock:
            chair = self._chairs.get(self._sids.pop(sid, ""))
            if chair is None or chair.sid != sid:
                return
            chair.sid, chair.away_since = None, time.monotonic()
            self._meetings.room.leave(chair.name)
            if chair.table is not None:
                self._hold_for(chair, chair.table)
        self._watched(chair, lambda watch, now: watch.hidden(False, now))

    def ready(self, sid: str) -> None:
        """The participant has pressed the start button."""
        with self._lock:
            chair = self._chairs.get(self._sids.get(sid, ""))
            if chair is None or chair.table is not None or chair.opening:
                return
            if self._meetings.room.until(chair.name) is not None:
                return
            chair.opening = True
        if not self._meetings.seeks(chair.sitting, chair.step):
            self._begin([chair])
            return
        self._notes.write(chair, lambda sitting: self._meetings.begin(sitting, chair.step))
        self._seek(chair)

    def key(self, sid: str, key: Key) -> bool:
        """Passes a press or release on; False when the action does not exist in this world."""
        with self._lock:
            chair = self._chairs.get(self._sids.get(sid, ""))
            table = chair.table if chair else None
        if chair is None or table is None:
            return True
        if key.down:
            self._watched(chair, lambda watch, now: watch.pressed(now))
        return table.key(chair.seat, key)

    def hidden(self, sid: str, hidden: bool) -> None:
        """The participant's page has left the screen, or is back."""
        self._watched(self._at(sid), lambda watch, now: watch.hidden(hidden, now))

    def trip(self, sid: str, ms: float | None) -> None:
        """The participant's page has measured how long a message takes, there and back."""
        if ms is not None:
            self._watched(self._at(sid), lambda watch, now: watch.trip(ms, now))

    def here(self, sid: str) -> None:
        """The participant says that they are there: the round goes on."""
        chair = self._at(sid)
        self._watched(chair, lambda watch, now: watch.pressed(now))
        with self._lock:
            if chair is None or chair.table is None or chair.still_since is None:
                return
            chair.still_since = None
            self._release("pause", chair.table, [chair.mate] if chair.mate else [])
            self._tell_status(chair)

    def drop(self, participant_id: str) -> None:
        """Puts a participant's round away: they have withdrawn."""
        with self._lock:
            chair = self._chairs.pop(participant_id, None)
            if chair is None:
                return
            chair.gone = True
            self._meetings.room.leave(participant_id)
            if chair.sid is not None:
                self._sids.pop(chair.sid, None)
                self._send("over", {}, chair.sid)
            self._let_go(chair)

    def sweep(self, now: float) -> None:
        """Looks after everybody; `now` in monotonic seconds."""
        with self._lock:
            for name, chair in list(self._chairs.items()):
                since = chair.away_since if chair.mate is None else chair.missing_since
                if since is None or now - since <= chair.sitting.study.pace.away_s:
                    continue
                if chair.opening:
                    continue
                if chair.mate is None:
                    del self._chairs[name]
                self._let_go(chair)
            late = self._meetings.room.overdue(now)
            overdue = [self._chairs[name] for name in late if name in self._chairs]
            for chair in overdue:
                chair.opening = True  # the button does nothing any more
            watched = [(chair, self._look(chair, now)) for chair in self._chairs.values()]
        for chair in overdue:
            self._desert(chair, None)
        for chair, notices in watched:
            self._noticed(chair, notices)

    def count(self) -> int:
        """How many participants are at a round."""
        with self._lock:
            return len(self._chairs)

    # Finding a partner

    def _seek(self, chair: Chair) -> None:
        """Lets somebody wait for a partner, or begin with one who waits already."""
        while True:
            if not self._notes.refresh(chair):
                self._over(chair)
                return
            if self._meetings.deserted(chair.sitting, chair.step):
                self._desert(chair, None)
                return
            with self._lock:
                if chair.sid is None or self._chairs.get(chair.name) is not chair:
                    chair.opening = False
                    return
                other = self._meetings.join(chair.sitting, chair.step)
                mate = self._chairs.get(other) if other is not None else None
                if mate is None:
                    chair.opening = False
                    left = self._meetings.seconds_left(chair.sitting, chair.step)
                    self._send("lobby", {"left_ms": round(1000 * left)}, chair.sid)
                    return
                mate.opening = True
            if self._pair(mate, chair):
                return
            threading.Thread(target=self._seek, args=(mate,), daemon=True, name="lobby").start()

    def _pair(self, first: Chair, second: Chair) -> bool:
        """Makes two a pair, if they are none, and begins; False when one has gone meanwhile."""
        company = company_at(second.sitting, second.step)
        if company is not None and company.kind == "nobody":
            try:
                self._meetings.pair(
                    self._sessions.look(first.sitting.who),
                    self._sessions.look(second.sitting.who),
                    second.step,
                )
            except Conflict:
                return False
        if not (self._notes.refresh(first) and self._notes.refresh(second)):
            return False
        party = [first, second]
        for chair in party:
            chair.seat = plan_of(chair.sitting, chair.step).seat
        self._begin(sorted(party, key=lambda chair: chair.seat))
        return True

    def _desert(self, chair: Chair, round_id: str | None) -> None:
        """Nobody came, or the partner is gone: what follows is what the study file says."""
        company = company_at(chair.sitting, chair.step)
        alone = company is None or company.kind == "nobody"
        outcome: Outcome = "lobby_timeout" if alone else "partner_left"
        self._notes.write(
            chair, lambda now: self._meetings.leave_alone(now, chair.step, outcome, round_id)
        )
        self._over(chair)

    def _over(self, chair: Chair) -> None:
        """Sends a page to where its participant is now."""
        with self._lock:
            if self._chairs.get(chair.name) is chair:
                del self._chairs[chair.name]
            sid = chair.sid
        if sid is not None:
            self._send("over", {}, sid)

    # Beginning

    def _begin(self, party: list[Chair]) -> None:
        """Loads the round of one participant or of two, and starts it."""
        try:
            table = self._opener.open(
                party,
                lambda plan, facts: self._table(party, plan, facts),
                lambda *end: self._ended(party, *end),
            )
        except (UserError, ValueError):
            log.exception("a round of %s cannot be played", party[0].name)
            for chair in party:
                self._notes.verdict(chair, Verdict("ended", {"outcome": "technical_fault"}))
                self._over(chair)
            return
        except (OSError, SQLAlchemyError):
            log.exception("a round of %s cannot be recorded", party[0].name)
            for chair in party:
                if chair.sid is not None:
                    self._send("stalled", {}, chair.sid)
            return
        finally:
            for chair in party:
                chair.opening = False
        if table is None:  # it had ended, but its event was not there yet
            for chair in party:
                self._over(chair)
            return
        with self._lock:
            self._sit_down(party, table)

    def _table(self, party: Sequence[Chair], plan: Plan, facts: WorldFacts) -> RoundTable:
        return RoundTable(
            plan,
            facts,
            on_tick=lambda message: self._tell(party, "tick", message),
            on_end=lambda result: self._on_end(party, result),
            on_stall=lambda message: self._tell(party, "stalled", message),
            on_task=lambda message: self._tell(party, "task", message),
            on_lost=lambda: self._on_lost(party),
        )

    def _sit_down(self, party: list[Chair], table: RoundTable) -> None:
        if any(self._chairs.get(chair.name) is not chair for chair in party):
            if len(party) == 1:
                self._scheduler.put_away(table.game)  # withdrawn meanwhile
                return
            table.stop(LEFT)
        now = time.monotonic()
        for chair in party:
            chair.table = table
            chair.mate = next((other for other in party if other is not chair), None)
            if chair.step.kind == "round":
                chair.watch = Watch(chair.sitting.study.attention, now)
        table.start(self._config.countdown_ms)
        for chair in party:
            if chair.sid is None:
                self._hold_for(chair, table)
        for chair in party:
            if chair.sid is not None:
                self._send("game", picture_of(chair, table), chair.sid)

    # Whether they are there

    def _at(self, sid: str) -> Chair | None:
        with self._lock:
            return self._chairs.get(self._sids.get(sid, ""))

    def _back(self, chair: Chair, table: RoundTable) -> None:
        """A connection of somebody whose round is there; the lock is held."""
        assert chair.sid is not None
        table.set_connected(chair.seat, True)
        self._release("away", table, [chair.mate] if chair.mate else [])
        self._send("game", picture_of(chair, table), chair.sid)
        if chair.mate is not None:
            self._tell_status(chair.mate)

    def _hold_for(self, chair: Chair, table: RoundTable) -> None:
        table.set_connected(chair.seat, False)
        table.hold("away", chair.seat)
        if chair.mate is not None:
            self._tell_status(chair.mate)

    def _release(self, reason: str, table: RoundTable, others: Sequence[Chair]) -> None:
        """One is back; the round goes on unless it waits for the other as well."""
        for other in others:
            if (other.sid is None) if reason == "away" else (other.still_since is not None):
                table.hold(reason, other.seat)
                return
        table.release(reason)

    def _tell_status(self, chair: Chair) -> None:
        for one in (chair, chair.mate):
            if one is not None and one.sid is not None and one.table is not None:
                self._send("status", status_of(one, one.table), one.sid)

    def _look(self, chair: Chair, now: float) -> list[Notice]:
        """What their watch says; a round that stands still is no time to play."""
        if chair.watch is None or chair.table is None:
            return []
        if chair.table.game.paused or chair.table.starts_in_ms() > 0:
            chair.watch.rested(now)
            return []
        return chair.watch.look(now)

    def _watched(
        self, chair: Chair | None, happened: Callable[[Watch, float], list[Notice]]
    ) -> None:
        """Tells somebody's watch what happened."""
        with self._lock:
            if chair is None or chair.watch is None:
                return
            notices = happened(chair.watch, time.monotonic())
        self._noticed(chair, notices)

    def _noticed(self, chair: Chair, notices: Sequence[Notice]) -> None:
        """Has noted, told and done what a watch says, in its order.

        A thread of its own does it: it waits for the database, and whoever reads the keys of all
        participants must not.
        """
        table = chair.table
        if table is None or not notices:
            return
        t = table.game.session.t

        def act() -> None:
            try:
                self._act_on(chair, table, notices, t)
            except Exception:
                log.exception("what a watch noticed could not be dealt with")

        with suppress(RuntimeError):  # the server is closing
            self._noting.submit(act)

    def _act_on(self, chair: Chair, table: RoundTable, notices: Sequence[Notice], t: int) -> None:
        for notice in notices:
            self._notes.notice(chair, notice, t)
            if chair.sid is not None:
                self._send("attention", {"what": notice.what, "now": notice.now}, chair.sid)
            if notice.now == "end":
                chair.gone = True
                table.stop(INACTIVE)
            elif notice.now == "pause":
                with self._lock:
                    chair.still_since = time.monotonic()
                    table.hold("pause", chair.seat)
                    self._tell_status(chair)

    def _let_go(self, chair: Chair) -> None:
        """The round is put away, or of two, broken off."""
        if chair.table is not None and chair.mate is not None:
            chair.table.stop(LEFT)
        elif chair.table is not None:
            self._scheduler.put_away(chair.table.game)

    # Ending

    def _tell(self, party: Sequence[Chair], event: str, message: Message) -> None:
        for chair in party:
            sid = chair.sid
            if sid is not None:
                self._send(event, message, sid)

    def _on_lost(self, party: Sequence[Chair]) -> None:
        """Another process goes on with the round, or its participants have withdrawn there."""
        for chair in party:
            erased = self._sessions.store.participant(chair.name) is None
            with self._lock:
                if self._chairs.get(chair.name) is not chair:
                    continue
                del self._chairs[chair.name]
                sid = chair.sid
                self._sids.pop(sid or "", None)
            if sid is not None:
                self._send("over" if erased else "replaced", {}, sid)

    def _on_end(self, party: Sequence[Chair], result: Message) -> None:
        """The record is closed; the event that leads on is stored before anybody is told."""
        reason = result["reason"]
        self._ended(party, result["id"], reason, result["score"], result["steps"])
        with self._lock:
            for chair in party:
                if self._chairs.get(chair.name) is chair:
                    del self._chairs[chair.name]
        shown = {name: result[name] for name in ("id", "reason", "score", "steps")}
        self._tell(party, "end", shown)

    def _ended(
        self, party: Sequence[Chair], record: str, reason: str, score: float, steps: int
    ) -> None:
        """Stores what the end of a round leads to, for everybody who played it."""
        for chair in party:
            round_id = record if len(party) == 1 else f"{record}-{chair.seat}"
            data = {
                "round_id": round_id,
                "reason": reason,
                "score": score,
                "steps": steps,
                **with_whom(company_at(chair.sitting, chair.step)),
                **seen_of(chair),
            }
            if reason == "complete":
                self._notes.verdict(chair, Verdict("passed", data))
            elif reason == INACTIVE and chair.gone:
                self._notes.verdict(chair, Verdict("ended", {**data, "outcome": "inactive"}))
            elif reason in (LEFT, INACTIVE):
                if not chair.gone:
                    self._desert(chair, round_id)
            else:
                self._notes.verdict(chair, Verdict("ended", {**data, "outcome": "technical_fault"}))

    def _sweep_loop(self) -> None:
        while not self._stopping.wait(1.0):
            try:
                self.sweep(time.monotonic())
            except Exception:
                log.exception("the rounds could not be looked after")
