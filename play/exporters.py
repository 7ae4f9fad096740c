"""Records in the formats of other tools: Parquet, overcooked-ai's trajectories, Minari.

Every record is re-simulated on the way and compared with its hashes, so that nothing is exported
that did not happen. Either everything is written or nothing.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from play.episode import Episode, checked_states, read_episode
from play.session import Line
from play.trajectories import trajectories
from play.worlds.errors import UserError

Writer = Callable[[list[Path], Path, bool], None]


def export_episodes(paths: Iterable[Path], form: str, out: Path, *, partial: bool = False) -> int:
    """Writes records in another format.

    Args:
        paths: The records.
        form: ``"parquet"``, ``"overcooked"`` or ``"minari"``.
        out: The file, for Minari the folder, that is made; it must not exist.
        partial: Whether records that were cut off are welcome.

    Returns:
        How many records were written.

    Raises:
        UserError: No such format, `out` exists or cannot be written, a library is missing, or a
            record cannot be read, does not replay or does not fit the format.
    """
    found = list(paths)
    if form not in WRITERS:
        raise UserError(f"There is no format {form!r}: choose {', '.join(WRITERS)}")
    if not found:
        raise UserError("No episode record was given: name a file or a folder with some")
    with _draft(out) as draft:
        WRITERS[form](found, draft, partial)
    return len(found)


@contextmanager
def _draft(out: Path) -> Iterator[Path]:
    """A place of the same name that becomes `out` when all went well, and else is gone."""
    if out.exists():
        raise UserError(f"{out} already exists: choose another --out, or remove it first")
    home = out.absolute().parent  # Minari's storage takes no relative path
    try:
        home.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=home, prefix=".export-") as folder:
            draft = Path(folder) / out.name
            yield draft
            draft.rename(home / out.name)
    except OSError as error:
        raise UserError(
            f"{out} cannot be written ({error.strerror or error}): choose another --out"
        ) from error


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise UserError(
            f"This format needs {name.partition('.')[0]}, which is not installed: run "
            "pip install --editable '.[analysis]' in the project's folder"
        ) from error


def episode_info(episode: Episode) -> dict[str, Any]:
    """What a record says besides its steps: header, end, connections and what is missing."""
    return {
        "header": episode.header,
        "end": episode.end,
        "connections": episode.connections,
        "problem": episode.problem,
    }


# Parquet: one row per step.


def write_parquet(paths: list[Path], out: Path, partial: bool) -> None:
    """Writes one row per step; what belongs to whole episodes is in the schema's metadata."""
    pa, pq = _library("pyarrow"), _library("pyarrow.parquet")
    infos = [episode_info(read_episode(path, partial=partial)) for path in paths]
    seats = max(len(info["header"]["seats"]) for info in infos)
    metadata = {"understudy.episodes": json.dumps(infos)}
    schema = pa.schema(_columns(pa, seats), metadata=metadata)
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for path in paths:
            rows = list(step_rows(read_episode(path, partial=partial)))
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def _columns(pa: Any, seats: int) -> list[tuple[str, Any]]:
    text, number = pa.string(), pa.float64()
    press = [("action", pa.int8()), ("down", pa.bool_()), ("client_ms", number)]
    of_a_seat = {
        "kind": text, "label": text, "policy": text, "action": pa.int8(), "action_name": text,
        "reward": number, "events": pa.list_(text), "probabilities": pa.list_(number),
        "fallback": text, "inference_ms": number, "uniform": number, "observation": text,
        "inputs": pa.list_(pa.struct([*press, ("server_ms", number)])),
    }  # fmt: skip
    return [
        ("episode", text), ("world", text), ("t", pa.int32()), ("reward", number),
        ("score", number), ("done", pa.bool_()), ("due_ms", number), ("at_ms", number),
        ("state", text), ("next_state", text), ("hash", text),
        *((f"{name}_{seat}", kind) for seat in range(seats) for name, kind in of_a_seat.items()),
    ]  # fmt: skip


def step_rows(episode: Episode) -> Iterator[dict[str, Any]]:
    """One dictionary per step.

    `state` and `next_state` are the scenes before and after the step, as JSON text; columns of a
    seat end in its number; `inputs` are the key presses that came before the step.

    Raises:
        UserError: The record does not replay.
    """
    states = checked_states(episode)
    world = next(states)
    inputs = _by_step(episode)
    before, score = json.dumps(world.scene(0)), 0.0
    for t, line in enumerate(episode.ticks, start=1):
        next(states)
        after = json.dumps(world.scene(0))
        score += world.facts.score(world.rewards[0])
        row = {
            "episode": episode.id, "world": episode.header["world"], "t": t,
            "reward": float(world.rewards[0].sum()), "score": score, "done": bool(world.done[0]),
            "due_ms": line.get("due_ms"), "at_ms": line.get("at_ms"), "state": before,
            "next_state": after, "hash": line.get("hash"),
        }  # fmt: skip
        decided = {decision["seat"]: decision for decision in line.get("decisions", ())}
        for seat, who in enumerate(episode.header["seats"]):
            values = {
                **{key: who.get(key) for key in ("kind", "label", "policy")},
                **{key: decided.get(seat, {}).get(key) for key in DECIDED},
                "action": line["actions"][seat],
                "action_name": world.facts.actions[line["actions"][seat]],
                "reward": float(world.rewards[0, seat]),
                "events": [world.facts.events[i] for i in np.flatnonzero(world.events[0, seat])],
                "inputs": [press for press in inputs[t - 1] if press["seat"] == seat],
            }
            row |= {f"{key}_{seat}": value for key, value in values.items()}
        yield row
        before = after


