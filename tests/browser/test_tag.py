"""Tag in a real browser: by keyboard, by a dragged finger on a phone, and watched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from agents.library import list_partners
from play.episode import read_episode, verify
from play.worlds.registry import make_world
from tests.browser.chaser import Chaser, HeldKey
from tests.browser.conftest import Visitor
from tests.browser.test_play import COUNTED, await_go, invitation, lines_of, only_record
from tests.web.serving import serving

Visit = Callable[..., Visitor]
VIEW = 1.16  # half-widths that the picture shows to each side
OPTIONS = {"horizon": 150, "starts": "apart"}
TICK_MS = 60
RUNNERS = ["Trained runner", "Second trained runner", "Fugitive", "Random player", "Statue"]
RUNNER = "tag/simple/runner"
FACTS = make_world("tag/simple").facts
PARTNER = next(p.name for p in list_partners(FACTS.world) if p.takes(FACTS, [1]))


def test_a_round_by_keyboard_against_a_runner_that_stands_still(
    visit: Visit, tmp_path: Path
) -> None:
    with serving(
        tmp_path, world="tag/simple", options=OPTIONS, tick_ms=TICK_MS, countdown_ms=1200
    ) as server:
        me = visit()
        me.page.goto(server.url)
        expect(me.page.locator("#partners")).to_contain_text("Pursuer")
        for name in ("Fugitive", "Trained runner"):
            expect(me.page.locator("#partners")).not_to_contain_text(name)
        runner = me.page.get_by_role("combobox", name="The runner")
        expect(runner.locator("option")).to_have_text(RUNNERS)
        expect(runner).to_have_value("tag/simple/runner")
        me.shot("tag-menu")
        runner.select_option("stay")
        me.page.evaluate(COUNTED)
        me.page.locator("#play").click()
        await_go(me.page)
        assert me.page.evaluate("window.counted"), "the game began without a countdown"
        chaser = Chaser(me)
        keys = HeldKey(me.page)

        def hold(scene: dict[str, Any]) -> None:
            keys.hold(chaser.best_key(scene))

        chaser.play(hold, lambda: chaser.seen > 40)
        me.shot("tag-game")
        chaser.play(hold, chaser.ended)
        expect(me.page.get_by_role("button", name="Play again")).to_be_focused()
        me.shot("tag-end")
        (end,) = me.wire.of("end")
        # How often depends on the machine: on a busy one keys come late. Without keys it is never.
        assert end["rows"]["touches"][0] > 0, "the keys did not reach the field"
        assert end["rows"]["touches"][2] == 0
        assert me.page.locator("#end-title").inner_text() == end["heading"]
        me.page.get_by_role("button", name="Play again").click()  # the same three once more
        await_go(me.page)
        me.page.locator("#leave").click()
    first = min(tmp_path.glob("*.episode.jsonl"))  # ids sort by time
    episode = read_episode(first)
    assert verify(first).steps == 150
    assert [seat["policy"] for seat in episode.header["seats"]] == [None, PARTNER, "stay"]
    assert end["heading"] == f"{episode.end['score']:g} points"
    assert episode.end["score"] == 10 * sum(end["rows"]["touches"])
    assert me.errors == []


def spot(page: Page, player: dict[str, float]) -> tuple[float, float]:
    """Where somebody is on the page."""
    box = page.locator("#canvas").bounding_box()
    assert box is not None
    return (
        box["x"] + box["width"] * (player["x"] / VIEW + 1) / 2,
        box["y"] + box["height"] * (1 - player["y"] / VIEW) / 2,
    )


@pytest.mark.full
def test_a_round_by_a_dragged_finger_on_a_phone(visit: Visit, tmp_path: Path) -> None:
    phone = {"has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    with serving(tmp_path, world="tag/simple", options=OPTIONS, tick_ms=TICK_MS) as server:
        me = visit(360, 740, **phone)
        me.page.goto(server.url)
        expect(me.page.locator("#play")).to_be_visible()
        wide = "document.documentElement.scrollWidth"
        assert me.page.evaluate(wide) == 360
        me.shot("tag-menu-phone")
        me.page.get_by_role("combobox", name="The runner").select_option("stay")
        me.page.locator("#play").tap()
        await_go(me.page)
        assert me.page.evaluate(wide) == 360
        expect(me.page.locator("#touch")).to_be_hidden()  # the finger is on the field
        expect(me.page.locator("#help")).to_contain_text("Drag a finger")
        expect(me.page.locator("#help")).not_to_contain_text("WASD")
        chaser = Chaser(me)
        me.page.mouse.move(*spot(me.page, chaser.game["scene"]["players"][2]))
        me.page.mouse.down()  # a pointer like a finger, and one that can be moved

        def lead(scene: dict[str, Any]) -> None:
            me.page.mouse.move(*spot(me.page, scene["players"][2]))

        chaser.play(lead, lambda: chaser.seen > 40)
        me.shot("tag-game-phone")
        chaser.play(lead, lambda: chaser.seen > 120)
        me.page.mouse.up()
        me.page.wait_for_timeout(250)
        released = chaser.seen
        chaser.play(lambda scene: None, chaser.ended)
        me.shot("tag-end-phone")
        (end,) = me.wire.of("end")
    record = only_record(tmp_path)
    episode = read_episode(record)
    assert verify(record).steps == 150
    assert end["rows"]["touches"][0] > 0, "the finger did not lead"
    inputs = lines_of(record, "input")
    assert {line["action"] for line in inputs} == {1, 2, 3, 4}
    assert {joint[0] for joint in episode.joint_actions[released + 8 :]} == {0}
    assert me.errors == []


def test_three_agents_are_watched_and_their_record_is_replayed(
    visit: Visit, tmp_path: Path
) -> None:
    options = {**OPTIONS, "horizon": 40}
    with serving(tmp_path, world="tag/simple", options=options, tick_ms=TICK_MS) as server:
        me = visit()
        me.page.goto(server.url)
        me.page.locator("#watch").click()
        me.page.locator("#partner-two").select_option("random")
        me.page.locator("#watch").click()
        await_go(me.page)
        expect(me.page.locator("#help")).to_have_text("You are watching.")
        expect(me.page.locator("#end")).to_be_visible()
        record = only_record(tmp_path)
        me.page.locator("#end-replay").click()
        expect(me.page.locator("#minds")).to_contain_text("Trained runner")
        me.page.keyboard.press("ArrowRight")
        expect(me.page.locator("#minds")).to_contain_text("%")
        me.shot("tag-replay")
    assert verify(record).steps == 40
    seats = read_episode(record).header["seats"]
    assert [seat["policy"] for seat in seats] == ["random", PARTNER, RUNNER]
    assert me.errors == []


def test_two_people_chase_one_agent(visit: Visit, tmp_path: Path) -> None:
    """Whoever is invited takes the other seat of the same role."""
    options = {**OPTIONS, "horizon": 80}
    with serving(tmp_path, world="tag/simple", options=options, tick_ms=TICK_MS) as server:
        me, other = visit(), visit()
        me.page.goto(server.url)
        me.page.locator("#invite").click()
        expect(me.page.locator("#lobby-seats li")).to_have_count(2)
        other.page.goto(invitation(me.page))
        await_go(other.page)
        other.page.keyboard.down("ArrowLeft")
        for one in (me, other):
            expect(one.page.locator("#end")).to_be_visible()
    episode = read_episode(only_record(tmp_path))
    assert [seat["kind"] for seat in episode.header["seats"]] == ["human", "human", "policy"]
    assert [seat["label"] for seat in episode.header["seats"]][:2] == [
        "Blue chaser", "Orange chaser",
    ]  # fmt: skip
    assert any(actions[1] == 1 for actions in episode.joint_actions)
    assert me.errors == other.errors == []
