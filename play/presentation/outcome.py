"""What a finished game came to, as both front ends tell it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from play.presentation.families import face_of, points, presentation_of, shows_own_points
from play.worlds.spec import WorldFacts

MOST_PRIZES = 20
MINE, THEIRS = 0.6, 0.4  # shares of the work from which on it was not shared


@dataclass(frozen=True)
class Outcome:
    """The contents of an end screen.

    Attributes:
        heading: The score.
        verdicts: What the players did and who did it: a sentence for each seat, in the words for
            whoever sat there, and a last one for those who watched.
        rows: What each seat did and earned: label -> a number for each seat.
        faces: Name of each seat's picture in the family's art.
        prize: Name of the drawing of a success, or None.
        prizes: How many of these to show.
    """

    heading: str
    verdicts: tuple[str, ...]
    rows: Mapping[str, Sequence[float]]
    faces: tuple[str, ...]
    prize: str | None
    prizes: int

    def verdict(self, seat: int | None) -> str:
        """The sentence for a seat, or for somebody who watched."""
        return self.verdicts[-1 if seat is None else seat]


def outcome_of(facts: WorldFacts, seats: Sequence[Mapping[str, Any]]) -> Outcome:
    """Sums up a game.

    Args:
        facts: Its world.
        seats: What `Session.contributions` says.
    """
    work = {label: [seat["counts"][label] for seat in seats] for label in facts.contributions}
    rows: dict[str, list[float]] = dict(work)
    if facts.costs:
        rows = {"private cost": [seat["cost"] for seat in seats], **rows}
    if shows_own_points(facts):
        rows = {"own points": [seat["score"] for seat in seats], **rows}
    words = presentation_of(facts.world)
    successes = sum(work[words.success]) if words.success else 0
    score = points(facts.score([seat["score"] for seat in seats]))
    return Outcome(
        heading=f"{score} points together" if shows_own_points(facts) else f"{score} points",
        verdicts=tuple(_verdict(facts, work, seat) for seat in (*range(len(seats)), None)),
        rows=rows,
        faces=tuple(face_of(facts, seat) for seat in range(len(seats))),
        prize=words.prize,
        prizes=min(successes, MOST_PRIZES) if words.prize else 0,
    )


def _verdict(facts: WorldFacts, work: Mapping[str, Sequence[int]], seat: int | None) -> str:
    """How much was done, and which part of it the seat did."""
    words = presentation_of(facts.world)
    done = "The game is over"
    if words.success:
        count = sum(work[words.success])
        if count == 0:
            return words.failure
        done = f"{count} {words.success_words[count > 1]}"
    team = next((group for group in facts.groups() if seat in group), [])
    if seat is None or len(team) != 2 or not work:
        return f"{done}."
    counted = [work[label] for label in words.work or work]
    together = sum(row[mate] for row in counted for mate in team)
    share = sum(row[seat] for row in counted) / max(1, together)
    if share > MINE:
        return f"{done}. You carried most of the work."
    if share < THEIRS:
        return f"{done}. Your partner carried most of the work."
    return f"{done}, and the work was shared."
