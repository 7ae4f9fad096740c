"""The study file: everything that a study with people is, in one validated description."""

import hashlib
import json
import math
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from studies.formula import Formula
from studies.questionnaires import Choice, Id, Item, Survey, expanded
from studies.rules import Exclusion
from studies.wording import Part, Text

FORMAT = 1
HUMAN = "human"
"""The partner of a round in which two participants meet."""
Order = Literal["fixed", "shuffle", "latin", "williams"]
Outcome = Literal[
    "done", "declined", "screened_out", "failed_quiz", "lobby_timeout", "partner_left", "inactive",
    "technical_fault", "withdrawn",
]  # fmt: skip
OUTCOMES: tuple[Outcome, ...] = (
    "done", "declined", "screened_out", "failed_quiz", "lobby_timeout", "partner_left", "inactive",
    "technical_fault", "withdrawn",
)  # fmt: skip


class Consent(Part):
    """What people agree to.

    Attributes:
        version: Version of the text; kept with each participant.
        text: The information for participants; an empty line begins a paragraph.
        statements: Each must be ticked.
    """

    version: str
    text: Text
    statements: list[Text] = []


class Screening(Part):
    """Who can take part.

    Attributes:
        inputs: Devices to play with.
        max_ping_ms: Longest median time from the browser to the server and back.
        min_width: Least width of the window in CSS pixels.
        full_screen: Whether rounds ask for the full screen.
        questions: Questions; those with `expects` admit only these answers.
    """

    inputs: list[Literal["keyboard", "touch"]] = Field(default=["keyboard", "touch"], min_length=1)
    max_ping_ms: int | None = Field(default=None, ge=1)
    min_width: int = Field(default=320, ge=0)
    full_screen: bool = False
    questions: list[Item] = []


class Page(Part):
    """A page of instructions."""

    title: Text
    text: Text


Task = Literal["move", "onion_pickup", "potting_onion", "dish_pickup", "soup_pickup",
               "soup_delivery"]  # fmt: skip


class Tutorial(Part):
    """A kitchen without a clock in which each task must be performed once, in order."""

    world: str = "kitchen/cramped_room"
    tasks: list[Task] = Field(
        default=["move", "onion_pickup", "potting_onion", "dish_pickup", "soup_pickup",
                 "soup_delivery"], min_length=1,
    )  # fmt: skip
    tick_ms: int = Field(default=150, ge=20, le=2000)


class Quiz(Part):
    """Comprehension questions about the instructions.

    Attributes:
        items: Questions with `expects`.
        needed: How many must be right; all when left out.
        tries: How often it may be taken; the instructions are shown again in between.
        then: What happens to those who fail every time.
    """

    items: list[Choice] = Field(min_length=1)
    needed: int | None = Field(default=None, ge=1)
    tries: int = Field(default=2, ge=1, le=10)
    then: Literal["end", "continue"] = "end"


class Policy(Part):
    """A partner's policy for one world: its name and, to make sure, the hash of its file."""

    policy: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{12,64}$")] | None = None


class Round(Part):
    """One episode.

    Attributes:
        partner: A name from `partners`, or ``human``.
        seat: The participant's seat; ``random`` balances it over participants.
        dynamics: ``old`` or ``new``; the layout's own when left out.
        surveys: Asked after the round.
    """

    id: Id
    world: str
    partner: Id
    seat: Literal["random"] | Annotated[int, Field(ge=0, le=3)] = "random"
    steps: int = Field(default=400, ge=1, le=20_000)
    tick_ms: int = Field(default=150, ge=20, le=2000)
    dynamics: Literal["old", "new"] | None = None
    surveys: list[Id] = []


class Block(Part):
    """Rounds that belong together: as a rule one condition."""

    id: Id
    rounds: list[Round] = Field(min_length=1)
    round_order: Order = "fixed"
    surveys: list[Id] = []


class Arm(Part):
    """What one group of participants does.

    Attributes:
        blocks: Names from `blocks`, each once.
        order: How their order is balanced over the participants of the arm.
        target: Usable participants wanted.
        surveys: Asked after the last block.
    """

    id: Id
    blocks: list[Id] = Field(min_length=1)
    order: Order = "fixed"
    target: int = Field(ge=1)
    surveys: list[Id] = []


