"""People play in a real browser: by keyboard, by touch, through a cut wire, and in pairs."""

import json
import re
import statistics
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from agents.library import list_partners, load_policy
from play.episode import read_episode, replay_states, verify
from play.web.server import PlayServer
from tests.browser.conftest import Visitor
from tests.browser.cook import by_touch
from tests.web.serving import Wire, serving

Visit = Callable[..., Visitor]
INTERACT = 5
COUNTED = """new MutationObserver((changes) => {
  window.counted ||= changes.some(({ target }) => !target.hidden);
}).observe(document.getElementById("countdown"), { attributes: true })"""


def lines_of(path: Path, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line for line in lines if line["kind"] == kind]


def only_record(folder: Path) -> Path:
    (path,) = folder.glob("*.episode.jsonl")
    return path


def score_of(page: Page) -> int:
    return int(page.locator("#end-title").inner_text().split()[0])


def port_of(server: PlayServer) -> int:
    return urlsplit(server.url).port or 0


def begin(visitor: Visitor, url: str) -> None:
    """Opens the page and starts a game with what the menu has chosen."""
    visitor.page.goto(url)
    visitor.page.locator("#play").click()
    await_go(visitor.page)


def await_go(page: Page) -> None:
    expect(page.locator("#game")).to_be_visible()
    expect(page.locator("#countdown")).to_be_hidden()


def invitation(page: Page) -> str:
    """The link of the lobby, once the server has said which it is."""
    link = page.get_by_label("Invitation link")
    expect(link).to_have_value(re.compile("/join/"))
    return link.input_value()


def done_by(visitor: Visitor, seat: int) -> int:
    """How many things a seat did, as the end screen's table has it."""
    (end,) = visitor.wire.of("end")
    return sum(counts[seat] for counts in end["rows"].values())


def test_a_full_game_by_keyboard_beside_the_shipped_policy(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=50, countdown_ms=1200) as server:
        me = visit()
        me.page.goto(server.url)
        expect(me.page.get_by_role("radio", name="Cramped Room", exact=True)).to_be_checked()
        me.shot("menu-desktop")
        me.page.evaluate(COUNTED)
        me.page.keyboard.press("Enter")  # one key starts a game with the defaults
        await_go(me.page)
        assert me.page.evaluate("window.counted"), "the game began without a countdown"
        cook = me.cook()
        cook.play(lambda: cook.seen > 150)
        me.shot("game-desktop")
        cook.play_to_the_end()
        expect(me.page.locator("#end-chefs table")).to_be_visible()
        expect(me.page.get_by_role("button", name="Play again")).to_be_focused()
        me.shot("end-desktop")
        score = score_of(me.page)
    record = only_record(tmp_path)
    assert verify(record).steps == 400
    episode = read_episode(record)
    assert episode.header["world"] == "kitchen/cramped_room"
    assert episode.header["seats"][1]["policy"] == "kitchen/cramped_room/srpo"
    assert episode.end["score"] == score
    # How well they cook depends on the machine: on a busy one keys and decisions come late.
    assert episode.inputs, "the keys did not reach the kitchen"
    assert done_by(me, 0) + done_by(me, 1) >= 1
    late = ["fallback" in decision for line in episode.ticks for decision in line["decisions"]]
    assert not all(late), "the policy did not play"
    if not any(late):
        assert score >= 40, "two soups are little for two cooks"
    assert me.places() == {urlsplit(server.url).netloc}
    assert me.errors == []


def test_a_game_by_touch_on_a_phone(visit: Visit, tmp_path: Path) -> None:
    options = {"horizon": 200}
    phone = {"has_touch": True, "is_mobile": True, "device_scale_factor": 3}
    with serving(tmp_path, tick_ms=60, options=options) as server:
        me = visit(360, 640, **phone)
        me.page.goto(server.url)
        expect(me.page.locator("#play")).to_be_visible()
        wide = "document.documentElement.scrollWidth"
        assert me.page.evaluate(wide) == 360
        me.shot("menu-phone")
        me.page.locator("#play").tap()
        await_go(me.page)
        expect(me.page.locator("#touch")).to_be_visible()
        assert me.page.evaluate(wide) == 360
        cook = me.cook(by_touch)
        cook.play(lambda: cook.seen > 100)
        me.shot("game-phone")
        cook.play_to_the_end()
        expect(me.page.locator("#end")).to_be_visible()
        assert me.page.evaluate(wide) == 360
        me.shot("end-phone")
        score = score_of(me.page)
    record = only_record(tmp_path)
    assert verify(record).steps == 200
    assert score == read_episode(record).end["score"]
    assert done_by(me, 0) + done_by(me, 1) >= 1
    assert INTERACT in {line["action"] for line in lines_of(record, "input")}
    assert me.errors == []


