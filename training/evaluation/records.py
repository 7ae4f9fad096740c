"""The folder of an evaluation: finished matches on disk, and how one that was cut off goes on.

``plan.json`` says what is played, ``matches/KEY.parquet`` is one finished match each, and at the
end ``episodes.parquet`` holds them all, one row per episode.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from play.worlds.errors import UserError
from play.worlds.spec import WorldFacts
from training.evaluation.crossplay import Played, team_return
from training.evaluation.files import PARTIAL, commit_file, write_whole
from training.evaluation.matches import Match, Rules
from training.evaluation.teams import Team

SCHEMA = 1
PLAN, PARTS, EPISODES = "plan.json", "matches", "episodes.parquet"
PER_SEAT = {"reward": "rewards", "late_reward": "late_rewards", "idle_share": "idle",
            "private_cost": "costs", "kl_per_step": "divergence"}  # fmt: skip
"""Column of each seat -> attribute of `Played`."""


class Tables:
    """Turns matches into tables of episodes, and back.

    Args:
        facts: The world.
        rules: What the matches have in common.
        teams: The runs, for their methods and training seeds.
        commit: The commit that plays.
    """

    def __init__(self, facts: WorldFacts, rules: Rules, teams: Sequence[Team], commit: str) -> None:
        self.facts, self.rules, self.commit = facts, rules, commit
        self._teams = {team.name: team for team in teams}
        self._labels = [label.replace(" ", "_") for label in facts.contributions]

    def table(self, match: Match, played: Played) -> pa.Table:
        """One row per episode; points, steps, shares and nats per step."""
        count = len(played.seeds)
        constant = self._constants(match)
        columns: dict[str, Any] = {
            name: pa.array([value] * count, kind) for name, (value, kind) in constant.items()
        }
        columns |= {
            "episode": np.arange(count), "episode_seed": played.seeds, "split_step": played.split,
            "return": team_return(played.rewards, self.facts),
            "late_return": team_return(played.late_rewards, self.facts),
        }  # fmt: skip
        for seat in range(self.facts.num_players):
            for name, attribute in PER_SEAT.items():
                values = getattr(played, attribute)[:, seat]
                columns[f"{name}_{seat}"] = pa.array(values, from_pandas=True)  # NaN is no value
            for index, label in enumerate(self._labels):
                columns[f"{label}_{seat}"] = played.contributions[:, seat, index]
        return pa.table(columns)

    def played(self, table: pa.Table) -> Played:
        """The episodes of one match, from its rows."""
        seats = range(self.facts.num_players)

        def column(name: str) -> NDArray[Any]:
            return table.column(name).to_numpy()

        per_seat = {
            attribute: np.stack([column(f"{name}_{seat}") for seat in seats], 1)
            for name, attribute in PER_SEAT.items()
        }
        counts = np.zeros((table.num_rows, len(seats), len(self._labels)), np.int64)
        for seat in seats:
            for index, label in enumerate(self._labels):
                counts[:, seat, index] = column(f"{label}_{seat}")
        seeds, split = column("episode_seed"), column("split_step")
        return Played(seeds=seeds, split=split, contributions=counts, **per_seat)

    def _constants(self, match: Match) -> dict[str, tuple[Any, pa.DataType]]:
        text, whole, number = pa.string(), pa.int64(), pa.float64()
        found: dict[str, tuple[Any, pa.DataType]] = {
            "match": (match.key, text), "kind": (match.kind, text),
            "world": (self.facts.world, text), "world_version": (self.facts.version, whole),
            "options": (json.dumps(dict(self.facts.options), sort_keys=True), text),
            "seat": (match.seat, whole), "actor": (match.actor, text),
            "weight": (match.weight, number), "tau": (match.tau, number),
            "evaluation_seed": (self.rules.seed, whole), "commit": (self.commit, text),
        }  # fmt: skip
        for place, name in (("first", match.first), ("second", match.second)):
            team = self._teams.get(name)
            found[place] = (name, text)
            found[f"{place}_method"] = (team.method if team else None, text)
            found[f"{place}_seed"] = (team.seed if team else None, whole)
        for seat, policy in enumerate(match.seats):
            found[f"policy_{seat}"] = (policy, text)
        return found


def make_plan(facts: WorldFacts, rules: Rules, policies: Mapping[str, str]) -> dict[str, Any]:
    """What must be equal for two runs of the command to be one evaluation.

    Args:
        facts: The world.
        rules: What the matches have in common.
        policies: Hash of each policy's file.
    """
    return {
        "schema": SCHEMA, "world": facts.world, "world_version": facts.version,
        "options": dict(facts.options), "episodes": rules.episodes, "seed": rules.seed,
        "stop_at": rules.stop_at, "policies": dict(policies),
    }  # fmt: skip


class Store:
    """The folder of one evaluation.

    Args:
        folder: Where it is, or is to be.
        plan: From `make_plan`.
        matches: All matches.
        tables: How they are written.

    Raises:
        UserError: The folder holds something else, or another evaluation.
    """

    def __init__(
        self, folder: Path, plan: Mapping[str, Any], matches: Sequence[Match], tables: Tables
    ) -> None:
        self.folder, self._tables = folder, tables
        self._matches = {match.key: match for match in matches}
        self._parts = folder / PARTS
        if folder.exists() and not folder.is_dir():
            raise UserError(f"{folder} is a file: give a folder for the results")
        if folder.is_dir() and any(folder.iterdir()):
            self._check(plan)
        self._parts.mkdir(parents=True, exist_ok=True)
        for left in self._parts.glob(f"*{PARTIAL}"):
            left.unlink()
        write_whole(folder / PLAN, (json.dumps(plan, indent=2) + "\n").encode())
        self._whole = self._read_whole()

    def missing(self) -> list[Match]:
        """The matches that are yet to be played."""
        there = set(self._whole) | {path.stem for path in self._parts.glob("*.parquet")}
        return [match for key, match in self._matches.items() if key not in there]

    def add(self, match: Match, played: Played) -> None:
        """Puts a finished match on disk; from then on it counts as played."""
        target = self._parts / f"{match.key}.parquet"
        part = target.with_suffix(PARTIAL)
        pq.write_table(self._tables.table(match, played), part, compression="zstd")
        commit_file(part, target)

    def finish(self) -> dict[str, Played]:
        """Joins all matches into one file and returns them by key.

        Raises:
            UserError: A finished match cannot be read.
        """
        tables = dict(self._whole)
        for path in sorted(self._parts.glob("*.parquet")):
            tables[path.stem] = _read(path)
        ordered = [tables[key] for key in self._matches]
        part = self.folder / (EPISODES + PARTIAL)
        pq.write_table(pa.concat_tables(ordered), part, compression="zstd")
        commit_file(part, self.folder / EPISODES)
        shutil.rmtree(self._parts)
        return {key: self._tables.played(tables[key]) for key in self._matches}

    def commits(self) -> list[str]:
        """Commits that played the episodes of the finished file."""
        found = pq.read_table(self.folder / EPISODES, columns=["commit"])
        return sorted(pc.unique(found.column("commit")).to_pylist())

    def _check(self, plan: Mapping[str, Any]) -> None:
        path = self.folder / PLAN
        if not path.is_file():
            raise UserError(
                f"{self.folder} is not empty and no evaluation: choose another folder for --out"
            )
        try:
            before = json.loads(path.read_bytes())
            policies = dict(before["policies"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{path} is damaged, so the evaluation cannot go on: remove {self.folder}, or "
                "choose another folder for --out"
            ) from error
        for name in sorted(set(policies) & set(plan["policies"])):
            if policies[name] != plan["policies"][name]:
                raise UserError(
                    f"{self.folder} holds games of another {name}, whose file has changed since: "
                    "choose another folder for --out"
                )
        gone = sorted(set(policies) - set(plan["policies"]))
        if gone:
            raise UserError(
                f"{self.folder} holds an evaluation with {gone[0]}, which is not asked for now: "
                "choose another folder for --out"
            )
        for key, value in plan.items():
            if key != "policies" and before.get(key) != value:
                raise UserError(
                    f"{self.folder} holds an evaluation with {key} {before.get(key)}, but this one "
                    f"has {key} {value}: choose another folder for --out, or give the same options"
                )

    def _read_whole(self) -> dict[str, pa.Table]:
        path = self.folder / EPISODES
        if not path.is_file():
            return {}
        table = _read(path)
        keys = pc.unique(table.column("match")).to_pylist()
        return {
            key: table.filter(pc.equal(table.column("match"), key))
            for key in keys
            if key in self._matches
        }


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(
            f"{path} is damaged: remove it and give the same command again, which plays what is "
            "missing"
        ) from error
