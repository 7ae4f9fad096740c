"""Writes the kitchen's art: one SVG file per thing, into the folder ``kitchen`` beside this file.

The files are shared by the browser (canvas) and the desktop (pygame, which reads SVG through
nanosvg), so they hold only shapes, paths, transforms and gradients; gradient positions are in
percent because nanosvg takes plain numbers for pixels. Lengths are hundredths of a
tile. Run ``python assets/art/make_kitchen.py`` after a change; the files are committed.
"""

import json
from pathlib import Path

FOLDER = Path(__file__).parent / "kitchen"

INK = "#3b2a20"
SEATS = ("#2f6fd0", "#e8821e", "#1f8a70", "#a2489a")
SEATS_DARK = ("#214f99", "#b05d0d", "#14614f", "#74306e")
SEATS_LIGHT = ("#6fa0ea", "#f7ab5e", "#57b89f", "#c983c2")
SKINS = ("#f6cba4", "#c98a5c", "#8a5a3b", "#f0bd8f")
HAIRS = ("#5a3a22", "#2c211d", "#1f1a18", "#a5582a")
FACINGS = "nsew"

# Where a chef of each facing carries things, in hundredths of a tile from the tile's corner.
RIG = {
    "seat_colors": SEATS,
    "margin": {"left": 12, "top": 34, "right": 12, "bottom": 14},
    "counter_item": {"x": 50, "y": 42, "size": 62},
    "chef": {"width": 100, "height": 120, "top": -18},
    "held": {
        "n": {"x": 84, "y": 52, "size": 46, "behind": False},
        "s": {"x": 50, "y": 73, "size": 52, "behind": False},
        "e": {"x": 77, "y": 68, "size": 50, "behind": False},
        "w": {"x": 23, "y": 68, "size": 50, "behind": False},
    },
    "hands_busy": {
        "n": [[72, 66], [94, 66]],
        "s": [[30, 76], [70, 76]],
        "e": [[60, 76], [86, 80]],
        "w": [[40, 76], [14, 80]],
    },
    "hands_free": {
        "n": [[23, 72], [77, 72]],
        "s": [[23, 72], [77, 72]],
        "e": [[42, 76], [64, 76]],
        "w": [[58, 76], [36, 76]],
    },
    "pot": {
        "surface": {"x": 50, "y": 35},
        "spots": [[39, 33], [61, 33], [50, 27]],
        "ingredient_size": 30,
        "badge_y": -9,
    },
}


