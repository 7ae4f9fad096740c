"""The study file: what is accepted, what is refused where, and what is said about it."""

import json
import zipfile
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result
from scipy import stats

from play.worlds.errors import UserError
from studies.commands import study as command
from studies.freeze import differences, freeze
from studies.loading import load_study
from studies.overview import cost_of, minutes_of, orders_of, warnings_of
from studies.power import p_values, sample_size, simulated_power
from studies.questionnaires import (
    Survey,
    expanded,
    instruments,
    passes,
    problems_of,
    scale_scores,
)
from studies.templates import template_names, write_template
from studies.wording import texts_of
from tests.studies.files import SMALL, small, study_from


def line_of(text: str, words: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), start=1) if words in line)


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("seed: 5", "seed: five", "seed", "valid integer"),
        ("seed: 5", "sed: 5", "sed", "did you mean 'seed'"),
        ("order: williams", "order: random", r"arms\[0\].order", "'fixed', 'shuffle'"),
        ("kind: slider", "kind: slyder", r"surveys.last.items\[0\]", "no kind 'slyder'"),
        ("kind: ranking, ", "", r"surveys.last.items\[3\]", "has no 'kind'"),
        ("min: 0, max: 9", "min: 9, max: 9", r"surveys.last.items\[4\].max", "more than min"),
        ("max: 9", "maxx: 9", r"surveys.last.items\[4\].maxx", "did you mean 'max'"),
        ("among: [b]", "among: []", r"surveys.last.items\[2\].show_if.among", "at least 1"),
        ("show_if: {item: pick", "show_if: {item: rank", r"items\[2\].show_if.item", "no earlier"),
        ("[quokka, wombat]", "[quokka, wombt]", r"arms\[0\].blocks\[1\]", "did you mean 'wombat'"),
        ("[quokka, wombat]", "[quokka, quokka]", r"arms\[0\].blocks\[1\]", "second time"),
        ("surveys: [last]", "surveys: [lost]", r"arms\[0\].surveys\[0\]", "did you mean 'last'"),
        ("partner: wombat", "partner: gamma", r"blocks\[1\].rounds\[0\].partner", "not among"),
        ("policy: greedy", "policy: gredy", r"wombat\[0\].policy", "did you mean 'greedy'"),
        ("srpo}", "srpo, sha256: 0123456789ab}", r"partners.quokka\[0\].sha256", "another file's"),
        ("cramped_room, partner: quokka", "coordination_ring, partner: quokka",
         r"blocks\[0\].rounds\[0\].partner", "no policy for kitchen/coordination_ring"),
        ("cramped_room, partner: quokka", "cramped_rom, partner: quokka",
         r"blocks\[0\].rounds\[0\].world", "did you mean"),
        ("wombat, steps", "wombat, seat: 2, steps", r"rounds\[0\].seat", "0 to 1"),
        ("partner: quokka, steps", "partner: quokka, dynamics: new, steps",
         r"rounds\[0\].partner", "trained with dynamics old"),
        ("partner: wombat, steps", "partner: human, steps", "lobby", "is missing"),
        (", de: Äpfel", "", r"surveys.last.items\[1\].options\[0\].text", "no text in de"),
        ("expects: [three]", "expects: [four]", r"quiz.items\[0\].expects", "'four' is no option"),
        ("      expects: [three]\n", "", r"quiz.items\[0\]", "which answer is right"),
        ("code: QUIZ-1", "code: DONE-1", "payment.endings.done.code", "another ending"),
        ("    withdrawn: {code: WITHDRAWN-1}\n", "", "payment.endings", "no 'withdrawn'"),
        ("min(2, 0.01 * score)", "__import__('os')", "payment.bonus", "not allowed"),
        ("mood: [good, bad]", "mood: [good, best]", "surveys.mood.scales.mood", "'best' is no"),
        ("{rule: incomplete}", "{rule: dull}", r"exclusions\[0\]", "no rule 'dull'"),
        ("id: bad,", "id: good,", r"surveys.mood.items\[1\].id", "second time"),
        ("https://example.org", "http://example.org", "payment.url", "pattern"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_place(
    tmp_path: Path, old: str, new: str, place: str, words: str
) -> None:
    assert SMALL.count(old) >= 1
    at = line_of(SMALL, old.strip().splitlines()[0])
    with pytest.raises(UserError, match=words) as refusal:
        study_from(tmp_path, SMALL.replace(old, new, 1))
    found = str(refusal.value)
    assert "\n" not in found
    with pytest.raises(UserError, match=rf"study\.yaml:\d+: \S*{place}: "):
        study_from(tmp_path, SMALL.replace(old, new, 1))
    line = int(found.partition("study.yaml:")[2].partition(":")[0])
    removed_or_elsewhere = new == "" or place in ("lobby", "payment.endings.done.code")
    assert removed_or_elsewhere or line == at


def test_yaml_that_is_none_or_has_a_key_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"study\.yaml:2: "):
        study_from(tmp_path, "a: [1\n")
    with pytest.raises(UserError, match=r"study\.yaml:2: 'study' is here for the second time"):
        study_from(tmp_path, "study: 1\nstudy: 1\n")
    with pytest.raises(UserError, match="is no study file"):
        study_from(tmp_path, "- 1\n")
    with pytest.raises(UserError, match="cannot be read"):
        load_study(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("name", template_names())
def test_templates_are_whole_studies_with_pinned_policies(name: str, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    write_template(name, path)
    study = load_study(path)
    pinned = [p.sha256 for entry in study.partners.values() for p in entry if p.policy != "greedy"]
    assert all(pinned)
    odd = [w for w in warnings_of(study) if "template's" not in w and "rule-based" not in w]
    assert odd == []
    with pytest.raises(UserError, match="already exists"):
        write_template(name, path)


@pytest.mark.parametrize("name", sorted(instruments()))
def test_instruments_are_in_both_languages_and_name_their_source(name: str) -> None:
    made = instruments()[name]
    assert made.source
    assert made.notes
    for place, text in texts_of(made):
        assert text.lacks(["en", "de"]) == [], place
        assert isinstance(text.root, dict), place
    members = {item for scale in made.scales.values() for item in scale}
    assert members <= {item.id for item in made.items}


def test_published_scales_have_their_published_items() -> None:
    risk = instruments()["risk_propensity"]
    assert [item.id for item in risk.items if item.reverse] == [  # type: ignore[union-attr]
        "safety_first", "health", "avoid", "not_knowing",
    ]  # fmt: skip
    assert {item.points for item in risk.items} == {9}  # type: ignore[union-attr]
    assert len(instruments()["nasa_tlx"].items) == 6


def test_the_schema_accepts_what_the_loader_accepts(tmp_path: Path) -> None:
    schema = json.loads(run("schema").output)
    jsonschema.validate(yaml.safe_load(SMALL), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**yaml.safe_load(SMALL), "sed": 1}, schema)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments), catch_exceptions=False)


