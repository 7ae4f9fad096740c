"""Takes the pictures in docs/images from real games: `python -m tests.browser.pictures`."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chaser import Chaser, HeldKey
from tests.browser.conftest import ARGUMENTS, CHROMIUM, Visitor
from tests.browser.cook import Press, by_keyboard, by_touch
from tests.web.serving import serving

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
SOON, LATE = 120, 340


def lively(scene: dict[str, Any]) -> bool:
    """Whether there is much to see: a pot on the fire, a full hand, and cooks who stand apart."""
    one, other = scene["players"]
    apart = one["x"] != other["x"]  # the one below would hide the other
    cooking = any(pot["tick"] >= 0 and not pot["ready"] for pot in scene["pots"])
    busy = one["held"] or other["held"]
    return bool(cooking and apart and busy) or scene["t"] > LATE


def visitor(browser: Browser, width: int, height: int, **options: Any) -> Visitor:
    """A browser of its own, in the colours of the day."""
    size = {"width": width, "height": height}
    return Visitor(browser.new_context(viewport=size, color_scheme="light", **options))


def keep(page: Page, name: str) -> None:
    """Writes a picture."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def play(person: Visitor, way: Callable[[Page], Press], name: str) -> None:
    """Plays what the menu has chosen to its end, with a picture on the way."""
    person.page.locator("#play").click()
    expect(person.page.locator("#game")).to_be_visible()
    expect(person.page.locator("#countdown")).to_be_hidden()
    cook = person.cook(way)

    def worth_it() -> bool:
        found = person.wire.last("tick")
        return found is not None and found[1]["t"] > SOON and lively(found[1]["scene"])

    cook.play(worth_it)
    keep(person.page, name)
    cook.play_to_the_end()
    expect(person.page.locator("#end")).to_be_visible()


def take(browser: Browser, url: str) -> None:
    """Takes all of them."""
    desk = visitor(browser, 1280, 800)
    desk.page.goto(url)
    expect(desk.page.locator("#play")).to_be_visible()
    desk.page.wait_for_timeout(2000)  # the kitchens' drawings
    keep(desk.page, "menu")
    desk.page.get_by_role("radio", name="Asymmetric Advantages", exact=True).check(force=True)
    play(desk, by_keyboard, "game")
    desk.page.wait_for_timeout(2500)  # the soups appear one by one
    keep(desk.page, "end")
    phone = visitor(browser, 360, 640, has_touch=True, is_mobile=True, device_scale_factor=2)
    phone.page.goto(url)
    play(phone, by_touch, "phone")


def take_tag(browser: Browser, url: str) -> None:
    """A game of tag at a moment when somebody has just been touched."""
    desk = visitor(browser, 1280, 800)
    desk.page.goto(url)
    desk.page.locator("#play").click()
    expect(desk.page.locator("#game")).to_be_visible()
    expect(desk.page.locator("#countdown")).to_be_hidden()
    chaser, keys = Chaser(desk), HeldKey(desk.page)

    def touched() -> bool:
        found = desk.wire.last("tick")
        return found is not None and found[1]["t"] > 30 and bool(found[1]["scene"]["touches"])

    chaser.play(lambda scene: keys.hold(chaser.best_key(scene)), touched)
    desk.page.wait_for_timeout(350)  # the sparks fly
    keep(desk.page, "tag")


def main() -> None:
    """Starts two servers and a browser."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), countdown_ms=1500, world="tag/simple", seed=4) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        take_tag(browser, server.url)
        browser.close()
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), countdown_ms=1500) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        take(browser, server.url)
        browser.close()


if __name__ == "__main__":
    main()
