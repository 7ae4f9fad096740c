"""People play in a real browser: by keyboard, by touch, through a cut wire, and in pairs."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from play.episode import read_episode, verify
from play.web.server import PlayServer
from tests.browser.conftest import Visitor
from tests.web.serving import Wire, serving

Visit = Callable[..., Visitor]
KEYS = ("ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "KeyW", "KeyA", "KeyS", "KeyD", "Space")


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def only_record(folder: Path) -> Path:
    (path,) = folder.glob("*.episode.jsonl")
    return path


def score_of(page: Page) -> int:
    return int(page.locator("#end-title").inner_text().split()[0])


def play_until_the_end(page: Page, seed: int) -> None:
    """Presses keys as a person does: one after the other, some held for several ticks."""
    chance = random.Random(seed)
    while page.locator("#end").is_hidden():
        page.keyboard.press(chance.choice(KEYS), delay=chance.choice((5, 40, 120)))


def port_of(server: PlayServer) -> int:
    return urlsplit(server.url).port or 0


def test_a_full_game_by_keyboard_beside_the_shipped_policy(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=25, countdown_ms=1200) as server:
        me = visit()
        me.page.goto(server.url)
        expect(me.page.get_by_role("radio", name=re.compile("Cramped Room"))).to_be_checked()
        me.shot("menu-desktop")
        me.page.keyboard.press("Enter")  # one key starts a game with the defaults
        expect(me.page.locator("#countdown")).to_be_visible()
        expect(me.page.locator("#countdown")).to_be_hidden()
        me.page.keyboard.press("ArrowLeft")
        play_until_the_end(me.page, seed=1)
        expect(me.page.locator("#end-chefs table")).to_be_visible()
        me.shot("end-desktop")
        score = score_of(me.page)
    record = only_record(tmp_path)
    report = verify(record)
    assert report.steps == 400
    header, end = lines_of(record)[0], lines_of(record)[-1]
    assert header["world"] == "kitchen/cramped_room"
    assert header["seats"][1]["policy"].endswith("/srpo")
    assert end["score"] == score
    mine = {tick["actions"][0] for tick in lines_of(record) if tick["kind"] == "tick"}
    assert len(mine) >= 5, "the keys did not reach the kitchen"
    hosts = {urlsplit(url).netloc for url in me.requests if not url.startswith("blob:")}
    assert hosts == {urlsplit(server.url).netloc}, "something was asked of another host"
    assert me.errors == []


def test_a_game_by_touch_on_a_phone(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=40) as server:
        me = visit(360, 740, has_touch=True, is_mobile=True, device_scale_factor=2)
        me.page.goto(server.url)
        wide = "document.documentElement.scrollWidth"
        assert me.page.evaluate(wide) == 360
        me.shot("menu-phone")
        me.page.locator("#play").tap()
        expect(me.page.locator("#game")).to_be_visible()
        expect(me.page.locator("#touch")).to_be_visible()
        assert me.page.evaluate(wide) == 360
        act = me.page.locator(".pad-act")
        for name in ("Left", "Up", "Right", "Down") * 3:
            me.page.get_by_role("button", name=name, exact=True).tap()
            act.tap()
        me.shot("game-phone")
        expect(me.page.locator("#end")).to_be_visible(timeout=40_000)
        me.shot("end-phone")
    record = only_record(tmp_path)
    assert verify(record).steps == 400
    pressed = {line["action"] for line in lines_of(record) if line["kind"] == "input"}
    assert pressed == {0, 1, 2, 3, 5}
    assert me.errors == []


def test_a_dropped_connection_resumes_into_the_same_game(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=30) as server:
        wire = Wire(port_of(server))
        me = visit()
        me.page.goto(wire.url)
        me.page.locator("#play").click()
        expect(me.page.locator("#countdown")).to_be_hidden()
        me.page.keyboard.press("ArrowRight", delay=60)
        wire.cut()
        expect(me.page.locator("#overlay-title")).to_have_text("Connection lost")
        me.page.wait_for_timeout(500)
        me.shot("lost-desktop")
        wire.mend()
        expect(me.page.locator("#overlay")).to_be_hidden()
        me.page.keyboard.press("Space", delay=60)
        expect(me.page.locator("#end")).to_be_visible(timeout=40_000)
        wire.close()
    record = only_record(tmp_path)  # one record: it was one game
    assert verify(record).steps == 400
    connections = [line for line in lines_of(record) if line["kind"] == "connection"]
    assert len(connections) == 2


def test_two_people_through_a_link(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=25) as server:
        host, guest = visit(), visit()
        host.page.goto(server.url)
        host.page.locator("#invite").click()
        expect(host.page.locator("#lobby-title")).to_be_visible()
        link = host.page.locator("#lobby-link").input_value()
        host.shot("lobby-desktop")
        guest.page.goto(link)
        expect(guest.page.locator("#game")).to_be_visible()
        expect(host.page.locator("#game")).to_be_visible()
        expect(host.page.locator("#countdown")).to_be_hidden()
        host.page.keyboard.press("ArrowLeft", delay=60)
        guest.page.keyboard.press("ArrowRight", delay=60)
        expect(host.page.locator("#end")).to_be_visible(timeout=40_000)
        expect(guest.page.locator("#end")).to_be_visible()
        assert score_of(host.page) == score_of(guest.page)
        first = only_record(tmp_path)
        host.page.locator("#again").click()
        expect(guest.page.locator("#end-text")).to_have_text("1 of 2 want to play again.")
        guest.page.locator("#again").click()
        expect(guest.page.locator("#game")).to_be_visible()
        guest.page.locator("#leave").click()
        expect(host.page.locator("#end-kicker")).to_contain_text("left the kitchen")
    assert verify(first).steps == 400
    inputs = [line for line in lines_of(first) if line["kind"] == "input" and line["down"]]
    assert {(line["seat"], line["action"]) for line in inputs} == {(0, 3), (1, 2)}
    assert host.errors == [] == guest.errors


def test_the_second_tab_takes_over(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=60) as server:
        me = visit()
        me.page.goto(server.url)
        me.page.locator("#play").click()
        expect(me.page.locator("#countdown")).to_be_hidden()
        second = me.open()
        second.goto(server.url)
        expect(second.locator("#game")).to_be_visible()
        expect(me.page.locator("#notice-title")).to_have_text("The game moved to another tab")
        me.shot("replaced-desktop")
        me.page.get_by_role("button", name="Take it back here").click()
        expect(me.page.locator("#game")).to_be_visible()
        expect(second.locator("#notice-title")).to_have_text("The game moved to another tab")
        me.page.locator("#leave").click()
        expect(me.page.locator("#menu")).to_be_visible()
    assert read_episode(only_record(tmp_path)).end["reason"] == "left"


def test_watching_two_agents_and_the_replay(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=20) as server:
        me = visit()
        me.page.goto(server.url)
        me.page.locator("#watch").click()
        me.page.locator("#watch").click()
        expect(me.page.locator("#game")).to_be_visible()
        expect(me.page.locator("#end")).to_be_visible(timeout=40_000)
        assert score_of(me.page) > 0
        me.page.locator("#end-replay").click()
        expect(me.page.locator("#position")).to_have_text(re.compile(r"^[1-9]\d* / 400$"))
        me.page.locator("#toggle").click()
        me.page.locator("#scrub").fill("123")
        expect(me.page.locator("#position")).to_have_text("123 / 400")
        me.page.locator("#forward").click()
        expect(me.page.locator("#position")).to_have_text("124 / 400")
        expect(me.page.locator("#minds .bar")).to_have_count(12)
        me.shot("replay-desktop")
    assert me.errors == []


def test_keys_can_be_remapped_and_stay_so(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=60) as server:
        me = visit()
        me.page.goto(server.url)
        me.page.get_by_role("button", name="Controls").click()
        me.shot("controls-desktop")
        me.page.get_by_role("button", name="Change the key for Use").click()
        me.page.keyboard.press("KeyK")
        expect(me.page.locator("#keys-message")).to_have_text("“Use” is now K.")
        me.page.get_by_role("button", name="Done").click()
        me.page.reload()
        me.page.locator("#play").click()
        expect(me.page.locator("#countdown")).to_be_hidden()
        me.page.keyboard.press("Space", delay=80)
        me.page.keyboard.press("KeyK", delay=80)
        me.page.locator("#leave").click()
        expect(me.page.locator("#menu")).to_be_visible()
    inputs = [line for line in lines_of(only_record(tmp_path)) if line["kind"] == "input"]
    assert [(line["action"], line["down"]) for line in inputs] == [(5, True), (5, False)]


def test_a_large_screen(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=60) as server:
        me = visit(3840, 2160, color_scheme="dark", reduced_motion="reduce")
        me.page.goto(server.url)
        expect(me.page.locator("#play")).to_be_in_viewport()
        me.shot("menu-4k")
        me.page.locator("#play").click()
        expect(me.page.locator("#countdown")).to_be_hidden()
        me.page.wait_for_timeout(1500)
        me.shot("game-4k")
        sizes = me.page.evaluate("[canvas.width, canvas.height]")
        assert sizes[0] > 1200
        assert me.errors == []
