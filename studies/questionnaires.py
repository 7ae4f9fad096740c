"""Surveys: kinds of items, what counts as an answer to them, and ready-made instruments.

Answers are stored as given. Scales (means with reversed items turned round) are computed from
them and never replace them.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, model_validator

from studies.wording import Part, Text

INSTRUMENTS = Path(__file__).resolve().parent.parent / "assets" / "studies" / "instruments"
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Answer = str | int | float | list[str] | None
"""A likert answer is an int, a slider's and a number's are numbers, a choice's is the option's
value (a list of them where several may be chosen), a ranking's is the values, best first."""


class ShowIf(Part):
    """Shows an item only after certain answers to an earlier item of the survey."""

    item: Id
    among: list[str | int] = Field(min_length=1)

    def holds(self, answers: Mapping[str, Answer]) -> bool:
        """Whether the item is shown beside these answers."""
        given = answers.get(self.item)
        chosen = given if isinstance(given, list) else [given]
        return any(answer in self.among for answer in chosen)


class Option(Part):
    """One thing to choose."""

    value: Id
    text: Text


class _Item(Part):
    id: Id
    text: Text
    required: bool = True
    show_if: ShowIf | None = None


class Likert(_Item):
    """Agreement on points 1 to `points`; `low` and `high` are the labels of the ends."""

    kind: Literal["likert"]
    points: int = Field(default=7, ge=2, le=21)
    low: Text
    high: Text
    reverse: bool = False
    expects: list[int] | None = None

    def problem(self, answer: Answer) -> str | None:
        """Key of the message that says why this is no answer; None when it is one."""
        fits = isinstance(answer, int) and 1 <= answer <= self.points
        return None if fits else "choose-one"


class Slider(_Item):
    """A number on a line; an untouched slider is no answer."""

    kind: Literal["slider"]
    min: float = 0
    max: float = 100
    step: float = Field(default=1, gt=0)
    low: Text
    high: Text
    reverse: bool = False
    expects: None = None

    def problem(self, answer: Answer) -> str | None:
        """See `Likert.problem`."""
        return None if _number_in(answer, self.min, self.max) else "move-slider"


class Choice(_Item):
    """One of several options, or with `several` any number of them."""

    kind: Literal["choice"]
    options: list[Option] = Field(min_length=2)
    several: bool = False
    shuffle: bool = False
    expects: list[str] | None = None

    def problem(self, answer: Answer) -> str | None:
        """See `Likert.problem`."""
        known = {option.value for option in self.options}
        if self.several:
            fits = isinstance(answer, list) and bool(answer) and set(answer) <= known
            return None if fits and len(set(answer)) == len(answer) else "choose-some"  # type: ignore[arg-type]
        return None if isinstance(answer, str) and answer in known else "choose-one"


class Ranking(_Item):
    """All options in order, best first."""

    kind: Literal["ranking"]
    options: list[Option] = Field(min_length=2)
    shuffle: bool = False
    expects: None = None

    def problem(self, answer: Answer) -> str | None:
        """See `Likert.problem`."""
        known = sorted(option.value for option in self.options)
        return None if isinstance(answer, list) and sorted(answer) == known else "rank-all"


class Words(_Item):
    """A text of the participant's own."""

    kind: Literal["text"]
    max_chars: int = Field(default=2000, ge=1, le=10_000)
    lines: int = Field(default=3, ge=1, le=20)
    expects: None = None

    def problem(self, answer: Answer) -> str | None:
        """See `Likert.problem`."""
        if not isinstance(answer, str) or not answer.strip():
            return "write-something"
        return None if len(answer) <= self.max_chars else "too-long"


class Number(_Item):
    """A number within bounds."""

    kind: Literal["number"]
    min: float
    max: float
    whole: bool = True
    expects: None = None

    def problem(self, answer: Answer) -> str | None:
        """See `Likert.problem`."""
        fits = _number_in(answer, self.min, self.max)
        return None if fits and (not self.whole or float(answer) % 1 == 0) else "number-between"  # type: ignore[arg-type]


