"""Exports against records, events and another tool's reading; and what they must not hold."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from overcooked_ai_py.static import DATA_DIR

from agents.demonstrations import load_demonstrations, pairs_of
from play.commands.humans import humans
from play.episode import SUFFIX, replay_states, verify
from play.study_games import games_of_study
from play.worlds.errors import UserError
from studies import schema
from studies.commands import study as command
from studies.design import Study
from studies.exclusions import RULES, RoundFigures, reasons_of
from studies.export import Level, export
from studies.rules import Exclusion
from studies.store import Identity, Store
from studies.tables import COLUMNS, dossiers_of
from tests.studies.bots import Bot
from tests.studies.files import small
from tests.studies.serving import serving
from tests.worlds.oracle import make_oracle, overcooked

pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)
TRIALS_2020 = {
    "state", "joint_action", "reward", "time_left", "score", "time_elapsed", "cur_gameloop",
    "layout", "layout_name", "trial_id", "player_0_id", "player_1_id", "player_0_is_human",
    "player_1_is_human",
}  # fmt: skip
PRIVATE = ("PID-", "python-requests", "2026-", "20261", "free words")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Study, Path]]:
    """A database in which two bots took part, one left early, and one rehearsed."""
    folder = tmp_path_factory.mktemp("played")
    rules = [{"rule": name} for name in RULES]
    study = small(tutorial=None, exclusions=rules)
    database = str(folder / "small.db")
    with serving(database, study, countdown_ms=0) as server:
        for number in range(2):
            bot = Bot(server.url, seed=number)
            bot.enter(f"?PROLIFIC_PID=PID-{number}&STUDY_ID=PID-study&SESSION_ID=PID-session")
            while bot.kind != "ended":
                changes = {"item-why": "free words", "item-pick": "b"}
                bot.take(**(changes if "item-pick" in bot.page else {}))
        bot = Bot(server.url)
        bot.enter("?PROLIFIC_PID=PID-2")
        bot.take_until("questions")
        bot = Bot(server.url)
        bot.enter("?" + server.rehearsal_url.partition("?")[2])
        bot.take()
    store = Store(database)
    yield store, study, folder
    store.close()


def tables_of(folder: Path) -> dict[str, pd.DataFrame]:
    return {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}


def test_tables_say_what_happened(played: tuple[Store, Study, Path], tmp_path: Path) -> None:
    store, study, _ = played
    done = export(store, study, tmp_path / "x", level="raw", blind=False)
    tables = tables_of(tmp_path / "x")
    assert set(tables) == set(COLUMNS)
    assert {name: len(table) for name, table in tables.items()} == dict(done.rows)
    people = tables["participants"]
    assert list(people.outcome.fillna("")) == ["done", "done", ""]
    assert list(people.external_id) == ["PID-0", "PID-1", "PID-2"]
    assert {tuple(blocks.split()) for blocks in people.blocks.dropna()} == {
        ("quokka", "wombat"), ("wombat", "quokka"),
    }  # fmt: skip
    rounds, steps, decisions = tables["rounds"], tables["steps"], tables["decisions"]
    assert len(rounds) == 4
    assert (rounds.steps == 30).all()
    assert len(steps) == len(decisions) == 4 * 30
    by_policy = dict(zip(rounds.block, rounds.policy, strict=True))
    assert by_policy == {"quokka": "kitchen/cramped_room/srpo", "wombat": "greedy"}
    for name, group in steps.groupby("round_id"):
        row = rounds[rounds.round_id == name].iloc[0]
        assert group.score.iloc[-1] == row.score
        assert group.reward.sum() == row.score
    summed = rounds.groupby("participant").score.sum()
    assert (people.set_index("participant").score.loc[summed.index] == summed).all()
    answers = tables["answers"]
    why = answers[answers.item == "why"]
    assert list(why.answer) == ['"free words"'] * 2
    mood = answers[(answers.survey == "mood") & (answers.participant == people.participant[0])]
    for _, group in mood.groupby("block"):
        given = group.set_index("item").number
        assert given["mood"] == pytest.approx((given["good"] + 6 - given["bad"]) / 2)
    assert (answers[answers.survey == "quiz"].check_passed).all()
    assert list(tables["events"].groupby("participant").seq.max().sort_values()) == [3, 10, 10]


def test_steps_read_as_overcooked_ais_own_trials(
    played: tuple[Store, Study, Path], tmp_path: Path
) -> None:
    store, study, _ = played
    export(store, study, tmp_path / "x", level="shareable", blind=False)
    steps = pd.read_csv(tmp_path / "x" / "steps.csv")
    trials = pd.read_pickle(DATA_DIR + "/human_data/clean_test_trials.pickle")
    trials_2019 = {name for name in trials.columns if not name.startswith("Unnamed")}
    assert set(steps.columns) >= (trials_2019 | TRIALS_2020) - {"datetime"}
    export(store, study, tmp_path / "raw", level="raw", blind=False)
    raw = pd.read_parquet(tmp_path / "raw" / "steps.parquet")
    assert set(raw.columns) >= trials_2019 | TRIALS_2020
    assert (raw.groupby("round_id").datetime.diff().dropna() >= 0).all()
    idle = trials.joint_action == "[[0, 0], [0, 0]]"
    assert (trials.is_wait == idle).all()  # what their column says, and ours
    assert (raw.is_wait == (raw.joint_action == "[[0, 0], [0, 0]]")).all()
    for _, group in raw.groupby("round_id"):
        assert set(group.cur_gameloop_total) == {len(group)}
        assert set(group.reward_norm_total) == {group.reward.sum()}
    rounds = pd.read_parquet(tmp_path / "raw" / "rounds.parquet").set_index("round_id")
    assert (raw.round_num == rounds.loc[raw.round_id].number.to_numpy()).all()
    assert raw.groupby("participant").workerid_num.nunique().eq(1).all()
    names = steps.groupby("participant").workerid_num.unique()
    assert all(name == f"p{number[0]:04d}" for name, number in names.items())
    trial = steps[steps.trial_id == steps.trial_id.iloc[0]]
    assert len(trial) == 30
    assert json.loads(trial.layout.iloc[0]) == ["XXPXX", "O  2O", "X1  X", "XDXSX"]
    mdp, read = make_oracle("cramped_room", "old"), overcooked().OvercookedState.from_dict
    for row, after in zip(trial.itertuples(), trial.iloc[1:].itertuples(), strict=False):
        state = read(json.loads(str(row.state)))
        joint = [tuple(a) if isinstance(a, list) else a for a in json.loads(str(row.joint_action))]
        following, info = mdp.get_state_transition(state, joint)
        assert sum(info["sparse_reward_by_agent"]) == row.reward
        assert following == read(json.loads(str(after.state)))
        assert json.loads(str(row.next_state)) == json.loads(str(after.state))


@pytest.mark.parametrize(("level", "blind"), [("raw", False), ("shareable", True)])
def test_exported_rounds_become_games_of_people_that_equal_the_records(
    played: tuple[Store, Study, Path], tmp_path: Path, level: Level, blind: bool
) -> None:
    store, study, _ = played
    export(store, study, tmp_path / "x", level=level, blind=blind)
    out = tmp_path / "games.npz"
    done = CliRunner().invoke(humans, ["import", str(tmp_path / "x"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    games = load_demonstrations(out, "kitchen/cramped_room")
    rounds = pd.read_csv(tmp_path / "x" / "rounds.csv").set_index("round_id")
    records = [one for dossier in dossiers_of(store, study.id) for one in dossier.counted]
    assert len(games) == len(records) == 4
    assert len(pairs_of(games)) == 2
    wanted = [
        (
            one.episode.joint_actions,
            [w.get_states()[0].tolist() for w in replay_states(one.episode)],
        )
        for one in records
    ]
    for game in games:
        assert (game.actions.tolist(), game.states.tolist()) in [
            ([list(joint) for joint in actions], states) for actions, states in wanted
        ]
        about = rounds.loc[game.name]
        assert game.pair == f"x-{about.participant}"
        assert (game.people, game.options["dynamics"]) == ((about.seat,), about.dynamics)


def test_rounds_that_are_damaged_or_do_not_replay_are_refused(
    played: tuple[Store, Study, Path], tmp_path: Path
) -> None:
    store, study, _ = played
    folder = tmp_path / "x"
    export(store, study, folder, level="raw", blind=False)
    steps, rounds = pd.read_csv(folder / "steps.csv"), pd.read_csv(folder / "rounds.csv")
    assert list(games_of_study(folder))

    def refused(words: str, **changes: Any) -> None:
        changes.get("steps", steps).to_csv(folder / "steps.csv", index=False)
        changes.get("rounds", rounds).to_csv(folder / "rounds.csv", index=False)
        with pytest.raises(UserError, match=words):
            list(games_of_study(folder))

    refused("does not replay: its state", steps=steps.drop(index=3))
    refused("is damaged", steps=steps.assign(joint_action='[[7, 0], "interact"]'))
    refused("lacks the round", rounds=rounds.iloc[:0])
    refused("models of people are made for kitchens", rounds=rounds.assign(world="tag/field"))
    rounds.assign(reason="").to_csv(folder / "rounds.csv", index=False)
    steps.to_csv(folder / "steps.csv", index=False)
    assert list(games_of_study(folder)) == []
    games = list(games_of_study(folder, partial=True))
    assert [game.people for game in games] == [(seat,) for seat in rounds.seat]


def test_the_shareable_level_holds_nothing_of_the_person(
    played: tuple[Store, Study, Path], tmp_path: Path
) -> None:
    store, study, _ = played
    export(store, study, tmp_path / "raw", level="raw", blind=False)
    export(store, study, tmp_path / "share", level="shareable", blind=False)
    ids = list(pd.read_parquet(tmp_path / "raw" / "participants.parquet").participant)
    for path in sorted((tmp_path / "share").glob("*.csv")):
        text = path.read_text()
        for word in (*PRIVATE, *ids):
            assert word not in text, (path.name, word)
    everything = "".join(p.read_text() for p in (tmp_path / "raw").glob("*.csv"))
    assert all(word in everything for word in (*PRIVATE, *ids))


def test_the_blind_form_names_no_condition_and_its_key_gives_them_back(
    played: tuple[Store, Study, Path], tmp_path: Path
) -> None:
    store, study, _ = played
    export(store, study, tmp_path / "x", level="shareable", blind=True)
    for path in sorted((tmp_path / "x").glob("*.csv")):
        for word in ("quokka", "wombat", "lemur", "srpo", "greedy"):
            assert word not in path.read_text(), (path.name, word)
    key = json.loads((tmp_path / "x-key.json").read_text())
    rounds = pd.read_parquet(tmp_path / "x" / "rounds.parquet")
    names = {code: name for name, code in key["block"].items()}
    assert {names[code] for code in rounds.block} == {"quokka", "wombat"}


def test_the_raw_level_has_the_records_and_every_form_but_the_blind_the_study(
    played: tuple[Store, Study, Path], tmp_path: Path
) -> None:
    store, study, _ = played
    for level in ("raw", "shareable"):
        for blind in (False, True):
            out = tmp_path / f"{level}-{blind}"
            export(store, study, out, level=level, blind=blind)  # type: ignore[arg-type]
            assert (out / "study.json").exists() is not blind
            assert (out / "records").exists() is (level == "raw" and not blind)
    told = json.loads((tmp_path / "raw-False" / "study.json").read_text())
    assert told[study.sha256]["design"] == study.plain()
    assert told[study.sha256]["manifest"]["models"]["kitchen/cramped_room/srpo"]
    rounds = pd.read_parquet(tmp_path / "raw-False" / "rounds.parquet").set_index("round_id")
    paths = list((tmp_path / "raw-False" / "records").iterdir())
    assert len(paths) == len(rounds)
    for path in paths:
        report = verify(path)
        row = rounds.loc[path.name.removesuffix(SUFFIX)]
        assert (report.steps, report.score) == (row.steps, row.score)


def test_the_flow_counts_everybody_once_in_each_place(
    played: tuple[Store, Study, Path], tmp_path: Path
) -> None:
    store, study, _ = played
    export(store, study, tmp_path / "x", level="shareable", blind=False)
    people = pd.read_parquet(tmp_path / "x" / "participants.parquet")
    flow = pd.read_parquet(tmp_path / "x" / "flow.parquet")
    whole = flow[flow.reason.isna()].groupby("status").participants.sum()
    assert whole["came"] == len(people)
    assert whole["done"] == whole["excluded"] + whole.get("analysed", 0) == 2
    assert whole["came"] - whole["done"] == whole["dropped"] == 1
    reasons = flow[flow.reason.notna()].set_index("reason").participants
    done = people[people.outcome == "done"]
    wanted = done.exclusion_reasons.str.split().explode().value_counts()
    assert reasons.to_dict() == wanted.to_dict()


def test_the_dictionary_tells_every_column_of_both_formats(
    played: tuple[Store, Study, Path], tmp_path: Path
) -> None:
    store, study, _ = played
    for level in ("raw", "shareable"):
        out = tmp_path / level
        export(store, study, out, level=level, blind=False)  # type: ignore[arg-type]
        told = json.loads((out / "dictionary.json").read_text())
        for name, table in tables_of(out).items():
            with open(out / f"{name}.csv", newline="") as file:
                header = next(csv.reader(file))
            assert header == list(table.columns) == list(told[name])
            assert all(entry["means"] for entry in told[name].values())


def test_rehearsals_are_apart(played: tuple[Store, Study, Path], tmp_path: Path) -> None:
    store, study, _ = played
    done = export(store, study, tmp_path / "x", level="raw", blind=False, kind="rehearsals")
    assert done.rows["participants"] == 1
    with pytest.raises(UserError, match="already exists"):
        export(store, study, tmp_path / "x", level="raw", blind=False, kind="rehearsals")
    with pytest.raises(UserError, match="no participants"):
        export(store, small(id="other"), tmp_path / "y", level="raw", blind=False)


class Case:
    """A participant of whom only that is known which a rule looks at."""

    def __init__(self, base: Any, **changes: Any) -> None:
        self.__dict__.update({**vars(base), **changes})
        self.events = base.events
        self.counted = changes.get("counted", base.counted)


class FakeRound:
    def __init__(self, **figures: Any) -> None:
        usual = {"steps": 100, "presses": 60, "idle_share": 0.3, "longest_idle": 10,
                 "delays": (1.0,) * 100}  # fmt: skip
        self.figures = RoundFigures(**{**usual, **figures})


@pytest.mark.parametrize(
    ("rule", "figures", "applies"),
    [
        ({"rule": "few_keys"}, [{"presses": 24}], True),
        ({"rule": "few_keys"}, [{"presses": 25}], False),
        ({"rule": "idle"}, [{"idle_share": 0.91}, {"idle_share": 0.0}], True),
        ({"rule": "idle"}, [{"idle_share": 0.9}, {"idle_share": 0.31}], True),
        ({"rule": "idle"}, [{"idle_share": 0.9}, {"idle_share": 0.29}], False),
        ({"rule": "frozen"}, [{"longest_idle": 51}], True),
        ({"rule": "frozen"}, [{"longest_idle": 50}], False),
        ({"rule": "lag"}, [{"delays": (76.0,) * 6 + (0.0,) * 94}], True),
        ({"rule": "lag"}, [{"delays": (76.0,) * 5 + (0.0,) * 95}], False),
        ({"rule": "lag"}, [{"delays": (75.0,) * 50 + (0.0,) * 50}], False),
    ],
)
def test_rules_about_rounds_apply_from_their_limit_on(
    played: tuple[Store, Study, Path],
    rule: dict[str, Any],
    figures: list[dict[str, Any]],
    applies: bool,
) -> None:
    store, _, _ = played
    base = next(iter(dossiers_of(store, "small")))
    case = Case(base, counted=[FakeRound(**one) for one in figures])
    study = small(tutorial=None, exclusions=[rule])
    assert reasons_of(study, case) == ([rule["rule"]] if applies else [])  # type: ignore[arg-type]


def test_rules_about_pages_and_sessions(played: tuple[Store, Study, Path]) -> None:
    store, study, _ = played
    done, _, early = dossiers_of(store, "small")
    assert "incomplete" in reasons_of(study, early)
    assert "incomplete" not in reasons_of(study, done)
    assert "hasty" in reasons_of(study, done)  # bots answer at once
    slow = small(tutorial=None, exclusions=[{"rule": "hasty", "under_s": 1e-9}])
    assert reasons_of(slow, done) == []
    assert "straight_lining" not in reasons_of(study, done)
    lined = small(tutorial=None, exclusions=[{"rule": "straight_lining", "items": 2}])
    moods = [e.data["answers"] for e in done.events if e.data.get("survey") == "mood"]
    same = any(len(set(given.values())) == 1 for given in moods)
    assert reasons_of(lined, done) == (["straight_lining"] if same else [])
    repeated = small(tutorial=None, exclusions=[{"rule": "repeated_id"}])
    assert reasons_of(repeated, done) == []
    twice = Case(done, repeated=True)
    assert reasons_of(repeated, twice) == ["repeated_id"]  # type: ignore[arg-type]


def test_every_rule_that_can_be_declared_is_computed() -> None:
    kinds = Exclusion.__args__[0].__args__  # type: ignore[attr-defined]
    declared = {kind.model_fields["rule"].annotation.__args__[0] for kind in kinds}
    assert declared == set(RULES)


def test_commands_export_and_forget(played: tuple[Store, Study, Path], tmp_path: Path) -> None:
    store, study, folder = played
    file = folder / "study.yaml"
    file.write_text(json.dumps(study.model_dump(mode="json")))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    said = run("export", str(file), "--out", str(tmp_path / "x"))
    assert "participants: 3 rows" in said
    who = store.find("PID-2")
    assert who is not None
    assert f"Erased {who}" in run("forget", str(file), "PID-2", "--yes")
    for table in schema.ERASABLE:
        column = "id" if table is schema.participants else "participant_id"
        with store.engine.connect() as connection:
            assert who not in set(connection.execute(sa.select(table.c[column])).scalars())
    found = store.find("PID-0")
    assert found is not None
    assert store.find_by_beginning(found[:6]) == found
    assert store.find_by_beginning(found[:5]) is None
    assert store.find_by_beginning("%" * 6) is None
    p = schema.participants
    with store.writing() as connection:
        row = connection.execute(sa.select(p).where(p.c.id == found)).mappings().one()
        connection.execute(p.insert(), {**row, "id": found[:7] + "x"})
    with pytest.raises(UserError, match="Several participants' ids begin with"):
        store.find_by_beginning(found[:7])
    twin = store.participant(found[:7] + "x")
    assert twin is not None
    store.withdraw(twin, "forgotten", erase=True)
    store.enter(study, Identity("PID-0"), "en", True)
    erased = run("forget", str(file), "PID-0", "--yes").count("Erased")
    assert erased == 2  # their rehearsal too
    assert "participants: 1 rows" in run("export", str(file), "--out", str(tmp_path / "y"))
    with pytest.raises(UserError, match="no participant 'PID-2'"):
        run("forget", str(file), "PID-2", "--yes")
    assert np.all(pd.read_parquet(tmp_path / "y" / "participants.parquet").outcome == "done")
