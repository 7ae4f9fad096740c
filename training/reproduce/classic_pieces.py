"""Pieces of the experiment on the classic kitchens: a row trained on a layout, a row played there.

What a piece comes to is a small file below ``pieces/LAYOUT`` and, after training, the policies
below ``policies``; with these in place nothing else is needed to go on. The runs with their
checkpoints are needed only while they are trained.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from play.worlds.errors import UserError
from play.worlds.registry import make_world
from training import checkpoints
from training.cloning.proxy import NAMES
from training.evaluation.crossplay import Played
from training.evaluation.files import write_whole
from training.evaluation.matches import EXPLOIT, PLAY, STOP, Match, Rules, play_match
from training.evaluation.teams import Team, fingerprints
from training.provenance import git_commit
from training.reproduce.classic_methods import KEPT, KEPT_SEEDS, LEVELS, ROWS, Row, base
from training.reproduce.pieces import Piece, export_piece, freeze, train_piece

HELD_OUT, DEVELOPMENT = NAMES["test"], NAMES["train"]
"""Human proxies: of people whom no method may learn from, and of those that it may."""
SCRIPTED = (
    "greedy", "onions-only", "dishes-only", "slow", "stubborn", "wandering", "blocking", "stay",
    "random",
)  # fmt: skip
OWN, STRANGER, PROXY, RULES = "own", "stranger", "human proxy", "scripted"
PREFERRING, RESPONSE = "preferring", "response"
EPISODES = {
    OWN: 20, STOP: 20, EXPLOIT: 20, STRANGER: 10, PROXY: 50, RULES: 10, PREFERRING: 20,
    RESPONSE: 50,
}  # fmt: skip
"""Episodes of a match by its kind."""
SAVE_EVERY = 200  # matches
STRENGTHS = (0.1, 0.4, 1.0)
"""Shares of its training after which a policy of a population is a partner: as FCP keeps them, as
a beginner, half-way and at the end, but known before they are trained."""
POPULATIONS = "populations"
"""Folder of such partners, beside the runs."""
PARTNERS = "partners"
"""Name of the piece about the partners with preferences."""


@dataclass(frozen=True)
class Plan:
    """What is to be trained, and where it goes.

    Attributes:
        layouts: Layouts.
        rows: Rows of the tables.
        seeds: Seeds of every row.
        steps: Steps that each seed of a row learns for; a population's come beside that.
        runs: Folder of the training runs.
        out: Folder of the results.
    """

    layouts: tuple[str, ...]
    rows: tuple[Row, ...]
    seeds: tuple[int, ...]
    steps: int
    runs: Path
    out: Path

    @property
    def policies(self) -> Path:
        """Folder of the policies."""
        return self.out / "policies"

    def piece(self, layout: str, row: Row) -> Piece:
        """The training of a row on a layout."""
        settings = row.settings(layout, self.steps)
        if row.raised:
            settings |= partners_among(self, layout, row)
        return Piece(row.name, row.method, self.seeds, settings)

    def record(self, layout: str, name: str) -> Path:
        """The file of a piece."""
        return self.out / "pieces" / layout / f"{name}.json"

    def is_trained(self, layout: str, row: Row) -> bool:
        """Whether the policies of a row are all there."""
        return self.record(layout, f"trained-{row.name}").is_file()

    def is_played(self, layout: str, row: Row) -> bool:
        """Whether the games of a row have been played."""
        return self.record(layout, f"played-{row.name}").is_file()

    def present(self, layout: str) -> list[Row]:
        """The rows whose policies are there, also those that are not asked for now."""
        return [row for row in ROWS if self.is_trained(layout, row)]


@dataclass(frozen=True)
class Game:
    """A match and what it is good for.

    Attributes:
        kind: OWN for a seed with itself or another of its row, STOP for a seed whose partner stops
            helping, EXPLOIT for one whose partner turns against it, RESPONSE for a best response
            with its partner; or by who the partner is: STRANGER, PROXY, RULES or PREFERRING.
        match: The match.
        hero: The seed that is scored; in the first seat of a match of kind OWN.
        seat: Its seat.
        partner: Who else plays.
    """

    kind: str
    match: Match
    hero: int
    seat: int
    partner: str


def train(plan: Plan, layout: str, row: Row) -> bool:
    """Trains the seeds of a row and exports their policies; returns whether that is finished."""
    if plan.is_trained(layout, row):
        return True
    piece, runs = plan.piece(layout, row), plan.runs / layout
    if row.raised and not raise_population(plan, layout, row):
        return False
    keep = LEVELS if row.name in KEPT else ()
    if not train_piece(piece, runs, keep):
        return False
    export_piece(piece, runs, plan.policies, compact=True)
    for share in keep:
        seeds = plan.seeds[:KEPT_SEEDS]
        export_piece(piece, runs, plan.policies, seeds=seeds, share=share, compact=True)
    homes = [runs / row.name / f"seed{seed}" for seed in plan.seeds]
    last = [json.loads((home / "metrics.jsonl").read_text().splitlines()[-1]) for home in homes]
    record, _ = checkpoints.read_config(homes[0])
    found = {
        "layout": layout, "row": row.name, "method": row.method, "seeds": list(plan.seeds),
        "config": piece.config().to_json(), "git_commit": record["git_commit"],
        "seconds": last[0]["seconds"], "steps_per_seed": int(last[0]["steps"]), "last": last,
    }  # fmt: skip
    write_json(plan.record(layout, f"trained-{row.name}"), found)
    return True


def population_of(plan: Plan, layout: str, row: Row) -> Piece:
    """The training of a row's populations: self-play, each policy from a seed of its own.

    Its digits end in those of the learner's seed, so that `partners_among` can name it.
    """
    settings = base(layout, plan.steps, round(plan.steps * row.partners))
    seeds = [int(f"{number}00{seed}") for number in _numbers(row) for seed in plan.seeds]
    return Piece(f"{row.name}-partners", "self-play", seeds, settings)


def raise_population(plan: Plan, layout: str, row: Row) -> bool:
    """Trains a row's populations and exports them; returns whether that is finished.

    They are of no use when the row is trained, so they are kept with the runs.
    """
    piece, runs = population_of(plan, layout, row), plan.runs / layout
    early = tuple(share for share in STRENGTHS if share < 1)
    if not train_piece(piece, runs, early):
        return False
    for share in STRENGTHS:
        export_piece(piece, runs, runs / POPULATIONS, share=share, compact=True)
    return True


def partners_among(plan: Plan, layout: str, row: Row) -> dict[str, str]:
    """Settings that make the partners of each seed those of its own population.

    The trainer puts each learner's seed in the place of ``{seed}``.
    """
    piece, world = population_of(plan, layout, row), f"kitchen/{layout}"
    names = [piece.policy(world, f"{number}00{{seed}}", share)
             for number in _numbers(row) for share in STRENGTHS]  # fmt: skip
    return {
        "partner": ",".join(names), "partner_folder": str(plan.runs / layout / POPULATIONS),
    }  # fmt: skip


def _numbers(row: Row) -> range:
    return range(1, row.population + 1)


def play(plan: Plan, layout: str, row: Row) -> bool:
    """Plays the games of a row that have not been played yet; returns True."""
    play_missing(plan, layout, f"played-{row.name}", games_of(plan, layout, row))
    return True


def play_missing(
    plan: Plan, layout: str, name: str, games: Sequence[Game], folder: Path | None = None
) -> None:
    """Plays those of some games that have not been played yet.

    Args:
        plan: The experiment.
        layout: Where they are played.
        name: Name of the piece that keeps what they come to.
        games: The games.
        folder: Where the policies are; those of the experiment if None.
    """
    path, policies = plan.record(layout, name), folder or plan.policies
    hashes = fingerprints({who for game in games for who in game.match.seats}, policies)
    done = read_games(path, hashes, games)
    missing: dict[str, Game] = {}
    for game in games:  # a match can be of two kinds, such as OWN and STRANGER: the first decides
        if game.match.key not in done:
            missing.setdefault(game.match.key, game)

    def save() -> None:
        found = {"layout": layout, "git_commit": git_commit(), "policies": hashes}
        write_json(path, found | {"matches": done})

    for number, (key, game) in enumerate(missing.items(), 1):
        episodes = EPISODES[game.kind]
        rules = Rules(f"kitchen/{layout}", options_of(layout), episodes, 0, None, policies)
        done[key] = scores(play_match(game.match, rules))
        if number % SAVE_EVERY == 0:
            save()
    if missing or not path.is_file():
        save()


def options_of(layout: str) -> dict[str, Any]:
    """Options of the world that games are played in: the old dynamics, 400 steps."""
    return dict(make_world(f"kitchen/{layout}").facts.options)


def read_games(path: Path, hashes: Mapping[str, str], games: Sequence[Game]) -> dict[str, Any]:
    """What some games came to before, but those with a policy that has changed since; by match."""
    if not path.is_file():
        return {}
    record = read_json(path)
    before, played = record["policies"], record["matches"]
    return {
        game.match.key: played[game.match.key]
        for game in games
        if game.match.key in played
        and all(before.get(who) == hashes[who] for who in game.match.seats)
    }


def scores(played: Played) -> dict[str, Any]:
    """What the games of a match came to, as JSON values: means over its episodes."""
    returns = played.rewards.sum(1)
    apart = played.divergence[:, ~np.isnan(played.divergence).all(0)]
    kl = {"kl": float(apart.mean())} if apart.size else {}
    return kl | {
        "episodes": len(returns),
        "return": round(float(returns.mean()), 4),
        "late_return": round(float(played.late_rewards.sum(1).mean()), 4),
        "contributions": played.contributions.mean(0).round(4).tolist(),
        "idle": played.idle.mean(0).round(4).tolist(),
    }


def games_of(plan: Plan, layout: str, row: Row) -> list[Game]:
    """All games of a row: with itself, other seeds, strangers, proxies and rule-based cooks."""
    teams = teams_of(plan, layout, row)
    games = list(_own(teams))
    for kind, names in partners_of(plan, layout).items():
        for name in names:
            for team in teams:
                games += _beside(kind, team, name, name, {0: name, 1: name})
    for label, strangers in strangers_of(plan, layout):
        for team in teams:
            stranger = next_seed(strangers, team)
            games += _beside(STRANGER, team, label, stranger.name, stranger.policies)
    return games


def partners_of(plan: Plan, layout: str) -> dict[str, list[str]]:
    """Partners that are the same for everybody, by kind."""
    proxies = [f"kitchen/{layout}/{name}" for name in (HELD_OUT, DEVELOPMENT)]
    found = {PROXY: proxies, RULES: list(SCRIPTED)}
    record = plan.record(layout, PARTNERS)
    if record.is_file():
        found[PREFERRING] = read_json(record)["policies"]
    return found


def strangers_of(plan: Plan, layout: str) -> Iterator[tuple[str, list[Team]]]:
    """Trained policies of every row, and less skilled ones of some, with a name for each group."""
    for row in plan.present(layout):
        yield row.name, teams_of(plan, layout, row)
        for share in LEVELS if row.name in KEPT else ():
            yield f"{row.name} at {share:.0%}", teams_of(plan, layout, row, share)


def teams_of(plan: Plan, layout: str, row: Row, share: float = 1.0) -> list[Team]:
    """The policies of a row by seed; where they are as they were on the way, of some seeds."""
    piece, teams = plan.piece(layout, row), []
    for seed in plan.seeds if share == 1 else plan.seeds[:KEPT_SEEDS]:
        name = piece.policy(f"kitchen/{layout}", seed, share)
        alike = row.method != "ippo"
        own = {seat: name if alike else f"{name}-seat{seat}" for seat in (0, 1)}
        teams.append(Team(name, row.name, seed, own))
    return teams


def next_seed(teams: Sequence[Team], hero: Team) -> Team:
    """The team whose seed comes next after the hero's, which is never the hero's own."""
    later = [team for team in teams if _seed(team) > _seed(hero)]
    return (later or teams)[0]


def _own(teams: Sequence[Team]) -> Iterator[Game]:
    for one in teams:
        for other in teams:
            match = Match(PLAY, one.name, other.name, (one.policies[0], other.policies[1]))
            yield Game(OWN, match, _seed(one), 0, other.name)
        for seat in (0, 1):
            match = Match(STOP, one.name, one.name, (one.policies[0], one.policies[1]), seat)
            yield Game(STOP, match, _seed(one), 1 - seat, one.name)


def _beside(
    kind: str, team: Team, label: str, name: str, policies: Mapping[int, str]
) -> Iterator[Game]:
    """A team's policy beside somebody, in the first seat and in the second."""
    match = Match(PLAY, team.name, name, (team.policies[0], policies[1]))
    yield Game(kind, match, _seed(team), 0, label)
    match = Match(PLAY, name, team.name, (policies[0], team.policies[1]))
    yield Game(kind, match, _seed(team), 1, label)


def _seed(team: Team) -> int:
    assert team.seed is not None
    return team.seed


def freeze_proxies(plan: Plan) -> None:
    """Copies the human proxies to the policies of the experiment."""
    for layout in plan.layouts:
        for name in (HELD_OUT, DEVELOPMENT):
            freeze(f"kitchen/{layout}/{name}", plan.policies)


def read_json(path: Path) -> dict[str, Any]:
    """Reads a piece.

    Raises:
        UserError: It is damaged.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except ValueError as error:
        raise UserError(
            f"{path} is damaged ({error}): remove it, and the same command makes it again"
        ) from error
    return found


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes a piece so that nobody ever finds half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(value, allow_nan=False) + "\n").encode())
