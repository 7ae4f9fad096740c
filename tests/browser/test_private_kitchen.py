"""A person plays the private-cost kitchen in a real browser, by keyboard and by touch."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import expect

from agents.policy import SeatView
from agents.private_kitchen import worker
from play.episode import read_episode, replay_states, verify
from play.worlds.private_kitchen.world import make
from tests.browser.conftest import Visitor
from tests.browser.cook import KEYS, PADS, middle
from tests.web.serving import serving

Visit = Callable[..., Visitor]


def choose(me: Visitor, url: str, title: str, partner: str) -> None:
    """Opens the menu and picks a private kitchen and who to share it with."""
    me.page.goto(url)
    me.page.get_by_role("radio", name="Private kitchen").check(force=True)
    expect(me.page.get_by_role("heading", name="Pick a private kitchen")).to_be_visible()
    me.page.get_by_role("radio", name=title, exact=True).check(force=True)
    me.page.get_by_role("radio", name=partner).check(force=True)


def work(me: Visitor, press: Callable[[int], None]) -> None:
    """Plays to the end as the solved worker would, by what the server tells the page."""
    expect(me.page.locator("#game")).to_be_visible()
    game = me.wire.of("game")[-1]
    setting = game["world"].partition("/")[2]
    world, policy = make(setting, horizon=game["horizon"], compiled=False), worker("person")
    expect(me.page.locator("#countdown")).to_be_hidden()
    seen = -1
    while me.wire.last("end") is None:
        found = me.wire.last("tick", "game")
        assert found is not None
        scene = found[1]["scene"]
        if scene["t"] == seen or scene["t"] >= game["horizon"]:
            me.page.wait_for_timeout(4)
            continue
        seen = scene["t"]
        world.set_states(row_of(scene)[None])
        view = SeatView(world, 0, game["seat"])
        action = int(policy.act(None, [view], None, np.array([0.5])).actions[0])
        if KEYS[action] is not None:
            press(action)


def row_of(scene: dict[str, Any]) -> np.ndarray:
    """The state row of a drawn scene."""
    players = [
        (5 * p["y"] + p["x"], p["dir"], int(p["held"] is not None)) for p in scene["players"]
    ]
    return np.array([scene["t"], *players[0], *players[1], *scene["onions"]], np.int32)


def test_a_game_by_keyboard_with_points_of_ones_own(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=150) as server:
        me = visit()
        choose(me, server.url, "Dear Steps", "Free-rider")
        expect(me.page.locator("#howto")).to_contain_text("Each step costs its walker 1.25")
        expect(me.page.locator("#dynamics-field")).to_be_hidden()
        me.shot("private-menu")
        me.page.locator("#play").click()
        work(me, lambda action: me.page.keyboard.press(str(KEYS[action])))
        shown = [float(text) for text in me.page.locator("#chefs .own").all_text_contents()]
        total = float(me.page.locator("#score").text_content() or "")
        expect(me.page.locator("#end-chefs table")).to_be_visible()
        me.shot("private-end")
        heading = me.page.locator("#end-title").inner_text()
        rows = me.page.locator("#end-chefs tbody tr").all_inner_texts()
    (record,) = tmp_path.glob("*.episode.jsonl")
    assert verify(record).steps == 50
    episode = read_episode(record)
    assert episode.header["world"] == "private-kitchen/dear"
    own = np.sum([tick["rewards"] for tick in episode.ticks], axis=0)
    events = np.zeros((2, 6), np.int64)
    for world in replay_states(episode):
        events += world.events[0]
    moves, potted = events[:, 1], events[:, 5]
    assert potted[0] > 0, "the keys did not reach the kitchen"
    assert events[1].tolist() == [50, 0, 0, 0, 0, 0], "a free-rider stands still"
    assert shown == np.round(own, 2).tolist()
    assert total == round(float(own.sum()), 2)
    assert float(heading.split()[0]) == total
    assert [row.split("\t")[0] for row in rows] == [
        "Own points", "Private cost", "Onions fetched", "Onions potted",
    ]  # fmt: skip
    cost = 1.25 * moves[0] + 2 * events[0, 3]
    assert [float(part) for part in rows[1].split()[2:]] == [round(cost, 2), 0.0]
    assert me.errors == []


def test_a_game_by_touch_on_a_phone(visit: Visit, tmp_path: Path) -> None:
    phone = {"has_touch": True, "is_mobile": True, "device_scale_factor": 3}
    with serving(tmp_path, tick_ms=150) as server:
        me = visit(360, 640, **phone)
        choose(me, server.url, "Plenty of Onions", "Worker")
        wide = "document.documentElement.scrollWidth"
        assert me.page.evaluate(wide) == 360
        me.page.locator("#play").tap()
        expect(me.page.locator("#touch")).to_be_visible()
        expect(me.page.locator(".pad-act")).to_be_hidden()  # there is nothing to use
        places = [middle(me.page.locator(pad)) if pad else (0.0, 0.0) for pad in PADS[:4]]
        assert me.page.evaluate(wide) == 360
        work(me, lambda action: me.page.touchscreen.tap(*places[action]))
        expect(me.page.locator("#end")).to_be_visible()
        assert me.page.evaluate(wide) == 360
        me.shot("private-end-phone")
    (record,) = tmp_path.glob("*.episode.jsonl")
    assert verify(record).steps == 50
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    assert any(line["kind"] == "input" for line in lines)
    (end,) = me.wire.of("end")
    assert min(end["rows"]["onions potted"]) > 0, "both work"
    assert me.errors == []
