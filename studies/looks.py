"""Colours of the chefs: by seat, or one for each partner of a participant.

Colours are drawn for every participant from the study's seed, so they say nothing of a condition.
"""

from studies.assignment import stream
from studies.checks import COLOURS, partner_met, partners_met
from studies.flow import Step
from studies.sessions import Session


def looks_at(session: Session, step: Step, seat: int, players: int) -> list[int]:
    """The colour of each seat at a step, as the participant in `seat` sees it."""
    study, place = session.study, session.place
    if study.looks == "seat" or place is None or step.kind != "round":
        return [other % COLOURS for other in range(players)]
    drawn = stream(study.seed, "looks", place.arm, place.rank).permutation(COLOURS)
    who = partners_met(study, place.arm).index(partner_met(study, step.block, step.round))
    return [int(drawn[0 if other == seat else 1 + who]) for other in range(players)]
