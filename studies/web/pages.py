"""The participant's pages: one address, which always shows where the participant is."""

import contextlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, abort, make_response, redirect, render_template, request
from itsdangerous import BadSignature, Signer
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from play.worlds.registry import make_world
from studies import flow
from studies.assignment import stream
from studies.checks import facts_of
from studies.company import left_alone
from studies.flow import Step, Verdict
from studies.looks import looks_at
from studies.messages import Messages, messages
from studies.oversight import Oversight
from studies.sessions import Session, Sessions
from studies.store import Conflict, Identity, Participant
from studies.web.chairs import how_to_play
from studies.web.config import StudyConfig
from studies.web.forms import answers_of, client_ms, number_of
from studies.web.limits import Limits
from studies.web.plans import company_at
from studies.web.rounds import Rounds

COOKIE = "participant"
LANGUAGE = "language"
PROCESS = "process"
"""Cookie by which the proxy in front finds the process of a participant's game."""
COOKIE_S = 60 * 24 * 3600
IDENTITY = {"external_id": "PROLIFIC_PID", "external_study": "STUDY_ID",
            "external_session": "SESSION_ID"}  # fmt: skip
"""Field -> parameter of the link, as Prolific names them."""
REHEARSAL, SIMULATED = "test", "simulated"
"""Purposes of the signed links whose sessions never count; the second is for programs."""

FILES = ("static", "own", "art")
"""Endpoints of files that every page needs."""

Answered = AnyResponse | str | tuple[str, int]


@dataclass(frozen=True)
class Pages:
    """What the handlers share."""

    config: StudyConfig
    sessions: Sessions
    rounds: Rounds
    oversight: Oversight

    def token(self, participant_id: str) -> str:
        """The signed cookie of a participant."""
        return self._signer().sign(participant_id).decode()

    def who(self) -> str | None:
        """The participant whose cookie came with the request."""
        try:
            return self._signer().unsign(request.cookies.get(COOKIE, "")).decode()
        except (BadSignature, UnicodeDecodeError):
            return None

    def _signer(self) -> Signer:
        return Signer(self.config.secret, salt=COOKIE)

    def csrf(self, participant_id: str) -> str:
        """The token that every form of a participant carries."""
        return self.config.signed("csrf", participant_id)

    def language(self) -> str:
        """The language for somebody who is in no session."""
        offered: list[str] = list(self.config.study.languages)
        chosen = request.args.get(LANGUAGE) or request.cookies.get(LANGUAGE, "")
        return chosen if chosen in offered else _best(offered)

    def message(self, words: Messages, key: str, status: int = 200, **more: Any) -> Answered:
        """A page with a title and a sentence."""
        page = render_template("message.html", **_common(self, words), key=key, **more)
        return page, status


def _best(offered: list[str]) -> str:
    return request.accept_languages.best_match(offered) or offered[0]


def _common(pages: Pages, words: Messages) -> dict[str, Any]:
    study = pages.config.study
    return {
        "t": words,
        "language": words.language,
        "languages": {name: messages(name)("language-name") for name in study.languages},
        "title": study.title.into(words.language),
        "contact": study.contact,
    }


def paragraphs(text: str) -> Markup:
    """A text with empty lines between its paragraphs, as HTML.

    Lines are broken anew where they fit; a paragraph of lines that begin with ``-`` is a list.
    """
    parts = [part.split("\n") for part in text.strip().split("\n\n")]
    return Markup("\n").join(_paragraph([line.strip() for line in part]) for part in parts)


def _paragraph(lines: list[str]) -> Markup:
    if not all(line.startswith("- ") for line in lines):
        return Markup("<p>{}</p>").format(" ".join(lines))
    items = (Markup("<li>{}</li>").format(line[2:]) for line in lines)
    return Markup("<ul>{}</ul>").format(Markup("").join(items))


def register_pages(app: Flask, pages: Pages) -> None:
    """Adds the pages and what guards them."""
    app.jinja_env.filters["paragraphs"] = paragraphs
    app.before_request(_guard)
    if pages.config.public_url is not None:
        app.before_request(_limited(pages))
    app.register_error_handler(SQLAlchemyError, lambda _: _unsaved(pages))
    app.register_error_handler(404, lambda _: _words(pages, "nothing", 404))
    app.add_url_rule("/", view_func=lambda: entrance(pages), endpoint="entrance")
    for path, endpoint, method, view in (
        ("/begin", "begin", "POST", begin),
        ("/study", "study", "GET", show),
        ("/study", "answer", "POST", take),
        ("/study/language", "choose_language", "POST", choose_language),
        ("/study/leave", "leave", "GET", leave),
        ("/study/leave", "left", "POST", left),
    ):
        app.add_url_rule(path, endpoint, _with(pages, view), methods=[method])
    app.add_url_rule("/ping", "ping", lambda: ("", 204))


