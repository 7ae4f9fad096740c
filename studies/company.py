"""Who is in the other seat of a `human` round: read from a participant's events, like all else.

Three events decide it. ``waiting`` says that somebody began to wait in the lobby; ``paired`` that
two met (each has the event, and names the other); ``alone`` that an AI partner stands in from there
on. How far the last two reach is said by `lobby.together` of the study file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from studies.assignment import stream
from studies.design import Lobby, Study
from studies.flow import Happened, Step

WAITING, PAIRED, ALONE = "waiting", "paired", "alone"


@dataclass(frozen=True)
class Company:
    """The other seat of a `human` round.

    Attributes:
        kind: ``nobody`` yet, a ``person``, or an ``ai`` that stands in.
        other: Id of the other participant.
        pair: Name of the pair, the same for both.
        first: Whether this participant is named first in the pair.
        ranks: The ranks in the arm of the first and the second.
    """

    kind: Literal["nobody", "person", "ai"]
    other: str = ""
    pair: str = ""
    first: bool = True
    ranks: tuple[int, int] = (0, 0)

    def seat(self, study: Study, arm: str, step: Step) -> int:
        """The participant's seat in a round: drawn for each round of the pair."""
        order = stream(study.seed, "pair seats", arm, *self.ranks, step.key).permutation(2)
        return int(order[0 if self.first else 1])

    def seed(self, study: Study, arm: str, step: Step) -> int:
        """Seed of the pair's episode."""
        drawn = stream(study.seed, "pair episode", arm, *self.ranks, step.key)
        return int(drawn.integers(2**31))


def company_of(
    study: Study, steps: Sequence[Step], events: Sequence[Happened], step: Step
) -> Company:
    """Who is in the other seat at a step."""
    assert study.lobby is not None
    by_key = {one.key: one for one in steps}
    for event in reversed(events):
        if event.kind not in (PAIRED, ALONE) or event.step not in by_key:
            continue
        if not _reaches(study.lobby, by_key[event.step], step):
            continue
        if event.kind == ALONE:
            return Company("ai")
        data = event.data
        ranks = (int(data["ranks"][0]), int(data["ranks"][1]))
        return Company("person", data["other"], data["pair"], data["first"], ranks)
    return Company("nobody")


def _reaches(lobby: Lobby, decided: Step, step: Step) -> bool:
    if lobby.together == "study":
        return True
    if lobby.together == "block":
        return decided.block == step.block
    return decided.key == step.key


def paired(pair: str, ranks: tuple[int, int], names: tuple[str, str]) -> list[dict[str, Any]]:
    """What the two events of a pair hold, in the order of the names."""
    return [
        {"pair": pair, "other": names[1 - at], "first": at == 0, "ranks": list(ranks)}
        for at in (0, 1)
    ]


def left_alone(events: Sequence[Happened], step: Step) -> str:
    """Why an AI partner stands in from this very step on: an outcome, or nothing."""
    found = [event.data["why"] for event in events if (event.kind, event.step) == (ALONE, step.key)]
    return str(found[-1]) if found else ""
