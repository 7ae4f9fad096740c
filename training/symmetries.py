"""Symmetries of a kitchen: ways to turn or mirror it that nobody inside could notice.

Other-play trains a policy with partners that see the kitchen so turned; it can gain something only
where there is such a way beside leaving everything in place.

Source: Hu et al. 2020, "Other-play for zero-shot coordination" (arXiv 2003.02979).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from play.worlds.kitchen.layouts import Layout

Cell = tuple[int, int]
NAMES = ("turned by 0", "turned by 90", "turned by 180", "turned by 270")


@dataclass(frozen=True)
class Symmetry:
    """One way to leave a kitchen as it is.

    Attributes:
        name: How it is turned and mirrored.
        swaps: Whether each player's start becomes the other's.
    """

    name: str
    swaps: bool


def symmetries(layout: Layout) -> list[Symmetry]:
    """All symmetries of a layout's grid and its starts, the one that changes nothing first.

    The exchange of the players alone is not listed: a policy that sees the kitchen from its own
    seat has that symmetry already.
    """
    found = []
    for name, rows, moved in _ways(layout):
        starts = tuple(moved[start] for start in layout.starts)
        if rows == layout.rows and sorted(starts) == sorted(layout.starts):
            found.append(Symmetry(name, starts != layout.starts))
    return found


def _ways(layout: Layout) -> Iterator[tuple[str, tuple[str, ...], dict[Cell, Cell]]]:
    """The eight turned and mirrored grids, with where each cell has come to."""
    for mirrored in (False, True):
        rows: Sequence[str] = layout.rows
        moved = {(x, y): (x, y) for y in range(layout.height) for x in range(layout.width)}
        if mirrored:
            width = len(rows[0])
            rows = [row[::-1] for row in rows]
            moved = {cell: (width - 1 - x, y) for cell, (x, y) in moved.items()}
        for name in NAMES:
            yield name + (", mirrored" if mirrored else ""), tuple(rows), moved
            height = len(rows)
            rows = ["".join(column) for column in zip(*reversed(rows), strict=True)]
            moved = {cell: (height - 1 - y, x) for cell, (x, y) in moved.items()}
