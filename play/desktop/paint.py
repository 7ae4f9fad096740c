"""Colours, words and boxes of the desktop's screens, sized to the window."""

from collections.abc import Iterable

import pygame

from play.draw.sprites import Sprites

GROUND, SURFACE, INK = "#fbf3e6", "#fffdf9", "#2a1f16"
MUTED, LINE, ACCENT = "#665443", "#e4d3ba", "#c23c1b"
ACCENT_SOFT, GOOD, GOLD = "#fbe3d6", "#23703a", "#f0b03a"
DESIGN = (1280, 720)
FINER = 3
"""How much larger letters are drawn than they are shown."""
MOST_TEXTS = 500


class Painter:
    """Draws onto a window whose contents were designed for 1280 x 720.

    Attributes:
        surface: The window.
        unit: Pixels per unit of the design.
    """

    def __init__(self, surface: pygame.Surface) -> None:
        self.surface = surface
        width, height = surface.get_size()
        self.unit = max(0.35, min(width / DESIGN[0], height / DESIGN[1]))
        self._fonts: dict[int, pygame.font.Font] = {}
        self._texts: dict[tuple[str, float, str], pygame.Surface] = {}
        self._avatars = Sprites("kitchen")

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
        rect, round_by = self.pixels(*at), round(radius * self.unit)
        pygame.draw.rect(self.surface, color, rect, border_radius=round_by)
        if edge:
            width = max(1, round(edge_width * self.unit))
            pygame.draw.rect(self.surface, edge, rect, width, border_radius=round_by)

    def veil(self, opacity: float) -> None:
        """Dims everything drawn so far."""
        shade = pygame.Surface(self.surface.get_size(), pygame.SRCALPHA)
        shade.fill((251, 243, 230, round(255 * opacity)))
        self.surface.blit(shade, (0, 0))

    def width_of(self, words: str, size: float) -> float:
        """Width of a line of words in units."""
        return self._font(size).size(words)[0] / FINER / self.unit

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
        """One line of words whose middle height is `y`; returns its width in units."""
        text = self._text(words, size, color)
        width = text.get_width() / self.unit
        left = x - {"left": 0.0, "middle": 0.5, "right": 1.0}[align] * width
        top = y * self.unit - text.get_height() / 2
        self.surface.blit(text, (round(left * self.unit), round(top)))
        return width

    def paragraph(
        self, words: str, x: float, y: float, width: float, size: float, color: str = MUTED
    ) -> float:
        """Words broken into lines of at most `width`; returns the y below the last line."""
        for line in self._lines(words.split(), width, size):
            self.words(line, x, y + size * 0.55, size, color)
            y += size * 1.3
        return y

    def shortened(self, words: str, width: float, size: float) -> str:
        """Words cut to a width, with an ellipsis where something is missing."""
        if self.width_of(words, size) <= width:
            return words
        while words and self.width_of(words + "…", size) > width:
            words = words[:-1]
        return words.rstrip() + "…"

    def picture(self, name: str, x: float, y: float, size: float) -> None:
        """A picture of the shared art (an avatar, the logo) with its corner at (x, y)."""
        pixels = size * self.unit
        self.surface.blit(
            self._avatars.get(name, pixels, pixels), (round(x * self.unit), round(y * self.unit))
        )

    def _lines(self, words: list[str], width: float, size: float) -> Iterable[str]:
        line = ""
        for word in words:
            longer = f"{line} {word}".strip()
            if line and self.width_of(longer, size) > width:
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
            large = self._font(size).render(words, True, color)
            width, height = (-(-pixels // FINER) for pixels in large.get_size())
            self._texts[key] = pygame.transform.smoothscale(large, (max(1, width), height))
        return self._texts[key]

    def _font(self, size: float) -> pygame.font.Font:
        pixels = max(9, round(size * self.unit)) * FINER
        if pixels not in self._fonts:
            self._fonts[pixels] = pygame.font.Font(None, pixels)
        return self._fonts[pixels]
