"""Recorded episodes for the replay page, by id and from the server's own folder only."""

import logging
import re
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, jsonify, render_template

from play.episode import ID_PATTERN, SUFFIX
from play.presentation.families import face_of, presentation_of, shows_own_points, title_of
from play.replay import ReplayCursor
from play.web.config import PlayConfig
from play.worlds.errors import UserError

log = logging.getLogger("understudy.web")


def register_replays(app: Flask, config: PlayConfig) -> None:
    """Adds the replay page and its data."""

    @app.get("/replay/<episode>")
    def replay(episode: str) -> str:
        if find_episode(config.episodes_dir, episode) is None:
            abort(404)
        return render_template("replay.html", episode=episode)

    @app.get("/api/episodes/<episode>")
    def data(episode: str) -> tuple[Response, int] | Response:
        path = find_episode(config.episodes_dir, episode)
        if path is None:
            abort(404)
        try:
            return jsonify(replay_data(ReplayCursor.open(path)))
        except UserError:
            log.exception("episode %s cannot be shown", episode)
            sentence = "This episode cannot be replayed; `understudy episodes verify` says why."
            return jsonify(error=sentence), 422


def find_episode(folder: Path, episode: str) -> Path | None:
    """The record with an id, or None; an id can name nothing outside the folder."""
    if not re.fullmatch(ID_PATTERN, episode):
        return None
    path = folder / f"{episode}{SUFFIX}"
    return path if path.is_file() else None


def replay_data(cursor: ReplayCursor) -> dict[str, Any]:
    """Everything that the replay page shows, as JSON values; frames[t] is the state after t."""
    header = cursor.episode.header
    problem, words = cursor.episode.problem, presentation_of(header["world"])
    return {
        "title": title_of(header["world"]),
        "static": cursor.static_scene,
        "tick_ms": header["tick_ms"],
        "art": words.art,
        "actions": [words.labels.get(action, action) for action in header["actions"]],
        "seats": [
            {"label": seat["label"], "kind": seat["kind"], "face": face_of(cursor.facts, index)}
            for index, seat in enumerate(header["seats"])
        ],
        "problem": f"The record is cut off: {problem}." if problem else None,
        "frames": [_frame(cursor, t) for t in range(cursor.steps + 1)],
    }


def _frame(cursor: ReplayCursor, t: int) -> dict[str, Any]:
    decisions: list[dict[str, Any] | None] = [None] * len(cursor.episode.header["seats"])
    for decision in cursor.decisions(t):
        shown = ("action", "probabilities", "fallback")
        decisions[decision["seat"]] = {key: decision[key] for key in shown if key in decision}
    return {
        "scene": cursor.scene(t),
        "score": cursor.score(t),
        "scores": cursor.scores(t) if shows_own_points(cursor.facts) else None,
        "actions": cursor.actions(t),
        "decisions": decisions,
    }