def svg(name: str, body: str, width: int = 100, height: int = 100, defs: str = "") -> None:
    """Writes one file."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">'
    )
    inner = f"<defs>{defs}</defs>" if defs else ""
    (FOLDER / f"{name}.svg").write_text(f"{head}{inner}{body}</svg>\n", encoding="utf-8")


def linear(key: str, top: str, bottom: str, *, across: bool = False) -> str:
    """A two-stop gradient from top to bottom (or left to right)."""
    end = 'x2="100%" y2="0%"' if across else 'x2="0%" y2="100%"'
    return (
        f'<linearGradient id="{key}" x1="0%" y1="0%" {end}><stop offset="0" stop-color="{top}"/>'
        f'<stop offset="1" stop-color="{bottom}"/></linearGradient>'
    )


def fade(key: str, color: str, alpha: float, *, axis: str) -> str:
    """A gradient from `alpha` to nothing along an axis, or outwards for ``axis="r"``."""
    stops = (
        f'<stop offset="0" stop-color="{color}" stop-opacity="{alpha}"/>'
        f'<stop offset="1" stop-color="{color}" stop-opacity="0"/>'
    )
    if axis == "r":
        return f'<radialGradient id="{key}" cx="50%" cy="50%" r="50%">{stops}</radialGradient>'
    end = 'x2="100%" y2="0%"' if axis == "x" else 'x2="0%" y2="100%"'
    return f'<linearGradient id="{key}" x1="0%" y1="0%" {end}>{stops}</linearGradient>'


def line(width: float = 3, color: str = INK) -> str:
    """Attributes of an outline."""
    ends = 'stroke-linejoin="round" stroke-linecap="round"'
    return f'stroke="{color}" stroke-width="{width}" {ends}'


def ellipse(x: float, y: float, rx: float, ry: float, fill: str, extra: str = "") -> str:
    """An ellipse element."""
    return f'<ellipse cx="{x}" cy="{y}" rx="{rx}" ry="{ry}" fill="{fill}" {extra}/>'


def path(d: str, fill: str = "none", extra: str = "") -> str:
    """A path element."""
    return f'<path d="{d}" fill="{fill}" {extra}/>'


def rect(x: float, y: float, w: float, h: float, fill: str, r: float = 0, extra: str = "") -> str:
    """A rectangle with rounded corners."""
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="{r}" fill="{fill}" {extra}/>'


def at(x: float, y: float, scale: float, body: str, turn: float = 0) -> str:
    """A drawing around the origin, moved into place."""
    return f'<g transform="translate({x} {y}) rotate({turn}) scale({scale})">{body}</g>'


ONION_DEFS = linear("onion", "#f9d584", "#d98f2e")
TOMATO_DEFS = linear("tomato", "#f4664a", "#c6271c")
PLATE_DEFS = linear("plate", "#ffffff", "#dfe4ea")
FOOD_DEFS = ONION_DEFS + TOMATO_DEFS + PLATE_DEFS


def onion() -> str:
    """An onion around the origin, 70 across."""
    shape = "M0-34C5-22 35-20 35 7 35 26 18 34 0 34-18 34-35 26-35 7-35-20-5-22 0-34Z"
    return (
        path("M-2-30C-8-40-13-42-15-46M1-30C1-40 4-44 5-48M3-29C9-36 14-37 18-40", extra=line(6))
        + path(
            "M-2-30C-8-40-13-42-15-46M1-30C1-40 4-44 5-48M3-29C9-36 14-37 18-40",
            extra=line(3.2, "#7fae4a"),
        )
        + path(shape, "url(#onion)", line(4))
        + path("M-2-22C-16-12-22 4-14 26M2-22C16-12 22 4 14 26M0-20V27", extra=line(2.4, "#b36f1f"))
        + path("M-24-2C-23-9-18-13-14-14", extra=line(4, "#fff1c9"))
        + path("M-6 34-8 39M0 34V40M6 34 8 39", extra=line(2.4))
    )


def tomato() -> str:
    """A tomato around the origin, 72 across."""
    shape = "M0-22C14-30 36-22 36 4 36 24 20 33 0 33-20 33-36 24-36 4-36-22-14-30 0-22Z"
    leaf = "M0-22C-6-30-16-32-22-26-18-24-16-22-15-17-9-18-4-16-1-10 3-16 9-18 15-16 16-21 19-24"
    return (
        path(shape, "url(#tomato)", line(4))
        + path(leaf + " 23-26 16-32 6-30 0-22Z", "#5c9a3c", line(3))
        + path("M0-22C0-30 3-34 7-36", extra=line(6))
        + path("M0-22C0-30 3-34 7-36", extra=line(3, "#5c9a3c"))
        + ellipse(-19, 0, 6, 9, "#ff9a80", 'transform="rotate(20 -19 0)"')
    )


def plate() -> str:
    """A plate around the origin, 80 across, seen from above and a little from the front."""
    return (
        ellipse(0, 5, 40, 28, "#b8c0ca", line(4))
        + ellipse(0, 0, 40, 28, "url(#plate)", line(4))
        + ellipse(0, 0, 33, 22.5, "none", line(3, "#6d93c4"))
        + ellipse(0, 1, 24, 15.5, "#eef1f5", line(1.5, "#c3cad4"))
    )


def onion_ring() -> str:
    """A cooked slice of onion around the origin, 20 across."""
    return ellipse(0, 0, 9, 5.5, "#fff3cf", line(2, "#9c661d")) + ellipse(
        0, 0, 4.5, 2.4, "none", line(1.6, "#9c661d")
    )


def tomato_slice() -> str:
    """A cooked slice of tomato around the origin, 20 across."""
    return (
        ellipse(0, 0, 9, 6, "#e8442e", line(2, "#7d140c"))
        + ellipse(-3.4, 0, 2, 2.6, "#ffd0a8")
        + ellipse(3.4, 0, 2, 2.6, "#ffd0a8")
    )


def broth(onions: int, tomatoes: int) -> str:
    """The colour of a soup."""
    if not tomatoes:
        return "#eab53f"
    return "#e0562f" if not onions else "#ea8a33"


PIECES = ((-11, 0), (11, 1), (0, -6))


def soup(onions: int, tomatoes: int) -> str:
    """A bowl of soup around the origin, 80 across, with as many pieces as ingredients."""
    pieces = [onion_ring()] * onions + [tomato_slice()] * tomatoes
    floating = "".join(
        at(x, y - 8, 1, piece) for (x, y), piece in zip(PIECES, pieces, strict=False)
    )
    return (
        ellipse(0, 22, 40, 14, "#b8c0ca", line(4))
        + ellipse(0, 19, 40, 14, "url(#plate)", line(4))
        + path("M-34-8C-33 16-18 26 0 26 18 26 33 16 34-8Z", "url(#plate)", line(4))
        + path("M-31 4C-27 10-12 14 0 14 12 14 27 10 31 4", extra=line(4, "#6d93c4"))
        + ellipse(0, -8, 34, 17, "#ffffff", line(4))
        + ellipse(0, -7, 27, 12.5, broth(onions, tomatoes), line(2, "#8a4a18"))
        + floating
    )


def terrain() -> None:
    """Floor, counters and what stands on them."""
    for name, color, light in (
        ("floor-a", "#f0e0c2", "#f8ecd5"),
        ("floor-b", "#e6d1ab", "#eedcba"),
    ):
        svg(
            name,
            rect(0, 0, 100, 100, "#d3b98d")
            + rect(1, 1, 98, 98, color, 4)
            + path("M5 97V7Q5 5 7 5H96", extra=line(2, light)),
        )
    wood = linear("wood", "#c58a58", "#ba7d4c")
    grain = path(
        "M0 33H100M0 67H100M30 0V33M78 33V67M46 67V100", extra=line(1.5, "#b07445")
    ) + path("M8 16H22M44 12H70M12 50H50M86 52H94M60 84H88M6 82H26", extra=line(1.5, "#c99160"))
    corners = {
        "counter": "M0 0H100V100H0Z",
        "counter-nw": "M0 100V16Q0 0 16 0H100V100Z",
        "counter-ne": "M0 0H84Q100 0 100 16V100H0Z",
        "counter-sw": "M0 0H100V100H16Q0 100 0 84Z",
        "counter-se": "M0 0H100V84Q100 100 84 100H0Z",
    }
    for name, shape in corners.items():
        svg(name, path(shape, "#bf8452") + grain, defs=wood)
    front = linear("front", "#95582f", "#74411f")
    shade = path("M33 82V100M67 82V100", extra=line(1.6, "#5f3417"))
    lip = rect(0, 75, 100, 6, "#e0ad7c") + rect(0, 80, 100, 2, "#5f3417")
    for name, shape in {
        "front": "M0 80H100V100H0Z",
        "front-sw": "M0 80H100V100H16Q0 100 0 84Z",
        "front-se": "M0 80H100V84Q100 100 84 100H0Z",
    }.items():
        svg(name, path(shape, "url(#front)") + shade + lip, defs=front)
    svg("rim-n", rect(0, 0, 100, 4, "#dba878"))
    svg("rim-w", rect(0, 0, 4, 100, "#dba878"))
    svg("rim-e", rect(96, 0, 4, 100, "#a0673a"))
    svg("shade-n", rect(0, 0, 100, 26, "url(#s)"), defs=fade("s", "#4a2a10", 0.34, axis="y"))
    svg("shade-w", rect(0, 0, 14, 100, "url(#s)"), defs=fade("s", "#4a2a10", 0.22, axis="x"))
    stations()


def crate(body: str) -> str:
    """A wooden crate with things in it, around the middle of a counter's top."""
    return (
        ellipse(50, 74, 42, 7, "#3b2a20", 'fill-opacity="0.28"')
        + path("M16 26H84L88 44H12Z", "#5f3a1c", line(3.5))
        + body
        + path("M10 42H90L86 72H14Z", "#dca35f", line(3.5))
        + path("M12 57H88", extra=line(3, "#8a5628"))
        + path("M20 49.5H80M22 65H78", extra=line(2, "#eebf83"))
        + path("M26 42 28 72M74 42 72 72", extra=line(3, "#8a5628"))
    )