DECIDED = ("probabilities", "fallback", "inference_ms", "uniform", "observation")


def _by_step(episode: Episode) -> list[list[Line]]:
    """[T] the key presses that came before each step; those after the last come with it."""
    steps: list[list[Line]] = [[] for _ in episode.ticks]
    ends = [line.get("at_ms", 0.0) for line in episode.ticks]
    for press in episode.inputs if steps else ():
        step = int(np.searchsorted(ends, press["server_ms"]))
        steps[min(step, len(steps) - 1)].append(press)
    return steps


# overcooked-ai: one file of trajectories.


def write_overcooked(paths: list[Path], out: Path, partial: bool) -> None:
    """Writes what `AgentEvaluator.load_traj_from_json` of overcooked-ai reads."""
    found = trajectories(read_episode(path, partial=partial) for path in paths)
    out.write_text(json.dumps(found))


# Minari: a data set of all seats' observations.


def write_minari(paths: list[Path], out: Path, partial: bool) -> None:
    """Writes a Minari data set that holds all seats.

    Observations are [T + 1, A, *shape] in the world's first encoding, actions [T, A], rewards
    the team's; `infos["seat_rewards"]` is [T + 1, A], with zeros in front.
    """
    minari, spaces = _library("minari"), _library("gymnasium.spaces")
    storage_type = _library("minari.dataset.minari_storage").MinariStorage
    episodes = [read_episode(path, partial=partial) for path in paths]
    empty = next((episode for episode in episodes if not episode.ticks), None)
    if empty is not None:
        raise UserError(f"{empty.path} has no steps, which Minari cannot hold: leave it out")
    facts = _common_facts(episodes)
    encoding = next(iter(facts.encodings.values()))
    dtype = np.dtype(encoding.dtype)
    limits = (0, 255) if dtype == np.uint8 else (-np.inf, np.inf)
    out.mkdir()
    storage = storage_type.new(
        out / "data",
        observation_space=spaces.Box(*limits, (facts.num_players, *encoding.shape), dtype),
        action_space=spaces.MultiDiscrete([len(facts.actions)] * facts.num_players),
        data_format="arrow",
    )
    storage.update_metadata(_minari_metadata(minari, out, episodes, encoding))
    storage.update_episodes(_buffer(minari, episode, encoding.name) for episode in episodes)
    storage.update_episode_metadata({"understudy": episode_info(e)} for e in episodes)


def _common_facts(episodes: Sequence[Episode]) -> Any:
    facts = episodes[0].make_world().facts
    for episode in episodes[1:]:
        other = episode.make_world().facts
        if (other.world, other.options) != (facts.world, facts.options):
            raise UserError(
                f"A Minari data set has one world, but {episodes[0].path} was played in "
                f"{_told(facts)} and {episode.path} in {_told(other)}: export them apart"
            )
    return facts


def _told(facts: Any) -> str:
    options = ", ".join(f"{k} {v}" for k, v in facts.options.items() if k != "layout_text")
    return f"{facts.world} ({options})"


def _minari_metadata(
    minari: Any, folder: Path, episodes: Sequence[Episode], encoding: Any
) -> dict[str, Any]:
    name = re.sub(r"[^A-Za-z0-9_-]", "-", folder.name)
    players = {who.get("policy") or who["kind"] for e in episodes for who in e.header["seats"]}
    return {
        "dataset_id": name if re.search(r"-v\d+$", name) else f"{name}-v0",
        "minari_version": minari.__version__,
        "algorithm_name": ", ".join(sorted(players)),
        "description": (
            f"Games of {episodes[0].header['world']}, recorded by Understudy; observations of all "
            f"seats in the encoding {encoding.name} version {encoding.version}"
        ),
    }


def _buffer(minari: Any, episode: Episode, encoding: str) -> Any:
    states = checked_states(episode)
    world = next(states)
    observations, rewards = [world.observe(encoding)[0].copy()], [world.rewards[0].copy()]
    done = []
    for _ in episode.ticks:
        next(states)
        observations.append(world.observe(encoding)[0].copy())
        rewards.append(world.rewards[0].copy())
        done.append(bool(world.done[0]))
    cut = [False] * (len(done) - 1) + [not done[-1]]
    return minari.data_collector.EpisodeBuffer(
        seed=episode.header["seed"],
        observations=np.stack(observations),
        actions=np.array(episode.joint_actions),
        rewards=[float(row.sum()) for row in rewards[1:]],
        terminations=done,
        truncations=cut,
        infos={"seat_rewards": np.stack(rewards)},
    )


WRITERS: dict[str, Writer] = {
    "parquet": write_parquet,
    "overcooked": write_overcooked,
    "minari": write_minari,
}
