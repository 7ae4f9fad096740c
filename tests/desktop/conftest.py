import os

# Before pygame's first import anywhere: no greeting, no window, no sound card.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")

import pytest


@pytest.fixture
def headless(monkeypatch, tmp_path):
    """A pygame display that is never seen, and settings of one's own."""
    import pygame

    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    pygame.display.init()
    pygame.font.init()
    surface = pygame.display.set_mode((640, 480))
    yield surface
    pygame.quit()
