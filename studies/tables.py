"""What the tables of an export hold: a row for each participant, round, step, answer, ….

Everything is derived from the events and the records; rounds are re-simulated on the way and
compared with their hashes, so nothing is exported that did not happen.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import sqlalchemy as sa

from play.episode import SUFFIX, Episode, read_episode
from play.trajectories import trajectories
from play.worlds.kitchen.layouts import ALIASES, Layout
from play.worlds.kitchen.world import Kitchen
from studies import schema
from studies.company import PAIRED
from studies.design import HUMAN
from studies.exclusions import RoundFigures, reasons_of
from studies.flow import pay_of
from studies.pairs import OWN
from studies.questionnaires import passes, scale_scores
from studies.records import record_text
from studies.sessions import Session, Sessions
from studies.store import Event, Identity, Participant, Store

Row = dict[str, Any]
Kind = Literal["participants", "rehearsals", "simulated"]
"""Whom a table is about: participants, people who tried the study, or programs that did."""
UNNAMED = "identifiers deleted"
"""Kind of the event that says so."""
LATE_MS = 75.0
"""A step is late when it came so long after it was due; half a usual tick."""


@dataclass(frozen=True)
class Column:
    """A column and what it means; `private` ones are not in the shareable level."""

    name: str
    type: str
    means: str
    private: bool = False


@dataclass(frozen=True)
class Played:
    """A round or tutorial that has a record."""

    id: str
    step: str
    started_utc: str
    episode: Episode

    @property
    def tutorial(self) -> bool:
        """Whether it is the tutorial."""
        return self.step == "tutorial"

    @property
    def seat(self) -> int:
        """The participant's seat."""
        return [seat["label"] for seat in self.episode.header["seats"]].index(OWN)

    @property
    def people(self) -> list[int]:
        """The seats of people."""
        kinds = [seat["kind"] for seat in self.episode.header["seats"]]
        return [seat for seat, kind in enumerate(kinds) if kind == "human"]

    @cached_property
    def idle(self) -> list[list[bool]]:
        """[T][A] whether each player idled at each step."""
        still = self.episode.header["actions"].index("stay")
        return [[action == still for action in joint] for joint in self.episode.joint_actions]

    @property
    def figures(self) -> RoundFigures:
        """What exclusion rules look at."""
        steps = max(1, len(self.idle))
        inputs = [line for line in self.episode.inputs if line["seat"] == self.seat]
        presses = sum(line["down"] for line in inputs)
        delays = [line["at_ms"] - line["due_ms"] for line in self.episode.ticks]
        columns = list(zip(*self.idle, strict=True))
        return RoundFigures(
            steps=len(self.idle),
            presses=presses,
            idle_share=sum(joint[self.seat] for joint in self.idle) / steps,
            longest_idle=max((_longest(column) for column in columns), default=0),
            delays=tuple(delays),
        )


@dataclass(frozen=True)
class Dossier:
    """Everything about one participant."""

    who: Participant
    session: Session
    identity: Identity | None
    repeated: bool
    played: list[Played] = field(default_factory=list)

    @property
    def kind(self) -> Kind:
        """Whether this is a participant, a rehearsal or a program."""
        if self.who.simulated:
            return "simulated"
        return "rehearsals" if self.who.test else "participants"

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened, in order."""
        return self.session.events

    @property
    def counted(self) -> list[Played]:
        """The rounds, without the tutorial."""
        return [played for played in self.played if not played.tutorial]


def of_kind(kind: Kind) -> sa.ColumnElement[bool]:
    """The condition on participants' rows; each row is of one kind."""
    people = schema.participants.c
    return sa.and_(
        people.test == (kind != "participants"), people.simulated == (kind == "simulated")
    )