def stations() -> None:
    """Crates, the dish stack, the stove, the serving window."""
    heap = ((30, 35, 0.36, -14), (70, 35, 0.36, 14), (50, 31, 0.42, 0), (40, 43, 0.34, 8))
    for name, drawing in (("onion-crate", onion()), ("tomato-crate", tomato())):
        body = "".join(at(x, y, s, drawing, t) for x, y, s, t in (*heap, (61, 43, 0.34, -8)))
        sign = rect(35, 46, 30, 24, "#fff6e3", 6, line(2.5, "#8a5628")) + at(
            50, 59.5, 0.25, drawing
        )
        svg(name, crate(body) + sign, defs=FOOD_DEFS)
    layers = [
        ellipse(50, y + 4, 35, 24, "#aab4c2", line(2.5))
        + ellipse(50, y, 35, 24, "#f4f6f9", line(2.5))
        for y in (53, 43)
    ]
    stack = "".join(layers) + at(50, 33, 0.875, plate())
    svg(
        "dish-stack",
        ellipse(50, 68, 42, 14, "#3b2a20", 'fill-opacity="0.28"') + stack,
        defs=FOOD_DEFS,
    )
    burner = ellipse(50, 44, 33, 23, "#23252b", line(2, "#15161a"))
    svg(
        "stove",
        rect(6, 6, 88, 67, "#4c515c", 9, line(3.5))
        + path("M11 13Q12 10 16 10H84", extra=line(2.5, "#7d8492"))
        + burner
        + ellipse(50, 44, 26, 17, "none", line(2.5, "#5d636f")),
    )
    svg(
        "stove-hot",
        ellipse(50, 44, 33, 23, "none", line(6, "#ff8a2a"))
        + ellipse(50, 44, 33, 23, "none", line(2.5, "#ffe08a")),
    )
    chevron = "M30 {0}L50 {1}L70 {0}"
    svg(
        "serving",
        rect(5, 5, 90, 68, "#2d6f66", 9, line(3.5))
        + rect(12, 11, 76, 56, "#3d8d81", 6, line(2, "#235850"))
        + path(chevron.format(62, 48), extra=line(7, "#fff6e3"))
        + path(chevron.format(46, 32), extra=line(7, "#bfe6dc"))
        + path(chevron.format(30, 16), extra=line(7, "#7fc0b2"))
        + bell(),
    )


