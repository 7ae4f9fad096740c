"""Writes the art of tag: one SVG file per thing, into the folder ``tag`` beside this file.

Like the kitchen's (see ``make_kitchen.py``, whose helpers it uses): hundredths of the thing's own
size, shapes and gradients only. Chasers are cats, runners mice, in the colour of their seat and
with a pattern of their own, so that nobody needs colours to tell them apart. The eyes of bodies are
left blank: the renderers put pupils where somebody looks. Run ``python assets/art/make_tag.py``
after a change; the files are committed.
"""

from pathlib import Path

import make_kitchen as kitchen
from make_kitchen import (
    INK,
    SEATS,
    SEATS_DARK,
    SEATS_LIGHT,
    ellipse,
    fade,
    line,
    linear,
    path,
)

FOLDER = Path(__file__).parent / "tag"

# Where things go, in hundredths of the size of a body's picture, whose radius is `body`.
RIG = {
    "seat_colors": SEATS,
    "body": 34,
    "bush": 44,
    "eyes": {"chaser": [[38, 50], [62, 50]], "runner": [[39, 52], [61, 52]]},
    "pupil": 9,
    "look": 3.4,
    "field": {"ground": "#cfe3b4", "stripe": "#c6dca8", "line": "#f6fbe9", "beyond": "#e7dfc8"},
}


def pattern(seat: int) -> str:
    """Stripes, a mask, spots or a blaze on the forehead."""
    dark = SEATS_DARK[seat]
    return (
        path("M50 18V30M40 20 42 30M60 20 58 30", extra=line(4, dark)),
        ellipse(38, 50, 15, 15, dark, 'fill-opacity="0.75"')
        + ellipse(62, 50, 15, 15, dark, 'fill-opacity="0.75"'),
        "".join(ellipse(x, y, 4.2, 4.2, dark) for x, y in ((36, 27), (50, 22), (64, 27), (50, 34))),
        path("M50 18Q58 30 55 44H45Q42 30 50 18Z", "#fbeef9", line(2, dark)),
    )[seat]


def eyes(kind: str) -> str:
    """Two white eyes."""
    return "".join(ellipse(x, y, 9, 10, "#ffffff", line(2.6)) for x, y in RIG["eyes"][kind])


def pupils(kind: str) -> str:
    """What fills them in pictures that don't move."""
    return "".join(
        ellipse(x, y, 4.4, 5, INK) + ellipse(x + 1.4, y - 1.8, 1.5, 1.7, "#ffffff")
        for x, y in RIG["eyes"][kind]
    )


def cat(seat: int) -> str:
    """A chaser."""
    fill, dark = f"url(#fur{seat})", SEATS_DARK[seat]
    ears = path("M20 40 17 8 44 21Z", fill, line(3.4)) + path("M80 40 83 8 56 21Z", fill, line(3.4))
    inner = path("M24 28 22 16 35 22ZM76 28 78 16 65 22Z", dark)
    head = ellipse(50, 52, 35, 34, fill, line(3.4))
    nose = path("M45 64H55L50 70Z", "#ffd0c2", line(2))
    mouth = path("M50 70Q46 77 40 74M50 70Q54 77 60 74", extra=line(2.6))
    whiskers = path("M10 60 26 62M9 70 26 68M90 60 74 62M91 70 74 68", extra=line(2.2))
    return ears + inner + head + pattern(seat) + eyes("chaser") + nose + mouth + whiskers


