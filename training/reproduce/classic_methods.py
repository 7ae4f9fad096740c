"""What the experiment on the five classic kitchens trains.

Every policy that is compared learns for the same number of steps. The partners of a population come
beside that, since a share of one row's steps would leave them beginners: such rows have more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from play.worlds.errors import UserError
from play.worlds.kitchen.facts import TRAINING
from play.worlds.kitchen.layouts import CLASSICS
from training.config import METHODS, FcpConfig

SHAPED = 0.8
"""Part of the training over which shaped rewards and random first states fade out."""
COMMON = {key: value for key, value in TRAINING.items() if key not in ("steps", "warm_start")}
"""What suits the kitchens; the same for all rows and layouts. Set by self-play's own return."""
OURS, BASELINE, CONTROL = "SRPO", "other methods", "controls"


def base(layout: str, steps: int, own: int) -> dict[str, Any]:
    """Settings that everything on a layout is trained with.

    Args:
        layout: The layout.
        steps: The experiment's steps; all shaped rewards fade over the same number of steps.
        own: Steps of this training.
    """
    world = {"world": f"kitchen/{layout}", "steps": own}
    return world | {"shaping_steps": round(SHAPED * steps)} | COMMON


@dataclass(frozen=True)
class Row:
    """One row of the tables.

    Attributes:
        name: Name of its runs, policies and pieces.
        title: What the page calls it.
        method: Trainer.
        group: Whether it is ours, another method, or a control for ours.
        changes: Settings that are not the method's own.
        population: Policies that each seed's partners are made of.
        partners: Steps of each policy of its population, as a share of the experiment's; they are
            beside the steps of its own training.
    """

    name: str
    title: str
    method: str
    group: str
    changes: dict[str, Any] = field(default_factory=dict)
    population: int = 0
    partners: float = 0.0

    @property
    def begun(self) -> bool:
        """Whether its training begins with a policy that was trained elsewhere."""
        return bool(self.changes.get("start_from"))

    @property
    def raised(self) -> bool:
        """Whether its population is trained before it, since its method does not do that."""
        return self.population > 0 and not issubclass(METHODS[self.method], FcpConfig)

    def settings(self, layout: str, steps: int) -> dict[str, Any]:
        """Settings of its training on a layout, at the experiment's steps."""
        values = base(layout, steps, steps)
        if self.population and not self.raised:
            values["population"] = self.population
            values["population_steps"] = round(steps * self.partners)
        return values | self.changes

    def total(self, steps: int) -> int:
        """Steps of one of its seeds in all, at the experiment's steps."""
        return steps + self.population * round(steps * self.partners)


def steady(entropy: float) -> dict[str, float]:
    """An entropy bonus that stays what it is."""
    return {"entropy": entropy, "final_entropy": -1.0}


VISITED = {"visited_starts": 0.5}
LATER = {"warm_start": TRAINING["warm_start"]}
"""Adversaries play in the second half of the training only, as in PPO-BC the proxy plays more and
more in the first: beside one from the start, three of five seeds of SRPO hardly learnt to cook in
forced_coordination in the same number of steps."""
LAST = {"warm_start": 0.75, "true_partner_share": 2 / 3}
"""Adversaries play in the last quarter only, in a third of the games: where the true partner is
mostly the human proxy, more of them can cost SRPO's own pair and its games with the proxy
(docs/experiments.md)."""
ANNEALED = {"initial_tau": 1000.0}
"""Adversaries play from the start and pay next to nothing at first; tau is steered down from there
for the rest of the training, so that heroes learn what can be done alone before they rely on
anybody (docs/experiments.md)."""
BEGUN = {
    "start_from": "kitchens/generated/srpo", "encoding": "egocentric_orders", "hidden": 128,
    "learning_rate": 3e-4, "entropy": 0.01,
}  # fmt: skip
"""Training goes on from the shipped partner for any kitchen, which has met none of these layouts
nor any model of people, with its encoding and units. At the step size and the entropy of the other
rows it would forget what it knows before it learns anything (docs/experiments.md)."""