def _with(pages: Pages, view: Callable[[Pages], Answered]) -> Callable[[], Answered]:
    return lambda: view(pages)


def _guard() -> None:
    """Refuses what another site's page sends."""
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin is not None and urlsplit(origin).netloc != request.host:
        abort(403)


def _limited(pages: Pages) -> Callable[[], Answered | None]:
    """Refuses who asks for too many pages; art and scripts do not count."""
    limits = Limits(pages.config)

    def check() -> Answered | None:
        if request.endpoint in FILES or limits.admits(pages.who(), request.remote_addr or ""):
            return None
        answer = make_response(_words(pages, "too-many", 429, again="/study"))
        answer.headers["Retry-After"] = "10"
        return answer

    return check


def _unsaved(pages: Pages) -> Answered:
    return _words(
        pages, "unsaved", 503, again=request.path if request.method == "GET" else "/study"
    )


def _words(pages: Pages, key: str, status: int, **more: Any) -> Answered:
    return pages.message(messages(pages.language()), key, status, **more)


# Coming in


def entrance(pages: Pages) -> Answered:
    """Where the link leads: somebody who is in the study already goes on where they were."""
    identity = {name: request.args.get(key, "")[:200] for name, key in IDENTITY.items()}
    test = request.args.get("test", "")
    if not identity["external_id"] and not test and pages.who() is not None:
        return redirect("/study")
    if test and not _signed(pages, REHEARSAL, test) and not _signed(pages, SIMULATED, test):
        return _words(pages, "nothing", 404)
    words = messages(pages.language())
    page = render_template(
        "start.html", **_common(pages, words), fields={**identity, "test": test},
        here=request.args.to_dict(),
    )  # fmt: skip
    response = make_response(page)
    response.set_cookie(LANGUAGE, words.language, max_age=COOKIE_S, samesite="Lax")
    return response


def begin(pages: Pages) -> Answered:
    """Lets somebody in, or back in, and gives them their cookie."""
    form, study = request.form, pages.config.study
    identity = _identity(form)
    simulated = _signed(pages, SIMULATED, form.get("test", ""))
    test = simulated or _signed(pages, REHEARSAL, form.get("test", ""))
    words = messages(pages.language())
    store = pages.sessions.store
    if not test and not (identity and store.known(study, identity, test=False)):
        test = pages.oversight.is_on("rehearsing")
        if not test and closed(pages):
            return pages.message(words, "closed")
        if not test and not pages.oversight.is_on("recruiting"):
            return pages.message(words, "paused")
    who = store.enter(study, identity, words.language, test, simulated=simulated)
    if not store.events(who.id):
        _entered(pages, who)
    response = redirect("/study", 303)
    response.set_cookie(
        COOKIE, pages.token(who.id), max_age=COOKIE_S, httponly=True, samesite="Lax",
        secure=pages.config.secure,
    )  # fmt: skip
    return response


def _identity(form: Mapping[str, str]) -> Identity | None:
    external, its_study, session = (form.get(name, "")[:200] for name in IDENTITY)
    return Identity(external, its_study, session) if external else None


def _signed(pages: Pages, purpose: str, given: str) -> bool:
    return hmac.compare_digest(given.encode(), pages.config.signed(purpose).encode())


def _entered(pages: Pages, who: Participant) -> None:
    agent = request.headers.get("User-Agent", "")[:300]
    try:
        pages.sessions.store.append(who, 0, "entered", "", {"user_agent": agent})
    except Conflict:
        return  # another tab of theirs was first


def closed(pages: Pages) -> bool:
    """Whether the stop rule has been reached; places that are held by dropouts are open."""
    study = pages.config.study
    if study.stop.until is not None and datetime.now(UTC).date() > study.stop.until:
        return True
    if not study.stop.targets:
        return False
    held = [place.arm for place in pages.sessions.store.held(study)]
    return all(held.count(arm.id) >= arm.target for arm in study.arms)


# The session


def show(pages: Pages) -> Answered:
    """The page where the participant is."""
    session = _session(pages)
    if session is None:
        return _stranger(pages)
    page = _page(pages, session, elsewhere=request.args.get("at") == "elsewhere")
    home = pages.rounds.home(session)
    if not home:
        return page
    response = make_response(page)
    response.set_cookie(
        PROCESS, home, max_age=COOKIE_S, httponly=True, samesite="Lax", secure=pages.config.secure
    )
    return response