def mouse(seat: int) -> str:
    """A runner: round ears, a pale face and a band in the colour of its seat."""
    band, dark = SEATS[seat], SEATS_DARK[seat]
    ears = "".join(
        ellipse(x, 24, 19, 19, "url(#pale)", line(3.4)) + ellipse(x, 25, 11, 11, "#f2a9a0")
        for x in (22, 78)
    )
    head = ellipse(50, 54, 33, 32, "url(#pale)", line(3.4))
    ribbon = path("M20 40Q50 22 80 40L79 47Q50 30 21 47Z", band, line(2.6))
    marks = (
        path("M36 32V38M50 28V34M64 32V38", extra=line(3, dark)),
        path("M30 37 38 33M46 31H54M62 33 70 37", extra=line(3, "#ffffff")),
        "".join(ellipse(x, y, 2.4, 2.4, "#ffffff") for x, y in ((34, 36), (50, 32), (66, 36))),
        path("M42 34 50 28 58 34", extra=line(3, "#ffffff")),
    )[seat]
    nose = ellipse(50, 67, 5, 4, "#e8776b", line(2))
    teeth = path("M46 73H54V79H46ZM50 73V79", "#ffffff", line(2))
    whiskers = path("M14 64 28 66M15 74 28 71M86 64 72 66M85 74 72 71", extra=line(2))
    return ears + head + ribbon + marks + eyes("runner") + teeth + nose + whiskers


def bush() -> str:
    """An obstacle: a round bush seen from above, with blossoms."""
    leaves = path(
        "M50 6C60 2 70 8 72 16 82 16 92 26 89 36 97 44 97 56 90 63 92 74 84 84 74 84 69 94 57 97 "
        "50 93 43 97 31 94 26 84 16 84 8 74 10 63 3 56 3 44 11 36 8 26 18 16 28 16 30 8 40 2 50 6Z",
        "url(#leaf)",
        line(3.4),
    )
    veins = path(
        "M30 30Q38 24 46 28M58 24Q68 26 70 34M24 52Q28 44 36 46M46 46Q56 42 62 50M70 56Q78 56 80 64"
        "M30 68Q38 64 44 72M54 72Q62 68 68 76",
        extra=line(3, "#3f7a3a"),
    )
    blossoms = "".join(
        ellipse(x, y, 5, 5, "#fff6e0", line(2)) + ellipse(x, y, 1.8, 1.8, "#f0b429")
        for x, y in ((38, 38), (66, 40), (52, 60), (28, 60), (72, 70))
    )
    return leaves + veins + blossoms


def main() -> None:
    """Writes all files."""
    FOLDER.mkdir(exist_ok=True)
    kitchen.FOLDER = FOLDER
    svg = kitchen.svg
    for seat in range(len(SEATS)):
        fur = linear(f"fur{seat}", SEATS_LIGHT[seat], SEATS[seat])
        pale = linear("pale", "#fbf7f2", "#d9cfc8")
        for kind, body, defs in (("chaser", cat(seat), fur), ("runner", mouse(seat), pale)):
            svg(f"{kind}-{seat}-body", body, defs=defs)
            svg(f"{kind}-{seat}", body + pupils(kind), defs=defs)
        ring = ellipse(50, 50, 43, 43, "none", line(13, "#ffffff"))
        svg(f"ring-{seat}", ring + ellipse(50, 50, 43, 43, "none", line(7, SEATS[seat])))
        arrow = "M18 24H82L50 82Z"
        svg(
            f"arrow-{seat}",
            path(arrow, SEATS[seat], line(22))
            + path(arrow, SEATS[seat], line(10, "#ffffff"))
            + path(arrow, SEATS[seat]),
        )
        pointer = "M28 12Q50 26 72 12L50 92Z"
        svg(
            f"pointer-{seat}",
            path(pointer, SEATS[seat], line(16)) + path(pointer, SEATS[seat], line(6, "#ffffff")),
        )
    svg("bush", bush(), defs=linear("leaf", "#8cc07a", "#5d9a52"))
    svg("shadow", ellipse(50, 50, 46, 46, "url(#dim)"), defs=fade("dim", "#2c3a1c", 0.5, axis="r"))
    svg("pupil", ellipse(50, 50, 44, 48, INK) + ellipse(64, 34, 14, 16, "#ffffff"))
    star = "M50 4 61 38 96 50 61 62 50 96 39 62 4 50 39 38Z"
    svg("spark", path(star, "#ffe27a", line(5, "#b9770c")))
    kitchen.rig(RIG)


if __name__ == "__main__":
    main()
