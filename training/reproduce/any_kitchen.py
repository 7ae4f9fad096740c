"""`understudy reproduce any-kitchen`: one partner for kitchens that it has never seen.

A policy is trained on generated kitchens, and then plays beside the rule-based cook in generated
kitchens of other numbers and in the five classic ones. Training and games are kept as they are
finished, so the same command goes on where it was stopped.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import click
import numpy as np

from agents.card import Card, read_card
from agents.library import load_policy, write_card
from agents.onnx import OnnxPolicy
from play.worlds.errors import UserError
from play.worlds.kitchen.generator import canonical, kitchen_name, kitchen_text, same_room
from play.worlds.kitchen.layouts import CLASSICS, Layout, load_layout
from play.worlds.registry import make_world
from training import checkpoints
from training.commands import parse_seeds
from training.config import METHODS, TrainConfig
from training.evaluation.crossplay import team_return
from training.evaluation.files import write_whole
from training.evaluation.matches import PLAY, Match, Rules, play_match
from training.evaluation.statistics import Figure, mean_figure
from training.export import export_run
from training.machine import machine
from training.reproduce.any_kitchen_page import write_page
from training.reproduce.folders import open_folder, write_record
from training.reproduce.pieces import Piece, freeze, train_piece

EXPERIMENT = "any-kitchen"
WORLD = "kitchens/generated"
GREEDY = "greedy"
FIRST = 1_000_000
"""Number of the first kitchen to test in; training takes those from 0 on."""
HORIZON = 400
ENOUGH, AIM = 2.0, 0.9
"""Soups per game beside the rule-based cook, in this share of the unseen kitchens."""
RULES_DO = "unseen, enough by rules"
"""The unseen kitchens in which two rule-based cooks serve enough; in some they get stuck."""
PROXY = "human-proxy-held-out"
BESIDES = ("beside greedy", "own pair")
BESIDE_PROXY = "beside proxy"
SPECIALIST = "srpo"
SHIPPED, TITLE = f"{WORLD}/{SPECIALIST}", "SRPO (any kitchen)"
"""Name and title of the policy among those that players are offered."""
DESCRIPTION = (
    "Trained with SRPO in thousands of generated kitchens by `understudy reproduce any-kitchen`; "
    "plays layouts that it has never seen."
)
CONFIDENCE = 1.959964  # two-sided 95 % of the normal distribution


@dataclass(frozen=True)
class Place:
    """A kitchen to play in.

    Attributes:
        name: Its layout's name.
        options: Options of its world.
        classic: Whether it is one of the five classic ones.
        apart: Whether each cook has a room of its own.
    """

    name: str
    options: dict[str, Any]
    classic: bool
    apart: bool

    @property
    def world(self) -> str:
        """Full name of its world."""
        return f"kitchen/{self.name}"


@click.command(name=EXPERIMENT)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("results") / EXPERIMENT,
    show_default=True, help="Folder for the run, the policy and the results.",
)  # fmt: skip
@click.option(
    "--seeds", "asked", metavar="FIRST-LAST", default="0", show_default=True,
    help="Seeds of the trainings. The page is about the first, which is also what is shipped; the "
    "others tell how much of it is chance.",
)  # fmt: skip
@click.option(
    "--controls", default="", metavar="METHODS",
    help="Other methods, such as self-play, that are trained and played in the same way with the "
    "first seed, with commas between them.",
)  # fmt: skip
@click.option(
    "--steps", type=click.IntRange(1), default=None, help="Joint steps of the training.  [default: "
    "the world's own]",
)  # fmt: skip
@click.option(
    "--train/--no-train", default=True, show_default=True,
    help="Whether training goes on first; otherwise the run plays as far as it has come.",
)  # fmt: skip
@click.option(
    "--policy", "known", default=None,
    help=f"A policy that is there already, such as {SHIPPED}, which plays instead of the first "
    "seed's.",
)  # fmt: skip
@click.option(
    "--kitchens", type=click.IntRange(2), default=50, show_default=True,
    help="Unseen generated kitchens.",
)  # fmt: skip
@click.option(
    "--episodes", type=click.IntRange(1), default=16, show_default=True,
    help="Episodes in each kitchen and seating; from 16 on they are played by compiled code.",
)  # fmt: skip
@click.option(
    "--ship", "shipped", type=click.Path(path_type=Path, file_okay=False), default=None,
    help="Folder of policies, such as assets/policies, into which the policy goes if it reaches "
    "the aim.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Go on in a folder with finished results.")
def any_kitchen(
    out: Path, asked: str, controls: str, steps: int | None, train: bool, known: str | None,
    kitchens: int, episodes: int, shipped: Path | None, overwrite: bool,
) -> None:  # fmt: skip
    """Train one partner for any kitchen, and play it in kitchens that it has never seen.

    It plays beside the rule-based cook, in both seats, in unseen generated kitchens and in the
    five classic ones; there also beside models of people, and against the specialists.
    """
    policies, trained = out / "policies", [piece_of(s, steps) for s in parse_seeds(asked) or ()]
    config = trained[0].config()
    trained += [piece_of(config.seed, steps, method) for method in methods_of(controls)]
    if known is not None:
        if steps is not None:
            raise UserError(
                f"--policy {known} plays what is trained already, so --steps {steps} has no "
                "meaning: leave one of them out"
            )
        config, trained = settings_of(known), trained[1:]
        differing = differences(config, piece_of(0, None).config())
        if trained and differing:
            raise UserError(
                f"--policy {known} was trained with other settings ({', '.join(differing)}) than "
                "--seeds and --controls would be, which could not be compared: leave them out"
            )
    if not train:
        for piece in trained:
            run = run_of(piece, out)
            if not finished(piece, policies) and not (run / "checkpoint.pt").is_file():
                raise UserError(f"{run} has no checkpoint yet: leave --no-train out")
    open_folder(out, EXPERIMENT, overwrite)
    names = []
    if known is not None:
        freeze(known, policies)
        names.append(known)
    for piece in trained:
        name = policy_of(piece, out, train)
        if name is None:
            click.echo("Stopped and saved. The same command goes on.")
            return
        names.append(name)
    for layout in CLASSICS:
        for other in (SPECIALIST, PROXY):
            freeze(f"kitchen/{layout}/{other}", policies)
    places = [*unseen(kitchens, training_kitchens(config)), *classics()]
    found, *others = (results_of(name, places, episodes, out) for name in names)
    found["options"] = dict(make_world(WORLD, **config.world_options).facts.options)
    found["specialist"] = specialists(policies)
    if others:
        found["others"] = others
        found["findings"]["seeds"] = over_seeds([found, *others])
    write_record(out, EXPERIMENT, found, finished=True)
    write_page(found, out)
    click.echo(f"Wrote {out / 'README.md'}")
    if shipped is not None:
        reached = found["findings"]["aim"]["reached"]
        if reached:
            ship(found, policies / names[0], shipped)
        click.echo(f"{'Shipped' if reached else 'The aim is not reached: not shipped'}: {names[0]}")


def specialists(policies: Path) -> str:
    """How the specialists of the classic kitchens were trained, in words."""
    cards = [read_card(policies / f"kitchen/{layout}/{SPECIALIST}") for layout in CLASSICS]
    begun = [card.layouts[0] for card in cards if card.hyperparameters.get("start_from")]
    met = "which learnt there and, in some of the games, beside another model of people"
    if not begun:
        return met
    which = "all of them" if len(begun) == len(cards) else f"that of {', '.join(begun)}"
    return f"{met} ({which} after beginning with the shipped partner for any kitchen)"


def run_of(piece: Piece, out: Path) -> Path:
    """Where a training of one seed runs."""
    return out / "runs" / piece.name / f"seed{piece.seeds[0]}"


def finished(piece: Piece, policies: Path) -> str | None:
    """Name of the policy that a finished training left, if it did; its run may be gone."""
    config = piece.config()
    for path in policies.glob(f"{WORLD}/{piece.name}-seed{config.seed}-*/card.json"):
        card = read_card(path.parent)
        if (card.steps or 0) >= config.steps and not differences(config_of(card), config):
            return path.parent.relative_to(policies).as_posix()
    return None


def policy_of(piece: Piece, out: Path, train: bool) -> str | None:
    """Name of a seed's policy, trained and exported now if it is not there; None if stopped.

    Args:
        piece: Its training.
        out: The experiment's folder.
        train: Whether training goes on first.
    """
    policies, run = out / "policies", run_of(piece, out)
    if (name := finished(piece, policies)) is not None:
        return name
    if train and not train_piece(piece, out / "runs"):
        return None
    name = f"{WORLD}/{piece.name}-seed{piece.seeds[0]}-{checkpoints.steps_of(run)}"
    if not (policies / name / "card.json").is_file():
        export_run(run, name, policies)
    return name


def differences(config: TrainConfig, other: TrainConfig) -> list[str]:
    """Names of the settings in which two trainings differ, but for their seeds."""
    wanted = other.to_json()
    return [
        key for key, value in config.to_json().items() if key != "seed" and value != wanted.get(key)
    ]


def results_of(name: str, places: Sequence[Place], episodes: int, out: Path) -> dict[str, Any]:
    """Whose policy it is, what is found, and every game; played now, but for what is on disk.

    Args:
        name: The policy.
        places: Where it plays.
        episodes: Episodes of each seating.
        out: The experiment's folder.
    """
    policies, played = out / "policies", {}
    for place in places:
        played[place.name] = play_in(place, name, episodes, policies, out / "pieces")
        click.echo(f"{place.name}: {np.mean(played[place.name]['beside greedy']):.1f}", err=True)
    card = OnnxPolicy(policies / name).card
    settings = {
        "policy": name, "method": card.algorithm, "sha256": card.sha256,
        "encoding": card.encoding["name"],
        "seed": card.seed, "steps": card.steps, "of": card.hyperparameters["steps"],
        "config": dict(card.hyperparameters), "episodes": episodes,
        "kitchens": sum(not place.classic for place in places), "first": FIRST,
        "machine": machine(), "commit": card.git_commit,
    }  # fmt: skip
    return {
        "settings": settings,
        "findings": findings(places, played),
        "kitchens": [asdict(place) | {"soups": played[place.name]} for place in places],
    }


def over_seeds(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What several trainings came to: each, and the mean and interval over the seeds of the first.

    Args:
        found: What `results_of` says of each policy; controls have another method than the first.
    """
    ours = [own["settings"]["method"] == found[0]["settings"]["method"] for own in found]
    measures = [("unseen", label, kind) for label in BESIDES for kind in ("soups", "enough")]
    measures += [(layout, label, "") for layout in CLASSICS for label in (*BESIDES, BESIDE_PROXY)]
    rows = []
    for place, label, kind in measures:
        figures = [own["findings"][place][label] for own in found]
        values = [(figure[kind] if kind else figure)["mean"] for figure in figures]
        seeds = [value for value, own in zip(values, ours, strict=True) if own]
        mean = mean_figure(seeds, np.random.default_rng(0), "seeds")
        rows.append({"place": place, "label": label, "kind": kind, "values": values} | asdict(mean))
    trainings = [{key: own["settings"][key] for key in ("method", "seed")} for own in found]
    return {"trainings": trainings, "rows": rows}


