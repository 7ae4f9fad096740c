"""Tag as a world: N environments of one size, stepped and observed together."""

import hashlib
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from play.worlds import joint
from play.worlds.batched import BatchedWorld, choose_options
from play.worlds.compilation import Program
from play.worlds.tag import arithmetic, encode, physics, scenes, state
from play.worlds.tag.facts import Options, make_facts
from play.worlds.tag.state import TIME, row_size

PROGRAM = Program((joint, arithmetic, physics, encode), (state,))

INSTANCES: dict[str, Options] = {
    "simple": Options(),
    "duel": Options(chasers=1),
    "three_chasers": Options(chasers=3),
    "two_runners": Options(chasers=3, runners=2, obstacles=3),
    "open_field": Options(obstacles=0),
}
"""Sizes with names; the first is the paper's, `three_chasers` mpe2's own."""


def instances() -> list[str]:
    """Names of all sizes that have one."""
    return list(INSTANCES)


def make(
    instance: str,
    num_envs: int = 1,
    *,
    autoreset: bool = False,
    compiled: bool | None = None,
    threads: int | None = None,
    **options: Any,
) -> "Tag":
    """Builds a batch of games of tag.

    Args:
        instance: Name of a size.
        num_envs: Number of environments N.
        autoreset: Whether finished episodes restart within the step that ends them.
        compiled: Whether to use numba; None means if it is there and the batch is worth it.
        threads: Threads that large batches are split over; None means one per processor.
        **options: What to choose otherwise than the instance; see `Options`.

    Raises:
        UserError: No such size or option.
    """
    chosen = choose_options("tag", INSTANCES, instance, options)
    return Tag(
        instance,
        chosen,
        num_envs,
        autoreset=autoreset,
        compiled=compiled,
        threads=threads,
    )


class Tag(BatchedWorld):
    """N environments of one size; see `play.worlds.spec.World` for what every world offers.

    Attributes:
        tables: The size as the rules use it.
        state: [N, size] float64 state rows, see `play.worlds.tag.state`.
    """

    time_column = TIME

    def __init__(
        self,
        instance: str,
        options: Options,
        num_envs: int = 1,
        *,
        autoreset: bool = False,
        compiled: bool | None = None,
        threads: int | None = None,
    ) -> None:
        """See `make`."""
        options.check()
        tables = options.tables()
        super().__init__(
            make_facts(instance, options), PROGRAM, tables, row_size(tables), np.float64,
            num_envs, autoreset=autoreset, compiled=compiled, threads=threads,
        )  # fmt: skip
        forces = np.zeros((num_envs, 2 * tables.agents), np.float64)
        before = np.zeros((num_envs, tables.chasers), np.float64)
        self.step_writes += (forces, before)
        self._digest = digest_of_rules(self.facts.version, self.facts.options)
        self.draw_starts(0.0)
        self.reset(0)

    def draw_starts(self, share: float) -> None:
        """Lets this share of the episodes from now on begin at any time, with everybody running."""
        self.starts = (float(share),)

    def state_hash(self, env: int) -> str:
        """Sixteen hexadecimal digits that tell states of all sizes of tag apart."""
        content = self._digest + self.state[env].astype("<f8").tobytes()
        content += self.streams[env].astype("<i8").tobytes()
        return hashlib.blake2b(content, digest_size=8).hexdigest()

    def static_scene(self) -> dict[str, Any]:
        """The part of the drawing that never changes, as JSON values."""
        return scenes.static_scene(self.facts, self.tables)

    def scene(self, env: int) -> dict[str, Any]:
        """The part of the drawing that changes, as JSON values."""
        return scenes.scene(self.tables, self.state[env].tolist())


def digest_of_rules(version: int, options: Mapping[str, Any]) -> bytes:
    """What tells the states of one size and set of options from those of another."""
    numbers = [value for value in options.values() if not isinstance(value, str)]
    return struct.pack(f"<{len(numbers) + 1}d", version, *numbers) + str(options["starts"]).encode()