def patch() -> None:
    """A bed of earth in the floor, where onions grow."""
    bed = rect(7, 12, 86, 78, "#7a5032", 22, line(4, "#59381f"))
    furrows = "".join(
        path(f"M20 {y}C34 {y - 7} 46 {y + 7} 60 {y}S76 {y - 4} 80 {y}", extra=line(4, "#643f25"))
        for y in (32, 52, 72)
    )
    leaves = path("M0 12C-2 0-8-8-14-12M0 12C2-2 8-10 15-13", extra=line(5, "#5f9a3f"))
    sprouts = "".join(at(x, y, 0.6, leaves) for x, y in ((20, 24), (80, 26), (20, 80), (80, 80)))
    svg("patch", bed + furrows + sprouts)


def bell() -> str:
    """The bell that says that this is where soups go."""
    return (
        ellipse(77, 62, 15, 5, "#5b3c12", line(2.5))
        + path("M63 60C63 46 70 41 77 41 84 41 91 46 91 60Z", "#f5bf3c", line(3))
        + ellipse(77, 39, 3, 3, "#f5bf3c", line(2.5))
        + path("M68 55C69 49 72 47 74 46", extra=line(3, "#fff0bd"))
    )


def food() -> None:
    """What can be carried, and the pot."""
    svg("onion", at(50, 54, 0.98, onion()), defs=FOOD_DEFS)
    svg("tomato", at(50, 52, 0.98, tomato()), defs=FOOD_DEFS)
    svg("dish", at(50, 52, 1, plate()), defs=FOOD_DEFS)
    for onions in range(4):
        for tomatoes in range(4 - onions):
            if onions + tomatoes:
                name = f"soup-{onions}-{tomatoes}"
                svg(name, at(50, 48, 1.05, soup(onions, tomatoes)), defs=FOOD_DEFS)
    steel = linear("steel", "#8f99a8", "#565f6d", across=True)
    svg(
        "pot-back",
        ellipse(50, 70, 36, 9, "#17181c", 'fill-opacity="0.45"')
        + path("M19 47H10Q6 47 6 42V40", extra=line(8))
        + path("M81 47H90Q94 47 94 42V40", extra=line(8))
        + path("M19 47H10Q6 47 6 42V40", extra=line(3.5, "#aeb7c4"))
        + path("M81 47H90Q94 47 94 42V40", extra=line(3.5, "#aeb7c4"))
        + ellipse(50, 34, 33, 18, "#2a2e36", line(4))
        + ellipse(50, 38, 28, 13, "#1d2026"),
    )
    svg(
        "pot-front",
        path(
            "M17 34V58C17 70 32 76 50 76 68 76 83 70 83 58V34"
            "C83 43.5 69 52 50 52 31 52 17 43.5 17 34Z",
            "url(#steel)",
            line(4),
        )
        + path("M19.5 40C24 50 37 55.5 50 55.5 63 55.5 76 50 80.5 40", extra=line(3, "#c3cbd6"))
        + path("M25 55V62C25 64 27 66 30 67", extra=line(4, "#c9d1dc")),
        defs=steel,
    )
    for name, color, light in (
        ("onion", "#eab53f", "#f8d984"),
        ("tomato", "#e0562f", "#f28a64"),
        ("mixed", "#ea8a33", "#f7b873"),
    ):
        svg(
            f"broth-{name}",
            ellipse(50, 36, 30, 15, color, line(2, "#7d4415"))
            + path("M26 35C29 28 38 25 46 24", extra=line(3, light)),
        )