def dossiers_of(store: Store, study_id: str, kind: Kind = "participants") -> Iterator[Dossier]:
    """All participants of a study, in all states of its file, by when they came."""
    sessions = Sessions(store)
    people, ids = schema.participants, schema.identifiers
    seen: dict[str, int] = {}
    with store.engine.connect() as connection:
        rows = connection.execute(
            sa.select(people, ids.c.external_id, ids.c.external_study, ids.c.external_session)
            .outerjoin(ids, ids.c.participant_id == people.c.id)
            .where(people.c.study_sha256.in_(store.versions(study_id)))
            .where(of_kind(kind))
            .order_by(people.c.entered_utc, people.c.id)
        ).mappings().all()  # fmt: skip
    for row in rows:
        values = dict(row)
        external = {name: values.pop(name) for name in tuple(values) if name.startswith("external")}
        identity = Identity(**external) if external["external_id"] else None
        repeated = False
        if identity is not None:
            seen[identity.external_id] = seen.get(identity.external_id, 0) + 1
            repeated = seen[identity.external_id] > 1
        who = Participant(**values)
        session = sessions.look(who)
        repeated = repeated or noted_as_repeated(session.events)
        yield Dossier(who, session, identity, repeated, list(records_of(store, who.id)))


def failed_tries(events: Iterable[Event]) -> int:
    """Failed tries of the quiz, the one after which somebody was out among them."""
    return sum(e.step.startswith("quiz:") and e.data.get("passed") is False for e in events)


def noted_as_repeated(events: Iterable[Event]) -> bool:
    """Whether an identifier had taken part before, when it was deleted; see `studies.retention`."""
    return any(e.kind == UNNAMED and e.data["repeated"] for e in events)


def records_of(store: Store, participant_id: str) -> Iterator[Played]:
    """The rounds and tutorials of a participant, oldest first."""
    r = schema.rounds.c
    query = (
        sa.select(r.id, r.step, r.started_utc)
        .where(r.participant_id == participant_id)
        .order_by(r.started_utc, r.id)
    )
    with store.engine.connect() as connection:
        rows = connection.execute(query).all()
    with TemporaryDirectory() as folder:
        for round_id, step, started in rows:
            path = Path(folder) / f"{round_id}{SUFFIX}"
            path.write_text(record_text(store, round_id), encoding="utf-8")
            yield Played(round_id, step, started, read_episode(path, partial=True))


def _longest(flags: Iterable[bool]) -> int:
    return max((sum(1 for _ in run) for flag, run in groupby(flags) if flag), default=0)


def _ms(later: str, earlier: str) -> float:
    gap = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    return gap.total_seconds() * 1000


# Participants

PARTICIPANTS = [
    Column("participant", "text", "Name of the participant in all tables"),
    Column("study_sha256", "text", "Hash of the study file as it was when they came"),
    Column("study_version", "text", "Version that the file states"),
    Column("language", "text", "Language of their pages at the end"),
    Column("arm", "text", "Arm; empty before the allocation"),
    Column("rank", "int", "Rank in the arm; fixes orders, seats and seeds"),
    Column("blocks", "text", "The arm's blocks in the participant's order, between spaces"),
    Column("outcome", "text", "How the session ended; empty when it did not"),
    Column("steps_done", "int", "Pages and rounds that lie behind"),
    Column("rounds_played", "int", "Rounds that reached their end"),
    Column("score", "float", "Sum of the scores of these rounds"),
    Column("pay", "float", "Pay of the outcome, in the study's currency"),
    Column("bonus", "float", "Bonus by the formula"),
    Column("minutes", "float", "From coming in to the last event"),
    Column("consent", "text", "Version of the consent text that was agreed to"),
    Column("device", "text", "What they play with"),
    Column("window_width", "int", "Width of their window in CSS pixels"),
    Column("ping_ms", "float", "Median of seven round trips at the screening"),
    Column("quiz_failures", "int", "Failed tries of the quiz"),
    Column("failed_checks", "int", "Failed attention checks"),
    Column(
        "kind", "text", "participants; rehearsals of people; or simulated, which programs played"
    ),
    Column("excluded", "bool", "Whether any exclusion rule of the study applies"),
    Column("exclusion_reasons", "text", "Which rules apply, between spaces"),
    Column("entered_utc", "text", "When they came", private=True),
    Column("user_agent", "text", "What their browser calls itself", private=True),
    Column("external_id", "text", "What the platform calls them", private=True),
    Column("external_study", "text", "What the platform calls the study", private=True),
    Column("external_session", "text", "What the platform calls the session", private=True),
]


