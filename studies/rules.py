"""Exclusion rules: declared in the study file, computed from the data, never applied by deleting.

The rules are those that published studies of human-AI cooking state, see each class.
"""

from typing import Annotated, Literal

from pydantic import Field

from studies.wording import Part


class FewKeys(Part):
    """Fewer than `below` key presses per step over all rounds."""

    rule: Literal["few_keys"]
    below: float = Field(default=0.25, gt=0)


class Idle(Part):
    """Idle for more than `in_a_round` of any round's steps, or `on_average` over the rounds."""

    rule: Literal["idle"]
    in_a_round: float = Field(default=0.9, gt=0, le=1)
    on_average: float = Field(default=0.6, gt=0, le=1)


class Frozen(Part):
    """Either player idle for more than `steps` steps in a row in any round."""

    rule: Literal["frozen"]
    steps: int = Field(default=50, ge=1)


class StraightLining(Part):
    """The same answer to all items of a survey that has at least `items` likert items."""

    rule: Literal["straight_lining"]
    items: int = Field(default=5, ge=2)


class Hasty(Part):
    """A survey page answered in less than `under_s` seconds."""

    rule: Literal["hasty"]
    under_s: float = Field(default=15, gt=0)


class Incomplete(Part):
    """The session did not reach its end."""

    rule: Literal["incomplete"]


class Lag(Part):
    """More than `share` of the steps of any round more than `over_ms` after they were due."""

    rule: Literal["lag"]
    over_ms: float = Field(default=75, gt=0)
    share: float = Field(default=0.05, gt=0, le=1)


class RepeatedId(Part):
    """A platform identifier that had taken part before."""

    rule: Literal["repeated_id"]


class FailedChecks(Part):
    """At least `failures` failed attention checks."""

    rule: Literal["failed_checks"]
    failures: int = Field(default=2, ge=1)


Exclusion = Annotated[
    FewKeys | Idle | Frozen | StraightLining | Hasty | Incomplete | Lag | RepeatedId | FailedChecks,
    Field(discriminator="rule"),
]