def hat(seat: int) -> str:
    """A hat whose colour, pattern and outline all tell the seat; its brim is at y = 42."""
    color, dark, pale = SEATS[seat], SEATS_DARK[seat], SEATS_LIGHT[seat]
    band = rect(27, 31, 46, 12, "#ffffff", 4, line(3))
    if seat == 0:  # plain puffy toque
        puff = "M29 33C14 32 13 13 28 12 31 1 45 0 50 5 55 0 69 1 72 12 87 13 86 32 71 33Z"
        return (
            path(puff, color, line(3.2))
            + path("M25 18C27 15 30 14 33 15M44 9C46 8 48 8 50 10", extra=line(3, pale))
            + path("M41 22V32M59 22V32", extra=line(2.4, dark))
            + band
        )
    if seat == 1:  # tall and striped
        stripes = "".join(
            path(f"M{a} 37 {b} 4H{b + 8.5}L{a + 7} 37Z", color)
            for a, b in ((29.5, 25.5), (46.5, 45.5), (63.5, 66))
        )
        return (
            path("M29 38 24 4H76L71 38Z", "#fff6ea")
            + stripes
            + path("M29 38 24 4C32 0 68 0 76 4L71 38Z", "none", line(3.2))
            + rect(26, 33, 48, 10, color, 4, line(3))
        )
    if seat == 2:  # round and dotted
        dots = "".join(
            ellipse(x, y, 4, 4, "#ffffff")
            for x, y in ((36, 28), (50, 21), (64, 28), (50, 34), (33, 19), (67, 19))
        )
        return (
            path("M24 40C20 14 36 9 50 9 64 9 80 14 76 40Z", color, line(3.2))
            + dots
            + ellipse(50, 7, 5, 5, pale, line(3))
            + rect(22, 35, 56, 8, dark, 4, line(3))
        )
    squares = "".join(
        rect(28 + 11 * i, 13 + 9 * j, 11, 9, color)
        for i in range(4)
        for j in range(3)
        if (i + j) % 2 == 0
    )
    return (  # flat and chequered, with two points
        rect(28, 13, 44, 27, "#fff4fc")
        + squares
        + path("M28 40V13L22 2 39 9 50 3 61 9 78 2 72 13V40Z", "none", line(3.2))
        + path("M28 13 22 2 39 9 50 3 61 9 78 2 72 13Z", color, line(3.2))
        + rect(26, 35, 48, 8, dark, 3, line(3))
    )