class Allocation(Part):
    """How participants come into arms.

    Attributes:
        method: ``blocks``: permuted blocks, in which each arm is as frequent as its target
            asks; ``minimisation``: after Pocock and Simon (1975), balanced over `factors`.
        block_size: Arms' targets are divided by their common divisor to make a block; this many
            such rounds go into one block.
        factors: Screening questions to balance over.
        bias: Probability of the arm that minimises imbalance.
    """

    method: Literal["blocks", "minimisation"] = "blocks"
    block_size: int = Field(default=2, ge=1, le=20)
    factors: list[Id] = []
    bias: float = Field(default=0.8, gt=0.5, le=1)


Way = Literal["ai", "pay", "end"]
"""What follows for somebody without a partner: an AI partner (flagged in the data), the end with
the pay of its ending, or the end without pay."""


class Lobby(Part):
    """Where participants wait for one another before rounds with `human` partners.

    Only those meet who are at the same round of the same arm, in the same version of the study.

    Attributes:
        timeout_s: How long they wait, for anybody or for the partner that they have already.
        then: The way out when nobody came in time.
        left: The way out when the partner has left or does not come back; `then` when left out.
        partner: The AI partner of the way out ``ai``; a name from `partners`.
        together: How long a pair stays together: for the whole study, for a block, or for a round.
    """

    timeout_s: int = Field(default=180, ge=5, le=3600)
    then: Way = "pay"
    left: Way | None = None
    partner: Id | None = None
    together: Literal["study", "block", "round"] = "study"

    @property
    def ways(self) -> dict[str, Way]:
        """Outcome of those without a partner -> what follows instead of it, or with it."""
        return {"lobby_timeout": self.then, "partner_left": self.left or self.then}


Then = Literal["note", "pause", "end"]
"""What follows when a warning changed nothing: a note in the data, a round that stands still until
the participant says that they are back, or the end of the session as ``inactive``."""


class Absence(Part):
    """Somebody is connected, but not there.

    Attributes:
        after_s: Seconds until they are warned.
        grace_s: Seconds from the warning until `then`.
    """

    after_s: float = Field(gt=0, le=3600)
    grace_s: float = Field(default=30, ge=0, le=3600)
    then: Then = "note"


class Slowness(Part):
    """Somebody's connection is slow in the middle of a round.

    Attributes:
        over_ms: Median of the last round trips from which on they are warned.
        grace_s: Seconds from the warning until `then`.
    """

    over_ms: float = Field(gt=0)
    grace_s: float = Field(default=30, ge=0, le=3600)
    then: Then = "note"


class Attention(Part):
    """What happens in a running round when somebody does not play; every case is in the data.

    Attributes:
        idle: No key was pressed.
        hidden: The page is not on the screen: another tab, another window, a locked phone.
        lag: The connection is slow.
    """

    idle: Absence | None = Absence(after_s=30, grace_s=30, then="note")
    hidden: Absence | None = Absence(after_s=2, grace_s=30, then="pause")
    lag: Slowness | None = Slowness(over_ms=500, grace_s=30, then="note")

    @property
    def ends(self) -> bool:
        """Whether a session can end by it."""
        return any(w is not None and w.then == "end" for w in (self.idle, self.hidden, self.lag))


class Ending(Part):
    """What a participant gets at one way out: a completion code, and what is paid."""

    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{3,40}$")]
    pay: float = Field(default=0, ge=0)


class Payment(Part):
    """What participants are paid.

    Attributes:
        currency: Shown beside amounts.
        bonus: A formula over `score`, `rounds`, `mean_score` and `best_score`, such as
            ``min(3, 0.01 * score)``; rounded to cents.
        url: Where the code is handed in; ``{code}`` stands for it.
        endings: Code and pay of each way out; every study needs `done`.
    """

    currency: str = "GBP"
    bonus: Formula | None = None
    url: Annotated[str, Field(pattern=r"^https://\S*\{code\}\S*$")] | None = None
    endings: dict[Outcome, Ending]


class Stop(Part):
    """When recruitment ends: with all targets reached, and on a date at the latest."""

    targets: bool = True
    until: date | None = None


class Contrast(Part):
    """One planned comparison of two blocks (within) or two arms (between participants).

    Attributes:
        outcome: ``score`` (mean of the rounds), or ``survey.scale``.
        compare: Two blocks of every arm, or two arms.
        expected: Expected difference, first minus second.
        sd: Standard deviation of a participant's mean.
        correlation: Between a participant's two means; for blocks.
    """

    id: Id
    outcome: str
    compare: tuple[Id, Id]
    expected: float
    sd: float = Field(gt=0)
    correlation: float = Field(default=0.5, ge=-1, lt=1)