def test_what_a_thumb_needs_is_large_enough(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=200) as server:
        me = visit(360, 640, has_touch=True, is_mobile=True)
        me.page.goto(server.url)
        expect(me.page.locator("#play")).to_be_visible()
        assert small_targets(me.page) == []
        me.page.locator("#play").tap()
        await_go(me.page)
        assert small_targets(me.page) == []
        me.page.locator("#leave").tap()
        expect(me.page.locator("#menu")).to_be_visible()


def small_targets(page: Page) -> list[str]:
    """What can be seen and pressed but is less than 44 px high or wide."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("button, a, summary, select, label, input")]
          .filter((node) => node.checkVisibility() && !node.closest(".visually-hidden"))
          .filter((node) => !node.matches("label input, .skip"))
          .map((node) => [node, node.getBoundingClientRect()])
          .filter(([, box]) => Math.min(box.width, box.height) < 43.5)
          .map(([node, box]) => `${node.id || node.textContent} ${box.width}x${box.height}`)"""
    )
    return found


def test_keys_at_the_pace_of_people(visit: Visit, tmp_path: Path) -> None:
    """A press far shorter than a step counts once, a held key at every step, and no more."""
    with serving(tmp_path, tick_ms=150, options={"horizon": 50}) as server:
        me = visit()
        begin(me, server.url)
        me.page.keyboard.press("ArrowUp")
        for _ in range(100):  # until the step has been taken, which the partner may have blocked
            if len({scene["players"][0]["y"] for scene in me.wire.scenes()}) == 2:
                break
            me.page.wait_for_timeout(10)
        me.page.keyboard.down("ArrowLeft")
        for _ in range(30):  # as a keyboard repeats a key that stays down
            me.page.keyboard.down("ArrowLeft")
            me.page.wait_for_timeout(20)
        me.page.keyboard.up("ArrowLeft")
        expect(me.page.locator("#end")).to_be_visible()
    record = only_record(tmp_path)
    inputs = lines_of(record, "input")
    assert [(line["action"], line["down"]) for line in inputs] == [
        (0, True), (0, False), (3, True), (3, False),
    ]  # fmt: skip
    assert all(line["client_ms"] > 1e12 for line in inputs), "when the browser saw the key"
    times = [line["server_ms"] for line in inputs]
    assert times == sorted(times)
    mine = [line["actions"][0] for line in lines_of(record, "tick")]
    assert mine.count(0) == 1
    held = mine.count(3)
    assert held >= 2
    first = mine.index(3)
    assert mine[first : first + held] == [3] * held, "the key was held without a break"
    due = [line["due_ms"] for line in lines_of(record, "tick")]
    gaps = [round(b - a) for a, b in pairwise(due)]
    assert min(gaps) == statistics.median(gaps) == 150, "work between the steps slows the game"


def test_a_dropped_connection_resumes_into_the_same_game(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=60, options={"horizon": 90}) as server:
        wire = Wire(port_of(server))
        me = visit()
        begin(me, wire.url)
        cook = me.cook()
        cook.play(lambda: cook.seen >= 30)
        wire.cut()
        expect(me.page.locator("#overlay-title")).to_have_text("Connection lost")
        me.page.wait_for_timeout(500)
        me.shot("lost-desktop")
        wire.mend()
        expect(me.page.locator("#overlay")).to_be_hidden()
        assert len(me.wire.of("game")) == 2
        assert me.wire.of("game")[0]["id"] == me.wire.of("game")[1]["id"]
        cook.play_to_the_end()
        expect(me.page.locator("#end")).to_be_visible()
        wire.close()
    record = only_record(tmp_path)  # one record: it was one game
    assert verify(record).steps == 90
    connections = lines_of(record, "connection")
    assert [line["connected"] for line in connections] == [False, True]
    gone, back = (line["at_ms"] for line in connections)
    ticks = [line["at_ms"] for line in lines_of(record, "tick")]
    assert sum(gone < at < back for at in ticks) <= 1, "the kitchen did not wait"
    assert max(line["server_ms"] for line in lines_of(record, "input")) > back


