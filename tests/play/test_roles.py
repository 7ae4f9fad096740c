"""Games whose seats have roles: who may sit where, what counts as the score, what is told of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.library import load_policy
from play.episode import EpisodeWriter, verify
from play.exporters import step_rows
from play.presentation.families import face_of, person_of, shows_own_points
from play.presentation.outcome import outcome_of
from play.replay import ReplayCursor
from play.session import Decision, SeatConfig, Session, SessionConfig
from play.web.catalogue import Catalogue
from play.web.config import PlayConfig
from play.web.messages import Start
from play.worlds.registry import make_world
from play.worlds.spec import WorldFacts

OPTIONS = {"horizon": 300, "starts": "apart"}


def facts_of(name: str) -> WorldFacts:
    return make_world(name).facts


@pytest.mark.parametrize(
    ("name", "without", "groups"),
    [
        ("tag/simple", (), [[0, 1], [2]]),
        ("tag/simple", (0,), [[1], [2]]),
        ("tag/simple", (2,), [[0, 1]]),
        ("tag/two_runners", (1, 4), [[0, 2], [3]]),
        ("tag/duel", (0,), [[1]]),
        ("kitchen/cramped_room", (), [[0, 1]]),
        ("kitchen/cramped_room", (1,), [[0]]),
        ("kitchen/cramped_room_single", (0,), []),
    ],
)
def test_seats_are_grouped_by_role(
    name: str, without: tuple[int, ...], groups: list[list[int]]
) -> None:
    assert facts_of(name).groups(without) == groups


@pytest.mark.parametrize(
    ("name", "seat", "partners"),
    [
        ("tag/simple", 0, [1]),
        ("tag/simple", 2, [0, 1]),
        ("tag/simple", None, [0, 1]),
        ("tag/duel", 0, [1]),
        ("kitchen/multiplayer_schelling", 1, [0, 2, 3]),
        ("kitchen/cramped_room_single", 0, []),
    ],
)
def test_partners_are_of_the_own_role_where_there_are_some(
    name: str, seat: int | None, partners: list[int]
) -> None:
    assert facts_of(name).partners_of(seat) == partners


def wish(mode: str, partners: list[str], seat: int = 0, world: str = "tag/simple") -> Start:
    return Start(mode, world, {}, tuple(partners), seat, 100)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (wish("solo", ["pursue", "flee"]), None),
        (wish("solo", ["random", "stay"], 1), None),
        (wish("solo", ["pursue"], 2), None),
        (wish("solo", ["flee"], 0, "tag/duel"), None),
        (wish("watch", ["pursue", "random", "flee"]), None),
        (wish("pair", ["flee"]), None),
        (wish("pair", ["pursue"], 2), None),
        (wish("solo", ["pursue"]), "Choose a partner"),
        (wish("pair", []), "Choose a partner"),
        (wish("solo", ["flee", "flee"]), "learned the other seat"),
        (wish("solo", ["pursue", "pursue"]), "learned the other seat"),
        (wish("watch", ["pursue", "flee", "flee"]), "learned the other seat"),
        (wish("solo", ["greedy", "flee"]), "does not play here"),
        (wish("solo", ["pursue", "flee"], 3), "only 3 seats"),
        (wish("pair", ["flee"], 9), "only 3 seats"),
    ],
)
def test_a_wish_names_one_policy_for_each_role(
    tmp_path: Path, asked: Start, problem: str | None
) -> None:
    found = Catalogue(PlayConfig(tmp_path)).problem(asked)
    assert found is None if problem is None else problem in str(found)


def play(folder: Path, names: tuple[str, ...], world: str = "tag/simple") -> tuple[Session, Path]:
    """A whole game between policies, and its record."""
    policies = [load_policy(name) for name in names]
    seats = tuple(SeatConfig("policy", name, name) for name in names)
    session = Session(SessionConfig(world, seats, 4, OPTIONS), policies)
    writer = EpisodeWriter(folder, session.header())
    while not session.over:
        decisions = {}
        for request in session.requests():
            made = request.policy.act(None, [request.view], None, np.array([request.uniform]))
            decisions[request.seat] = Decision(int(made.actions[0]))
        writer.append(session.step(session.t * 100.0, session.t * 100.0, decisions).lines)
    writer.append(session.finish("complete", session.t * 100.0))
    writer.close()
    return session, writer.path


def test_the_score_is_what_the_chasers_share_wherever_it_is_counted(tmp_path: Path) -> None:
    session, record = play(tmp_path, ("pursue", "pursue", "random"))
    done = session.contributions()
    touches = [seat["counts"]["touches"] for seat in done]
    assert session.score == 10 * sum(touches) > 0
    assert touches[2] == 0
    assert session.scores[0] == session.scores[1] == session.score
    assert session.scores[2] < 0
    assert verify(record).score == session.score
    cursor = ReplayCursor.open(record)
    assert cursor.score(cursor.steps) == session.score
    rows = list(step_rows(cursor.episode))
    assert rows[-1]["score"] == session.score

    outcome = outcome_of(session.facts, done)
    assert outcome.heading == f"{session.score:g} points"
    assert outcome.faces == ("chaser-0", "chaser-1", "runner-2")
    assert list(outcome.rows) == ["touches", "steps closing in", "steps at speed"]
    assert outcome.prizes == min(20, sum(touches))
    assert outcome.verdict(None) == outcome.verdict(2) == f"{sum(touches)} touches."
    assert outcome.verdict(0).startswith(f"{sum(touches)} touches")


def test_one_who_stands_still_is_told_so(tmp_path: Path) -> None:
    session, _ = play(tmp_path, ("pursue", "stay", "random"))
    outcome = outcome_of(session.facts, session.contributions())
    assert outcome.verdict(0).endswith("You carried most of the work.")
    assert outcome.verdict(1).endswith("Your partner carried most of the work.")
    nobody, _ = play(tmp_path, ("stay", "stay", "flee"))
    assert outcome_of(nobody.facts, nobody.contributions()).verdict(0) == (
        "Nobody was caught this time."
    )


def test_the_work_in_tag_is_to_catch() -> None:
    facts = facts_of("tag/simple")
    counts = [(5, 144, 249), (33, 158, 260), (0, 0, 292)]  # both run as much, one catches
    seats = [
        {"counts": dict(zip(facts.contributions, row, strict=True)), "score": 380.0, "cost": 0.0}
        for row in counts
    ]
    assert outcome_of(facts, seats).verdicts == (
        "38 touches. Your partner carried most of the work.",
        "38 touches. You carried most of the work.", "38 touches.", "38 touches.",
    )  # fmt: skip


def test_seats_are_called_and_drawn_by_their_roles() -> None:
    tag, kitchen = facts_of("tag/simple"), facts_of("kitchen/cramped_room")
    assert [person_of(tag, seat) for seat in (0, 2)] == ["Blue chaser", "Green runner"]
    assert person_of(kitchen, 1) == "Orange chef"
    assert [face_of(tag, 2), face_of(kitchen, 1)] == ["runner-2", "avatar-1"]
    shown: dict[str, Any] = {
        name: shows_own_points(facts_of(name))
        for name in ("tag/simple", "kitchen/cramped_room", "private-kitchen/released")
    }
    assert list(shown.values()) == [False, False, True]