def ship(found: Mapping[str, Any], policy: Path, folder: Path) -> None:
    """Copies the policy to those that players are offered, in place of what was there.

    Args:
        found: The record of the experiment.
        policy: The policy's folder.
        folder: Where players' partners are kept.
    """
    card = json.loads((policy / "card.json").read_text())
    target = folder / SHIPPED
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    shutil.copyfile(policy / "policy.onnx", target / "policy.onnx")
    card |= {"name": SHIPPED, "title": TITLE, "description": DESCRIPTION}
    card["results"] |= {EXPERIMENT.replace("-", "_"): found["findings"]}
    write_card(target, card)


def piece_of(seed: int, steps: int | None, method: str = SPECIALIST) -> Piece:
    """What is trained, with the settings that the world declares and the method has."""
    known = {item.name for item in fields(METHODS[method])}
    declared = make_world(WORLD, count=1).facts.training
    settings = {key: value for key, value in declared.items() if key in known} | {"world": WORLD}
    if steps is not None:
        settings["steps"] = steps
    return Piece(method, method, [seed], settings)


def methods_of(names: str) -> list[str]:
    """The methods of a list of names with commas.

    Raises:
        UserError: A name that there is none of, or one that cannot be compared.
    """
    found = [name.strip() for name in names.split(",") if name.strip()]
    allowed = [name for name in METHODS if name in ("self-play", "e3t", "pure-adversary")]
    if set(found) - set(allowed) or len(set(found)) < len(found):
        raise UserError(
            f"--controls is {names!r}, but it must be different ones of {', '.join(allowed)}, with "
            "commas between them"
        )
    return found