def test_two_people_through_a_link(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=50, options={"horizon": 100}) as server:
        host, guest = visit(), visit()
        host.page.goto(server.url)
        host.page.locator("#invite").click()
        expect(host.page.locator("#lobby-title")).to_be_visible()
        link = invitation(host.page)
        host.shot("lobby-desktop")
        guest.page.goto(link)
        await_go(guest.page)
        await_go(host.page)
        host.page.keyboard.press("ArrowLeft", delay=60)
        guest.page.keyboard.press("ArrowRight", delay=60)
        expect(host.page.locator("#end")).to_be_visible()
        expect(guest.page.locator("#end")).to_be_visible()
        assert score_of(host.page) == score_of(guest.page)
        first = only_record(tmp_path)
        shown = [[tick["scene"] for tick in who.wire.of("tick")] for who in (host, guest)]
        assert len(shown[0]) == 100
        assert shown[0] == shown[1], "they saw different games"
        host.page.locator("#again").click()
        expect(guest.page.locator("#end-text")).to_have_text("1 of 2 want to play again.")
        guest.page.locator("#again").click()
        expect(guest.page.locator("#game")).to_be_visible()
        guest.page.locator("#leave").click()
        expect(host.page.locator("#end-kicker")).to_contain_text("The other player left")
    assert verify(first).steps == 100
    inputs = [line for line in lines_of(first, "input") if line["down"]]
    assert {(line["seat"], line["action"]) for line in inputs} == {(0, 3), (1, 2)}
    assert host.errors == [] == guest.errors


def test_who_stays_away_ends_the_game_for_the_other(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=100, resume_s=2) as server:
        host, guest = visit(), visit()
        host.page.goto(server.url)
        host.page.locator("#invite").click()
        guest.page.goto(invitation(host.page))
        await_go(host.page)
        guest.context.close()
        expect(host.page.locator("#overlay-title")).to_contain_text("lost the connection")
        host.shot("away-desktop")
        expect(host.page.locator("#end-kicker")).to_contain_text("did not come back")
    assert read_episode(only_record(tmp_path)).end["reason"] == "timeout"


def test_the_second_tab_takes_over(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=60) as server:
        me = visit()
        begin(me, server.url)
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
    with serving(tmp_path, tick_ms=20, options={"horizon": 200}) as server:
        me = visit()
        me.page.goto(server.url)
        me.page.get_by_role("radio", name="Duo learner").check(force=True)
        me.page.locator("#watch").click()
        me.page.get_by_label("Second agent").select_option("Duo learner (IPPO)")
        me.page.locator("#watch").click()
        expect(me.page.locator("#game")).to_be_visible()
        expect(me.page.locator("#end")).to_be_visible()
        assert score_of(me.page) > 0
        me.page.locator("#end-replay").click()
        expect(me.page.locator("#position")).to_have_text(re.compile(r"^[1-9]\d* / 200$"))
        me.page.locator("#toggle").click()
        me.page.locator("#scrub").fill("123")
        expect(me.page.locator("#position")).to_have_text("123 / 200")
        me.page.locator("#forward").click()
        expect(me.page.locator("#position")).to_have_text("124 / 200")
        expect(me.page.locator("#minds .bar")).to_have_count(12)
        me.shot("replay-desktop")
    seats = read_episode(only_record(tmp_path)).header["seats"]
    pair = ["kitchen/cramped_room/ippo-seat0", "kitchen/cramped_room/ippo-seat1"]
    assert [seat["policy"] for seat in seats] == pair
    assert me.errors == []


def test_human_proxies_play_and_remember_how_long_they_have_rested(
    visit: Visit, tmp_path: Path
) -> None:
    with serving(tmp_path, tick_ms=60, options={"horizon": 60}) as server:
        me = visit()
        me.page.goto(server.url)
        me.page.get_by_role("radio", name=re.compile("^Human proxy(?!,)")).check(force=True)
        me.page.locator("#watch").click()
        me.page.get_by_label("Second agent").select_option("Human proxy, held out")
        me.page.locator("#watch").click()
        expect(me.page.locator("#end")).to_be_visible()
        assert me.errors == []
    path = only_record(tmp_path)
    episode = read_episode(path)
    names = ["kitchen/cramped_room/human-proxy-held-out", "kitchen/cramped_room/human-proxy"]
    assert [seat["policy"] for seat in episode.header["seats"]] == names
    policies = [load_policy(name) for name in names]
    states = [policy.initial_state(1) for policy in policies]
    for world, line in zip(replay_states(episode), episode.ticks, strict=False):
        seen = world.observe(policies[0].encoding or "")
        for decided in line["decisions"]:
            seat = decided["seat"]
            if "fallback" in decided:
                continue  # it came too late, on a busy machine, and nothing is remembered of it
            found = policies[seat].act(seen[:, seat], [], states[seat], np.zeros(1))
            states[seat] = found.state
            assert decided["probabilities"] == pytest.approx(found.probabilities[0], abs=1e-3)


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
        await_go(me.page)
        me.page.keyboard.press("Space", delay=80)
        me.page.keyboard.press("KeyK", delay=80)
        me.page.locator("#leave").click()
        expect(me.page.locator("#menu")).to_be_visible()
    inputs = lines_of(only_record(tmp_path), "input")
    assert [(line["action"], line["down"]) for line in inputs] == [(5, True), (5, False)]


