"""What the experiment in the private-cost kitchen trains: every method, control and ablation."""

from dataclasses import dataclass, field
from typing import Any

from play.worlds.errors import UserError
from play.worlds.private_kitchen.facts import TRAINING
from training.config import (
    METHODS,
    VARIANTS,
    E3tConfig,
    FcpConfig,
    SrpoConfig,
    TrainConfig,
)

BASE = dict(TRAINING)
"""Settings of every variant."""

PER_SEAT, SHARED, POPULATION = "a policy per seat", "one policy for both seats", "populations"
ABLATION = "SRPO with one thing changed"
PAPER = VARIANTS["paper"]


@dataclass(frozen=True)
class Variant:
    """One row of the table.

    Attributes:
        name: Its name in tables and folders.
        method: Trainer.
        group: Base on which it stands; rows of one group differ in the method only.
        about: What it is, in a few words.
        changes: Settings beside `BASE`.
        effort: Steps of its own training as a share of the experiment's; a population has the
            rest, unless `changes` say how many steps its members have (0: as many as the hero).
    """

    name: str
    method: str
    group: str
    about: str
    changes: dict[str, Any] = field(default_factory=dict)
    effort: float = 1.0

    @property
    def data(self) -> float:
        """Samples that a hero learns from, per step of the experiment."""
        config = self.config("released", 1_000_000)
        seats = 1 if self.group == PER_SEAT else 2
        if isinstance(config, SrpoConfig):  # an adversary has one of the two seats of its games
            share = config.true_partner_share
            return self.effort * seats * (share + (1 - share) / 2)
        if isinstance(config, E3tConfig | FcpConfig):  # a partner has the other seat
            seats = 1
        return self.effort * seats

    def config(self, setting: str, steps: int) -> TrainConfig:
        """Settings of its training in one setting of the kitchen."""
        values = BASE | {"world": f"private-kitchen/{setting}"} | self.changes
        values["steps"] = round(steps * self.effort)
        if "population" in values and "population_steps" not in values:
            rest = steps * (1 - self.effort)
            values["population_steps"] = round(rest / values["population"])
        return METHODS[self.method].from_json(values)


def entropy(weight: float) -> dict[str, float]:
    """An entropy bonus that falls to a fifth, as in `BASE`."""
    return {"entropy": weight, "final_entropy": weight / 5}


STRANGERS = (
    Variant("stranger-ippo", "ippo", PER_SEAT, "IPPO"),
    Variant("stranger-self-play", "self-play", SHARED, "self-play"),
    Variant("stranger-entropy", "ippo", PER_SEAT, "IPPO, entropy .2", entropy(0.2)),
    Variant("stranger-novice", "self-play", SHARED, "self-play, a fifth of the training",
            effort=0.2),
)  # fmt: skip
"""Partners that no variant meets in training; of `STRANGERS_SEEDS`."""
STRANGERS_SEEDS = (1000, 1001)

TRIALS = (
    Variant("ippo", "ippo", PER_SEAT, "IPPO"),
    Variant("ippo-entropy-.1", "ippo", PER_SEAT, "IPPO, entropy .1", entropy(0.1)),
    Variant("ippo-entropy-.2", "ippo", PER_SEAT, "IPPO, entropy .2", entropy(0.2)),
    Variant("ippo-entropy-.5", "ippo", PER_SEAT, "IPPO, entropy .5", entropy(0.5)),
    Variant("ippo-visited", "ippo", PER_SEAT, "IPPO, starts from visited states",
            {"visited_starts": 0.5}),
    Variant("paper-tau-1", "srpo", PER_SEAT, "SRPO as in the paper, tau .1 per point",
            PAPER | {"tau": 1.0}),
    Variant("paper-tau-10", "srpo", PER_SEAT, "SRPO as in the paper, tau 1 per point", PAPER),
    Variant("paper-tau-30", "srpo", PER_SEAT, "SRPO as in the paper, tau 3 per point",
            PAPER | {"tau": 30.0}),
    Variant("paper-tau-100", "srpo", PER_SEAT, "SRPO as in the paper, tau 10 per point",
            PAPER | {"tau": 100.0}),
    Variant("paper-twice", "srpo", PER_SEAT, "SRPO as in the paper, tau 3, equal data per hero",
            PAPER | {"tau": 30.0}, 2.0),
    Variant("released", "srpo", PER_SEAT, "SRPO as released",
            VARIANTS["released-grid"]),
    Variant("srpo-per-seat", "srpo", PER_SEAT, "SRPO, ours, per seat", {"shared": False}),
    Variant("pure-adversary", "pure-adversary", PER_SEAT, "Pure adversary",
            {"shared": False, "true_partner_share": 0.0}),
    Variant("self-play", "self-play", SHARED, "Self-play"),
    Variant("self-play-visited", "self-play", SHARED, "Self-play, starts from visited states",
            {"visited_starts": 0.5}),
    Variant("e3t", "e3t", SHARED, "E3T"),
    Variant("srpo", "srpo", SHARED, "SRPO"),
    Variant("srpo-visited", "srpo", SHARED, "SRPO, starts from visited states",
            {"visited_starts": 0.5}),
    Variant("srpo-more", "srpo", SHARED, "SRPO, equal data per hero", {}, 1.5),
    Variant("fcp", "fcp", POPULATION, "FCP", {"population": 3}, 0.5),
    Variant("mep", "mep", POPULATION, "MEP", {"population": 3}, 0.5),
    Variant("fcp-more", "fcp", POPULATION, "FCP, four times the steps",
            {"population": 3, "population_steps": 0}),
    Variant("mep-more", "mep", POPULATION, "MEP, four times the steps",
            {"population": 3, "population_steps": 0}),
    Variant("srpo-ratio-.4", "srpo", ABLATION, "tau steered to .4 instead of .6 of the return",
            {"return_ratio": 0.4}),
    Variant("srpo-tau-10", "srpo", ABLATION, "tau fixed, 1 per point", {"tau": 10.0}),
    Variant("srpo-tau-30", "srpo", ABLATION, "tau fixed, 3 per point", {"tau": 30.0}),
    Variant("srpo-loss", "srpo", ABLATION, "divergence in the loss only", {"kl_in": "loss"}),
    Variant("srpo-return", "srpo", ABLATION, "divergence in the return only",
            {"kl_in": "return"}),
    Variant("srpo-no-tremble", "srpo", ABLATION, "reference does not tremble", {"tremble": 0.0}),
    Variant("srpo-own-network", "srpo", ABLATION, "adversary not a change of the partner",
            {"residual": False}),
    Variant("srpo-half", "srpo", ABLATION, "half of the games with the true partner",
            {"true_partner_share": 0.5}),
    Variant("srpo-warm", "srpo", ABLATION, "adversaries after a quarter of the steps",
            {"warm_start": 0.25}),
    Variant("srpo-always", "srpo", ABLATION, "never the true partner, tau 1 per point",
            {"true_partner_share": 0.0, "tau": 10.0}),
)  # fmt: skip


def chosen(names: str | None) -> tuple[Variant, ...]:
    """The variants of a list of names with commas, in the order of the tables; all if None.

    Raises:
        UserError: A name that there is none of, or an empty list.
    """
    known = {variant.name: variant for variant in TRIALS}
    if names is None:
        return TRIALS
    asked = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in asked if name not in known]
    if unknown or not asked:
        raise UserError(
            f"--variants is {names!r}, but it must be names with commas between them, from "
            f"{', '.join(known)}"
        )
    return tuple(variant for variant in TRIALS if variant.name in asked)