def settings_of(name: str) -> TrainConfig:
    """The settings that a policy of players' was trained with.

    Raises:
        UserError: There is none of that name, or it was not trained in generated kitchens.
    """
    card: Card | None = getattr(load_policy(name), "card", None)
    if card is None or card.world != WORLD:
        raise UserError(
            f"--policy is {name}, but it must have been trained in {WORLD}, as {SHIPPED} was"
        )
    return config_of(card)


def config_of(card: Card) -> TrainConfig:
    """The settings on a card, without what it tells of policies that training met."""
    met = ("guests", "start")
    told = {key: value for key, value in card.hyperparameters.items() if key not in met}
    return METHODS[card.algorithm].from_json(told)


def training_kitchens(config: TrainConfig) -> frozenset[tuple[str, ...]]:
    """The kitchens that a policy is trained in, up to rotation and reflection."""
    options = dict(make_world(WORLD, **config.world_options).facts.options)
    numbers = range(options["first"], options["first"] + options["count"])
    return frozenset(canonical(layout_of(number).rows) for number in numbers)


def layout_of(number: int) -> Layout:
    """The generated kitchen with a number."""
    return load_layout(kitchen_name(number), text=kitchen_text(number))


def unseen(count: int, seen: frozenset[tuple[str, ...]]) -> Iterator[Place]:
    """The first generated kitchens from `FIRST` on that are not, turned or mirrored, among these.

    Args:
        count: How many.
        seen: Kitchens as `canonical` gives them.
    """
    number = FIRST
    for _ in range(count):
        while canonical(layout_of(number).rows) in seen:
            number += 1
        layout = layout_of(number)
        yield Place(
            layout.name,
            {"layout_text": kitchen_text(number)},
            False,
            not same_room(layout.rows, layout.starts),
        )
        number += 1


