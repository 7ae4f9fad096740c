"""Settings of every training method, with their meaning; the command line is derived from them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self, get_args, get_origin, get_type_hints

from play.worlds.errors import UserError


def setting(default: Any, doc: str) -> Any:
    """A dataclass field with the sentence that the command line and the documents show."""
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True)
class TrainConfig:
    """What all methods share. Rewards are counted in the world's units of success (soups)."""

    world: str = setting(
        "kitchen/cramped_room",
        "World to train in, family/instance; some worlds declare settings that suit them "
        "better than the defaults named here.",
    )
    options: str = setting(
        "", "Options of the world as name=value, separated by commas, such as dynamics=new."
    )
    encoding: str = setting(
        "",
        "What policies see, one of the world's encodings, such as egocentric; its first if empty.",
    )
    steps: int = setting(10_000_000, "Joint environment steps in all.")
    seed: int = setting(0, "Root of every random stream of the run.")
    num_envs: int = setting(64, "Environments stepped together.")
    rollout_length: int = setting(100, "Steps per environment between two updates.")
    epochs: int = setting(4, "Passes over the data of one update.")
    minibatches: int = setting(4, "Minibatches per pass.")
    hidden: int = setting(64, "Units of each of the two hidden layers, actor and critic each.")
    activation: str = setting("relu", "Nonlinearity of the hidden layers: relu or tanh.")
    memory: str = setting(
        "none",
        "Memory of policies: none, or gru, a gated recurrent unit in place of the second hidden "
        "layer; minibatches then consist of whole slots.",
    )
    learning_rate: float = setting(1e-3, "Adam's step size at the start.")
    final_learning_rate: float = setting(0.0, "Adam's step size at the end; linear in between.")
    discount: float = setting(0.99, "Discount factor per step (gamma).")
    gae_lambda: float = setting(0.95, "Decay of generalised advantage estimation (lambda).")
    clip: float = setting(0.2, "Clipping range of the probability ratio.")
    value_coefficient: float = setting(0.5, "Weight of the value loss.")
    min_deviation: float = setting(
        0.02, "Advantages are divided by their standard deviation, but by no less than this."
    )
    entropy: float = setting(0.01, "Weight of the policy's entropy bonus at the start.")
    final_entropy: float = setting(
        -1.0, "Weight of the entropy bonus at the end; linear in between. -1: as at the start."
    )
    max_grad_norm: float = setting(0.5, "Gradients longer than this are shortened to it.")
    shaping_steps: int = setting(
        -1, "Steps over which the shaped reward fades to zero, linearly; -1: half of the run."
    )
    shared_shaping: bool = setting(
        False,
        "Whether a seat gets its partners' shaped rewards too, so that handing over pays at once.",
    )
    useful_shaping: bool = setting(
        True,
        "Whether shaped rewards leave out what can earn nothing, where the world can tell: in "
        "kitchens, soups that nobody ordered.",
    )
    exploring_starts: float = setting(
        0.5,
        "Share of the episodes that begin in random states at first; it fades with the shaped "
        "reward.",
    )
    visited_starts: float = setting(
        0.0,
        "Share of the episodes that begin in states which earlier episodes of the run visited.",
    )
    role: str = setting("", "Role that learns, such as Tag's runner; that of seat 0 if empty.")
    others: str = setting(
        "",
        "Policy in the seats of other roles, such as Tag's runner, or several separated by commas, "
        "among which the seats are shared out evenly; the recommended one if empty.",
    )
    others_folder: str = setting("", "Folder of the policies in others; the shipped ones if empty.")
    start_from: str = setting(
        "",
        "Policy whose actor the policies begin with, such as kitchens/generated/srpo; encoding, "
        "units, activation and memory are then its own. Random weights if empty.",
    )
    start_folder: str = setting("", "Folder of that policy; the shipped ones if empty.")
    checkpoint_every: int = setting(1_000_000, "Steps between two checkpoints.")

    @property
    def shaping_horizon(self) -> int:
        """Steps after which the shaped reward is gone."""
        return self.steps // 2 if self.shaping_steps == -1 else self.shaping_steps

    @property
    def world_options(self) -> dict[str, Any]:
        """The options of the world, for `make_world`; numbers as numbers."""
        return parse_options(self.options)

    def validate(self) -> None:
        """Raises UserError for a value outside its range."""
        parse_options(self.options)
        for name in ("steps", "num_envs", "rollout_length", "epochs", "minibatches", "hidden"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
        for name in ("discount", "gae_lambda", "exploring_starts", "visited_starts"):
            require(0 <= getattr(self, name) <= 1, name, getattr(self, name), "between 0 and 1")
        for name in ("learning_rate", "clip", "max_grad_norm", "min_deviation"):
            require(getattr(self, name) > 0, name, getattr(self, name), "above 0")
        for name in ("final_learning_rate", "value_coefficient", "entropy"):
            require(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        require(
            self.final_entropy >= 0 or self.final_entropy == -1,
            "final_entropy", self.final_entropy, "-1, 0 or more",
        )  # fmt: skip
        require(self.activation in ("relu", "tanh"), "activation", self.activation, "relu or tanh")
        require(self.memory in ("none", "gru"), "memory", self.memory, "none or gru")
        require(self.shaping_steps >= -1, "shaping_steps", self.shaping_steps, "-1, 0 or more")
        require(self.checkpoint_every >= 1, "checkpoint_every", self.checkpoint_every, "1 or more")
        samples = self.num_envs * self.rollout_length
        require(self.minibatches <= samples, "minibatches", self.minibatches, f"at most {samples}")

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuilds the settings; an unknown key is an error.

        Raises:
            UserError: A key that this method does not have, or a value out of range.
        """
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise UserError(
                f"{cls.__name__} has no setting called {', '.join(unknown)}; it has "
                f"{', '.join(sorted(known))}"
            )
        config = cls(**values)
        config.validate()
        return config


@dataclass(frozen=True)
class IppoConfig(TrainConfig):
    """Independent PPO: every seat has a policy of its own."""


@dataclass(frozen=True)
class SelfPlayConfig(TrainConfig):
    """Self-play: one policy plays all seats and sees the world from the seat that it is in."""


@dataclass(frozen=True)
class E3tConfig(SelfPlayConfig):
    """End-to-end training beside a mixture of the policy itself and random play (E3T)."""

    random_share: float = setting(0.25, "Probability that the partner acts at random.")

    def validate(self) -> None:
        """Raises UserError for a value outside its range."""
        super().validate()
        require(0 <= self.random_share <= 1, "random_share", self.random_share, "between 0 and 1")


@dataclass(frozen=True)
class PpoBcConfig(TrainConfig):
    """PPO beside a human proxy (PPO-BC): self-play at first, then games with the proxy."""

    partner: str = setting(
        "",
        "Policy to learn beside, in both seats, or several with commas, in equal shares; {seed} "
        "stands for the seed. The world's human proxy if empty.",
    )
    partner_folder: str = setting("", "Folder of these policies; the shipped ones if empty.")
    partner_share: float = setting(1.0, "Share of the episodes beside them in the end.")
    partner_warmup: float = setting(
        0.5, "Part of the run over which that share rises from zero, linearly."
    )
    final_partner_share: float = setting(
        -1.0, "What that share then falls to until the end, linearly; below 0: it stays."
    )

    def validate(self) -> None:
        """Raises UserError for a value outside its range."""
        super().validate()
        require_shares(self)


def require_shares(config: "PpoBcConfig | SrpoConfig") -> None:
    """Raises UserError unless the partners' shares of the games are shares, and fall in the end."""
    for name in ("partner_share", "partner_warmup"):
        require(0 <= getattr(config, name) <= 1, name, getattr(config, name), "between 0 and 1")
    require(
        config.final_partner_share <= config.partner_share,
        "final_partner_share", config.final_partner_share,
        f"partner_share, {config.partner_share:g}, at the most",
    )  # fmt: skip


@dataclass(frozen=True)
class BestResponseConfig(PpoBcConfig):
    """The best response to one policy: what can be earned beside it, for BR-Prox."""

    partner_warmup: float = setting(0.0, "As for ppo-bc.")

    def validate(self) -> None:
        """Raises UserError for a value outside its range."""
        super().validate()
        require(bool(self.partner), "partner", "empty", "the name of a policy")


@dataclass(frozen=True)
class PreferringConfig(TrainConfig):
    """Partners that like or dislike some events, each with a policy that adapts to them."""

    preferences: str = setting(
        "",
        "Weights as name=weight, separated by commas, of events, of idle (standing still) and of "
        "reward (the team's), in units of success; drawn by the seed if empty.",
    )
    liked_events: str = setting(
        "onion_pickup,onion_drop,potting_onion,dish_pickup,dish_drop,soup_pickup,soup_drop,"
        "soup_delivery",
        "Events whose weights are drawn, separated by commas.",
    )
    preference_strength: float = setting(
        1.0, "Drawn weights of events and of standing still are multiplied by this."
    )
    reward_always: bool = setting(
        False, "All are paid for what the team earns, too; otherwise a half of them, by the draw."
    )
    preferences_after: float = setting(
        0.0,
        "Share of --steps after which preferences count. Until then partners are paid for what the "
        "team earns, as the policies that adapt to them are: where two must help each other for "
        "anything to be earned, they learn that first.",
    )

    def validate(self) -> None:
        """Raises UserError for a value outside its range."""
        super().validate()
        after = self.preferences_after
        require(0 <= after < 1, "preferences_after", after, "0 or more and below 1")
        strength = self.preference_strength
        require(strength > 0, "preference_strength", strength, "above 0")

    @property
    def events(self) -> tuple[str, ...]:
        """The events whose weights are drawn."""
        return tuple(name.strip() for name in self.liked_events.split(",") if name.strip())


@dataclass(frozen=True)
class FcpConfig(TrainConfig):
    """Fictitious co-play: a best response to a population of self-play policies and their past."""

    population: int = setting(5, "Self-play policies that are trained first, to be the partners.")
    population_steps: int = setting(
        0, "Steps that each of them is trained for, beside --steps; 0: as many as --steps."
    )

    @property
    def steps_per_partner(self) -> int:
        """Steps that each policy of the population is trained for, in whole rollouts."""
        rollout = self.num_envs * self.rollout_length
        return -(-(self.population_steps or self.steps) // rollout) * rollout

    def validate(self) -> None:
        """Raises UserError for a value outside its range."""
        super().validate()
        require(self.population >= 1, "population", self.population, "1 or more")
        require(self.population_steps >= 0, "population_steps", self.population_steps, "0 or more")


@dataclass(frozen=True)
class MepConfig(FcpConfig):
    """Maximum entropy population: as FCP, with partners that are rewarded for being different."""

    diversity: float = setting(
        0.0005,
        "Weight of the population's entropy in the partners' reward (alpha), in units of success; "
        "the source's .01 is in points, of which a soup has 20.",
    )
    priority: float = setting(
        3.0, "Power of a partner's rank by difficulty in the choice of partners (beta)."
    )

    def validate(self) -> None:
        """Raises UserError for a value outside its range."""
        super().validate()
        for name in ("diversity", "priority"):
            require(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")


@dataclass(frozen=True)
class SrpoConfig(TrainConfig):
    """Strategically risk-averse policy optimisation (arXiv 2602.21515), as in `training.srpo`."""

    tau: float = setting(
        0.0,
        "Fixed degree of risk aversion per unit of reward; 0: steered so that `return_ratio` "
        "holds.",
    )
    initial_tau: float = setting(3.0, "Where a steered tau starts.")
    return_ratio: float = setting(
        0.6,
        "Return with the adversary that a steered tau aims at, as a share of the return "
        "with the true partner.",
    )
    tau_rate: float = setting(0.05, "Change of log tau per update and unit of missed ratio.")
    true_partner_share: float = setting(
        1 / 3, "Share of the games that are played with the true partner."
    )
    warm_start: float = setting(
        0.0, "Share of the steps before which the true partner plays in all games."
    )
    tremble: float = setting(
        0.2, "Share of uniform play in the reference that the adversary is compared with."
    )
    kl_direction: str = setting(
        "adversary",
        "Which argument comes first in the divergence: adversary (the paper's "
        "KL(adversary || partner)) or partner (the released code's forward direction).",
    )
    kl_in: str = setting("both", "Where the divergence acts: both, loss, return or nowhere.")
    residual: bool = setting(
        True, "Whether the adversary is a learnt change of the live partner's logits."
    )
    shared: bool = setting(
        True, "Whether one policy plays both seats; otherwise each seat has its own."
    )
    partner: str = setting(
        "",
        "Policy that is the true partner in partner_share of the games, or several with commas, "
        "in equal shares; the world's human proxy if empty.",
    )
    partner_folder: str = setting("", "Folder of these policies; the shipped ones if empty.")
    partner_share: float = setting(
        0.0,
        "Share of the games, with and without adversary, whose true partner is another policy; in "
        "the rest it is the hero itself.",
    )
    partner_warmup: float = setting(
        0.2, "Part of the run over which that share rises from zero, linearly."
    )
    final_partner_share: float = setting(-1.0, "As for ppo-bc.")

    def validate(self) -> None:
        """Raises UserError for a value out of range or settings that contradict each other."""
        super().validate()
        require(self.tau >= 0, "tau", self.tau, "0 or more")
        require(self.initial_tau > 0, "initial_tau", self.initial_tau, "above 0")
        require(0 < self.return_ratio < 1, "return_ratio", self.return_ratio, "inside 0 to 1")
        require(self.tau_rate > 0, "tau_rate", self.tau_rate, "above 0")
        require(0 <= self.tremble < 1, "tremble", self.tremble, "0 or more and below 1")
        require(0 <= self.warm_start < 1, "warm_start", self.warm_start, "0 or more and below 1")
        require(
            0 <= self.true_partner_share < 1,
            "true_partner_share", self.true_partner_share, "0 or more and below 1",
        )  # fmt: skip
        require_shares(self)
        require(
            self.kl_direction in ("adversary", "partner"),
            "kl_direction", self.kl_direction, "adversary or partner",
        )  # fmt: skip
        require(
            self.kl_in in ("both", "loss", "return", "nowhere"),
            "kl_in", self.kl_in, "both, loss, return or nowhere",
        )  # fmt: skip
        self._reject_contradictions()

    def _reject_contradictions(self) -> None:
        if self.tau == 0 and self.true_partner_share == 0:
            raise UserError(
                "A steered tau compares the return with the true partner, but "
                "--true-partner-share is 0: give a fixed --tau or some games with the partner"
            )
        steering = ("initial_tau", "return_ratio", "tau_rate")
        defaults = {item.name: item.default for item in fields(self)}
        changed = [name for name in steering if getattr(self, name) != defaults[name]]
        if self.tau > 0 and changed:
            raise UserError(
                f"--{changed[0].replace('_', '-')} steers tau, but --tau {self.tau} fixes it: "
                "give one or the other"
            )
        if self.partner and not self.partner_share:
            raise UserError(
                f"--partner is {self.partner}, but --partner-share 0 leaves it no games: give a "
                "share above 0"
            )


VARIANTS: dict[str, dict[str, Any]] = {
    "understudy": {},
    # The paper's objective to the letter: live partner as reference, no true-partner games.
    "paper": {"tau": 10.0, "tremble": 0.0, "true_partner_share": 0.0, "shared": False},
    # The released grid-world code: forward divergence, only in the adversary's loss. Its tau of 10
    # is per point, and a unit of the private-cost kitchen has 10 points.
    "released-grid": {
        "tau": 100.0, "tremble": 0.0, "true_partner_share": 0.0, "shared": False,
        "kl_direction": "partner", "kl_in": "loss", "residual": False,
        "learning_rate": 6e-4, "final_learning_rate": 6e-4, "entropy": 0.1, "activation": "tanh",
    },
    # The released Tag code differs in its network's activation, step size and entropy.
    "released-tag": {
        "tau": 10.0, "tremble": 0.0, "true_partner_share": 0.0, "shared": False,
        "kl_direction": "partner", "kl_in": "loss", "residual": False,
        "learning_rate": 1e-3, "final_learning_rate": 1e-3, "max_grad_norm": 10.0,
        "hidden": 128,
    },
}  # fmt: skip
"""Named presets of SrpoConfig; what a preset does not name keeps its default."""


@dataclass(frozen=True)
class PureAdversaryConfig(SrpoConfig):
    """A control for SRPO: the adversary deviates as it likes; heroes keep their entropy bonus."""

    kl_in: str = setting("nowhere", "Where the divergence acts; a pure adversary pays nowhere.")
    tau: float = setting(1.0, "Without effect, since no divergence has a price.")
    tremble: float = setting(0.0, "As for srpo; without effect, since there is no reference.")

    def validate(self) -> None:
        """Raises UserError for settings that would make it another method."""
        super().validate()
        require(self.kl_in == "nowhere", "kl_in", self.kl_in, "nowhere, or the method srpo")


@dataclass(frozen=True)
class ExploiterConfig(TrainConfig):
    """The worst partner that a trained policy can have, close to its usual one."""

    against: str = setting(
        "",
        "Run whose policies are exploited, or a policy's folder, for a policy that plays all "
        "seats; of several seeds, the folder that they are in as seed0 and so on.",
    )
    hero: str = setting(
        "", "Name that these policies have or will have as files; {seed} stands for the seed."
    )
    tau: float = setting(1.0, "Size of the deviations: how much a nat costs is 1 / tau.")
    exploring_starts: float = setting(
        0.0, "Share of the episodes that begin in random states at first."
    )

    def run_of(self, seed: int) -> Path:
        """The run directory, or the policy's folder, of a seed's hero."""
        folder = Path(self.against)
        return folder / f"seed{seed}" if (folder / f"seed{seed}").is_dir() else folder

    def validate(self) -> None:
        """Raises UserError for a value outside its range."""
        super().validate()
        require(
            bool(self.against), "against", "empty", "the directory of a training run or a policy"
        )
        require(self.tau > 0, "tau", self.tau, "above 0")


def is_policy(folder: Path) -> bool:
    """Whether a folder holds a policy rather than a training run."""
    return (folder / "card.json").is_file()


METHODS: dict[str, type[TrainConfig]] = {
    "ippo": IppoConfig,
    "self-play": SelfPlayConfig,
    "srpo": SrpoConfig,
    "e3t": E3tConfig,
    "ppo-bc": PpoBcConfig,
    "best-response": BestResponseConfig,
    "preferring": PreferringConfig,
    "fcp": FcpConfig,
    "mep": MepConfig,
    "pure-adversary": PureAdversaryConfig,
    "exploiter": ExploiterConfig,
}


def shared_settings(config: TrainConfig) -> dict[str, Any]:
    """The settings that all methods have, for a method that trains another one's policies."""
    return {item.name: getattr(config, item.name) for item in fields(TrainConfig)}


def with_changes(config: TrainConfig, **changes: Any) -> TrainConfig:
    """The same settings with some replaced, validated again."""
    changed = replace(config, **changes)
    changed.validate()
    return changed


def option_types(config_class: type[TrainConfig]) -> dict[str, type]:
    """The plain type of every setting, for the command line."""
    hints = get_type_hints(config_class)
    return {item.name: _plain(hints[item.name]) for item in fields(config_class)}


def _plain(hint: Any) -> type:
    return next(kind for kind in get_args(hint)) if get_origin(hint) else hint


def parse_options(text: str) -> dict[str, Any]:
    """``"dynamics=new,horizon=200"`` -> ``{"dynamics": "new", "horizon": 200}``.

    Raises:
        UserError: A part without an equals sign.
    """
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    require(all(equals for _, equals, _ in parts), "options", repr(text),
            "name=value pairs such as dynamics=new,horizon=200")  # fmt: skip
    return {name.strip(): _number_or_text(value.strip()) for name, _, value in parts}


def _number_or_text(value: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def require(holds: bool, name: str, value: object, allowed: str) -> None:
    """Raises UserError naming the option, its value and what is allowed, unless `holds`."""
    if not holds:
        option = name.replace("_", "-")
        raise UserError(f"--{option} is {value}, but it must be {allowed}")
