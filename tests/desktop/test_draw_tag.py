"""Tag drawn by pygame: every size, whatever matters, and what happens between ticks."""

import itertools
import re
import sys

import numpy as np
import pygame
import pytest

from play.draw.renderers import make_renderer
from play.draw.sprites import ART
from play.draw.tag import VIEW, hermite
from play.worlds.registry import make_world
from play.worlds.tag.world import INSTANCES


def pixels(surface):
    return pygame.surfarray.array3d(surface).astype(int)


def game(name="tag/simple", seed=3):
    world = make_world(name, starts="apart", horizon=10_000, compiled=False)
    world.reset(seed)
    return world


def renderer_of(world, **options):
    return make_renderer(world.static_scene(), **{"my_seat": 0, "tick_ms": 100, **options})


@pytest.mark.parametrize("name", INSTANCES)
def test_every_size_draws_states_and_the_moments_between_and_after_them(headless, name):
    world = game(f"tag/{name}")
    world.draw_starts(1.0)
    world.reset(5)
    renderer, area = renderer_of(world), headless.get_rect().inflate(-40, -40)
    draws, before = np.random.default_rng(0), world.scene(0)
    for step in range(12):
        world.step(draws.integers(0, 5, (1, world.facts.num_players)))
        after = world.scene(0)
        headless.fill("#fbf3e6")
        for alpha in (0.0, 0.6, 1.0, 1.4):
            renderer.draw(headless, area, before, after, alpha, (step + alpha) * 100)
        before = after
    assert pixels(headless).std() > 20
    assert headless.get_clip() == headless.get_rect()


def drawn(surface, world, scene, **options):
    surface.fill("#fbf3e6")
    renderer = renderer_of(world, reduced_motion=True, **options)
    renderer.draw(surface, surface.get_rect(), scene, scene, 1.0, 0.0)
    return pixels(surface)


def test_whatever_matters_to_a_player_changes_the_picture(headless):
    world = game()
    still = world.scene(0)
    first = drawn(headless, world, still)
    for seat in range(3):
        moved = world.scene(0)
        moved["players"][seat]["x"] += 0.1
        looks = world.scene(0)
        looks["players"][seat]["vx"] = 1.0
        for scene in (moved, looks):
            assert np.abs(drawn(headless, world, scene) - first).max() > 60
    hit = {**still, "touches": [[0, 2]]}
    assert np.abs(drawn(headless, world, hit) - first).max() > 60
    assert np.abs(drawn(headless, world, still, my_seat=1) - first).max() > 60


def test_a_touch_is_shown_and_goes_away(headless):
    world = game()
    renderer, area = renderer_of(world), headless.get_rect()
    first = world.scene(0)
    hit = {**first, "t": 1, "touches": [[1, 2]]}
    assert renderer.cues(first, hit) == ["touch"]
    assert renderer.cues(hit, {**hit, "t": 2}) == []
    renderer.draw(headless, area, first, first, 1.0, 0.0)
    counts = []
    for t in range(1, 4):  # touched for three steps, which are one touch that grows
        before, after = (first if t == 1 else {**hit, "t": t - 1}), {**hit, "t": t}
        renderer.draw(headless, area, before, after, 1.0, 100.0 * t)
        counts.append([pop.steps for pop in renderer._pops])
    assert counts == [[1], [2], [3]]
    let_go = {**first, "t": 4}
    renderer.draw(headless, area, {**hit, "t": 3}, let_go, 1.0, 400.0)
    assert len(renderer._pops) == 1
    renderer.draw(headless, area, let_go, let_go, 1.0, 2000.0)
    assert renderer._pops == []


def test_everybody_moves_smoothly_and_goes_on_when_a_tick_is_late(headless):
    """Small steps of the clock never make anybody jump, and ticks don't change the speed."""
    world = game()
    world.draw_starts(1.0)
    world.reset(2)
    renderer, area = renderer_of(world), headless.get_rect()
    scenes = [world.scene(0)]
    for _ in range(6):
        world.step(np.array([[1, 3, 2]]))
        scenes.append(world.scene(0))
    path = []
    for before, after in itertools.pairwise(scenes):
        for alpha in np.linspace(0, 1, 20, endpoint=False):
            renderer.draw(headless, area, before, after, alpha, 0.0)
            path.append([(place.x, place.y) for place in renderer._places])
    steps = np.linalg.norm(np.diff(np.array(path), axis=0), axis=2)
    assert steps.max() < 1.4 * 0.1 * 1.3 / 20  # a little more than the top speed
    # Within the curves from the second on, the speed changes by less than a tick's whole change.
    assert np.abs(np.diff(steps[20:], axis=0)).max() < 0.3 * steps.max()
    renderer.draw(headless, area, scenes[-2], scenes[-1], 1.5, 0.0)
    for place, player in zip(renderer._places, scenes[-1]["players"], strict=True):
        assert place.x == pytest.approx(player["x"] + player["vx"] * 0.05)


def test_a_cubic_has_the_slopes_that_it_should():
    h = 1e-6
    assert (hermite(1, 3, 4, -2, 0), hermite(1, 3, 4, -2, 1)) == (1, 3)
    assert (hermite(1, 3, 4, -2, h) - 1) / h == pytest.approx(4, abs=1e-4)
    assert (3 - hermite(1, 3, 4, -2, 1 - h)) / h == pytest.approx(-2, abs=1e-4)


def test_a_finger_leads_along_the_longer_way(headless):
    world = game()
    renderer, area = renderer_of(world), pygame.Rect(40, 20, 400, 400)
    scene = world.scene(0)
    own = scene["players"][0]
    renderer.draw(headless, area, scene, scene, 1.0, 0.0)

    def towards(dx, dy):
        unit = 400 / (2 * VIEW)
        x, y = own["x"] + dx, own["y"] + dy
        return renderer.direction(240 + x * unit, 220 - y * unit)

    assert towards(0.4, 0.1) == "ArrowRight"
    assert towards(-0.4, 0.1) == "ArrowLeft"
    assert towards(0.1, 0.4) == "ArrowUp"
    assert towards(0.1, -0.4) == "ArrowDown"
    assert towards(0.01, -0.01) is None
    own["vx"] = 1.0  # glides past the finger by itself, so it must brake
    renderer.draw(headless, area, scene, scene, 1.0, 0.0)
    assert towards(0.1, 0.0) == "ArrowLeft"
    watching = renderer_of(world, my_seat=None)
    watching.draw(headless, area, scene, scene, 1.0, 0.0)
    assert watching.direction(100, 100) is None


def test_the_committed_art_is_what_its_script_writes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ART))
    import make_kitchen
    import make_tag

    monkeypatch.setattr(make_tag, "FOLDER", tmp_path)
    monkeypatch.setattr(make_kitchen, "FOLDER", tmp_path)
    make_tag.main()
    for name in ("make_kitchen", "make_tag"):
        del sys.modules[name]
    fresh = {file.name: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}
    kept = {f.name: f.read_text(encoding="utf-8") for f in (ART / "tag").iterdir()}
    assert fresh == kept


def test_art_keeps_to_what_both_rasterisers_understand():
    allowed = {"svg", "defs", "g", "path", "rect", "ellipse", "circle", "stop"}
    allowed |= {"linearGradient", "radialGradient"}
    for file in sorted((ART / "tag").glob("*.svg")):
        text = file.read_text(encoding="utf-8")
        assert set(re.findall(r"<([A-Za-z]+)", text)) <= allowed, file.name