def participants(_: Store, people: list[Dossier]) -> Iterator[Row]:
    """One row for each participant."""
    for one in people:
        state, place, study = one.session.state, one.session.place, one.session.study
        data = {event.step: event.data for event in one.events if event.kind != "language"}
        device = data.get("screening", {}).get("device", {})
        pay, bonus = pay_of(study, state.outcome, state.scores) if state.outcome else (0.0, 0.0)
        reasons = reasons_of(study, one)
        yield {
            "participant": one.who.id,
            "study_sha256": one.who.study_sha256,
            "study_version": study.version,
            "language": one.session.language,
            "arm": place.arm if place else None,
            "rank": place.rank if place else None,
            "blocks": " ".join(place.blocks) if place else None,
            "outcome": state.outcome,
            "steps_done": state.done,
            "rounds_played": len(state.scores),
            "score": sum(state.scores),
            "pay": pay,
            "bonus": bonus,
            "minutes": _ms(one.events[-1].at_utc, one.who.entered_utc) / 60_000
            if one.events
            else 0,
            "consent": data.get("consent", {}).get("consent"),
            "device": device.get("input"),
            "window_width": device.get("width"),
            "ping_ms": device.get("ping_ms"),
            "quiz_failures": failed_tries(one.events),
            "failed_checks": sum(len(e.data.get("failed_checks", ())) for e in one.events),
            "kind": one.kind,
            "excluded": bool(reasons),
            "exclusion_reasons": " ".join(reasons),
            "entered_utc": one.who.entered_utc,
            "user_agent": data.get("", {}).get("user_agent"),
            **(vars(one.identity) if one.identity else {}),
        }


# Rounds

ROUNDS = [
    Column("participant", "text", "Name of the participant"),
    Column("round_id", "text", "Name of the record"),
    Column("kind", "text", "round or tutorial"),
    Column("number", "int", "Position among the participant's rounds, from 1; 0 for the tutorial"),
    Column("block", "text", "Block of the study file"),
    Column("round", "text", "Round of the block"),
    Column("world", "text", "World"),
    Column("dynamics", "text", "When cooking starts: old (by itself) or new (on a press)"),
    Column("partner", "text", "Partner of the study file; human for another participant"),
    Column("stand_in", "bool", "Whether an AI partner stands in: nobody came, or theirs has left"),
    Column("pair", "text", "Name of the pair, the same for both; empty without another person"),
    Column("policy", "text", "Policy in the other seats; empty for another participant"),
    Column("policy_sha256", "text", "Hash of its file; empty for rule-based ones"),
    Column("seat", "int", "The participant's seat"),
    Column("seed", "int", "Seed of the episode"),
    Column("tick_ms", "int", "Time between steps"),
    Column("horizon", "int", "Steps that the round has"),
    Column("steps", "int", "Steps that were played"),
    Column("score", "float", "Team reward"),
    Column("reason", "text", "Why it ended; empty when it did not"),
    Column("key_presses", "int", "Presses of the participant"),
    Column("keys_per_step", "float", "Presses for each step"),
    Column("idle_share", "float", "Share of steps at which the participant did nothing"),
    Column("longest_idle", "int", "Most steps in a row at which one of the players did nothing"),
    Column("late_share", "float", f"Share of steps more than {LATE_MS:g} ms after they were due"),
    Column("fallbacks", "int", "Decisions of the policy that were late or failed"),
    Column("interruptions", "int", "Times the participant's connection was lost"),
    Column("warnings", "text", "Warnings in the round between spaces: idle, hidden, lag"),
    Column("hidden_s", "float", "Seconds that the page was hidden; empty when not known"),
    Column("lag_ms", "float", "Median round trip in the round; empty when not known"),
    Column("started_utc", "text", "When the record began", private=True),
    Column("software", "text", "Version and commit of the code"),
]


