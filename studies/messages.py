"""The words of the participant's pages that are not the study's own, from message catalogues."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CATALOGUES = Path(__file__).resolve().parent.parent / "assets" / "studies" / "messages"
GAME = "game"
"""Section of the game's own English words and what they are in the language."""


class Messages:
    """One language's catalogue.

    Attributes:
        language: Its code.
        game: English words of the game's scripts -> words of this language.
    """

    def __init__(self, language: str, words: Mapping[str, Any]) -> None:
        self.language = language
        self.game: dict[str, str] = dict(words.get(GAME) or {})
        self._words = {key: value for key, value in words.items() if key != GAME}

    def __call__(self, key: str, **values: Any) -> str:
        """The message with a key, its {placeholders} filled."""
        return str(self._words[key]).format(**values)

    def keys(self) -> set[str]:
        """All keys."""
        return set(self._words)


@cache
def messages(language: str) -> Messages:
    """The catalogue of a language."""
    text = (CATALOGUES / f"{language}.yaml").read_text(encoding="utf-8")
    return Messages(language, yaml.safe_load(text))