def take(pages: Pages) -> Answered:
    """Takes a page that was handed in; one that is not due any more changes nothing."""
    session = _session(pages)
    if session is None:
        return _stranger(pages)
    if not _genuine(pages, session.who.id):
        return pages.message(messages(session.language), "stale", 400, back=True)
    step = session.state.step
    if step is None or request.form.get("at") != str(session.state.done):
        return redirect("/study?at=elsewhere", 303)
    verdict = _judge(session, step)
    if verdict is None:
        return redirect("/study", 303)
    if verdict.problems:
        return _page(pages, session, problems=verdict.problems), 422
    timed = Verdict(verdict.kind, {**verdict.data, "client_ms": client_ms(request.form)})
    try:
        pages.sessions.take(session, step, timed)
    except Conflict:
        return redirect("/study?at=elsewhere", 303)
    return redirect("/study", 303)


def _judge(session: Session, step: Step) -> Verdict | None:
    """What handing in this page leads to; None for rounds, which end by themselves."""
    study, form = session.study, request.form
    match step.kind:
        case "consent":
            ticked = [
                index
                for index in range(len(study.consent.statements))
                if form.get(f"statement-{index}") == "yes"
            ]
            return flow.judge_consent(study, form.get("agrees") == "yes", ticked)
        case "screening":
            answers = answers_of(study.screening.questions, form)
            return flow.judge_screening(study, _device(form), answers)
        case "quiz":
            assert study.quiz is not None
            return flow.judge_quiz(study, step.attempt, answers_of(study.quiz.items, form))
        case "survey":
            items = study.survey(step.survey).items
            return flow.judge_survey(study, step.survey, answers_of(items, form))
        case "debrief":
            return Verdict("ended", {"outcome": "done"})
        case "instructions":
            return Verdict()
    return None


def _device(form: Mapping[str, str]) -> flow.Device:
    width, ping = number_of(form.get("width", "")), number_of(form.get("ping", ""))
    return flow.Device(
        input=form.get("input", "")[:20],
        width=int(width) if width is not None else 0,
        ping_ms=float(ping) if ping is not None and ping >= 0 else 1e9,
        full_screen=form.get("full_screen") == "yes",
    )


def choose_language(pages: Pages) -> Answered:
    """Goes on in another language."""
    chosen = request.form.get(LANGUAGE, "")
    session = _session(pages)
    if chosen in pages.config.study.languages and session is not None:
        if not _genuine(pages, session.who.id):
            return pages.message(messages(session.language), "stale", 400, back=True)
        if chosen in session.study.languages and chosen != session.language:
            with contextlib.suppress(Conflict):  # it went on meanwhile; they can choose again
                pages.sessions.note(session, "language", {"language": chosen})
    response = redirect("/study", 303)
    response.set_cookie(LANGUAGE, chosen, max_age=COOKIE_S, samesite="Lax")
    return response


def leave(pages: Pages) -> Answered:
    """Asks whether the participant really wants to withdraw."""
    session = _session(pages)
    if session is None or session.state.outcome is not None:
        return redirect("/study")
    words = messages(session.language)
    return render_template(
        "leave.html", **_common(pages, words), csrf=pages.csrf(session.who.id),
        erases=session.study.erase_on_withdrawal,
    )  # fmt: skip


def left(pages: Pages) -> Answered:
    """Withdraws, with erasure where the study promises it."""
    session = _session(pages)
    if session is None:
        return _stranger(pages)
    if not _genuine(pages, session.who.id):
        return pages.message(messages(session.language), "stale", 400, back=True)
    if session.state.outcome is not None:
        return redirect("/study", 303)
    pages.rounds.drop(session.who.id)
    erase = session.study.erase_on_withdrawal
    if not erase:
        try:
            pages.sessions.end(session, "withdrawn")
        except Conflict:
            return redirect("/study/leave", 303)
    pages.sessions.store.withdraw(session.who, "withdrawn", erase=erase)
    return redirect("/study", 303)


def _session(pages: Pages) -> Session | None:
    participant_id = pages.who()
    return pages.sessions.load(participant_id) if participant_id else None


def _stranger(pages: Pages) -> Answered:
    """Somebody without a session: one who has withdrawn and is erased, or who came by no link."""
    participant_id = pages.who()
    if participant_id is not None and pages.sessions.store.withdrawn(participant_id):
        words = messages(pages.language())
        common = _common(pages, words)
        ending = pages.config.study.payment.endings["withdrawn"]
        money = _money(words, pages.config.study, ending.pay, 0.0)
        return render_template(
            "ended.html", **common, outcome="withdrawn", erased=True, code=ending.code,
            url=_code_url(pages.config.study, ending.code), **money,
        )  # fmt: skip
    return _words(pages, "nothing", 404)


def _genuine(pages: Pages, participant_id: str) -> bool:
    given = request.form.get("csrf", "")
    return hmac.compare_digest(given.encode(), pages.csrf(participant_id).encode())


# Showing