def rounds(_: Store, people: list[Dossier]) -> Iterator[Row]:
    """One row for each round and tutorial."""
    for one in people:
        for played in one.played:
            noted = _noted(one, played)
            yield {**_where(one, played), **_facts(played), **_doings(played), **noted}


def _where(one: Dossier, played: Played) -> Row:
    steps = {step.key: step for step in one.session.state.steps}
    step = steps.get(played.step)
    study, partner, stand_in = one.session.study, None, None
    if step is not None and step.block:
        partner = study.round(step.block, step.round).partner
        stand_in = partner == HUMAN and len(played.people) == 1
        if stand_in and study.lobby is not None:
            partner = study.lobby.partner
    return {
        "participant": one.who.id,
        "round_id": played.id,
        "kind": "tutorial" if played.tutorial else "round",
        "number": step.number if step else None,
        "block": step.block or None if step else None,
        "round": step.round or None if step else None,
        "partner": partner,
        "stand_in": stand_in,
    }


def _noted(one: Dossier, played: Played) -> Row:
    """What the participant's events say of a round."""
    warned = [
        e.data["what"]
        for e in one.events
        if e.kind == "attention" and e.step == played.step and e.data["now"] == "warned"
    ]
    end: Row = next((dict(e.data) for e in one.events if e.data.get("round_id") == played.id), {})
    return {
        "pair": _pair(one, played),
        "warnings": " ".join(warned),
        "hidden_s": end.get("hidden_s"),
        "lag_ms": end.get("lag_ms"),
    }


def _pair(one: Dossier, played: Played) -> str | None:
    """The pair that played a round: the last one before its end."""
    name = None
    if len(played.people) == 2:
        for event in one.events:
            if event.kind == PAIRED:
                name = event.data["pair"]
            if event.step == played.step and event.data.get("round_id") == played.id:
                break
    return name


def _facts(played: Played) -> Row:
    header = played.episode.header
    other: Row = next((seat for seat in header["seats"] if seat["kind"] == "policy"), {})
    return {
        "world": header["world"],
        "dynamics": header["options"].get("dynamics"),
        "policy": other.get("policy"),
        "policy_sha256": other.get("sha256"),
        "seat": played.seat,
        "seed": header["seed"],
        "tick_ms": header["tick_ms"],
        "horizon": header["horizon"],
        "started_utc": played.started_utc,
        "software": " ".join(header["software"].values()),
    }


def _doings(played: Played) -> Row:
    episode, figures = played.episode, played.figures
    end = episode.end or {}
    return {
        "steps": len(episode.ticks),
        "score": end.get("score", sum(sum(line["rewards"]) for line in episode.ticks)),
        "reason": end.get("reason"),
        "key_presses": figures.presses,
        "keys_per_step": figures.presses / max(1, figures.steps),
        "idle_share": figures.idle_share,
        "longest_idle": figures.longest_idle,
        "late_share": sum(delay > LATE_MS for delay in figures.delays) / max(1, figures.steps),
        "fallbacks": sum("fallback" in d for t in episode.ticks for d in t.get("decisions", ())),
        "interruptions": sum(
            not line.get("connected", True) and line["seat"] == played.seat
            for line in episode.connections
        ),
    }


# Steps

