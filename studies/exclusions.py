"""Which exclusion rules of a study apply to a participant."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from studies.design import Study

if TYPE_CHECKING:
    from studies.tables import Dossier


@dataclass(frozen=True)
class RoundFigures:
    """What the rules look at in a round.

    Attributes:
        steps: Steps played.
        presses: Key presses of the participant.
        idle_share: Share of steps at which the participant did nothing.
        longest_idle: Most steps in a row at which one of the players did nothing.
        delays: Milliseconds by which each step was late.
    """

    steps: int
    presses: int
    idle_share: float
    longest_idle: int
    delays: tuple[float, ...]


def reasons_of(study: Study, one: "Dossier") -> list[str]:
    """Names of the rules that apply, in the order of the study file."""
    return [rule.rule for rule in study.exclusions if RULES[rule.rule](rule, study, one)]


def _few_keys(rule: Any, _: Study, one: "Dossier") -> bool:
    figures = [played.figures for played in one.counted]
    steps = sum(f.steps for f in figures)
    return bool(steps > 0 and sum(f.presses for f in figures) / steps < rule.below)


def _idle(rule: Any, _: Study, one: "Dossier") -> bool:
    shares = [played.figures.idle_share for played in one.counted if played.figures.steps]
    if not shares:
        return False
    return bool(max(shares) > rule.in_a_round or sum(shares) / len(shares) > rule.on_average)


def _frozen(rule: Any, _: Study, one: "Dossier") -> bool:
    return any(played.figures.longest_idle > rule.steps for played in one.counted)


def _straight_lining(rule: Any, study: Study, one: "Dossier") -> bool:
    for items, given, _ in _pages(study, one):
        likert = [i.id for i in items if i.kind == "likert" and not i.expects and i.id in given]
        if len(likert) >= rule.items and len({given[name] for name in likert}) == 1:
            return True
    return False


def _hasty(rule: Any, study: Study, one: "Dossier") -> bool:
    return any(seconds < rule.under_s for _, _, seconds in _pages(study, one))


def _incomplete(_: Any, __: Study, one: "Dossier") -> bool:
    return one.session.state.outcome != "done"


def _lag(rule: Any, _: Study, one: "Dossier") -> bool:
    return any(
        sum(delay > rule.over_ms for delay in played.figures.delays)
        > rule.share * len(played.figures.delays)
        for played in one.counted
        if played.figures.delays
    )


def _repeated_id(_: Any, __: Study, one: "Dossier") -> bool:
    return one.repeated


def _failed_checks(rule: Any, _: Study, one: "Dossier") -> bool:
    return bool(sum(len(e.data.get("failed_checks", ())) for e in one.events) >= rule.failures)


def _pages(study: Study, one: "Dossier") -> Iterator[tuple[list[Any], dict[str, Any], float]]:
    """Items, answers and seconds of every survey page."""
    before = one.who.entered_utc
    for event in one.events:
        if "survey" in event.data:
            gap = datetime.fromisoformat(event.at_utc) - datetime.fromisoformat(before)
            items: list[Any] = list(study.survey(event.data["survey"]).items)
            yield items, event.data["answers"], gap.total_seconds()
        before = event.at_utc


RULES: dict[str, Callable[[Any, Study, "Dossier"], bool]] = {
    "few_keys": _few_keys,
    "idle": _idle,
    "frozen": _frozen,
    "straight_lining": _straight_lining,
    "hasty": _hasty,
    "incomplete": _incomplete,
    "lag": _lag,
    "repeated_id": _repeated_id,
    "failed_checks": _failed_checks,
}
