"""Loading a round: begun, or gone on with from its record, for one participant or for two."""

import threading
from collections.abc import Callable, Sequence

from agents.library import check_fit, load_policy
from agents.policy import Policy
from play.episode import software
from play.recorder import Lost, Record
from play.scheduler import Scheduler
from play.session import Line, Session
from play.worlds.spec import WorldFacts
from studies.checks import options_of
from studies.design import Study
from studies.pairs import begin_pair_round, find_pair_round
from studies.records import begin_round, find_round
from studies.store import Store
from studies.web.chairs import Chair
from studies.web.plans import Plan, RoundTable, hurried, plan_of, warm_up

NewTable = Callable[[Plan, WorldFacts], RoundTable]
Ended = Callable[[str, str, float, int], None]
"""Told of a round that had ended: its record, the reason, the score and the steps."""


class Opener:
    """Opens rounds on a scheduler; policies are shared, so that rounds decide in one batch.

    Args:
        store: The database.
        scheduler: The clock.
        speed: How much faster than the file says simulated participants play.
    """

    def __init__(self, store: Store, scheduler: Scheduler, speed: float) -> None:
        self._store, self._scheduler, self._speed = store, scheduler, speed
        self._policies: dict[str, Policy] = {}
        self._lock = threading.RLock()

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
                warm_up(played.world, options_of(played))

    def open(self, party: Sequence[Chair], new_table: NewTable, ended: Ended) -> RoundTable | None:
        """Opens a round; it stands still until its table is started.

        Returns:
            The table; None for a round that had ended (and `ended` was told), or whose participant
            has withdrawn.

        Raises:
            UserError: The partner is not here any more.
            ValueError: The record does not replay.
            OSError: The database does not take the record.
            SQLAlchemyError: The database does not answer.
        """
        while True:
            try:
                return self._open(party, new_table, ended)
            except Lost:
                # Another process was at it and has written once more: read again. Or they have
                # withdrawn, and there is nothing to read.
                if any(self._store.participant(chair.name) is None for chair in party):
                    return None

    def _open(self, party: Sequence[Chair], new_table: NewTable, ended: Ended) -> RoundTable | None:
        for chair in party:
            chair.seat = plan_of(chair.sitting, chair.step).seat
        plan = plan_of(party[0].sitting, party[0].step)
        if all(chair.sitting.who.simulated for chair in party):
            plan = hurried(plan, self._speed)
        session = self._session(plan)
        table = new_table(plan, session.facts)
        found = self._find(party, plan)
        if found is None:
            table.sit_down(self._scheduler.seat(session, self._record(party, session), table))
            return table
        record, lines = found
        if lines[-1]["kind"] == "end":
            end = lines[-1]
            ended(record.id, end["reason"], end["score"], end["steps"])
            return None
        elapsed = session.catch_up(lines, table.look)
        if session.over or table.taught:  # the process ended between the last step and the end
            record.append(session.finish("complete", elapsed))
            ended(record.id, "complete", session.score, session.t)
            return None
        # With this line the round is this process's: another one that still plays it has lost it.
        record.append([{"kind": "resumed", "at_ms": elapsed, "software": software()}])
        table.sit_down(self._scheduler.seat(session, record, table, elapsed))
        return table

    def _find(self, party: Sequence[Chair], plan: Plan) -> tuple[Record, list[Line]] | None:
        """The record to go on from; one with other players in its seats is none."""
        step = party[0].step.key
        found: tuple[Record, list[Line]] | None
        if len(party) == 1:
            found = find_round(self._store, party[0].sitting.who, step)
        else:
            found = find_pair_round(self._store, [chair.sitting.who for chair in party], step)
        kinds = [seat.kind for seat in plan.config.seats]
        if found is None or [seat["kind"] for seat in found[1][0]["seats"]] != kinds:
            return None
        return found

    def _record(self, party: Sequence[Chair], session: Session) -> Record:
        step, header = party[0].step.key, session.header()
        if len(party) == 1:
            return begin_round(self._store, party[0].sitting.who, step, header)
        return begin_pair_round(self._store, [chair.sitting.who for chair in party], step, header)

    def _session(self, plan: Plan) -> Session:
        policies = [
            None if chair.kind == "human" else self._policy(chair.policy)
            for chair in plan.config.seats
        ]
        session = Session(plan.config, policies)
        for seat, policy in enumerate(policies):
            if policy is not None:
                check_fit(policy, session.facts, [seat])
        return session

    def _policy(self, name: str | None) -> Policy:
        assert name is not None
        with self._lock:
            if name not in self._policies:
                self._policies[name] = load_policy(name)
            return self._policies[name]