STEPS = [
    Column("participant", "text", "Name of the participant"),
    Column("round_id", "text", "Name of the record"),
    Column("block", "text", "Block of the study file"),
    Column("round", "text", "Round of the block"),
    Column("cur_gameloop", "int", "Steps taken before this one; as in the 2019/2020 trials"),
    Column("state", "text", "State before the step, as overcooked-ai's JSON"),
    Column("next_state", "text", "State after the step"),
    Column("joint_action", "text", "Joint action as JSON: a direction, or interact, per seat"),
    Column("reward", "float", "Team reward of the step"),
    Column("score", "float", "Team reward up to the step, included"),
    Column("time_elapsed", "float", "Seconds since the round was opened"),
    Column("time_left", "float", "Seconds of play that are left"),
    Column("layout", "text", "The layout's rows, as JSON"),
    Column("layout_name", "text", "Name of the layout"),
    Column("layout_name_2019", "text", "Its name in the 2019 trials, where it had another"),
    Column("trial_id", "text", "The record again, under the name of the 2020 trials"),
    Column("player_0_id", "text", "participant, partner (another one), or policy"),
    Column("player_1_id", "text", "The same for seat 1"),
    Column("player_0_is_human", "bool", "Whether a person is in seat 0"),
    Column("player_1_is_human", "bool", "Whether a person is in seat 1"),
    Column("round_num", "int", "Position among the participant's rounds, from 1"),
    Column("round_type", "text", "main, as in the 2019 trials; tutorials are left out"),
    Column("is_leader", "bool", "True: of a step there is one row"),
    Column("is_wait", "bool", "Whether nobody did anything"),
    Column("completed", "bool", "Whether the round was played to its end"),
    Column("run", "text", "Version that the study file states, under the name of the 2019 trials"),
    Column("workerid_num", "int", "Number of the participant in this export"),
    Column("reward_norm", "float", "The reward again: soups are worth here what they were there"),
    Column("cur_gameloop_total", "int", "Steps of the round"),
    Column("reward_norm_total", "float", "Team reward of the round"),
    Column("datetime", "float", "When it happened, in milliseconds since 1970", private=True),
    Column("due_ms", "float", "When the step was due, from the start of the record"),
    Column("at_ms", "float", "When it happened"),
    Column("hash", "text", "Hash of the state after it, where the record has one"),
]


def steps(_: Store, people: list[Dossier]) -> Iterator[Row]:
    """One row for each step of each round; tutorials are left out."""
    for number, one in enumerate(people, start=1):
        for played in one.counted:
            if played.episode.ticks:
                yield from ({**row, "workerid_num": number} for row in _steps(one, played))


def _steps(one: Dossier, played: Played) -> Iterator[Row]:
    episode, where = played.episode, _where(one, played)
    of_round = _of_round(one, played, where)
    began_ms = datetime.fromisoformat(played.started_utc).timestamp() * 1000
    header, told = episode.header, _in_their_format(episode)
    kinds = [seat["kind"] for seat in header["seats"]]
    score = 0.0
    for t, line in enumerate(episode.ticks):
        reward = float(sum(line["rewards"]))
        score += reward
        yield {
            **{key: where[key] for key in ("participant", "round_id", "block", "round")},
            "cur_gameloop": t,
            **told(t),
            "reward": reward,
            "score": score,
            "time_elapsed": line["at_ms"] / 1000,
            "time_left": (header["horizon"] - t - 1) * header["tick_ms"] / 1000,
            **of_round,
            "is_wait": all(played.idle[t]),
            "reward_norm": reward,
            "datetime": began_ms + line["at_ms"],
            **{f"player_{i}_id": seat["label"] if seat["kind"] == "human" else "policy"
               for i, seat in enumerate(header["seats"][:2])},
            **{f"player_{i}_is_human": kind == "human" for i, kind in enumerate(kinds[:2])},
            **{key: line.get(key) for key in ("due_ms", "at_ms", "hash")},
        }  # fmt: skip


def _of_round(one: Dossier, played: Played, where: Row) -> Row:
    """What the 2019 and 2020 trials say at every step and is the same for all of a round."""
    episode = played.episode
    return {
        "trial_id": played.id,
        "round_num": where["number"],
        "round_type": "main",
        "is_leader": True,
        "completed": (episode.end or {}).get("reason") == "complete",
        "run": one.session.study.version,
        "cur_gameloop_total": len(episode.ticks),
        "reward_norm_total": float(sum(sum(line["rewards"]) for line in episode.ticks)),
    }


