"""Simulated participants: through every template, marked, and a planted effect is found again."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml
from click.testing import CliRunner

from play.worlds.errors import UserError
from studies import schema
from studies.bots.crowd import Crowd, Outcome, Visit, _check, _fields, summary
from studies.bots.persona import Habits, Persona
from studies.bots.ways import BotError, SocketWay
from studies.commands import study as command
from studies.design import Study
from studies.export import export
from studies.flow import Step
from studies.monitor import Monitor
from studies.planned import analyse, read_export
from studies.questionnaires import problems_of, scale_scores
from studies.templates import template_names, write_template
from studies.web.pages import SIMULATED
from studies.web.server import StudyServer
from tests.studies.files import SMALL, small
from tests.studies.serving import serving

pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)
STEADY = Habits(dropouts=0, blinks=0, careless=0)


def crowd(server: StudyServer, habits: Habits = STEADY, seed: int = 0, **more: Any) -> Crowd:
    """Simulated participants who lose no time on pages."""
    config = server.config
    token = config.signed(SIMULATED)
    return Crowd(
        config.study, server.url, token, config.store, habits, seed, more.pop("speed", 1e4), **more
    )


def fine(outcomes: list[Outcome]) -> None:
    assert [outcome.problem for outcome in outcomes if outcome.problem] == []


# What they are like


def test_the_same_seed_gives_the_same_participant() -> None:
    step, items = Step("survey:x", "survey", "last"), small().survey("last").items

    def answers(seed: int, number: int) -> list[Any]:
        one = Persona(small(), Habits(), seed, number)
        return [one.leaves_at, one.reaction_s(), *[one.answers(items, step, "") for _ in range(5)]]

    assert answers(1, 2) == answers(1, 2)
    assert answers(1, 2) != answers(1, 3)
    assert answers(1, 2) != answers(2, 2)


@pytest.mark.parametrize("template", template_names())
def test_what_they_answer_is_an_answer_to_every_survey_there_is(
    template: str, tmp_path: Path
) -> None:
    write_template(template, tmp_path / "study.yaml")
    study = Study.model_validate(yaml.safe_load((tmp_path / "study.yaml").read_text()))
    shown = 0
    for number in range(20):
        one = Persona(study, Habits(), 0, number)
        for name in study.surveys:
            items = study.survey(name).items
            given = one.answers(items, Step("survey:x", "survey", name), study.arms[0].id)
            assert problems_of(items, given) == {}
            shown += len(given)
    assert shown > 100


def test_people_differ_as_the_habits_say() -> None:
    study = small()
    people = [Persona(study, Habits(dropouts=0.3, mistakes=0.2), 0, n) for n in range(400)]
    assert sum(p.leaves_at is not None for p in people) == pytest.approx(120, abs=30)
    slips = [np.mean([p.slips("", "") for _ in range(50)]) for p in people]
    assert np.mean(slips) == pytest.approx(1 / 6, abs=0.03)  # the mean of Beta(2, 10)
    assert np.std(slips) > 0.05
    reactions = [np.median([p.reaction_s() for _ in range(30)]) for p in people]
    assert np.median(reactions) == pytest.approx(0.22, abs=0.015)
    assert {p.language for p in people} == {"en", "de"}


def test_a_planted_effect_has_the_size_that_the_study_expects() -> None:
    contrast = {"id": "c", "outcome": "mood.mood", "compare": ["quokka", "wombat"],
                "expected": 0.6, "sd": 0.8, "correlation": 0.5}  # fmt: skip
    study = small(analysis={"text": "t", "contrasts": [contrast]})
    survey = study.survey("mood")

    def mood(one: Persona, block: str) -> float:
        answers = one.answers(survey.items, Step("x", "survey", "mood", block), "lemur")
        return float(scale_scores(survey, answers)["mood"] or 0)

    for planted in (True, False):
        people = [Persona(study, Habits(planted=planted), 0, n) for n in range(3000)]
        pairs = np.array([[mood(p, "quokka"), mood(p, "wombat")] for p in people])
        gap = pairs[:, 0] - pairs[:, 1]
        assert gap.mean() == pytest.approx(0.6 if planted else 0.0, abs=0.08)
        assert np.corrcoef(pairs.T)[0, 1] > 0.2


# What they do


def test_they_take_part_and_never_count(database: str, tmp_path: Path) -> None:
    study = small()
    with serving(database, study, countdown_ms=0) as server:
        outcomes = crowd(server).go(3, 3)
        fine(outcomes)
        assert {outcome.ended for outcome in outcomes} == {"done"}
        assert {outcome.code for outcome in outcomes} == {"DONE-1"}
        store = server.config.store
        with store.engine.connect() as connection:
            rows = connection.execute(sa.select(schema.participants)).mappings().all()
        assert len(rows) == 3
        assert all(row["simulated"] and row["test"] for row in rows)
        assert {row["language"] for row in rows} == {"en", "de"}
        assert store.held(study) == ()
        assert Monitor(store, study).snapshot().people == ()
        assert Monitor(store, study).snapshot("simulated").usable == 3
        with pytest.raises(UserError, match="no participants"):
            export(store, study, tmp_path / "x", level="raw", blind=False)
        with pytest.raises(UserError, match="no rehearsals"):
            export(store, study, tmp_path / "x", level="raw", blind=False, kind="rehearsals")
        export(store, study, tmp_path / "x", level="raw", blind=False, kind="simulated")
    people = pd.read_parquet(tmp_path / "x" / "participants.parquet")
    assert (people.kind == "simulated").all()
    rounds = pd.read_parquet(tmp_path / "x" / "rounds.parquet")
    assert (rounds.reason == "complete").all()
    assert (rounds.key_presses > 0).all()


def test_they_leave_lose_the_connection_and_fail_the_quiz(tmp_path: Path) -> None:
    study = small()
    with serving(str(tmp_path / "s.db"), study, countdown_ms=0) as server:
        leaving = crowd(server, Habits(dropouts=1.0, blinks=0, careless=0)).go(3, 3)
        fine(leaving)
        assert "left" in {outcome.ended for outcome in leaving}
        (blinking,) = crowd(server, Habits(0, 0.1, 1.0, 0), seed=1).go(1, 1)
        fine([blinking])
        assert blinking.ended == "done"
        (wrong,) = crowd(server, Habits(0, 0.1, 0, 1.0), seed=3).go(1, 1)
        fine([wrong])
        store = server.config.store
        export(store, study, tmp_path / "x", level="raw", blind=False, kind="simulated")
    rounds = pd.read_parquet(tmp_path / "x" / "rounds.parquet")
    assert (rounds[rounds.participant == blinking.who].interruptions > 0).any()
    people = pd.read_parquet(tmp_path / "x" / "participants.parquet").set_index("participant")
    assert people.loc[wrong.who].quiz_failures == 2
    assert (wrong.ended, wrong.code) == ("failed_quiz", "QUIZ-1")


def test_a_page_that_nobody_could_fill_in_is_a_fault() -> None:
    items = small().survey("last").items
    one = Persona(small(), Habits(), 0, 0)
    fields = _fields(items, one.answers(items, Step("x", "survey", "last"), ""))
    page = '<form><input type="radio" name="item-pick" value="{0}"></form>'
    with pytest.raises(BotError, match="no field item-slide"):
        _check(page.format("a"), fields)
    with pytest.raises(BotError, match="does not offer"):
        _check(page.format("c"), {"item-pick": fields["item-pick"]})
    _check(page.format(fields["item-pick"]), {"item-pick": fields["item-pick"]})


def test_a_server_that_is_no_such_study_is_told_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(SMALL, encoding="utf-8")
    run = CliRunner()
    with pytest.raises(UserError, match="does not answer"):
        run.invoke(command, ["bots", str(file), "1", "--at", "http://127.0.0.1:1"],
                   catch_exceptions=False)  # fmt: skip
    with serving(str(tmp_path / "other.db"), small(id="other")) as server:
        with pytest.raises(UserError, match="does not take simulated participants"):
            run.invoke(command, ["bots", str(file), "1", "--at", server.url],
                       catch_exceptions=False)  # fmt: skip
        stranger = Visit(crowd(server), Persona(small(), STEADY, 0, 1), SocketWay(server.url))
        stranger._crowd = Crowd(small(), server.url, "a guess", server.config.store, STEADY)
        with pytest.raises(BotError, match="404"):
            stranger.take_part()
    said = list(summary([Outcome(1, "x", "left", None, "page 2: no field", 0.1)]))
    assert said == [
        "1 simulated participants: 1 stuck.", "Number 1 was stuck: page 2: no field."
    ]  # fmt: skip


# From the file to the result


def shortened(text: str, steps: int) -> dict[str, Any]:
    """A template whose rounds have a few steps."""
    values: dict[str, Any] = yaml.safe_load(text)
    for block in values["blocks"]:
        for played in block["rounds"]:
            played |= {"steps": steps, "tick_ms": 20}
    return values


@pytest.mark.parametrize("template", template_names())
def test_they_finish_every_template(template: str, tmp_path: Path) -> None:
    write_template(template, tmp_path / "study.yaml")
    study = Study.model_validate(shortened((tmp_path / "study.yaml").read_text(), 10))
    number = max(2, len(study.arms))
    with serving(str(tmp_path / "s.db"), study, countdown_ms=0, speed=5.0) as server:
        outcomes = crowd(server).go(number, number)
    fine(outcomes)
    assert {outcome.ended for outcome in outcomes} == {"done"}


@pytest.mark.full
@pytest.mark.parametrize("template", template_names())
def test_they_finish_every_template_as_it_is(template: str, tmp_path: Path) -> None:
    write_template(template, tmp_path / "study.yaml")
    done = CliRunner().invoke(
        command,
        ["bots", str(tmp_path / "study.yaml"), "4", "--dropouts", "0", "--speed", "7",
         "--together", "4"],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "4 simulated participants: " in done.output
    assert "stuck" not in done.output


def test_one_who_looks_late_has_seen_the_game_that_steps_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(SocketWay):
        def ready(self) -> None:
            super().ready()
            while (self.newest() or ("",))[0] != "tick":
                self.rest(0.01)

    monkeypatch.setattr("studies.bots.crowd.SocketWay", Late)
    monkeypatch.setattr("studies.bots.crowd.PATIENCE_S", 5.0)
    with serving(str(tmp_path / "s.db"), small(), countdown_ms=0) as server:
        fine(crowd(server, speed=20.0).go(1, 1))


@pytest.mark.full
def test_one_of_them_takes_a_real_browser(tmp_path: Path) -> None:
    with serving(str(tmp_path / "s.db"), small(), countdown_ms=0) as server:
        (outcome,) = crowd(server, browser=True, speed=20.0).go(1, 1)
    fine([outcome])
    assert outcome.code == "DONE-1"


@pytest.mark.parametrize(
    "planted", [True, pytest.param(False, marks=pytest.mark.full)], ids=["planted", "not"]
)
def test_the_planned_analysis_finds_what_was_planted_and_nothing_else(
    tmp_path: Path, planted: bool
) -> None:
    likert = {"kind": "likert", "points": 7, "low": "low", "high": "high"}
    surveys = {**yaml.safe_load(SMALL)["surveys"], "mood": {
        "items": [{"id": "good", "text": "g", **likert},
                  {"id": "bad", "text": "b", "reverse": True, **likert}],
        "scales": {"mood": ["good", "bad"]},
    }}  # fmt: skip
    rounds = [{"id": "one", "world": "kitchen/cramped_room", "steps": 1, "tick_ms": 20,
               "surveys": ["mood"]}]  # fmt: skip
    blocks = [{"id": name, "rounds": [{**rounds[0], "partner": name}]}
              for name in ("quokka", "wombat")]  # fmt: skip
    contrast = {"id": "mood", "outcome": "mood.mood", "compare": ["quokka", "wombat"],
                "expected": 1.5, "sd": 1.0, "correlation": 0.5}  # fmt: skip
    study = small(
        tutorial=None, quiz=None, surveys=surveys, blocks=blocks,
        exclusions=[{"rule": "incomplete"}], analysis={"text": "t", "contrasts": [contrast]},
    )  # fmt: skip
    with serving(str(tmp_path / "s.db"), study, countdown_ms=0) as server:
        habits = Habits(dropouts=0.1, blinks=0, careless=0, planted=planted)
        fine(crowd(server, habits, seed=4).go(24, 8))
        store = server.config.store
        export(store, study, tmp_path / "x", level="shareable", blind=False, kind="simulated")
    (found,) = analyse(study, read_export(tmp_path / "x"))
    assert found.sizes[0] >= 15
    low, high = found.interval
    assert low <= (1.5 if planted else 0.0) <= high
    assert (found.p < 0.01) is planted