Item = Annotated[Likert | Slider | Choice | Ranking | Words | Number, Field(discriminator="kind")]


def _number_in(answer: Answer, low: float, high: float) -> bool:
    number = type(answer) in (int, float) and math.isfinite(answer)  # type: ignore[arg-type]
    return number and low <= answer <= high  # type: ignore[operator]


class Survey(Part):
    """A page of questions: a ready-made instrument, items of your own, or both.

    Attributes:
        instrument: Name of a ready-made instrument; its items come first.
        title: Heading; the instrument's own when left out.
        intro: What to keep in mind while answering.
        items: The questions.
        scales: Scale -> the items that its mean is taken of.
    """

    instrument: str | None = None
    title: Text | None = None
    intro: Text | None = None
    items: list[Item] = []
    scales: dict[Id, list[Id]] = {}

    @model_validator(mode="after")
    def _has_items(self) -> "Survey":
        if self.instrument is None and not self.items:
            raise ValueError("name an instrument or list items")
        return self


class Instrument(Part):
    """A ready-made survey.

    Attributes:
        source: Publication that it is from.
        wording: Where the words come from: ``original``, ``adapted`` (which words were exchanged
            is in `notes`) or ``own``.
        checked: What the words were compared with, for those that are not our own.
        notes: How it is scored, what was changed, and whose translation it is.
    """

    title: Text
    source: str
    wording: Literal["original", "adapted", "own"]
    checked: str | None = None
    notes: str
    intro: Text | None = None
    items: list[Item] = Field(min_length=1)
    scales: dict[Id, list[Id]] = {}

    @model_validator(mode="after")
    def _says_what_it_was_compared_with(self) -> "Instrument":
        if (self.checked is None) != (self.wording == "own"):
            raise ValueError("`checked` is for published words, and they need it")
        return self


@cache
def instruments() -> dict[str, Instrument]:
    """The ready-made instruments by name."""
    return {
        path.stem: Instrument.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(INSTRUMENTS.glob("*.yaml"))
    }


def expanded(survey: Survey) -> Survey:
    """The survey with its instrument's words in place of the instrument's name."""
    if survey.instrument is None:
        return survey
    made = instruments()[survey.instrument]
    return survey.model_copy(
        update={
            "title": survey.title or made.title,
            "intro": survey.intro or made.intro,
            "items": [*made.items, *survey.items],
            "scales": {**made.scales, **survey.scales},
        }
    )


def problems_of(items: Sequence[Any], answers: Mapping[str, Answer]) -> dict[str, str]:
    """Item id -> key of the message that says what is wrong with its answer.

    An answer to an item that does not exist or is not shown is wrong too.
    """
    shown = {item.id: item for item in items if not item.show_if or item.show_if.holds(answers)}
    found = {name: "unknown" for name in answers if name not in shown}
    for name, item in shown.items():
        answer = answers.get(name)
        if answer is None or answer == "":
            if item.required:
                found[name] = item.problem(None) or "choose-one"
        elif (key := item.problem(answer)) is not None:
            found[name] = key
    return found


def passes(item: Any, answer: Answer) -> bool:
    """Whether an answer is the one that a check expects; items without a check always pass."""
    if item.expects is None:
        return True
    return set(answer) == set(item.expects) if isinstance(answer, list) else answer in item.expects


def scale_scores(survey: Survey, answers: Mapping[str, Answer]) -> dict[str, float | None]:
    """Scale -> mean of its answered items, reversed ones turned round; None without any."""
    items = {item.id: item for item in survey.items}
    scores: dict[str, float | None] = {}
    for scale, names in survey.scales.items():
        values = [
            _turned(items[name], answers[name]) for name in names if answers.get(name) is not None
        ]
        scores[scale] = sum(values) / len(values) if values else None
    return scores


def _turned(item: Any, answer: Any) -> float:
    if not item.reverse:
        return float(answer)
    low, high = (1, item.points) if item.kind == "likert" else (item.min, item.max)
    return float(low + high - answer)
