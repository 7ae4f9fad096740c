"""Partners with preferences for a classic kitchen, and the best responses that BR-Prox is about.

Many candidates are trained, each beside a policy that adapts to it. Of those with whom something
can be earned, the ones are taken that call for the most different answers: the set whose adapting
policies differ most in what they do, by the determinant of their similarities. Each is taken as it
was half-way and as it is in the end, and gets a best response, trained beside it alone.

Source: best-response diversity and BR-Prox of ZSC-Eval (arXiv 2310.05208). Differs in: the answers
that are compared are the adapting policies', not best responses trained for every candidate; the
set is found greedily.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.library import load_policy
from training.evaluation.crossplay import Played
from training.evaluation.matches import PLAY, Match, Rules, play_match
from training.preferring import Preferring
from training.provenance import git_commit
from training.reproduce.classic_methods import base
from training.reproduce.classic_pieces import (
    PARTNERS,
    RESPONSE,
    Game,
    Plan,
    options_of,
    play_missing,
    read_json,
    write_json,
)
from training.reproduce.pieces import Piece, export_piece, train_piece

CANDIDATES = tuple(range(2000, 2010))
"""Seeds of the candidates; they decide their preferences."""
CHOSEN = 5
HALF, WHOLE = 0.5, 1.0
EFFORT = 0.25
"""Steps of a candidate's and of a best response's training, as a share of a row's."""
TIMES = {"forced_coordination": 3, "counter_circuit_o_1order": 2}
"""How many times as many they have on a layout, if not once: there it takes longer to cook."""
OPTIONS = {
    "forced_coordination": {
        "preferences_after": 0.4, "preference_strength": 0.1, "reward_always": True,
    },
}  # fmt: skip
"""Settings of the candidates on a layout, if not the method's own. In forced_coordination neither
earns anything alone: whoever is paid for picking dishes up and putting them down does that and
nothing else, and there is no response to be best. At a tenth of the weights such a round pays
about a quarter of what its steps bring in soups."""
EPISODES = 20
LEAST = 20.0
"""Points that a candidate and its adapting policy must earn together: one soup."""
RESPONSES = "responses"
"""Name of the piece about the best responses."""


def candidates_of(plan: Plan, layout: str) -> Piece:
    """The training of the candidates."""
    settings = _settings(plan, layout) | OPTIONS.get(layout, {})
    return Piece("preferring", Preferring.method, CANDIDATES, settings)


def _settings(plan: Plan, layout: str) -> dict[str, Any]:
    steps = round(plan.steps * EFFORT * TIMES.get(layout, 1))
    return base(layout, 2 * steps, steps)  # some of the shaped reward is left in the end


def responses_to(plan: Plan, layout: str, share: float) -> Piece:
    """The training of the best responses to the chosen partners as they were at a share."""
    seeds = read_json(plan.record(layout, PARTNERS))["chosen"]
    partner = candidates_of(plan, layout).policy(f"kitchen/{layout}", "{seed}", share)
    where = {"partner": partner, "partner_folder": str(plan.policies)}
    name = "best-response" if share == WHOLE else "best-response-half"
    return Piece(name, "best-response", seeds, _settings(plan, layout) | where)


def prefer(plan: Plan, layout: str) -> bool:
    """Trains the candidates and keeps some of them; returns whether that is finished."""
    record = plan.record(layout, PARTNERS)
    if record.is_file():
        return True
    piece, runs = candidates_of(plan, layout), plan.runs / layout
    if not train_piece(piece, runs, (HALF,)):
        return False
    drafts = runs / "candidates"
    for share in (HALF, WHOLE):
        export_piece(piece, runs, drafts, share=share, compact=True, held_out=True)
    found = {seed: _try_out(piece, layout, seed, drafts) for seed in CANDIDATES}
    able = [seed for seed in CANDIDATES if found[seed]["return"] >= LEAST]
    features = np.array([found[seed]["features"] for seed in able])
    chosen = [able[number] for number in most_diverse(features, CHOSEN)]
    names = [piece.policy(f"kitchen/{layout}", seed, share)
             for seed in sorted(chosen) for share in (HALF, WHOLE)]  # fmt: skip
    for name in names:
        shutil.copytree(drafts / name, plan.policies / name, dirs_exist_ok=True)
    about = {
        "layout": layout, "candidates": {str(seed): own for seed, own in found.items()},
        "chosen": sorted(chosen), "policies": names, "git_commit": git_commit(),
    }  # fmt: skip
    write_json(record, about)
    return True


