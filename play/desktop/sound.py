"""Short synthesised effects: no files to load, nothing to license, silence without a device."""

import contextlib
import os
import re
from collections.abc import Iterator

import numpy as np
import pygame
from numpy.typing import NDArray

RATE = 44100  # samples per second

# Each effect is a chord or run of notes: (start s, length s, from Hz, to Hz, loudness).
Note = tuple[float, float, float, float, float]
EFFECTS: dict[str, tuple[Note, ...]] = {
    "pickup": ((0, 0.09, 520, 760, 0.3),),
    "bump": ((0, 0.14, 150, 90, 0.34),),
    "drop": ((0, 0.09, 420, 240, 0.3),),
    "potting": ((0, 0.2, 330, 150, 0.32), (0.02, 0.12, 620, 260, 0.14)),
    "soup": ((0, 0.16, 392, 392, 0.28), (0.07, 0.16, 523, 523, 0.28)),
    "ready": (
        (0, 0.26, 988, 988, 0.18),
        (0.11, 0.26, 1319, 1319, 0.18),
        (0.22, 0.3, 988, 988, 0.18),
    ),
    "delivery": tuple((0.075 * i, 0.26, f, f, 0.26) for i, f in enumerate((523, 659, 784, 1047))),
    "touch": ((0, 0.14, 660, 790, 0.3), (0.06, 0.14, 990, 1190, 0.3)),
    "count": ((0, 0.14, 440, 440, 0.2),),
    "go": ((0, 0.32, 880, 880, 0.2),),
    "end": tuple((0.12 * i, 0.32, f, f, 0.26) for i, f in enumerate((784, 659, 523, 659, 784))),
    "move": ((0, 0.05, 340, 380, 0.12),),
}

# Which effect belongs to an event, by the words in its name.
CUES = (
    (re.compile(r"deliver"), "delivery"),
    (re.compile(r"^potting"), "potting"),
    (re.compile(r"^collision$"), "bump"),
    (re.compile(r"^soup_pickup$"), "soup"),
    (re.compile(r"^(?!useful).*_pickup$"), "pickup"),
    (re.compile(r"^(?!useful).*_drop$"), "drop"),
)


def cue(event: str) -> str | None:
    """The effect of an event, or None for a silent one."""
    return next((effect for pattern, effect in CUES if pattern.search(event)), None)


def synthesise(notes: tuple[Note, ...]) -> NDArray[np.int16]:
    """Samples [S] of an effect at `RATE`; each note is a soft triangle-like tone that dies away."""
    end = max(start + length for start, length, *_ in notes)
    samples = np.zeros(int(end * RATE) + 1)
    for start, length, low, high, loudness in notes:
        steps = np.arange(int(length * RATE))
        part = steps / len(steps)
        phase = 2 * np.pi * np.cumsum(low * (high / low) ** part) / RATE
        tone = np.sin(phase) + np.sin(3 * phase) / 9
        attack = np.minimum(1, steps / (0.008 * RATE))
        first = int(start * RATE)
        samples[first : first + len(steps)] += loudness * tone * attack * (1 - part) ** 2
    return (np.clip(samples, -1, 1) * 32767).astype(np.int16)


class Speaker:
    """Plays effects; without an audio device every call does nothing.

    Attributes:
        on: Whether the person wants to hear anything.
    """

    def __init__(self, on: bool) -> None:
        self.on = on
        self._sounds: dict[str, pygame.mixer.Sound] = {}
        try:
            with _quiet_stderr():  # sound libraries complain there about a missing card
                pygame.mixer.init(RATE, -16, 1, 512)
        except pygame.error:
            return
        for name, notes in EFFECTS.items():
            self._sounds[name] = pygame.mixer.Sound(buffer=synthesise(notes).tobytes())

    def play(self, effect: str) -> None:
        """Starts an effect and returns at once."""
        if self.on and effect in self._sounds:
            self._sounds[effect].play()

    def close(self) -> None:
        """Gives the device back."""
        self._sounds.clear()
        pygame.mixer.quit()


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Silences what C libraries write to the standard error stream."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)
