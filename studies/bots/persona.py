"""What a simulated participant is like, and what they answer: all from one seed.

The figures are plausible ones, not fitted to anybody: times between actions are lognormal around
220 ms, pages are read at the pace of `studies.overview`, and answers spread around a level that
each has of their own.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studies.assignment import stream
from studies.checks import within
from studies.design import Contrast, Study
from studies.flow import Step
from studies.overview import SECONDS_PER_ITEM
from studies.questionnaires import Answer, Survey

REACTION_MS, REACTION_SPREAD = 220.0, 0.25
"""Median time from seeing to pressing, in the middle of a plan; standard deviation of its logarithm
over people."""
PAGES = 25
"""Pages of a usual session: those who drop out do so at one of the first so many."""
WORSE = 0.4
"""Share of mistakes in the condition in which a score is planted to be lower."""


@dataclass(frozen=True)
class Habits:
    """How simulated participants are drawn.

    Attributes:
        dropouts: Share that leaves without a word somewhere on the way.
        mistakes: Mean share of actions that are not the sensible one.
        blinks: Share of rounds in which the connection is lost for a moment.
        careless: Chance of a wrong answer to a question that has a right one.
        planted: Whether answers differ between conditions as `analysis.contrasts` expects.
    """

    dropouts: float = 0.1
    mistakes: float = 0.1
    blinks: float = 0.05
    careless: float = 0.08
    planted: bool = False


class Persona:
    """One simulated participant.

    Args:
        study: The study that they take part in.
        habits: How all of them are drawn.
        seed: Of all of them.
        number: Which of them this is.

    Attributes:
        language: The language that they read.
        leaves_at: Page at which they leave; None for those who stay.
    """

    def __init__(self, study: Study, habits: Habits, seed: int, number: int) -> None:
        self._study, self._habits = study, habits
        names = ("simulated", seed, number)
        self._traits = stream(study.seed, *names, "traits")
        self._chance = stream(study.seed, *names, "chance")
        self.number = number
        self.language: str = study.languages[number % len(study.languages)]
        leaves = self._traits.random() < habits.dropouts
        self.leaves_at = int(self._traits.integers(1, PAGES)) if leaves else None
        self._reaction_ms = REACTION_MS * math.exp(REACTION_SPREAD * self._traits.normal())
        self._mistakes = float(self._traits.beta(2, 2 / max(habits.mistakes, 1e-3)))
        self._level = float(self._traits.normal())
        self._scales: dict[str, dict[str, float]] = {}
        for contrast in study.analysis.contrasts:
            self._scales[contrast.outcome] = self._means(contrast)

    def _means(self, contrast: Contrast) -> dict[str, float]:
        """Condition -> this person's mean of the contrast's outcome, relative to its middle."""
        shared = (
            math.sqrt(max(contrast.correlation, 0)) if within(self._study, contrast.compare) else 0
        )
        own = math.sqrt(1 - shared**2)
        base = shared * self._traits.normal()
        gap = contrast.expected / 2 if self._habits.planted else 0.0
        return {
            name: side * gap + contrast.sd * (base + own * self._traits.normal())
            for name, side in zip(contrast.compare, (1, -1), strict=True)
        }

    # At the game

    def reaction_s(self) -> float:
        """Time from seeing to pressing, once."""
        return self._reaction_ms / 1000 * math.exp(0.3 * self._chance.normal())

    def slips(self, arm: str, block: str) -> bool:
        """Whether this action is a mistake; more often where a lower score is planted."""
        share = self._mistakes
        for contrast in self._study.analysis.contrasts if self._habits.planted else ():
            worse = contrast.compare[1 if contrast.expected > 0 else 0]
            if contrast.outcome == "score" and worse in (arm, block):
                share = max(share, WORSE)
        return bool(self._chance.random() < share)

    def blinks(self) -> bool:
        """Whether the connection is lost in this round."""
        return bool(self._chance.random() < self._habits.blinks)

    def uniform(self) -> float:
        """A random number in [0, 1)."""
        return float(self._chance.random())

    # On pages

    def reading_s(self, items: Sequence[Any]) -> float:
        """How long a page with these questions is open."""
        seconds = 6.0 + sum(SECONDS_PER_ITEM[item.kind] for item in items)
        return seconds * math.exp(0.3 * self._chance.normal())

    def answers(self, items: Sequence[Any], step: Step, arm: str) -> dict[str, Answer]:
        """Answers to the items that are shown."""
        survey = self._study.survey(step.survey) if step.survey else None
        found: dict[str, Answer] = {}
        for item in items:
            if item.show_if is not None and not item.show_if.holds(found):
                continue
            answer = self._answer(item, survey, step, arm)
            if answer is not None:
                found[item.id] = answer
        return found

    def _answer(self, item: Any, survey: Survey | None, step: Step, arm: str) -> Answer:
        if item.expects:
            return self._checked(item)
        match item.kind:
            case "likert":
                return int(self._point(item, 1, item.points, survey, step, arm))
            case "slider":
                value = self._point(item, item.min, item.max, survey, step, arm)
                steps = math.floor((value - item.min) / item.step)
                return float(min(item.max, item.min + steps * item.step))
            case "choice":
                values = [option.value for option in item.options]
                chosen = str(self._chance.choice(values))
                return [chosen] if item.several else chosen
            case "ranking":
                return [str(v) for v in self._chance.permutation([o.value for o in item.options])]
            case "number":
                number = self._chance.uniform(item.min, item.max)
                return math.floor(number) if item.whole else round(float(number), 1)
        return "A simulated participant wrote this." if item.required else None

    def _checked(self, item: Any) -> Answer:
        """The right answer to a question that has one, or for the careless a wrong one."""
        several = item.kind == "choice" and item.several
        if self._chance.random() >= self._habits.careless:
            return list(item.expects) if several else item.expects[0]
        if item.kind == "likert":
            known: list[Any] = list(range(1, item.points + 1))
        else:
            known = [option.value for option in item.options]
        wrong = [value for value in known if value not in item.expects]
        chosen = wrong[int(self._chance.integers(len(wrong)))] if wrong else known[0]
        return [chosen] if several else chosen

    def _point(
        self, item: Any, low: float, high: float, survey: Survey | None, step: Step, arm: str
    ) -> float:
        """A point of a scale: this person's level, or what is planted for the condition."""
        middle, width = (low + high) / 2, high - low
        mean = middle + 0.12 * width * self._level
        planted = self._planted(item, survey, step, arm)
        if planted is not None:
            mean = middle + planted
        if item.reverse:
            mean = low + high - mean
        if planted is None:
            mean += 0.12 * width * self._chance.normal()
        grid = math.floor(mean + self._chance.random())  # rounds without bias
        return float(min(high, max(low, grid)))

    def _planted(self, item: Any, survey: Survey | None, step: Step, arm: str) -> float | None:
        """Difference from the middle, for items of a scale that a contrast is about."""
        for scale, members in (survey.scales if survey else {}).items():
            means: Mapping[str, float] = self._scales.get(f"{step.survey}.{scale}", {})
            condition = step.block if step.block in means else arm
            if item.id in members and condition in means:
                return means[condition]
        return None