def test_check_explains_the_study(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(SMALL, encoding="utf-8")
    said = run("check", str(path)).output
    assert "Arm lemur (target 4): 2 blocks in williams order, 2 orders of rounds" in said
    assert "4 participants at 2.00 GBP: 8.00 GBP" in said
    assert "greedy is rule-based" in said


def test_minutes_cost_and_orders_add_up() -> None:
    study = small()
    longer = small(blocks=[b.model_dump() for b in study.blocks])
    assert minutes_of(longer, longer.arms[0]) == minutes_of(study, study.arms[0])
    blocks = [b.model_dump(mode="json") for b in study.blocks]
    blocks[0]["rounds"][0]["steps"] += 2000  # of 30 ms
    longer = small(blocks=blocks)
    added = minutes_of(longer, longer.arms[0]) - minutes_of(study, study.arms[0])
    assert added == pytest.approx(1.0)
    assert cost_of(study).pay == 8
    assert orders_of(study, study.arms[0]) == 2
    assert any("no multiple of its 2 orders" in w for w in warnings_of(small(arms=[
        {"id": "lemur", "blocks": ["quokka", "wombat"], "order": "williams", "target": 5}
    ])))  # fmt: skip


def test_warnings_name_what_is_probably_not_meant() -> None:
    words = {"en": "x", "de": "x"}
    items = [
        {"id": f"i{n}", "kind": "likert", "low": words, "high": words, "text": words}
        for n in range(5)
    ]
    study = small(surveys={**small().plain()["surveys"], "flat": {"items": items}})
    found = " ".join(warnings_of(study))
    assert "surveys.flat has no reversed item" in found
    assert "surveys.flat is never asked" in found
    assert "srpo has no sha256" in found


def test_answers_are_judged_item_by_item() -> None:
    items = small().survey("last").items
    good = {"slide": 3.0, "pick": "a", "rank": ["y", "x"], "many": 4}
    assert problems_of(items, good) == {}
    assert problems_of(items, {**good, "why": "not shown"}) == {"why": "unknown"}
    assert problems_of(items, {**good, "pick": "b", "why": "because"}) == {}
    assert problems_of(items, {}) == {
        "slide": "move-slider", "pick": "choose-one", "rank": "rank-all", "many": "number-between",
    }  # fmt: skip
    wrong = {"slide": 101.0, "pick": "c", "rank": ["x", "x"], "many": 4.5}
    assert set(problems_of(items, wrong)) == set(good)
    assert problems_of(items, {**good, "extra": 1}) == {"extra": "unknown"}


def test_scales_turn_reversed_items_and_checks_know_their_answer() -> None:
    survey = small().survey("mood")
    assert scale_scores(survey, {"good": 5, "bad": 1}) == {"mood": 5.0}
    assert scale_scores(survey, {"good": 4, "bad": 4}) == {"mood": 3.0}
    assert scale_scores(survey, {"good": 4}) == {"mood": 4.0}
    assert scale_scores(survey, {}) == {"mood": None}
    tlx = expanded(Survey(instrument="nasa_tlx"))
    assert scale_scores(tlx, dict.fromkeys(tlx.scales["workload"], 30.0)) == {"workload": 30.0}
    quiz = small().quiz
    assert quiz is not None
    assert passes(quiz.items[0], "three")
    assert not passes(quiz.items[0], "two")


def test_an_archive_is_the_same_every_time_and_tells_every_difference(tmp_path: Path) -> None:
    study = study_from(tmp_path, SMALL)
    source = tmp_path / "study.yaml"
    freeze(study, source, tmp_path / "one.zip")
    freeze(study, source, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert differences(study, tmp_path / "one.zip") == []
    text = SMALL.replace("target: 4", "target: 6").replace("seed: 5", "seed: 6")
    changed = study_from(tmp_path, text)
    assert differences(changed, tmp_path / "one.zip") == [
        "arms[0].target was 4 and is 6", "seed was 5 and is 6",
    ]  # fmt: skip
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.read("study.yaml").decode() == SMALL
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["sha256"] == study.sha256
    with pytest.raises(UserError, match="already exists"):
        freeze(study, source, tmp_path / "one.zip")
    with pytest.raises(UserError, match="no preregistration archive"):
        differences(study, source)


def contrast(**changes: object) -> dict[str, object]:
    pair = ["quokka", "wombat"]
    return {"id": "c", "outcome": "score", "compare": pair, "expected": 0.5, "sd": 1,
            "correlation": 0.3, **changes}  # fmt: skip


def test_power_within_participants_is_that_of_the_paired_t_test() -> None:
    study = small(analysis={"text": "x", "contrasts": [contrast()]})
    planned = study.analysis.contrasts[0]
    n, spread = 30, np.sqrt(2 - 2 * 0.3)
    critical = stats.t.ppf(0.975, n - 1)
    shift = 0.5 / spread * np.sqrt(n)
    exact = stats.nct.sf(critical, n - 1, shift) + stats.nct.cdf(-critical, n - 1, shift)
    simulated = simulated_power(study, planned, (n, n), 20_000, 1)
    assert simulated == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000))


def test_power_between_arms_is_that_of_two_samples_and_the_size_reaches_it() -> None:
    arms = [{"id": name, "blocks": ["quokka"], "target": 20} for name in ("a", "b")]
    study = small(arms=arms, analysis={"text": "x", "contrasts": [contrast(compare=["a", "b"])]})
    planned = study.analysis.contrasts[0]
    found = sample_size(study, planned, studies=4000)
    shift, df = 0.5 * np.sqrt(found.per_cell / 2), 2 * found.per_cell - 2
    critical = stats.t.ppf(0.975, df)
    exact = stats.nct.sf(critical, df, shift) + stats.nct.cdf(-critical, df, shift)
    assert not found.within
    assert abs(found.per_cell - 64) <= 3  # Cohen (1988): d = 0.5, alpha 0.05, power 0.8
    assert found.power == pytest.approx(exact, abs=4 * found.error)
    none = planned.model_copy(update={"expected": 0.0})
    rng = np.random.default_rng(2)
    values = p_values(none, False, (20, 30), 20_000, rng)
    assert (values < 0.05).mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 20_000))
