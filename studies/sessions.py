"""Sessions of participants: the state machine on top of the database."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from studies.assignment import Place
from studies.design import Outcome, Study
from studies.flow import State, Step, Verdict, factors_of, state_of
from studies.store import Conflict, Event, Participant, Store

log = logging.getLogger("understudy.studies")


@dataclass(frozen=True)
class Session:
    """A participant and where they are.

    Attributes:
        who: The participant.
        study: The study as it was when they came.
        place: Their place in the design, once they have one.
        events: Everything that happened so far.
        state: What follows from it.
    """

    who: Participant
    study: Study
    place: Place | None
    events: tuple[Event, ...]
    state: State

    @property
    def language(self) -> str:
        """The language of their pages."""
        return self.state.language or self.who.language


class Sessions:
    """Reads and continues sessions; all methods may be called from any thread."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._studies: dict[str, Study] = {}
        self._lock = threading.Lock()

    def study(self, sha256: str) -> Study:
        """A registered study."""
        with self._lock:
            if sha256 not in self._studies:
                self._studies[sha256] = self.store.study(sha256)
            return self._studies[sha256]

    def load(self, participant_id: str) -> Session | None:
        """A session as it is now; allocates the participant when it is time."""
        who = self.store.participant(participant_id)
        if who is None:
            return None
        session = self.look(who)
        if session.place is None and session.state.wants_place:
            factors = factors_of(session.study, session.events)
            place = self.store.allocate(session.study, who, factors)
            state = state_of(session.study, place, session.events)
            session = replace(session, place=place, state=state)
        return session

    def look(self, who: Participant) -> Session:
        """A session as it is now; nobody is allocated by looking."""
        study, place = self.study(who.study_sha256), self.store.place(who.id)
        events = tuple(self.store.events(who.id))
        return Session(who, study, place, events, state_of(study, place, events))

    def take(self, session: Session, step: Step, verdict: Verdict) -> None:
        """Appends what handing in a step led to.

        Raises:
            Conflict: The session has gone on meanwhile.
        """
        if verdict.problems or session.state.step != step:
            raise Conflict(f"{step.key} is not due")
        data = {**verdict.data}
        self.store.append(session.who, session.state.seq, verdict.kind, step.key, data)

    def note(self, session: Session, kind: str, data: Mapping[str, Any], step: str = "") -> None:
        """Appends something that changes no step, such as the choice of a language.

        Raises:
            Conflict: The session has gone on meanwhile.
        """
        self.store.append(session.who, session.state.seq, kind, step, data)

    def note_all(
        self, sessions: Sequence[Session], kind: str, data: Sequence[Mapping[str, Any]], step: str
    ) -> None:
        """Appends the same kind of event to several sessions: to all of them, or to none.

        Raises:
            Conflict: One of them has gone on meanwhile.
        """
        self.store.append_all(
            [
                (session.who, session.state.seq, kind, step, one)
                for session, one in zip(sessions, data, strict=True)
            ]
        )

    def end(self, session: Session, outcome: Outcome) -> None:
        """Ends a session before its last step.

        Raises:
            Conflict: The session has gone on meanwhile.
        """
        self.note(session, "ended", {"outcome": outcome})
