"""The researcher's dashboard: what is going on, who is paid, and a game as it is played."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from flask import Flask, Response, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from studies.exclusions import reasons_of
from studies.monitor import Monitor
from studies.oversight import DEFAULTS, LONGEST_REASON, VERDICTS, Oversight
from studies.tables import Dossier, Kind, Played, records_of
from studies.web.config import StudyConfig
from studies.web.desk.door import COOKIE, SESSION_S, Door, TooMany
from studies.web.desk.payments import approval_lines, bonus_lines, claims_of
from studies.web.desk.watching import Watching

Answered = AnyResponse | str | tuple[str, int]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Links:
    """The addresses that the dashboard shows."""

    participants: str
    prolific: str
    rehearsals: str


@dataclass(frozen=True)
class Desk:
    """What the handlers share; `links` is asked when the server knows its own address."""

    config: StudyConfig
    door: Door
    monitor: Monitor
    oversight: Oversight
    watching: Watching
    links: Callable[[], Links]

    def session(self) -> str | None:
        """The session whose cookie came with the request."""
        return self.door.session(request.cookies.get(COOKIE, ""))

    def page(self, name: str, session: str, **more: Any) -> str:
        """A page of the dashboard."""
        study = self.config.study
        return render_template(
            f"desk/{name}.html", study=study, title=study.title.into(study.languages[0]),
            csrf=self.door.csrf(session), here=name, **more,
        )  # fmt: skip


View = Callable[[Desk, str], Answered]


def register_desk(app: Flask, desk: Desk) -> None:
    """Adds the dashboard's pages."""
    app.jinja_env.filters |= {"span": span, "money": money, "percent": percent, "clock": clock}
    app.add_url_rule("/desk/login", "desk_login", lambda: login(desk))
    app.add_url_rule("/desk/login", "desk_enter", lambda: enter(desk), methods=["POST"])
    pages: tuple[tuple[str, str, View], ...] = (
        ("/desk", "GET", overview),
        ("/desk/live", "GET", live),
        ("/desk/payments", "GET", payments),
        ("/desk/payments/bonuses.csv", "GET", bonuses),
        ("/desk/payments/approved.csv", "GET", approved),
        ("/desk/switch", "POST", switch),
        ("/desk/review", "POST", review),
        ("/desk/logout", "POST", logout),
    )
    for path, method, view in pages:
        app.add_url_rule(path, f"desk_{view.__name__}", _inside(desk, view), methods=[method])
    person_view = _inside(desk, lambda _, session: person(desk, session, _name()))
    app.add_url_rule("/desk/people/<name>", "desk_person", lambda name: person_view())
    watch_view = _inside(desk, lambda _, session: watch(desk, session, _name()))
    app.add_url_rule("/desk/watch/<name>", "desk_watch", lambda name: watch_view())
    frames_view = _inside(desk, lambda _, session: frames(desk, _name()))
    app.add_url_rule("/desk/rounds/<name>", "desk_frames", lambda name: frames_view())


def _name() -> str:
    return str((request.view_args or {})["name"])


def _inside(desk: Desk, view: View) -> Callable[[], Answered]:
    """Lets in who is logged in, and from forms only what this dashboard sent."""

    def guarded() -> Answered:
        session = desk.session()
        if session is None:
            return redirect("/desk/login", 303)
        if request.method == "POST" and not desk.door.genuine(
            session, request.form.get("csrf", "")
        ):
            return desk.page("stale", session), 400
        return view(desk, session)

    return guarded


# Coming and going


def login(desk: Desk, problem: str = "") -> str:
    """The login page."""
    study = desk.config.study
    return render_template(
        "desk/login.html", study=study, title=study.title.into(study.languages[0]), here="login",
        problem=problem,
    )  # fmt: skip


def enter(desk: Desk) -> Answered:
    """Checks the password and gives the cookie."""
    try:
        cookie = desk.door.enter(request.form.get("password", "")[:200], request.remote_addr or "")
    except TooMany:
        answer = make_response(login(desk, "Too many wrong passwords. Wait a minute."), 429)
        answer.headers["Retry-After"] = "60"
        return answer
    if cookie is None:
        return login(desk, "This is not the password."), 403
    answer = make_response(redirect("/desk", 303))
    answer.set_cookie(
        COOKIE, cookie, max_age=SESSION_S, path="/desk", httponly=True, samesite="Strict",
        secure=desk.config.secure,
    )  # fmt: skip
    return answer


def logout(desk: Desk, _: str) -> Answered:
    """Forgets the cookie."""
    answer = make_response(redirect("/desk/login", 303))
    answer.delete_cookie(COOKIE, path="/desk")
    return answer


# Looking


def _kind() -> Kind:
    given = request.values.get("kind", "")
    return next((kind for kind in KINDS if kind == given), "participants")


def overview(desk: Desk, session: str) -> Answered:
    """Everything at a glance."""
    kind = _kind()
    return desk.page(
        "overview", session, kind=kind, now=desk.monitor.snapshot(kind), links=desk.links()
    )


def live(desk: Desk, session: str) -> Answered:
    """The part of the overview that changes."""
    return desk.page("live", session, kind=_kind(), now=desk.monitor.snapshot(_kind()))


