"""Looking at a recorded episode step by step."""

from pathlib import Path
from typing import Any

from play.episode import Episode, read_episode, replay_states


class ReplayCursor:
    """The scenes, scores and decisions of a recorded episode, by step.

    Args:
        episode: The record; one that was cut off shows what is there.

    Attributes:
        steps: Number of steps T.
    """

    def __init__(self, episode: Episode) -> None:
        self.episode = episode
        self.steps = len(episode.ticks)
        self._scenes: list[dict[str, Any]] = []
        self._scores: list[list[float]] = []
        self._events: list[list[list[str]]] = []
        scores = [0.0] * len(episode.header["seats"])
        for t, world in enumerate(replay_states(episode)):
            self.facts = world.facts
            if t == 0:
                self.static_scene = world.static_scene()
            else:
                own = world.rewards[0].tolist()
                scores = [score + more for score, more in zip(scores, own, strict=True)]
            self._scenes.append(world.scene(0))
            self._scores.append(scores)
            names = world.facts.events
            self._events.append(
                [[n for n, on in zip(names, row, strict=True) if on] for row in world.events[0]]
            )

    @classmethod
    def open(cls, path: Path) -> "ReplayCursor":
        """Reads a record, complete or cut off.

        Raises:
            UserError: It cannot be read.
        """
        return cls(read_episode(path, partial=True))

    def scene(self, t: int) -> dict[str, Any]:
        """The state after t steps, for drawing; t from 0 to `steps`."""
        return self._scenes[t]

    def score(self, t: int) -> float:
        """Score of the first t steps, see `WorldFacts.score`."""
        return self.facts.score(self._scores[t])

    def scores(self, t: int) -> list[float]:
        """Reward of each seat in the first t steps."""
        return self._scores[t]

    def events(self, t: int) -> list[list[str]]:
        """[A] names of the events of step t; empty for t = 0."""
        return self._events[t]

    def actions(self, t: int) -> list[int] | None:
        """The joint action of step t (1 to `steps`); None for t = 0."""
        return self.episode.ticks[t - 1]["actions"] if t else None

    def decisions(self, t: int) -> list[dict[str, Any]]:
        """What the policies decided at step t: seat, action, probabilities, fallback."""
        found: list[dict[str, Any]] = self.episode.ticks[t - 1].get("decisions", []) if t else []
        return found
