"""Takes docs/images/desktop.png from a real game: `python -m tests.desktop.pictures`."""

import tempfile
from pathlib import Path
from typing import Any

from tests.desktop.cook import Cook
from tests.desktop.xvfb import Desk

IMAGE = Path(__file__).resolve().parents[2] / "docs" / "images" / "desktop.png"
LAYOUT = "coordination_ring"
SOON, LATE = 120, 340


def lively(scene: dict[str, Any]) -> bool:
    """Whether there is much to see: a pot on the fire, full hands, and cooks side by side."""
    one, other = scene["players"]
    apart = one["x"] != other["x"]  # the one below would hide the other
    cooking = any(pot["tick"] >= 0 and not pot["ready"] for pot in scene["pots"])
    busy = one["held"] and other["held"]
    return (scene["t"] > SOON and bool(cooking and apart and busy)) or scene["t"] > LATE


def main() -> None:
    """Plays beside the shipped SRPO partner until there is much to see."""
    partner = f"kitchen/{LAYOUT}/srpo"
    with tempfile.TemporaryDirectory() as name, Desk(Path(name), 1280, 720) as desk:
        games = Path(name) / "games"
        options = ["--layout", LAYOUT, "--partner", partner, "--episodes-dir", str(games)]
        desk.start(["play", "--desktop", "--full-screen", "--seed", "3", *options])
        Cook(desk, games).play(lively)
        desk.keep(IMAGE)
        desk.close_window()
        desk.leave()
    print(f"{IMAGE.name}: {IMAGE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
