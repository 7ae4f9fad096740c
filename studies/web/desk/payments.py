"""Who is to be approved or rejected, and the lists that a recruitment platform takes."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from studies.glance import Person, Snapshot

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,199}")
"""What a platform's identifier looks like; anything else could be a formula to a spreadsheet."""


@dataclass(frozen=True)
class Claim:
    """What somebody who has ended is to be paid.

    Attributes:
        advice: Why one might look twice; a ground for rejection is for the researcher to judge.
    """

    person: Person
    pay: float
    bonus: float
    advice: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """``approved``, ``rejected`` or ``open``."""
        return self.person.review.verdict if self.person.review else "open"

    @property
    def external_id(self) -> str:
        """What the platform calls them; empty without an identifier that one could have given."""
        given = self.person.identity.external_id if self.person.identity else ""
        return given if IDENTIFIER.fullmatch(given) else ""


def claims_of(snapshot: Snapshot) -> list[Claim]:
    """Everybody who has ended, in the order in which they came."""
    return [
        Claim(person, *person.pay, tuple(_advice(person)))
        for person in reversed(snapshot.people)
        if person.session.state.outcome not in (None, "declined")
    ]


def _advice(person: Person) -> Iterator[str]:
    if person.figures is not None:
        yield from (reason.replace("_", " ") for reason in person.figures.reasons)
    if person.session.state.outcome not in ("done", "withdrawn"):
        yield str(person.session.state.outcome).replace("_", " ")


def bonus_lines(claims: Iterable[Claim]) -> str:
    """Identifier and bonus of everybody approved who has one: what bulk payment takes."""
    return _csv(
        (claim.external_id, f"{claim.bonus:.2f}")
        for claim in claims
        if claim.verdict == "approved" and claim.external_id and claim.bonus > 0
    )


def approval_lines(claims: Iterable[Claim]) -> str:
    """Identifiers of everybody approved, one a line: what bulk approval takes."""
    return _csv(
        (claim.external_id,)
        for claim in claims
        if claim.verdict == "approved" and claim.external_id
    )


def _csv(rows: Iterable[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
