"""Simulated participants who go through the whole study, as many at once as one likes."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests
from socketio.exceptions import SocketIOError

from studies.bots.cooking import Player
from studies.bots.persona import Habits, Persona
from studies.bots.reading import Fields, code_of, heading_of, kind_of
from studies.bots.ways import BotError, BrowserWay, SocketWay, Way
from studies.design import Study
from studies.flow import Step
from studies.questionnaires import Answer
from studies.sessions import Session, Sessions
from studies.store import Store
from studies.web.forms import PREFIX

log = logging.getLogger("understudy.bots")

MOST_PAGES = 300
PATIENCE_S = 120.0
"""How long a round may stand still, besides the time in the lobby, before it counts as a fault."""


@dataclass(frozen=True)
class Crowd:
    """Who goes where, and how.

    Attributes:
        url: The server.
        token: Marks their sessions as simulated.
        store: The server's database, in which they look up what they are asked, never how to act.
        seed: Of everything that they do.
        speed: How many times faster than people they are, like the server's rounds.
        browser: Whether each has a real browser.
    """

    study: Study
    url: str
    token: str
    store: Store
    habits: Habits
    seed: int = 0
    speed: float = 1.0
    browser: bool = False

    def go(
        self, number: int, together: int, told: Callable[["Outcome"], None] | None = None
    ) -> list["Outcome"]:
        """Lets participants 1 to `number` take part, `together` at a time; waits for all.

        Args:
            number: How many there are.
            together: How many at a time.
            told: Called for each who has come to an end.
        """
        outcomes = []
        with ThreadPoolExecutor(together, thread_name_prefix="bot") as pool:
            running = [pool.submit(self._one, index) for index in range(1, number + 1)]
            for future in as_completed(running):
                outcomes.append(future.result())
                if told is not None:
                    told(outcomes[-1])
        return sorted(outcomes, key=lambda outcome: outcome.number)

    def _one(self, number: int) -> "Outcome":
        persona = Persona(self.study, self.habits, self.seed, number)
        way: Way = BrowserWay(self.url) if self.browser else SocketWay(self.url)
        visit = Visit(self, persona, way)
        started = time.monotonic()
        problem = ""
        try:
            visit.take_part()
        except (BotError, requests.RequestException, SocketIOError, TimeoutError) as error:
            problem = f"{visit.at}: {error}"
            log.warning("simulated participant %d: %s", number, problem)
        finally:
            way.close()
        minutes = (time.monotonic() - started) / 60
        return Outcome(number, visit.who, visit.ended, visit.code, problem, minutes)


@dataclass(frozen=True)
class Outcome:
    """How it went for one.

    Attributes:
        who: Id of the participant; empty when they never got in.
        ended: Outcome of the session, or ``left`` for one who went away without a word.
        code: Their completion code.
        problem: What was wrong with the study; empty when nothing was.
    """

    number: int
    who: str
    ended: str
    code: str | None
    problem: str
    minutes: float


def summary(outcomes: list[Outcome]) -> Iterator[str]:
    """How it went for all, in lines."""
    counts = Counter("stuck" if o.problem else o.ended for o in outcomes)
    parts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.most_common())
    yield f"{len(outcomes)} simulated participants: {parts}."
    for outcome in outcomes:
        if outcome.problem:
            yield f"Number {outcome.number} was stuck: {outcome.problem}."


class Visit:
    """One simulated participant on their way through the study."""

    def __init__(self, crowd: Crowd, persona: Persona, way: Way) -> None:
        self._crowd, self._persona, self._way = crowd, persona, way
        self._sessions = Sessions(crowd.store)
        self.who = ""
        self.ended = "left"
        self.code: str | None = None
        self.at = "the link"

    def take_part(self) -> None:
        """Goes through the study, or leaves on the way.

        Raises:
            BotError: A participant could not have gone on.
        """
        query = urlencode({
            "PROLIFIC_PID": f"simulated-{self._crowd.seed}-{self._persona.number}",
            "STUDY_ID": "simulated", "SESSION_ID": "simulated",
            "test": self._crowd.token, "language": self._persona.language,
        })  # fmt: skip
        self._way.enter(query, self._persona.language)
        self.who = self._way.participant()
        for number in range(MOST_PAGES):
            page = self._way.page()
            kind = kind_of(page)
            if kind == "ended":
                self.code = code_of(page)
                self.ended = self._session().state.outcome or "left"
                return
            session = self._session()
            step = session.state.step
            if step is None:
                raise BotError(f"no page is due, but there is {heading_of(page)!r}")
            self.at = f"page {number + 1}, {heading_of(page)!r}"
            leaves = self._persona.leaves_at == number
            if step.kind in ("round", "tutorial") or kind == "round":
                if not self._play(session, step, leaves):
                    return
            elif leaves:
                return
            else:
                self._fill_in(session, step, page)
        raise BotError(f"there was no end after {MOST_PAGES} pages")

    def _session(self) -> Session:
        who = self._crowd.store.participant(self.who)
        if who is None:
            raise BotError("the server let nobody in")
        return self._sessions.look(who)

    # Pages

    def _fill_in(self, session: Session, step: Step, page: str) -> None:
        items = _items(session.study, step)
        time.sleep(self._persona.reading_s(items) / self._crowd.speed)
        arm = session.place.arm if session.place else ""
        answers = self._persona.answers(items, step, arm)
        fields = _fields(items, answers)
        if step.kind == "consent":
            count = len(session.study.consent.statements)
            fields |= {f"statement-{index}": "yes" for index in range(count)} | {"agrees": "yes"}
        _check(page, fields)
        self._way.hand_in(fields)
        if self._session().state.seq == session.state.seq:
            raise BotError("the page did not take the answers")

    # Rounds

    def _play(self, session: Session, step: Step, leaves: bool) -> bool:
        """Plays a round to its end; False for one who leaves in the middle of it."""
        arm = session.place.arm if session.place else ""
        way, persona, speed = self._way, self._persona, self._crowd.speed
        blinks = persona.blinks()
        way.sit_down()
        game: dict[str, Any] | None = None
        player: Player | None = None
        seen, moved_at, patience = -1, time.monotonic(), PATIENCE_S
        while True:
            event, data = way.newest() or ("", None)
            if event in ("end", "over"):
                break
            if event in ("replaced", "refused"):
                raise BotError(f"the server ended the connection ({event})")
            if event == "lobby" and data:
                patience = PATIENCE_S + data["left_ms"] / 1000
            if time.monotonic() - moved_at > patience:
                raise BotError(f"nothing happened for {patience:.0f} s after {event!r}")
            if event == "lost":
                way.blink()
                continue
            if event == "wait":
                way.ready()
            if way.game is not game and way.game:
                game, player = way.game, Player(way.game)
            if event not in ("tick", "game") or not data or player is None:
                way.rest(0.2)
                continue
            scene = data["scene"]
            if scene["t"] == seen:
                way.rest(0.2)
                continue
            seen, moved_at = scene["t"], time.monotonic()
            if seen >= 5 and leaves:
                return False
            if seen >= 8 and blinks:
                blinks = False
                way.blink()
                continue
            _pause(way, persona.reaction_s() / speed)
            newest = way.newest()
            if newest and newest[0] in ("tick", "game") and newest[1]:
                scene = newest[1]["scene"]
            slips = persona.slips(arm, step.block)
            way.press(player.decide(scene, persona.uniform(), slips))
        way.get_up()
        return True


def _pause(way: Way, seconds: float) -> None:
    """Lets all of a time pass; `Way.rest` wakes up early."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        way.rest(left)