def _try_out(piece: Piece, layout: str, seed: int, folder: Path) -> dict[str, Any]:
    """What a candidate is, and what it and its adapting policy come to together."""
    world = f"kitchen/{layout}"
    name = piece.policy(world, seed)
    rules = Rules(world, options_of(layout), EPISODES, 0, None, folder)
    played = [
        play_match(Match(PLAY, *seats, seats), rules)
        for seats in ((name, f"{name}-adapting"), (f"{name}-adapting", name))
    ]
    card: Any = load_policy(name, folder=folder)
    return {
        "preferences": card.card.hyperparameters["preferences"],
        "return": float(np.mean([one.rewards.sum(1).mean() for one in played])),
        "features": np.concatenate([_doings(p, 1 - n) for n, p in enumerate(played)]).tolist(),
    }


def _doings(played: Played, seat: int) -> NDArray[np.float64]:
    """[L + 1] how often a seat did each kind of work, and the share of steps that it was idle."""
    doings: NDArray[np.float64] = played.contributions[:, seat].mean(0)
    return np.append(doings, played.idle[:, seat].mean())


def most_diverse(features: NDArray[np.float64], count: int) -> list[int]:
    """Indices of the most different of rows [n, F], as many as asked for or as there are.

    Greedily the determinant of the Gaussian similarities of the chosen rows is made large; features
    are divided by their standard deviations.
    """
    if not len(features):
        return []
    spread = features.std(0)
    scaled = features[:, spread > 0] / spread[spread > 0]
    apart = ((scaled[:, None] - scaled[None]) ** 2).sum(2) / max(1, scaled.shape[1])
    similar = np.exp(-apart / 2)
    chosen: list[int] = [int(np.argmax(apart.sum(1)))]
    while len(chosen) < min(count, len(features)):
        rest = [row for row in range(len(features)) if row not in chosen]
        volumes = [np.linalg.det(similar[np.ix_([*chosen, row], [*chosen, row])]) for row in rest]
        chosen.append(rest[int(np.argmax(volumes))])
    return chosen


def respond(plan: Plan, layout: str) -> bool:
    """Trains the best responses and plays them; returns whether that is finished."""
    runs, games = plan.runs / layout, list(answers(plan, layout))
    if not plan.record(layout, RESPONSES).is_file() and games:
        for share in (HALF, WHOLE):
            piece = responses_to(plan, layout, share)
            if not train_piece(piece, runs):
                return False
            export_piece(piece, runs, plan.policies, compact=True)
    play_missing(plan, layout, RESPONSES, games)
    return True


def answers(plan: Plan, layout: str) -> Iterator[Game]:
    """Every best response beside its partner, in both seats."""
    world = f"kitchen/{layout}"
    for share in (HALF, WHOLE):
        piece = responses_to(plan, layout, share)
        for seed in piece.seeds:
            partner = candidates_of(plan, layout).policy(world, seed, share)
            best = piece.policy(world, seed)
            for seat, seats in enumerate(((best, partner), (partner, best))):
                yield Game(RESPONSE, Match(PLAY, *seats, seats), seed, seat, partner)


def limits(plan: Plan, layout: str) -> Mapping[tuple[str, int], float]:
    """(Partner with preferences, seat of the other) -> what its best response earns."""
    if not plan.record(layout, RESPONSES).is_file():
        return {}
    played = read_json(plan.record(layout, RESPONSES))["matches"]
    return {
        (game.partner, game.seat): played[game.match.key]["return"]
        for game in answers(plan, layout)
    }