def test_a_gamepad_moves_and_uses(visit: Visit, tmp_path: Path) -> None:
    pad = """window.pad = {index: 0, axes: [0, 0], buttons: [{pressed: false}]};
    navigator.getGamepads = () => [null, window.pad];"""
    with serving(tmp_path, tick_ms=60) as server:
        me = visit()
        me.page.add_init_script(pad)
        begin(me, server.url)
        for change in ("axes = [0.9, 0.2]", "axes = [0.1, -0.8]", "axes = [0, 0]",
                       "buttons = [{pressed: true}]", "buttons = [{pressed: false}]"):  # fmt: skip
            me.page.evaluate(f"pad.{change}; new Promise((go) => setTimeout(go, 200))")
        me.page.locator("#leave").click()
        expect(me.page.locator("#menu")).to_be_visible()
    inputs = lines_of(only_record(tmp_path), "input")
    east, north, use = 2, 0, INTERACT
    assert [(line["action"], line["down"]) for line in inputs] == [
        (east, True), (east, False), (north, True), (north, False), (use, True), (use, False),
    ]  # fmt: skip


def tab_to(page: Page, selector: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("(s) => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def test_the_menu_by_keyboard_alone(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=60) as server:
        me = visit()
        me.page.goto(server.url)
        kitchens = me.page.get_by_role("radiogroup", name="Pick a kitchen")
        expect(kitchens.get_by_role("radio")).to_have_count(5)
        partners = me.page.get_by_role("group", name="Your partner")
        tab_to(me.page, "input[name=world]")
        me.page.keyboard.press("ArrowRight")
        name = "Asymmetric Advantages"
        expect(kitchens.get_by_role("radio", name=name)).to_be_checked()
        tab_to(me.page, "input[name=partner]")
        for _ in range(3):  # SRPO, E3T, FCP, IPPO
            me.page.keyboard.press("ArrowDown")
        expect(partners.get_by_role("radio", name="Duo learner")).to_be_checked()
        tab_to(me.page, "input[name=seat]")
        me.page.keyboard.press("ArrowRight")
        expect(partners.get_by_role("radio", name="Duo learner")).to_be_checked()
        tab_to(me.page, "input[name=tick_ms]")
        me.page.keyboard.press("ArrowLeft")
        tab_to(me.page, "#play")
        me.page.keyboard.press("Enter")
        await_go(me.page)
        tab_to(me.page, "#leave")
        me.page.keyboard.press("Enter")
        expect(me.page.get_by_role("heading", name="Pick a kitchen")).to_be_focused()
    header = read_episode(only_record(tmp_path)).header
    assert header["world"] == "kitchen/asymmetric_advantages"
    assert [seat["kind"] for seat in header["seats"]] == ["policy", "human"]
    assert header["seats"][0]["policy"] == "kitchen/asymmetric_advantages/ippo-seat0"


@pytest.mark.parametrize("layout", ["forced_coordination", "bottleneck"])
def test_one_partner_is_recommended_the_kitchens_own_if_it_has_one(
    visit: Visit, tmp_path: Path, layout: str
) -> None:
    with serving(tmp_path, world=f"kitchen/{layout}") as server:
        me = visit()
        me.page.goto(server.url)
        badges = me.page.locator("label.partner", has=me.page.locator(".badge"))
        expect(badges).to_have_count(1)
        name = next(p.name for p in list_partners(f"kitchen/{layout}") if p.recommended)
        expect(badges.locator("input")).to_have_value(name)


@pytest.mark.parametrize("world", ["kitchen/cramped_room", "tag/simple"])
def test_a_low_laptop_shows_how_to_start(visit: Visit, tmp_path: Path, world: str) -> None:
    with serving(tmp_path, world=world) as server:
        me = visit(1366, 620)
        me.page.goto(server.url)
        for name in ("Play", "Watch two agents", "Invite a person"):
            expect(me.page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)


def test_a_large_screen(visit: Visit, tmp_path: Path) -> None:
    with serving(tmp_path, tick_ms=60) as server:
        me = visit(3840, 2160, color_scheme="dark", reduced_motion="reduce")
        me.page.goto(server.url)
        expect(me.page.locator("#play")).to_be_in_viewport()
        me.shot("menu-4k")
        me.page.locator("#play").click()
        await_go(me.page)
        me.page.wait_for_timeout(1000)
        me.shot("game-4k")
        sizes = me.page.evaluate("[canvas.width, canvas.height]")
        assert sizes[0] > 1200
        assert me.errors == []
