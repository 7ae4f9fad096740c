"""How two participants become a pair: who waits, and what is noted in their sessions.

The waiting room is in the memory of one process; everything that lasts is an event.
"""

import secrets
import time
from collections.abc import Hashable
from datetime import UTC, datetime

from studies.company import ALONE, PAIRED, WAITING, Company, paired
from studies.design import Outcome
from studies.flow import Step, Verdict
from studies.sessions import Session, Sessions
from studies.waiting import WaitingRoom
from studies.web.plans import company_at


class Meetings:
    """The lobby of a server.

    Attributes:
        room: Those who wait.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self.room = WaitingRoom()

    def seeks(self, session: Session, step: Step) -> bool:
        """Whether a participant needs somebody, or their own partner, for a step."""
        company = company_at(session, step)
        return company is not None and company.kind != "ai"

    def waits_still(self, session: Session, step: Step) -> bool:
        """Whether somebody pressed the button, and their time is not up."""
        return self.seeks(session, step) and self.seconds_left(session, step) > 0

    def seconds_left(self, session: Session, step: Step) -> float:
        """How long somebody may still wait; 0 when they do not wait."""
        assert session.study.lobby is not None
        began = [e.at_utc for e in session.events if (e.kind, e.step) == (WAITING, step.key)]
        if not began:
            return 0.0
        waited = (datetime.now(UTC) - datetime.fromisoformat(began[-1])).total_seconds()
        return max(0.0, session.study.lobby.timeout_s - max(0.0, waited))

    def begin(self, session: Session, step: Step) -> None:
        """Notes that somebody waits from now on.

        Raises:
            Conflict: The session has gone on meanwhile.
        """
        self._sessions.note(session, WAITING, {}, step.key)

    def join(self, session: Session, step: Step) -> str | None:
        """Lets somebody wait; returns the participant whom they meet."""
        company = company_at(session, step)
        assert company is not None
        assert session.place is not None
        who = session.who
        key: Hashable = (who.study_sha256, who.test, session.place.arm, step.key, company.pair)
        until = time.monotonic() + self.seconds_left(session, step)
        return self.room.join(who.id, key, until)

    def deserted(self, session: Session, step: Step) -> bool:
        """Whether somebody's partner will not come any more."""
        company = company_at(session, step)
        if company is None or company.kind != "person":
            return False
        other = self._sessions.load(company.other)
        if other is None or other.state.outcome is not None:
            return True
        theirs = company_at(other, step)
        return theirs is None or theirs.pair != company.pair

    def pair(self, first: Session, second: Session, step: Step) -> None:
        """Makes two participants a pair, who have nobody yet.

        Raises:
            Conflict: One of the sessions has gone on meanwhile.
        """
        assert first.place is not None
        assert second.place is not None
        ranks = (first.place.rank, second.place.rank)
        data = paired(secrets.token_hex(8), ranks, (first.who.id, second.who.id))
        self._sessions.note_all((first, second), PAIRED, data, step.key)

    def leave_alone(
        self, session: Session, step: Step, outcome: Outcome, round_id: str | None
    ) -> None:
        """Notes what follows for somebody without a partner, as the study file says.

        Raises:
            Conflict: The session has gone on meanwhile.
        """
        assert session.study.lobby is not None
        data = {} if round_id is None else {"round_id": round_id}
        if session.study.lobby.ways[outcome] == "ai":
            self._sessions.note(session, ALONE, {**data, "why": outcome}, step.key)
        else:
            self._sessions.take(session, step, Verdict("ended", {**data, "outcome": outcome}))


def with_whom(company: Company | None) -> dict[str, object]:
    """What the event at the end of a `human` round says of the other seat."""
    if company is None:
        return {}
    return {"company": company.kind, "pair": company.pair or None}
