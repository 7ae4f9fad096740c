"""What a game of tag declares about itself."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from play.worlds.errors import UserError
from play.worlds.spec import Encoding, WorldFacts
from play.worlds.tag.encode import relative_size, simple_tag_size
from play.worlds.tag.state import (
    ACTIONS,
    CHASER_RADIUS,
    DOWN,
    EVENTS,
    LEFT,
    MOST_PENALTY,
    OBSTACLE_RADIUS,
    RIGHT,
    RUNNER_RADIUS,
    STAY,
    TOUCH_REWARD,
    UP,
    Tables,
    make_tables,
)  # fmt: skip

VERSION = 1
TICK_MS = 100  # the physics' own step
KEYS = {
    "ArrowUp": UP, "KeyW": UP, "ArrowDown": DOWN, "KeyS": DOWN, "ArrowRight": RIGHT, "KeyD": RIGHT,
    "ArrowLeft": LEFT, "KeyA": LEFT,
}  # fmt: skip
STARTS = ("anywhere", "apart")
MOST_AGENTS, MOST_OBSTACLES = 8, 16  # of each role
ROOM = 2.0 * 2.0  # area of the arena
MOST_COVERED = 0.4  # share of the room; more, and discs thrown at random soon find no gap


@dataclass(frozen=True)
class Options:
    """What can be chosen about a game of tag; JSON values.

    Attributes:
        chasers: Number of chasers.
        runners: Number of runners.
        obstacles: Number of obstacles.
        horizon: Steps in an episode.
        reward_scale: Factor of all rewards; 0.1 in SRPO's released experiment.
        starts: "anywhere", uniform as in mpe2, where things may overlap and are pushed apart; or
            "apart", uniform among places that are free.
    """

    chasers: int = 2
    runners: int = 1
    obstacles: int = 2
    horizon: int = 100
    reward_scale: float = 1.0
    starts: str = "anywhere"

    def check(self) -> None:
        """Refuses a game that cannot be.

        Raises:
            UserError: A number is out of range, or the room is too full.
        """
        for name, least, most in (
            ("chasers", 1, MOST_AGENTS),
            ("runners", 1, MOST_AGENTS),
            ("obstacles", 0, MOST_OBSTACLES),
            ("horizon", 1, 100_000),
        ):
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                why = "" if name == "horizon" else " (observations have a place for each)"
                raise UserError(
                    f"Tag with {name} {value!r} cannot be played: choose {least} to {most}{why}"
                )
        if not isinstance(self.reward_scale, int | float) or not 0 < self.reward_scale <= 1000:
            raise UserError(
                f"reward_scale is {self.reward_scale!r}, but it must be above 0 and at most 1000"
            )
        if self.starts not in STARTS:
            raise UserError(f"starts is {self.starts!r}, but it must be {' or '.join(STARTS)}")
        covered = covered_share(self.chasers, self.runners, self.obstacles)
        if covered > MOST_COVERED:
            raise UserError(
                f"{self.chasers} chaser(s), {self.runners} runner(s) and {self.obstacles} obstacles"
                f" cover {covered:.0%} of the arena and leave no free place to start from: choose "
                f"fewer obstacles, so that it is at most {MOST_COVERED:.0%}"
            )

    def tables(self) -> Tables:
        """The same for the rules."""
        return make_tables(
            self.chasers,
            self.runners,
            self.obstacles,
            self.horizon,
            float(self.reward_scale),
            self.starts == "apart",
        )


def covered_share(chasers: int, runners: int, obstacles: int) -> float:
    """Share of the arena that all things cover when nothing overlaps."""
    circles = chasers * CHASER_RADIUS**2 + runners * RUNNER_RADIUS**2
    circles += obstacles * OBSTACLE_RADIUS**2
    return math.pi * circles / ROOM


def make_facts(instance: str, options: Options) -> WorldFacts:
    """What a game of tag declares about itself."""
    chasers, runners, obstacles = options.chasers, options.runners, options.obstacles
    unit = TOUCH_REWARD * options.reward_scale
    # All seats together: every chaser gains what the touched runner loses.
    worst = -2 * MOST_PENALTY * runners * options.reward_scale
    best = unit * (chasers - 1) * chasers * runners
    sizes = {
        "simple_tag": simple_tag_size(chasers, runners, obstacles),
        "relative": relative_size(chasers, runners, obstacles),
    }
    names = {
        "simple_tag": simple_tag_names(chasers, runners, obstacles),
        "relative": relative_names(chasers, runners, obstacles),
    }
    return WorldFacts(
        world=f"tag/{instance}",
        version=VERSION,
        options={**asdict(options), "reward_scale": float(options.reward_scale)},
        num_players=chasers + runners,
        actions=ACTIONS,
        idle_action=STAY,
        horizon=options.horizon,
        tick_ms=TICK_MS,
        step_reward_range=(worst, best),
        reward_unit=unit,
        encodings={
            name: Encoding(name, 1, (size,), "float32", names[name]) for name, size in sizes.items()
        },
        events=EVENTS,
        contributions={
            "touches": ("touch",),
            "steps closing in": ("closed_in",),
            "steps at speed": ("moved",),
        },
        keys=KEYS,
        renderer="tag",
        shared_reward=False,
        roles=("chaser",) * chasers + ("runner",) * runners,
        score_seats=(0,),  # all chasers gain the same
    )


def _own_names(obstacles: int) -> list[str]:
    names = ["own_vx", "own_vy", "own_x", "own_y"]
    return names + [f"obstacle{o}_{axis}" for o in range(obstacles) for axis in ("dx", "dy")]


def simple_tag_names(chasers: int, runners: int, obstacles: int) -> tuple[str, ...]:
    """Names of the numbers that a chaser sees; a runner's end earlier."""
    names = _own_names(obstacles)
    names += [f"other{n}_{axis}" for n in range(chasers + runners - 1) for axis in ("dx", "dy")]
    names += [f"runner{n}_{axis}" for n in range(runners) for axis in ("vx", "vy")]
    return tuple(names)


def relative_names(chasers: int, runners: int, obstacles: int) -> tuple[str, ...]:
    """Names of the `relative` encoding's numbers, in order."""
    axes: Any = ("dx", "dy", "vx", "vy")
    others = [f"other{n}_{axis}" for n in range(chasers + runners - 1) for axis in axes]
    return (*_own_names(obstacles), *others)
