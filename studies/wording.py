"""Texts of a study in the languages that it is offered in."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel, model_validator
from pydantic_core import PydanticCustomError


class Part(BaseModel):
    """A part of the study file: it never changes, and knows every key that it may have."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, data: Any) -> Any:
        """Refuses unknown keys by name, so that the message can say which ones there are."""
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    raise PydanticCustomError(
                        "unknown_key",
                        "there is no such key here; allowed are {allowed}",
                        {"key": str(key), "allowed": ", ".join(cls.model_fields)},
                    )
        return data


class Text(RootModel[str | dict[str, str]]):
    """A text: one for all languages, or one for each."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    def into(self, language: str) -> str:
        """The text in a language.

        Raises:
            KeyError: It lacks the language; `studies.checks` refuses such a study.
        """
        return self.root if isinstance(self.root, str) else self.root[language]

    def lacks(self, languages: list[str]) -> list[str]:
        """The languages in which there is no text."""
        if isinstance(self.root, str):
            return [] if self.root else languages
        return [language for language in languages if not self.root.get(language)]

    @property
    def longest(self) -> str:
        """The longest of the texts."""
        return self.root if isinstance(self.root, str) else max(self.root.values(), key=len)


Path = tuple[str | int, ...]
"""Where something is in the study file: keys and positions, outermost first."""


def texts_of(value: Any, path: Path = ()) -> Iterator[tuple[Path, Text]]:
    """Every text below a part of a study, with its place."""
    if isinstance(value, Text):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from texts_of(getattr(value, name), (*path, name))
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from texts_of(entry, (*path, name))
    elif isinstance(value, (list, tuple)):
        for index, entry in enumerate(value):
            yield from texts_of(entry, (*path, index))
