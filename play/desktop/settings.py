"""What a person has chosen once and for all: keys, sound, full screen, motion."""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from play.desktop.keys import default_keys
from play.worlds.errors import UserError
from play.worlds.spec import WorldFacts


@dataclass(frozen=True)
class Settings:
    """Choices that outlive a game.

    Attributes:
        sound: Whether effects are heard.
        full_screen: Whether the window fills the screen.
        reduced_motion: Whether states are shown without moving between them.
        keys: For each family of worlds, key name -> action name; missing families use the
            world's own keys.
    """

    sound: bool = True
    full_screen: bool = False
    reduced_motion: bool = False
    keys: dict[str, dict[str, str]] = field(default_factory=dict)

    def keys_for(self, facts: WorldFacts) -> dict[str, str]:
        """The keyboard map of a world."""
        return self.keys.get(family(facts)) or default_keys(facts)

    def flipped(self, name: str) -> "Settings":
        """These settings with one of the true-or-false choices turned round."""
        change: dict[str, Any] = {name: not getattr(self, name)}
        return replace(self, **change)

    def bound(self, facts: WorldFacts, action: str, code: str) -> "Settings":
        """These settings with `code` as the only key of `action`, and of nothing else."""
        kept = {key: name for key, name in self.keys_for(facts).items() if key != code}
        kept = {key: name for key, name in kept.items() if name != action}
        return replace(self, keys={**self.keys, family(facts): {**kept, code: action}})

    def unbound(self, facts: WorldFacts) -> "Settings":
        """These settings with the world's own keys."""
        return replace(self, keys={k: v for k, v in self.keys.items() if k != family(facts)})


def family(facts: WorldFacts) -> str:
    """Worlds of one family share their keys."""
    return facts.world.partition("/")[0]


def settings_path() -> Path:
    """Where the settings are kept: the platform's folder for the configuration of programs."""
    if os.name == "nt":
        base = Path(os.environ.get("APPDATA", Path.home()))
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "understudy" / "desktop.json"


def load_settings(path: Path) -> Settings:
    """Reads the settings; a missing file means the defaults.

    Raises:
        UserError: The file is not what `save_settings` writes.
    """
    if not path.exists():
        return Settings()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        settings = Settings(**found)
        _check(settings)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"The settings in {path} cannot be read ({error}): mend or delete the file"
        ) from error
    return settings


def _check(settings: Settings) -> None:
    values: dict[str, Any] = asdict(settings)
    for name in ("sound", "full_screen", "reduced_motion"):
        if not isinstance(values[name], bool):
            raise ValueError(f"{name} must be true or false, not {values[name]!r}")
    maps = settings.keys.values() if isinstance(settings.keys, dict) else [None]
    for keys in maps:
        if not isinstance(keys, dict) or not all(isinstance(v, str) for v in keys.values()):
            raise ValueError("keys must map each family to {key: action}")


def save_settings(path: Path, settings: Settings) -> None:
    """Writes the settings; a full or read-only disk costs the choice, not the game."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(settings), indent=2) + "\n", encoding="utf-8")
        fresh.replace(path)
    except OSError:
        return