def _in_their_format(episode: Episode) -> Callable[[int], Row]:
    """The columns of step t that are in overcooked-ai's terms; re-simulates the episode."""
    name = episode.header["world"].partition("/")[2]
    world = episode.make_world()
    if not isinstance(world, Kitchen):
        names = episode.header["actions"]
        return lambda t: {
            "layout_name": name,
            "joint_action": json.dumps([names[a] for a in episode.joint_actions[t]]),
        }
    told = trajectories([episode])
    states = [*told["ep_states"][0], told["metadatas"]["final_state"][0]]
    texts = [json.dumps(state) for state in states]
    actions = told["ep_actions"][0]
    layout = json.dumps(_grid(world.layout))
    return lambda t: {
        "state": texts[t],
        "next_state": texts[t + 1],
        "joint_action": json.dumps(actions[t]),
        "layout": layout,
        "layout_name": name,
        "layout_name_2019": {new: old for old, new in ALIASES.items()}.get(name),
    }


def _grid(layout: Layout) -> list[str]:
    """The layout's rows with the players' numbers in them, as the trials have them."""
    rows = [list(row) for row in layout.rows]
    for number, (x, y) in enumerate(layout.starts, start=1):
        rows[y][x] = str(number)
    return ["".join(row) for row in rows]


# Answers

ANSWERS = [
    Column("participant", "text", "Name of the participant"),
    Column("survey", "text", "Survey of the study file; screening and quiz are their own"),
    Column("block", "text", "Block after which it was asked; empty outside blocks"),
    Column("round", "text", "Round after which it was asked; empty outside rounds"),
    Column("attempt", "int", "Try of the quiz; 1 for all else"),
    Column("item", "text", "Item"),
    Column("kind", "text", "Kind of item, or scale for the mean of a scale"),
    Column("answer", "text", "The answer as given, as JSON; free text only in the raw level"),
    Column("number", "float", "The answer or mean as a number, where it is one"),
    Column("check_passed", "bool", "For items with a right answer: whether it was given"),
    Column("page_ms", "float", "Time from the page before to the answer, by the server's clock"),
]


def answers(_: Store, people: list[Dossier]) -> Iterator[Row]:
    """One row for each answer, and one for each scale."""
    for one in people:
        steps = {step.key: step for step in one.session.state.steps}
        study, before = one.session.study, one.who.entered_utc
        for event in one.events:
            step = steps.get(event.step)
            if step is not None and "answers" in event.data:
                items: list[Any] = list(study.screening.questions)
                scores: dict[str, float | None] = {}
                if step.kind == "quiz" and study.quiz is not None:
                    items = list(study.quiz.items)
                elif step.kind == "survey":
                    survey = study.survey(step.survey)
                    items, scores = list(survey.items), scale_scores(survey, event.data["answers"])
                where = {
                    "participant": one.who.id,
                    "survey": step.survey or step.kind,
                    "block": step.block or None,
                    "round": step.round or None,
                    "attempt": step.attempt,
                    "page_ms": _ms(event.at_utc, before),
                }
                yield from ({**where, **row} for row in _answers(items, event, scores))
            before = event.at_utc


def _answers(items: list[Any], event: Event, scores: dict[str, float | None]) -> Iterator[Row]:
    given = event.data["answers"]
    for item in items:
        if item.id in given:
            answer = given[item.id]
            yield {
                "item": item.id,
                "kind": item.kind,
                "answer": json.dumps(answer, ensure_ascii=False),
                "number": float(answer) if isinstance(answer, (int, float)) else None,
                "check_passed": passes(item, answer) if item.expects else None,
            }
    for scale, mean in scores.items():
        yield {"item": scale, "kind": "scale", "number": mean}


# Decisions and events

DECISIONS = [
    Column("participant", "text", "Name of the participant"),
    Column("round_id", "text", "Name of the record"),
    Column("t", "int", "The step, from 1"),
    Column("seat", "int", "Seat of the policy"),
    Column("action", "int", "Action taken"),
    Column("action_name", "text", "Its name"),
    Column("probabilities", "text", "The distribution that it was drawn from, as JSON"),
    Column("uniform", "float", "The random number of the draw"),
    Column("observation", "text", "Hash of the observation"),
    Column("inference_ms", "float", "How long the decision took"),
    Column("fallback", "text", "Why the idle action was taken instead; empty when it was not"),
]