class Analysis(Part):
    """The planned analysis."""

    text: str
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    power: float = Field(default=0.8, gt=0, lt=1)
    contrasts: list[Contrast] = []


class Retention(Part):
    """How long data are kept: identifiers in days after the end, data until a date."""

    identifiers_days: int = Field(default=30, ge=0)
    data_until: date | None = None


class Pace(Part):
    """Times that decide who counts as present.

    Attributes:
        away_s: How long a running round waits in memory for a lost connection; afterwards it
            is put away and goes on from its record when the participant is back.
        fresh_minutes: After so long without a sign of life, a participant's place in the
            balance goes to the next one; they may still come back.
    """

    away_s: int = Field(default=120, ge=1)
    fresh_minutes: int = Field(default=90, ge=1)


class Study(Part):
    """A study.

    Attributes:
        study: Version of the format of this file.
        seed: Root of every random choice of the design.
        looks: What decides the colours of the chefs: their seats, or who they are. With
            ``partner`` the participant keeps one colour and each of their partners has another,
            drawn anew for every participant.
        surveys: Surveys by name; where they are asked is said by rounds, blocks and arms.
        before: Surveys before the first block.
        after: Surveys after the arms' own.
        erase_on_withdrawal: Whether withdrawing erases what was recorded; the consent text must
            say the same.
    """

    study: Literal[1]
    id: Id
    title: Text
    version: str
    languages: list[Literal["en", "de"]] = Field(min_length=1)
    contact: str
    seed: int = Field(ge=0, lt=2**63)
    consent: Consent
    screening: Screening = Screening()
    instructions: list[Page] = Field(min_length=1)
    tutorial: Tutorial | None = None
    quiz: Quiz | None = None
    partners: dict[Id, list[Policy]] = {}
    blocks: list[Block] = Field(min_length=1)
    arms: list[Arm] = Field(min_length=1)
    allocation: Allocation = Allocation()
    lobby: Lobby | None = None
    attention: Attention = Attention()
    looks: Literal["seat", "partner"] = "seat"
    surveys: dict[Id, Survey] = {}
    before: list[Id] = []
    after: list[Id] = []
    debrief: Text
    exclusions: list[Exclusion] = []
    payment: Payment
    stop: Stop = Stop()
    analysis: Analysis
    retention: Retention = Retention()
    pace: Pace = Pace()
    erase_on_withdrawal: bool = True

    @field_validator("version", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, (int, float)) else value  # YAML reads 1.0 so

    def arm(self, name: str) -> Arm:
        """The arm with a name."""
        return next(arm for arm in self.arms if arm.id == name)

    def block(self, name: str) -> Block:
        """The block with a name."""
        return next(block for block in self.blocks if block.id == name)

    def survey(self, name: str) -> Survey:
        """A survey, its instrument's items included."""
        return expanded(self.surveys[name])

    def surveys_of(self, arm: Arm) -> list[str]:
        """Names of the surveys that an arm's participants see, in the order of the file."""
        names = list(self.before)
        for block in map(self.block, arm.blocks):
            for played in block.rounds:
                names += played.surveys
            names += block.surveys
        return [*names, *arm.surveys, *self.after]

    @property
    def share(self) -> dict[str, int]:
        """Arm -> how often it comes in the smallest balanced group of participants."""
        divisor = math.gcd(*(arm.target for arm in self.arms))
        return {arm.id: arm.target // divisor for arm in self.arms}

    def round(self, block: str, name: str) -> Round:
        """The round of a block with a name."""
        return next(played for played in self.block(block).rounds if played.id == name)

    @property
    def block_names(self) -> list[str]:
        """Names of the blocks."""
        return [block.id for block in self.blocks]

    def in_pairs(self, block: str) -> bool:
        """Whether two participants play a round of a block."""
        return any(played.partner == HUMAN for played in self.block(block).rounds)

    @property
    def meets_people(self) -> bool:
        """Whether any round is played by two participants."""
        return any(self.in_pairs(name) for name in self.block_names)

    def plain(self) -> dict[str, Any]:
        """The study as JSON values, with the words of its instruments in place of their names."""
        surveys = {
            name: expanded(survey).model_copy(update={"instrument": None})
            for name, survey in self.surveys.items()
        }
        return self.model_copy(update={"surveys": surveys}).model_dump(mode="json")

    @property
    def sha256(self) -> str:
        """Hash of everything that the study is; every row of data carries it."""
        text = json.dumps(self.plain(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