def _items(study: Study, step: Step) -> list[Any]:
    if step.kind == "screening":
        return list(study.screening.questions)
    if step.kind == "quiz" and study.quiz is not None:
        return list(study.quiz.items)
    return list(study.survey(step.survey).items) if step.survey else []


def _fields(items: list[Any], answers: Mapping[str, Answer]) -> dict[str, Any]:
    """Answers as the fields of the form, in the order of the page."""
    fields: dict[str, Any] = {}
    for item in items:
        answer = answers.get(item.id)
        if answer is None:
            continue
        name = PREFIX + item.id
        if item.kind == "ranking" and isinstance(answer, list):
            for place, value in enumerate(answer, start=1):
                fields[f"{name}-{value}"] = str(place)
        else:
            fields[name] = answer if isinstance(answer, list) else f"{answer}"
    return fields


def _check(page: str, fields: Mapping[str, Any]) -> None:
    """Makes sure that the page has the fields and the choices that a person would need."""
    found = Fields(page)
    for name, value in fields.items():
        if name == "agrees":
            continue
        if name not in found.offers and name not in found.hidden:
            raise BotError(f"the page has no field {name}")
        offers = found.offers.get(name, [])
        for one in value if isinstance(value, list) else [value]:
            if offers and one not in offers and found.kinds.get(name) != "select":
                raise BotError(f"{name} does not offer {one!r}")