def decisions(_: Store, people: list[Dossier]) -> Iterator[Row]:
    """One row for each decision of a policy in a round; tutorials are left out."""
    for one in people:
        for played in one.counted:
            names = played.episode.header["actions"]
            for line in played.episode.ticks:
                for decision in line.get("decisions", ()):
                    row = {
                        "participant": one.who.id,
                        "round_id": played.id,
                        "t": line["t"],
                        **decision,
                        "action_name": names[decision["action"]],
                    }
                    if "probabilities" in decision:
                        row["probabilities"] = json.dumps(decision["probabilities"])
                    yield row


EVENTS = [
    Column("participant", "text", "Name of the participant"),
    Column("seq", "int", "Position among the participant's events"),
    Column(
        "kind",
        "text",
        "entered, passed, failed, ended, language, waiting (in the lobby), paired, alone (an AI "
        "partner stands in), attention, identifiers deleted",
    ),
    Column("what", "text", "Of attention: idle, hidden or lag"),
    Column("now", "text", "Of attention: warned, what followed (note, pause, end), or fine"),
    Column("page", "text", "Kind of page or round; empty outside"),
    Column("step_key", "text", "The step, with its block and round"),
    Column("after_ms", "float", "Time since the participant came"),
    Column("client_ms", "float", "How long the browser says that the page was open"),
    Column("at_utc", "text", "When it was stored", private=True),
    Column("data", "text", "Everything else, as JSON", private=True),
]


def events(_: Store, people: list[Dossier]) -> Iterator[Row]:
    """One row for each event."""
    for one in people:
        steps = {step.key: step for step in one.session.state.steps}
        for event in one.events:
            step = steps.get(event.step)
            yield {
                "participant": one.who.id,
                "seq": event.seq,
                "kind": event.kind,
                "page": step.kind if step else None,
                "step_key": event.step or None,
                "what": event.data.get("what"),
                "now": event.data.get("now"),
                "after_ms": _ms(event.at_utc, one.who.entered_utc),
                "client_ms": event.data.get("client_ms"),
                "at_utc": event.at_utc,
                "data": json.dumps(event.data, ensure_ascii=False),
            }


# Flow

FLOW = [
    Column("arm", "text", "Arm; empty for those who were in none yet"),
    Column(
        "status",
        "text",
        "came; dropped (no end) or how it ended; of those who are done, excluded or analysed",
    ),
    Column("reason", "text", "Exclusion rule; somebody can count under several"),
    Column("participants", "int", "How many"),
]


def flow(_: Store, people: list[Dossier]) -> Iterator[Row]:
    """How many came, ended how, were excluded why and are left, by arm: a CONSORT flow."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for one in people:
        arm = one.session.place.arm if one.session.place else ""
        outcome = one.session.state.outcome or "dropped"
        reasons = reasons_of(one.session.study, one)
        counts[arm, "came", ""] += 1
        counts[arm, outcome, ""] += 1
        if outcome == "done":
            counts[arm, "excluded" if reasons else "analysed", ""] += 1
            counts.update((arm, "excluded", reason) for reason in reasons)
    for (arm, status, reason), count in sorted(counts.items()):
        yield {
            "arm": arm or None,
            "status": status,
            "reason": reason or None,
            "participants": count,
        }


COLUMNS: dict[str, list[Column]] = {
    "participants": PARTICIPANTS,
    "rounds": ROUNDS,
    "steps": STEPS,
    "answers": ANSWERS,
    "decisions": DECISIONS,
    "events": EVENTS,
    "flow": FLOW,
}
TABLES: dict[str, Callable[[Store, list[Dossier]], Iterator[Row]]] = {
    "participants": participants,
    "rounds": rounds,
    "steps": steps,
    "answers": answers,
    "decisions": decisions,
    "events": events,
    "flow": flow,
}
