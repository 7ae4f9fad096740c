"""Colours, words and boxes of the desktop's screens, sized to the window."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pygame

from play.draw.sprites import Sprites

GROUND, SURFACE, INK = "#fbf3e6", "#fffdf9", "#2a1f16"
MUTED, LINE, ACCENT = "#665443", "#e4d3ba", "#c23c1b"
ACCENT_SOFT, GOOD, GOLD = "#fbe3d6", "#23703a", "#f0b03a"
DESIGN = (1280, 720)
CRAMPED = (760, 480)
"""The fewest units that a screen's contents find room in; small windows show no more."""
LEGIBLE = 0.62
"""Pixels per unit below which letters are hard to read."""
FINER = 3
"""How much larger letters are drawn than they are shown."""
SMALLEST = 14
"""Size of the smallest letters."""
MOST_TEXTS = 500
EVEN = 0.72
"""Size of a system's letters beside pygame's own, which are small for their number."""

# Colour of each seat, and of the stripes that tell it without colour; as in the browser.
SEATS = (
    ("#2f6fd6", None),
    ("#ea8423", "#ffd9ad"),
    ("#2c8a4b", "#9fd8b0"),
    ("#8550c4", "#d9c3f2"),
)
SLANTS = (0, 0, -1, 1)

# The system's letters, regular and bold; without any of them pygame's own bold ones are used.
LETTERS = (
    ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("/usr/share/fonts/TTF/DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("C:/Windows/Fonts/segoeui.ttf", "segoeuib.ttf"),
    ("/System/Library/Fonts/Supplemental/Arial.ttf", "Arial Bold.ttf"),
)


class Painter:
    """Draws onto a window whose contents were designed for 1280 x 720.

    Attributes:
        surface: The window.
        unit: Pixels per unit of the design.
    """

    def __init__(self, surface: pygame.Surface) -> None:
        self.surface = surface
        width, height = surface.get_size()
        fitting = min(width / DESIGN[0], height / DESIGN[1])
        roomy = min(width / CRAMPED[0], height / CRAMPED[1])
        self.unit = max(fitting, min(LEGIBLE, roomy))
        self._fonts: dict[tuple[int, bool], pygame.font.Font] = {}
        self._texts: dict[tuple[str, float, str], pygame.Surface] = {}
        self._pictures = Sprites("kitchen")  # also keeps the corners and arrows drawn here
        self._art = {"kitchen": self._pictures}

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the window in units; one of them is that of the design."""
        width, height = self.surface.get_size()
        return width / self.unit, height / self.unit

    def pixels(self, x: float, y: float, width: float, height: float) -> pygame.Rect:
        """A rectangle in units as pixels."""
        u = self.unit
        return pygame.Rect(round(x * u), round(y * u), round(width * u), round(height * u))

    def clear(self) -> None:
        """Fills the window with the ground colour."""
        self.surface.fill(GROUND)

    def box(
        self,
        at: tuple[float, float, float, float],
        color: str,
        *,
        radius: float = 14,
        edge: str | None = None,
        edge_width: float = 2,
    ) -> None:
        """A filled rectangle with rounded corners."""
        rect = self.pixels(*at)
        if rect.width < 1 or rect.height < 1:
            return
        round_by = min(round(radius * self.unit), rect.width // 2, rect.height // 2)
        line = max(1, round(edge_width * self.unit)) if edge else 0
        frame = edge or color
        inside = rect.inflate(-2 * line, -2 * line)
        upright, level = rect.inflate(-2 * round_by, 0), rect.inflate(0, -2 * round_by)
        for outer in (upright, level):
            self.surface.fill(frame, outer)
        for outer in (upright, level):
            self.surface.fill(color, outer.clip(inside))
        if round_by:
            self._corners(rect, round_by, color, frame, line)

    def _corners(self, rect: pygame.Rect, radius: int, color: str, edge: str, line: int) -> None:
        """The quarters of a smooth disc in the corners of a rectangle."""
        side = 2 * radius
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" '
            f'viewBox="0 0 {side} {side}"><circle cx="{radius}" cy="{radius}" '
            f'r="{radius - line / 2}" fill="{color}" stroke="{edge}" stroke-width="{line}"/></svg>'
        )
        disc = self._pictures.draw(f"disc {color} {edge} {line}", svg, side, side)
        for x, left in ((0, rect.left), (radius, rect.right - radius)):
            for y, top in ((0, rect.top), (radius, rect.bottom - radius)):
                self.surface.blit(disc, (left, top), (x, y, radius, radius))

    def seat_bar(self, seat: int, x: float, y: float, width: float, height: float) -> None:
        """A bar in the colour and the pattern of a seat's hat."""
        color, stripe = SEATS[seat % 4]
        self.box((x, y, width, height), color, radius=4)
        if stripe is None:
            return
        slant = SLANTS[seat % 4] * height
        before = self.surface.get_clip()
        self.surface.set_clip(self.pixels(x + 1, y, max(0.0, width - 2), height).clip(before))
        left = x + 6.5 - height
        while left < x + width + height:
            low = left + slant
            corners = ((left, y), (left + 4, y), (low + 4, y + height), (low, y + height))
            points = [(a * self.unit, b * self.unit) for a, b in corners]
            pygame.draw.polygon(self.surface, stripe, points)
            left += 10.5
        self.surface.set_clip(before)

    def arrow(self, x: float, y: float, size: float, way: int, color: str) -> None:
        """A small arrow to the left (-1) or right (1), of `size` units."""
        side = max(4, round(2 * size * self.unit))
        points = "68 12 28 50 68 88" if way < 0 else "32 12 72 50 32 88"
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100" '
            f'viewBox="0 0 100 100"><path d="M{points}" fill="none" stroke="{color}" '
            'stroke-width="20" stroke-linecap="round" stroke-linejoin="round"/></svg>'
        )
        picture = self._pictures.draw(f"arrow {way} {color}", svg, side, side)
        u = self.unit
        self.surface.blit(picture, (round(x * u - side / 2), round(y * u - side / 2)))

    def veil(self, opacity: float) -> None:
        """Dims everything drawn so far."""
        shade = pygame.Surface(self.surface.get_size(), pygame.SRCALPHA)
        shade.fill((251, 243, 230, round(255 * opacity)))
        self.surface.blit(shade, (0, 0))

    def width_of(self, words: str, size: float, color: str = INK) -> float:
        """Width of a line of words in units."""
        return self._font(size, color).size(words)[0] / FINER / self.unit

    def words(
        self,
        words: str,
        x: float,
        y: float,
        size: float,
        color: str = INK,
        *,
        align: str = "left",
    ) -> float:
        """One line of words whose middle height is `y`; returns its width in units.

        Muted words are thin, all others bold.
        """
        text = self._text(words, size, color)
        width = text.get_width() / self.unit
        left = x - {"left": 0.0, "middle": 0.5, "right": 1.0}[align] * width
        top = y * self.unit - text.get_height() / 2
        self.surface.blit(text, (round(left * self.unit), round(top)))
        return width

    def paragraph(
        self,
        words: str,
        x: float,
        y: float,
        width: float,
        size: float,
        color: str = MUTED,
        *,
        align: str = "left",
    ) -> float:
        """Words broken into lines of at most `width`; returns the y below the last line."""
        for line in self._lines(words.split(), width, size, color):
            self.words(line, x, y + size * 0.55, size, color, align=align)
            y += size * 1.3
        return y

    def shortened(self, words: str, width: float, size: float, color: str = INK) -> str:
        """Words cut to a width, with an ellipsis where something is missing."""
        if self.width_of(words, size, color) <= width:
            return words
        while words and self.width_of(words + "…", size, color) > width:
            words = words[:-1]
        return words.rstrip() + "…"

    def name(self, label: str, width: float, size: float) -> str:
        """A partner's label, cut where it means something: "Greedy cook", "Greedy", "Gr…"."""
        for words in (label, label.partition(" (")[0], label.partition(" ")[0]):
            if self.width_of(words, size) <= width:
                return words
        return self.shortened(label, width, size)

    def picture(self, name: str, x: float, y: float, size: float, *, art: str = "kitchen") -> None:
        """A picture of the art (an avatar, the logo) with its corner at (x, y)."""
        if art not in self._art:
            self._art[art] = Sprites(art)
        pixels = size * self.unit
        picture = self._art[art].get(name, pixels, pixels)
        self.surface.blit(picture, (round(x * self.unit), round(y * self.unit)))

    def _lines(self, words: list[str], width: float, size: float, color: str) -> Iterable[str]:
        line = ""
        for word in words:
            longer = f"{line} {word}".strip()
            if line and self.width_of(longer, size, color) > width:
                yield line
                longer = word
            line = longer
        if line:
            yield line

    def _text(self, words: str, size: float, color: str) -> pygame.Surface:
        """A line of words, drawn larger and shrunk, since hinted letters stand unevenly."""
        key = words, size, color
        if key not in self._texts:
            if len(self._texts) >= MOST_TEXTS:
                self._texts.clear()
            large = self._font(size, color).render(words, True, color)
            width, height = (-(-pixels // FINER) for pixels in large.get_size())
            # pygame crashes when it shrinks nothing.
            shrunk = pygame.transform.smoothscale(large, (width, height)) if width else large
            self._texts[key] = shrunk
        return self._texts[key]

    def _font(self, size: float, color: str) -> pygame.font.Font:
        key = max(SMALLEST, round(size * self.unit)) * FINER, color != MUTED
        if key not in self._fonts:
            pixels, bold = key
            file = letters(bold)
            self._fonts[key] = pygame.font.Font(file, round(pixels * EVEN) if file else pixels)
        return self._fonts[key]


@cache
def letters(bold: bool) -> Path | None:
    """The file of the system's letters, or None for pygame's own."""
    for regular, strong in LETTERS:
        files = Path(regular), Path(regular).with_name(strong)
        if all(file.exists() for file in files):
            return files[bold]
    return None
