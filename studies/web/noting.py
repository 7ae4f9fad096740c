"""What happens at a round, written into the sessions of those who are at it."""

import logging
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from play.recorder import STORE_RETRY_S
from studies.attention import Notice
from studies.flow import Verdict
from studies.sessions import Session, Sessions
from studies.store import Conflict
from studies.web.chairs import Chair

log = logging.getLogger("understudy.studies")


class Notes:
    """Reads and writes sessions, and tries again while the database does not answer.

    Args:
        sessions: The sessions.
        stopping: Set when the server ends; then nothing is tried again.
    """

    def __init__(self, sessions: Sessions, stopping: threading.Event) -> None:
        self._sessions, self._stopping = sessions, stopping

    def read(self, participant_id: str, trouble: Callable[[], None]) -> Session | None:
        """A session as it is now; `trouble` is told of each failure."""
        while True:
            try:
                return self._sessions.load(participant_id)
            except SQLAlchemyError:
                log.exception("a session cannot be read; trying again")
                trouble()
                if self._stopping.wait(STORE_RETRY_S):
                    return None

    def refresh(self, chair: Chair) -> bool:
        """Reads a session again; False when it has gone on from the step."""
        sitting = self._sessions.load(chair.name)
        if sitting is None or sitting.state.step != chair.step:
            return False
        chair.sitting = sitting
        return True

    def write(self, chair: Chair, act: Callable[[Session], None]) -> None:
        """Appends to a session that is still at the step of the chair."""
        while True:
            try:
                sitting = self._sessions.load(chair.name)
                if sitting is not None and sitting.state.step == chair.step:
                    act(sitting)
                return
            except Conflict:
                continue  # something was appended in between: look again
            except SQLAlchemyError:
                log.exception("an event of a round cannot be stored; trying again")
                if self._stopping.wait(STORE_RETRY_S):
                    return  # the record has its end, and the event follows when it is read

    def verdict(self, chair: Chair, verdict: Verdict) -> None:
        """Appends what the step led to."""
        self.write(chair, lambda sitting: self._sessions.take(sitting, chair.step, verdict))

    def notice(self, chair: Chair, notice: Notice, t: int) -> None:
        """Appends what a watch noticed, at step t of the round."""
        lasted_s = round(notice.lasted_s, 1)
        data = {"what": notice.what, "now": notice.now, "lasted_s": lasted_s, "t": t}
        self.write(chair, lambda now: self._sessions.note(now, "attention", data, chair.step.key))
