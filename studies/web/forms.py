"""Reading answers from a form: strings from a browser become what the items expect."""

import math
from collections.abc import Sequence
from typing import Any

from werkzeug.datastructures import MultiDict

from studies.questionnaires import Answer

PREFIX = "item-"
LONGEST_MS = 24 * 3600 * 1000.0
Form = MultiDict[str, str]


def answers_of(items: Sequence[Any], form: Form) -> dict[str, Answer]:
    """The answers that a form holds; what is not filled in or unreadable is left out."""
    found: dict[str, Answer] = {}
    for item in items:
        answer = _answer(item, form)
        if answer is not None:
            found[item.id] = answer
    return found


def _answer(item: Any, form: Form) -> Answer:
    name = PREFIX + item.id
    if item.kind == "ranking":
        return _ranking(item, form)
    if item.kind == "choice" and item.several:
        return form.getlist(name) or None
    text = form.get(name, "").strip()
    if not text:
        return None
    if item.kind == "likert":
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else None
    if item.kind in ("slider", "number"):
        return number_of(text.replace(",", "."))
    return text


def _ranking(item: Any, form: Form) -> list[str] | None:
    """The options by the place that each was given, from 1; None unless all places differ."""
    places = {
        option.value: form.get(f"{PREFIX}{item.id}-{option.value}", "") for option in item.options
    }
    wanted = [str(place) for place in range(1, len(places) + 1)]
    if sorted(places.values()) != sorted(wanted):
        return None
    return sorted(places, key=lambda value: int(places[value]))


def number_of(text: str) -> float | int | None:
    """A finite number, an int where it is one; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def client_ms(form: Form) -> float | None:
    """How long the browser says that the page was open, in milliseconds."""
    value = number_of(form.get("ms", ""))
    return float(value) if value is not None and 0 <= value <= LONGEST_MS else None