def _page(
    pages: Pages,
    session: Session,
    *,
    problems: Mapping[str, str] | None = None,
    elsewhere: bool = False,
) -> str:
    words = messages(session.language)
    common = {
        **_common(pages, words),
        "csrf": pages.csrf(session.who.id),
        "problems": problems or {},
        "elsewhere": elsewhere,
    }
    step, state = session.state.step, session.state
    if step is None:
        return _ended(session, common)
    common |= {"at": state.done, "step": state.done + 1, "of": len(state.steps)}
    if state.done < 2:
        common["of"] = None  # the rest is not fixed yet
    study = session.study
    match step.kind:
        case "consent":
            return render_template("consent.html", **common, consent=study.consent)
        case "screening":
            return render_template(
                "screening.html", **common, **_items(session, study.screening.questions),
                screening=study.screening,
            )  # fmt: skip
        case "instructions":
            return render_template(
                "instructions.html", **common, parts=study.instructions, attempt=step.attempt
            )
        case "quiz":
            assert study.quiz is not None
            return render_template(
                "questions.html", **common, **_items(session, study.quiz.items),
                heading=words("quiz-title"), intro=words("quiz-text"),
                note=words("quiz-try", attempt=step.attempt, of=study.quiz.tries),
            )  # fmt: skip
        case "survey":
            survey = study.survey(step.survey)
            heading = survey.title.into(words.language) if survey.title else words("survey-title")
            intro = survey.intro.into(words.language) if survey.intro else ""
            return render_template(
                "questions.html", **common, **_items(session, survey.items), heading=heading,
                intro=intro, note="",
            )  # fmt: skip
        case "debrief":
            return render_template("debrief.html", **common, text=study.debrief)
    return render_template("round.html", **common, **_round(session, step, words))


def _items(session: Session, items: Any) -> dict[str, Any]:
    """The items, those with shuffled options in the participant's own order, and what was given."""
    seed = session.place.shuffle if session.place else 0
    options: dict[str, list[Any]] = {}
    for item in items:
        if item.kind in ("choice", "ranking"):
            options[item.id] = list(item.options)
            if item.shuffle:
                order = stream(seed, "options", item.id).permutation(len(item.options))
                options[item.id] = [item.options[index] for index in order]
    given = request.form if request.method == "POST" else {}
    answers = answers_of(items, request.form) if request.method == "POST" else {}
    hidden = {i.id for i in items if i.show_if and not i.show_if.holds(answers)}
    return {"items": items, "options": options, "given": given, "hidden_items": hidden}


def _round(session: Session, step: Step, words: Messages) -> dict[str, Any]:
    study = session.study
    if step.kind == "tutorial":
        assert study.tutorial is not None
        return {"kind": "tutorial", "tasks": study.tutorial.tasks, "number": 0, "rounds": 0,
                "full_screen": False, "text": words("tutorial-text"), "alone": "",
                "how": how_to_play(session, words),
                "renderer": make_world(study.tutorial.world).facts.renderer}  # fmt: skip
    played = study.round(step.block, step.round)
    facts = facts_of(played)
    company = company_at(session, step)
    seconds = round(facts.horizon * played.tick_ms / 1000)
    if company is None or company.kind == "ai":
        assert session.place is not None
        seat = session.place.rounds[step.number - 1].seat
        look = looks_at(session, step, seat, facts.num_players)[seat]
        text = words("round-text", colour=words(f"colour-{look}"), seconds=seconds)
    else:
        text = words(f"lobby-{company.kind}", seconds=seconds)
    return {
        "kind": "round",
        "tasks": [],
        "number": step.number,
        "rounds": session.state.rounds,
        "full_screen": study.screening.full_screen,
        "text": text,
        "how": how_to_play(session, words),
        "renderer": facts.renderer,
        "alone": words(f"alone-{left}") if (left := left_alone(session.events, step)) else "",
    }


def _ended(session: Session, common: dict[str, Any]) -> str:
    outcome = session.state.outcome
    assert outcome is not None
    study = session.study
    code = study.payment.endings[outcome].code
    pay, bonus = flow.pay_of(study, outcome, session.state.scores)
    return render_template(
        "ended.html", **common, outcome=outcome, erased=False, code=code,
        url=_code_url(study, code), **_money(common["t"], study, pay, bonus),
    )  # fmt: skip


def _code_url(study: Any, code: str) -> str | None:
    return study.payment.url.replace("{code}", code) if study.payment.url else None


def _money(words: Messages, study: Any, pay: float, bonus: float) -> dict[str, str]:
    def shown(amount: float) -> str:
        return f"{amount:.2f}".replace(".", words("decimal")) if amount else ""

    return {"pay": shown(pay), "bonus": shown(bonus), "currency": study.payment.currency}