def face(seat: int, facing: str) -> str:
    """The head below the hat."""
    skin, hair = SKINS[seat], HAIRS[seat]
    if facing == "n":
        ears = ellipse(26, 54, 5, 6, skin, line(2.6)) + ellipse(74, 54, 5, 6, skin, line(2.6))
        nape = ellipse(50, 53, 25, 22, skin, line(3.2))
        cut = path(
            "M30 38C26 44 24 51 25.5 57 27 61 29 64 32 66Q41 70 50 66 59 70 68 66"
            "C71 64 73 61 74.5 57 76 51 74 44 70 38Z",
            hair,
            line(2),
        )
        return ears + nape + cut
    shift = 9 if facing == "e" else 0
    left, right = (48, 66) if facing == "e" else (40, 60)
    head = ellipse(50, 53, 25, 22, skin, line(3.2))
    if facing == "e":
        head += path("M44 33C42 42 40 50 33 58 27 56 26 47 28 40Z", hair, line(2))
        head += path("M74 52Q81 55 75 60", skin, line(3))
    else:
        head += path("M26 47C28 52 30 50 31 42ZM74 47C72 52 70 50 69 42Z", hair, line(2))
    eyes = "".join(
        ellipse(x, 53, 3.6, 4.6, INK) + ellipse(x + 1.2, 51.4, 1.3, 1.5, "#ffffff")
        for x in (left, right)
    )
    cheeks = "".join(
        ellipse(x, 61, 4, 2.6, "#ef8d74", 'fill-opacity="0.6"') for x in (left - 5, right + 4)
    )
    middle = 50 + shift
    mouth = path(f"M{middle - 6} 63Q{middle} 69 {middle + 6} 63", extra=line(2.8))
    if seat == 1:
        mouth = path(
            f"M{middle} 60C{middle - 4} 57 {middle - 12} 60 {middle - 13} 65 {middle - 7} 68"
            f" {middle - 2} 66 {middle} 63 {middle + 2} 66 {middle + 7} 68 {middle + 13} 65"
            f" {middle + 12} 60 {middle + 4} 57 {middle} 60Z",
            hair,
            line(1.8),
        )
    if seat == 2:
        eyes += "".join(
            ellipse(x, 53, 7.5, 7.5, "none", line(2.4, "#f1c84b")) for x in (left, right)
        )
        eyes += path(f"M{left + 7.5} 52H{right - 7.5}", extra=line(2.4, "#f1c84b"))
    return head + cheeks + eyes + mouth


def coat(seat: int, facing: str) -> str:
    """Body, scarf and shoes."""
    color, dark = SEATS[seat], SEATS_DARK[seat]
    if facing == "e":
        shoes = ellipse(45, 108, 10, 6, INK) + ellipse(60, 109, 11, 6, INK)
        body = path(
            "M34 70C28 84 28 96 29 105Q50 112 71 105C72 96 71 84 65 70Z", "#fffaf1", line(3.2)
        )
        apron = path("M52 82C60 82 68 84 69.5 88 71 96 71 101 70.5 104.5Q62 108 53 108.5Z", color)
        body += apron + path("M30 89 53 86", extra=line(3, dark))
        scarf = path("M33 69Q50 80 69 69L66 77Q50 85 35 77Z", color, line(2.6))
        return shoes + body + scarf
    shoes = ellipse(39, 108, 10, 6, INK) + ellipse(61, 108, 10, 6, INK)
    body = path("M31 70C22 84 22 96 24 105Q50 113 76 105C78 96 78 84 69 70Z", "#fffaf1", line(3.2))
    if facing == "n":
        body += path("M24.5 89Q50 93 75.5 89", extra=line(4, dark))
        body += path(
            "M50 91C42 84 38 90 42 95ZM50 91C58 84 62 90 58 95ZM50 91 45 103M50 91 55 103",
            color,
            line(3, dark),
        )
        return shoes + body + path("M31 70Q50 78 69 70L50 84Z", color, line(2.6))
    body += path("M34 86H66L69 104Q50 109 31 104Z", color, line(2.4, dark))
    body += path("M34 86 31 79M66 86 69 79", extra=line(2.6, dark))
    scarf = path("M31 69Q50 79 69 69L65 77Q50 85 35 77Z", color, line(2.6))
    return shoes + body + scarf + path("M50 79 44 88H56Z", color, line(2.4))