def classics() -> Iterator[Place]:
    """The five classic kitchens, with the dynamics of the literature."""
    for name in CLASSICS:
        layout = load_layout(name)
        yield Place(name, {"horizon": HORIZON}, True, not same_room(layout.rows, layout.starts))


def play_in(
    place: Place, name: str, episodes: int, policies: Path, pieces: Path
) -> dict[str, list[float]]:
    """Soups per episode by who plays, from disk or played now; both seatings in one list.

    Args:
        place: Where.
        name: The policy.
        episodes: Episodes of each seating.
        policies: The folder that it is in.
        pieces: Where results are kept, those without the policy apart, as they outlast it.
    """
    played: dict[str, list[float]] = {}
    for label, seatings in rows_of(place, name):
        own = any(name in seats for seats in seatings)
        home = pieces / f"{name.replace('/', '-') if own else 'others'}-{episodes}"
        path = home / f"{place.name}, {label}.json"
        if not path.is_file():
            home.mkdir(parents=True, exist_ok=True)
            found = [s for seats in seatings for s in soups(place, seats, episodes, policies)]
            write_whole(path, json.dumps(found).encode())
        played[label] = json.loads(path.read_text())
    return played


def rows_of(place: Place, name: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Label and seatings of everything that is played in a kitchen."""
    yield "beside greedy", [(name, GREEDY), (GREEDY, name)]
    yield "own pair", [(name, name)]
    yield "greedy pair", [(GREEDY, GREEDY)]
    if place.classic:
        own, proxy = f"{place.world}/{SPECIALIST}", f"{place.world}/{PROXY}"
        yield "specialist beside greedy", [(own, GREEDY), (GREEDY, own)]
        yield "specialist beside proxy", [(own, proxy), (proxy, own)]
        yield BESIDE_PROXY, [(name, proxy), (proxy, name)]


def soups(
    place: Place, seats: tuple[str, str], episodes: int, policies: Path | None
) -> Sequence[float]:
    """Soups delivered by both in each episode, by their worth."""
    rules = Rules(place.world, place.options, episodes, 0, None, policies)
    facts = make_world(place.world, **place.options).facts
    played = play_match(Match(PLAY, *seats, seats), rules)
    found: list[float] = (team_return(played.rewards, facts) / facts.reward_unit).tolist()
    return found


def findings(
    places: Sequence[Place], played: Mapping[str, Mapping[str, Sequence[float]]]
) -> dict[str, Any]:
    """Means over kitchens with their intervals, and in how many of them there are enough soups."""
    found: dict[str, Any] = {}
    groups = {
        "unseen": [place for place in places if not place.classic],
        "unseen, one room": [p for p in places if not p.classic and not p.apart],
        "unseen, a room each": [p for p in places if not p.classic and p.apart],
        RULES_DO: [
            p for p in places if not p.classic and np.mean(played[p.name]["greedy pair"]) >= ENOUGH
        ],
    }
    for group, chosen in groups.items():
        for label in ("beside greedy", "own pair", "greedy pair") if chosen else ():
            means = [float(np.mean(played[place.name][label])) for place in chosen]
            enough = sum(mean >= ENOUGH for mean in means)
            found.setdefault(group, {})[label] = {
                "soups": asdict(mean_figure(means, np.random.default_rng(0), "kitchens")),
                "enough": asdict(share(enough, len(means))),
                "least": min(means),
            }
    reached = found["unseen"]["beside greedy"]["enough"]["mean"]
    found["aim"] = {"soups": ENOUGH, "share": AIM, "reached": reached >= AIM}
    for place in places:
        if place.classic:
            found[place.name] = {
                label: asdict(mean_figure(values, np.random.default_rng(0), "episodes"))
                for label, values in played[place.name].items()
            }
    return found


def share(number: int, count: int) -> Figure:
    """A share of independent kitchens with its 95 % interval (Wilson 1927)."""
    z2 = CONFIDENCE**2
    p = number / count
    middle = (p + z2 / (2 * count)) / (1 + z2 / count)
    half = CONFIDENCE * np.sqrt(p * (1 - p) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    low, high = max(0.0, float(middle - half)), min(1.0, float(middle + half))
    return Figure(p, low, high, "kitchens", count)
