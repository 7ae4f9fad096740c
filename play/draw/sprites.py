"""SVG art as pygame surfaces, rasterised at the exact pixels needed."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pygame

ART = Path(__file__).resolve().parents[2] / "assets" / "art"
INK = "#2a1c12"


class Sprites:
    """The pictures of one folder of `assets/art`, cached by name and pixel size."""

    def __init__(self, folder: str) -> None:
        self._folder = ART / folder
        self._texts: dict[str, str] = {}
        self._surfaces: dict[tuple[Any, ...], pygame.Surface] = {}
        self._fonts: dict[int, pygame.font.Font] = {}

    def rig(self) -> dict[str, Any]:
        """Where things go, in hundredths of a tile (``rig.json``)."""
        rig: dict[str, Any] = json.loads((self._folder / "rig.json").read_text(encoding="utf-8"))
        return rig

    def clear(self) -> None:
        """Forgets all rasterised pictures, because another size is wanted."""
        self._surfaces.clear()

    def get(self, name: str, width: float, height: float) -> pygame.Surface:
        """The picture `name` at `width` x `height` pixels."""
        if name not in self._texts:
            self._texts[name] = (self._folder / f"{name}.svg").read_text(encoding="utf-8")
        return self.draw(name, self._texts[name], width, height)

    def draw(self, key: str, svg: str, width: float, height: float) -> pygame.Surface:
        """An SVG text at `width` x `height` pixels; `key` names it in the cache."""
        size = max(1, round(width)), max(1, round(height))
        if (key, size) not in self._surfaces:
            self._surfaces[key, size] = rasterise(svg, *size)
        return self._surfaces[key, size]

    def text(self, words: str, size: int, color: str) -> pygame.Surface:
        """Words with a dark outline; `size` is the height in pixels."""
        key = ("text", words, size, color)
        if key not in self._surfaces:
            if size not in self._fonts:
                self._fonts[size] = pygame.font.Font(None, size)
            self._surfaces[key] = _outlined(self._fonts[size], words, size, color)
        return self._surfaces[key]


def rasterise(svg: str, width: int, height: int) -> pygame.Surface:
    """Draws an SVG text at a size in pixels, stretching it if need be."""
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    assert box is not None, "the project's art always has a viewBox"
    scale = max(width / int(box[1]), height / int(box[2]))
    # nanosvg keeps proportions; pygame then squeezes the few flat pictures (shadows, rings).
    even = round(int(box[1]) * scale), round(int(box[2]) * scale)
    size = f'width="{even[0]}" height="{even[1]}"'
    sized = re.sub(r'width="\d+" height="\d+"', size, svg, count=1)
    surface = pygame.image.load(io.BytesIO(sized.encode()), "art.svg")
    if surface.get_size() != (width, height):
        surface = pygame.transform.smoothscale(surface, (width, height))
    return surface.convert_alpha() if pygame.display.get_surface() else surface


def _outlined(font: pygame.font.Font, words: str, size: int, color: str) -> pygame.Surface:
    edge = max(1, round(size * 0.09))
    inner = font.render(words, True, color)
    outer = font.render(words, True, INK)
    width, height = inner.get_width() + 2 * edge, inner.get_height() + 2 * edge
    surface = pygame.Surface((width, height), pygame.SRCALPHA)
    for dx in range(-edge, edge + 1):
        for dy in range(-edge, edge + 1):
            if dx * dx + dy * dy <= edge * edge + 1:
                surface.blit(outer, (edge + dx, edge + dy))
    surface.blit(inner, (edge, edge))
    return surface