def chefs() -> None:
    """Four seats, four facings, hands apart so that they can hold things."""
    for seat in range(4):
        for facing in FACINGS:
            side = "e" if facing == "w" else facing
            body = coat(seat, side) + face(seat, side) + hat(seat)
            if facing == "w":
                body = f'<g transform="translate(100 0) scale(-1 1)">{body}</g>'
            svg(f"chef-{seat}-{facing}", body, height=120)
        hand = ellipse(50, 50, 34, 34, SKINS[seat], line(11))
        svg(f"hand-{seat}", hand)
        portrait = f'<g transform="translate(-2 12) scale(1.04)">{face(seat, "s") + hat(seat)}</g>'
        collar = path("M22 100C22 84 34 80 50 80 66 80 78 84 78 100Z", SEATS[seat], line(3.2))
        svg(f"avatar-{seat}", collar + portrait)


def signs() -> None:
    """Marks that explain what goes on."""
    svg("shadow", ellipse(50, 50, 44, 40, "#3b1f0c", 'fill-opacity="0.3"'))
    for seat in range(4):
        svg(
            f"ring-{seat}",
            ellipse(50, 50, 43, 43, "none", line(13, "#ffffff"))
            + ellipse(50, 50, 43, 43, "none", line(7, SEATS[seat])),
        )
        svg(
            f"arrow-{seat}",
            path("M18 24H82L50 82Z", SEATS[seat], line(22))
            + path("M18 24H82L50 82Z", SEATS[seat], line(10, "#ffffff"))
            + path("M18 24H82L50 82Z", SEATS[seat]),
        )
    svg(
        "check",
        ellipse(50, 50, 42, 42, "#2c8a45", line(10, "#ffffff"))
        + path("M28 52 44 68 74 34", extra=line(12, "#ffffff")),
    )
    svg(
        "slot",
        ellipse(50, 50, 40, 40, "#2a1c12", 'fill-opacity="0.42"')
        + ellipse(50, 50, 40, 40, "none", line(9, "#fff6e3") + ' stroke-opacity="0.85"'),
    )
    svg("slot-full", ellipse(50, 50, 42, 42, "#fff6e3", line(8)))
    svg(
        "bubble",
        ellipse(50, 50, 40, 40, "#ffffff", 'fill-opacity="0.45"')
        + ellipse(50, 50, 40, 40, "none", line(9, "#ffffff") + ' stroke-opacity="0.8"'),
    )
    svg("steam", ellipse(50, 50, 50, 50, "url(#g)"), defs=fade("g", "#ffffff", 0.85, axis="r"))
    svg("glow", ellipse(50, 50, 50, 50, "url(#g)"), defs=fade("g", "#ffd75e", 0.95, axis="r"))
    star = "M50 4 61 38 96 50 61 62 50 96 39 62 4 50 39 38Z"
    svg("spark", path(star, "#ffe27a", line(5, "#b9770c")))
    toque = "M24 60C2 58 4 28 26 28 30 8 70 8 74 28 96 28 98 58 76 60V74H24Z"
    svg(
        "logo",
        rect(2, 2, 96, 96, "#c23c1b", 24)
        + path(toque, "#fff7ea")
        + path("M50 13C60 13 71 17 74 28 96 28 98 58 76 60V74H50Z", "#f3cf8e")
        + rect(24, 79, 52, 11, "#fff7ea", 4)
        + path("M39 52V72M61 52V72", extra=line(3.5, "#c23c1b") + ' stroke-opacity="0.55"'),
    )


def rig(places: dict[str, object]) -> None:
    """Writes where things are, and a sheet of everything: a page asks once, not a hundred times."""
    (FOLDER / "rig.json").write_text(json.dumps(places, indent=1) + "\n", encoding="utf-8")
    files = sorted(FOLDER.glob("*.svg"))
    pictures = {file.stem: file.read_text(encoding="utf-8").strip() for file in files}
    text = json.dumps({"rig": places, "pictures": pictures}, indent=0)
    (FOLDER / "sheet.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Writes everything."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.svg"):
        old.unlink()
    terrain()
    food()
    patch()
    chefs()
    signs()
    rig(RIG)


if __name__ == "__main__":
    main()