ROWS = (
    Row("srpo", "SRPO", "srpo", OURS, LATER),
    Row("srpo-annealed", "SRPO, annealed", "srpo", OURS, ANNEALED),
    Row("srpo-visited", "SRPO, state augmentation", "srpo", OURS, LATER | VISITED),
    Row(
        "srpo-population", "SRPO on a population", "srpo", OURS, LAST | {"partner_share": 0.5},
        3, 0.25,
    ),
    Row("srpo-bc", "SRPO on PPO-BC", "srpo", OURS, LAST | {"partner_share": 0.5}),
    Row(
        "srpo-bc-more", "SRPO on PPO-BC, nine tenths", "srpo", OURS,
        LATER | {"partner_share": 0.9},
    ),
    Row(
        "srpo-bc-last", "SRPO on PPO-BC, nine tenths, last quarter", "srpo", OURS,
        LAST | {"partner_share": 0.9},
    ),
    Row(
        "srpo-bc-annealed", "SRPO on PPO-BC, annealed", "srpo", OURS,
        ANNEALED | {"partner_share": 0.5},
    ),
    Row(
        "srpo-bc-any", "SRPO on PPO-BC, from any kitchen", "srpo", OURS,
        BEGUN | LAST | {"partner_share": 0.5, "partner_warmup": 0.0},
    ),
    Row(
        "srpo-bc-any-more", "SRPO on PPO-BC, from any kitchen, nine tenths", "srpo", OURS,
        BEGUN | LAST | {"partner_share": 0.9, "partner_warmup": 0.0},
    ),
    Row("ippo", "IPPO, a policy per seat", "ippo", BASELINE),
    Row("self-play", "self-play", "self-play", BASELINE),
    Row("self-play-visited", "self-play, state augmentation", "self-play", BASELINE, VISITED),
    Row("fcp", "FCP", "fcp", BASELINE, {}, 3, 0.25),
    Row("mep", "MEP", "mep", BASELINE, {}, 3, 0.25),
    Row("e3t", "E3T", "e3t", BASELINE),
    Row("ppo-bc", "PPO-BC", "ppo-bc", BASELINE),
    Row(
        "ppo-bc-more", "PPO-BC, nine tenths", "ppo-bc", BASELINE,
        {"partner_share": 0.9, "partner_warmup": 0.2},
    ),
    Row(
        "ppo-bc-any", "PPO-BC, from any kitchen", "ppo-bc", BASELINE,
        BEGUN | {"partner_share": 0.9, "partner_warmup": 0.0},
    ),
    Row("entropy-0.03", "self-play, entropy .03", "self-play", CONTROL, steady(0.03)),
    Row("entropy-0.1", "self-play, entropy .1", "self-play", CONTROL, steady(0.1)),
    Row("random-partner", "random partner", "e3t", CONTROL, {"random_share": 1.0}),
    Row("pure-adversary", "pure adversary", "pure-adversary", CONTROL),
)  # fmt: skip
"""In the order of the tables; each is trained through the same trainer, with the same network."""

LEVELS = (0.25, 0.5)
"""Shares of the training after which some policies are kept, as less skilled strangers."""
KEPT = ("self-play", "ippo", "e3t", "ppo-bc")
"""Rows of which they are kept, for the first two seeds."""
KEPT_SEEDS = 2


def chosen_rows(names: str | None) -> tuple[Row, ...]:
    """The rows of a list of names with commas; all if None.

    Raises:
        UserError: A name that there is none of, or an empty list.
    """
    known = {row.name: row for row in ROWS}
    found = _chosen("--methods", names, list(known))
    return tuple(row for name, row in known.items() if name in found)


def chosen_layouts(names: str | None) -> tuple[str, ...]:
    """The layouts of a list of names with commas; all five if None.

    Raises:
        UserError: A name that there is none of, or an empty list.
    """
    found = _chosen("--layouts", names, CLASSICS)
    return tuple(name for name in CLASSICS if name in found)


def _chosen(option: str, names: str | None, known: Sequence[str]) -> set[str]:
    if names is None:
        return set(known)
    asked = {name.strip() for name in names.split(",") if name.strip()}
    if not asked or not asked <= set(known):
        raise UserError(
            f"{option} is {names!r}, but it must be names with commas between them, from "
            f"{', '.join(known)}"
        )
    return asked