def person(desk: Desk, session: str, name: str) -> Answered:
    """What one participant did, page by page and round by round."""
    found = next(
        (one for kind in KINDS for one in desk.monitor.snapshot(kind).people if one.who.id == name),
        None,
    )
    if found is None:
        return desk.page("nobody", session), 404
    records = list(records_of(desk.config.store, name))
    one = Dossier(found.who, found.session, found.identity, False, records)
    claim = next((c for c in claims_of(desk.monitor.snapshot(one.kind)) if c.person == found), None)
    steps = {step.key: step for step in found.session.state.steps}
    return desk.page(
        "person", session, one=found, records=[_record(record, steps) for record in records],
        reasons=reasons_of(found.session.study, one) if found.session.state.outcome else [],
        steps=steps, claim=claim, kind=one.kind,
    )  # fmt: skip


def _record(record: Played, steps: dict[str, Any]) -> dict[str, Any]:
    episode, figures, step = record.episode, record.figures, steps.get(record.step)
    return {
        "id": record.id,
        "step": step,
        "world": episode.header["world"],
        "steps": figures.steps,
        "horizon": episode.header["horizon"],
        "score": sum(sum(tick["rewards"]) for tick in episode.ticks),
        "idle": figures.idle_share,
        "worst_ms": max(figures.delays, default=0.0),
        "ended": episode.end["reason"] if episode.end else None,
    }


def watch(desk: Desk, session: str, name: str) -> Answered:
    """A round as it is played, or again."""
    told = desk.watching.read(name, 1 << 30)
    if told is None:
        return desk.page("nobody", session), 404
    return desk.page("watch", session, round_id=name, ended=told["ended"])


def frames(desk: Desk, name: str) -> Answered:
    """The steps of a round from a position on."""
    after = request.args.get("after", "0")
    told = desk.watching.read(name, int(after) if after.isdecimal() and len(after) < 8 else 0)
    if told is None:
        return make_response(jsonify(error="This round is not here any more."), 404)
    return jsonify(told)


# Deciding


def switch(desk: Desk, _: str) -> Answered:
    """Pauses or resumes recruitment, or begins or ends a dry run."""
    wanted, on = request.form.get("name", ""), request.form.get("on") == "yes"
    for name in DEFAULTS:
        if name == wanted:
            desk.oversight.turn(name, on)
    desk.monitor.refresh()
    return redirect("/desk", 303)


def payments(desk: Desk, session: str) -> Answered:
    """Who has ended, and what they are paid."""
    claims = claims_of(desk.monitor.snapshot(_kind()))
    return desk.page(
        "payments", session, claims=claims, kind=_kind(), longest=LONGEST_REASON,
        unpaid=sum(c.verdict == "open" for c in claims),
        unnamed=sum(c.verdict == "approved" and not c.external_id for c in claims),
    )  # fmt: skip


def review(desk: Desk, session: str) -> Answered:
    """Approves or rejects those who were ticked."""
    verdict = next((v for v in VERDICTS if v == request.form.get("verdict")), None)
    reason = request.form.get("reason", "").strip()
    if verdict is None or (verdict == "rejected" and not reason):
        return desk.page("unreasoned", session), 400
    desk.monitor.refresh()  # who ended a moment ago is decided on, too
    ended = {claim.person.who.id: claim for claim in claims_of(desk.monitor.snapshot(_kind()))}
    for name in dict.fromkeys(request.form.getlist("who")):
        if name in ended and ended[name].verdict != verdict:
            desk.oversight.review(ended[name].person.who, verdict, reason)
    desk.monitor.refresh()
    return redirect(f"/desk/payments?kind={_kind()}", 303)


def bonuses(desk: Desk, _: str) -> Answered:
    """The list for bulk payment of bonuses."""
    desk.monitor.refresh()
    return _file(desk, "bonuses", bonus_lines(claims_of(desk.monitor.snapshot(_kind()))))


def approved(desk: Desk, _: str) -> Answered:
    """The list for bulk approval."""
    desk.monitor.refresh()
    return _file(desk, "approved", approval_lines(claims_of(desk.monitor.snapshot(_kind()))))


def _file(desk: Desk, name: str, text: str) -> Response:
    answer = Response(text, mimetype="text/csv")
    file = f"{desk.config.study.id}-{_kind()}-{name}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return answer


# Words


def span(seconds: float) -> str:
    """A duration as people say it: 45 s, 12 min, 3 h, 2 d."""
    for limit, unit, each in ((90, "s", 1), (5400, "min", 60), (129_600, "h", 3600)):
        if seconds < limit:
            return f"{seconds / each:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def money(amount: float) -> str:
    """An amount with its cents."""
    return f"{amount:,.2f}"


def percent(share: float | None) -> str:
    """A share of one; a dash when it is not known."""
    if share is None:
        return "–"
    return f"{share * 100:.1f} %" if 0 < share < 0.0995 else f"{share * 100:.0f} %"


def clock(at_utc: str) -> str:
    """Date and minute of a stored time."""
    return at_utc[:16].replace("T", " ")
