"""The pygame renderer on everything that the engine can produce."""

import itertools
import re

import numpy as np
import pygame
import pytest

from play.draw import sprites
from play.draw.kitchen import item_picture, progress_svg
from play.draw.kitchen_effects import pops
from play.draw.renderers import make_renderer
from play.draw.sprites import ART, Sprites
from play.worlds.errors import UserError
from play.worlds.registry import make_world, world_names


def pixels(surface):
    return pygame.surfarray.array3d(surface).astype(int)


def difference(a, b):
    return np.abs(pixels(a) - pixels(b)).mean()


@pytest.mark.parametrize("name", world_names())
def test_every_world_draws_random_states_and_the_moments_between_them(headless, name):
    world = make_world(name, 2, compiled=False, autoreset=True)
    world.draw_starts(1.0)
    world.reset(7)
    rng = np.random.default_rng(7)
    static = world.static_scene()
    area = headless.get_rect().inflate(-40, -40)
    renderers = [make_renderer(static, my_seat=0, tick_ms=150) for _ in range(2)]
    scenes = [world.scene(env) for env in range(2)]
    for step in range(12):
        world.step(rng.integers(0, len(world.facts.actions), (2, world.facts.num_players)))
        following = [world.scene(env) for env in range(2)]
        for env, renderer in enumerate(renderers):
            headless.fill("#fbf3e6")
            for alpha in (0.0, 0.6):
                moment = step * 150 + alpha * 150
                renderer.draw(headless, area, scenes[env], following[env], alpha, moment)
        scenes = following
    assert pixels(headless).std() > 20  # something other than the ground was drawn


def still_kitchen(players, objects=(), pots=(), name="kitchen/cramped_room"):
    world = make_world(name, compiled=False)
    world.reset(0)
    scene = {"t": 0, "players": players, "objects": list(objects), "pots": list(pots)}
    return world.static_scene(), scene


def chef(x, y, facing, held=None):
    return {"x": x, "y": y, "dir": facing, "held": held}


def draw_still(surface, static, scene, my_seat=None):
    surface.fill("#fbf3e6")
    renderer = make_renderer(static, my_seat=my_seat, tick_ms=150, reduced_motion=True)
    renderer.draw(surface, surface.get_rect(), scene, scene, 1.0, 0.0)
    return surface.copy()


def test_whatever_matters_to_a_player_changes_the_picture(headless):
    pot = {"x": 2, "y": 0, "tomatoes": 0, "time": 20}
    held = [None, *({"kind": kind} for kind in ("onion", "tomato", "dish"))]
    held += [{"kind": "soup", "onions": n, "tomatoes": 3 - n} for n in range(4)]
    contents = [
        {**pot, "onions": n, "tick": tick, "ready": tick == 20}
        for n, tick in ((0, -1), (1, -1), (2, -1), (3, -1), (3, 1), (3, 10), (3, 20))
    ]
    scenes = [
        still_kitchen([chef(1, 2, f, item), chef(3, 1, 0)]) for f in range(4) for item in held
    ]
    scenes += [still_kitchen([chef(1, 2, 0), chef(3, 1, 0)], pots=[p]) for p in contents]
    small = headless.subsurface((0, 0, 320, 240))
    pictures = [pixels(draw_still(small, *scene)).astype(np.int16) for scene in scenes]
    for (i, a), (j, b) in itertools.combinations(enumerate(pictures), 2):
        assert np.abs(a - b).sum() > 800, (i, j)


# Viénot, Brettel and Mollon (1999): linear RGB as a person without one kind of cone sees it.
BLINDNESS = {
    "protanopia": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deuteranopia": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    "no colour at all": [[0.2126, 0.7152, 0.0722]] * 3,
}


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("facing", "nsew")
def test_hats_differ_without_colour(headless, blindness, facing):
    art = Sprites("kitchen")
    hats = []
    for seat in range(4):
        headless.fill("#ecd9b8")
        headless.blit(art.get(f"chef-{seat}-{facing}", 100, 120), (0, 0))
        hat = pixels(headless.subsurface((0, 0, 100, 44))) / 255
        hats.append((hat**2.2 @ np.array(BLINDNESS[blindness]).T).clip(0, 1) ** (1 / 2.2))
    for a, b in itertools.combinations(hats, 2):
        # At least a tenth of the hat's box looks clearly different.
        assert (np.abs(a - b).max(axis=2) > 0.2).mean() > 0.1


def test_the_own_chef_is_marked(headless):
    scene = still_kitchen([chef(1, 2, 0), chef(3, 1, 0)])
    none, own, other = (draw_still(headless, *scene, my_seat=seat) for seat in (None, 0, 1))
    assert difference(none, own) > 0.2
    assert difference(own, other) > 0.2


def test_chefs_glide_between_ticks_unless_motion_is_reduced(headless):
    static, before = still_kitchen([chef(1, 2, 2), chef(3, 1, 0)])
    after = {**before, "t": 1, "players": [chef(2, 2, 2), chef(3, 1, 0)]}

    def frame(alpha, reduced):
        renderer = make_renderer(static, my_seat=None, tick_ms=150, reduced_motion=reduced)
        headless.fill("#fbf3e6")
        renderer.draw(headless, headless.get_rect(), before, after, alpha, 0.0)
        return headless.copy()

    assert difference(frame(0.3, False), frame(0.7, False)) > 0.2
    assert difference(frame(0.3, True), frame(1.0, True)) == 0


def test_a_served_soup_shows_its_points():
    static, before = still_kitchen([chef(3, 2, 1, {"kind": "soup", "onions": 3, "tomatoes": 0})])
    after = {**before, "t": 1, "players": [chef(3, 2, 1)]}
    assert [(pop.kind, pop.words, pop.x, pop.y) for pop in pops(static, before, after, 0.0)] == [
        ("points", "+20", 3, 3)
    ]
    wrong = [chef(3, 2, 1, {"kind": "soup", "onions": 1, "tomatoes": 2})]
    assert [pop.words for pop in pops(static, {**before, "players": wrong}, after, 0.0)] == ["0"]


def test_an_onion_of_the_private_kitchen_rises_as_points_where_it_was_earned(headless):
    static = make_world("private-kitchen/released", compiled=False).static_scene()
    held = {"kind": "onion"}
    before = {"t": 3, "players": [chef(2, 1, 1, held), chef(2, 4, 2)], "onions": [True, True]}
    after = {"t": 4, "players": [chef(2, 1, 1), chef(3, 4, 2, held)], "onions": [True, False]}
    renderer = make_renderer(static, my_seat=None, tick_ms=400)
    frames = []
    for time in (0.0, 300.0, 5000.0):
        headless.fill("#fbf3e6")
        renderer.draw(headless, headless.get_rect(), before, after, 1.0, time)
        frames.append(pixels(headless))
    gold = [(np.abs(frame - (255, 226, 122)).max(axis=2) < 8) for frame in frames]
    assert gold[1].sum() > gold[2].sum() + 50, "points are written in gold, and fade"
    x, y = (np.nonzero(gold[1] & ~gold[2])[axis] / 64 for axis in (0, 1))  # tiles of 64 pixels
    over_pot = (np.abs(x - 5) < 0.6) & (np.abs(y - 3.6) < 0.7)
    at_onion = (np.abs(x - 6) < 0.6) & (np.abs(y - 5.6) < 0.7)
    assert over_pot.sum() > 50
    assert at_onion.sum() > 50
    assert (over_pot | at_onion).all()


def test_a_soup_put_on_a_counter_earns_nothing_yet():
    static, before = still_kitchen([chef(1, 2, 3, {"kind": "soup", "onions": 3, "tomatoes": 0})])
    after = {**before, "t": 1, "players": [chef(1, 2, 3)]}
    assert [pop.kind for pop in pops(static, before, after, 0.0)] == ["touch"]


@pytest.mark.parametrize("size", [7, 33, 64, 217])
def test_art_is_rasterised_at_the_size_asked_for(headless, size):
    art = Sprites("kitchen")
    assert art.get("onion", size, size).get_size() == (size, size)
    assert art.get("shadow", size, size * 0.3).get_size() == (size, max(1, round(size * 0.3)))


def test_art_keeps_to_what_both_rasterisers_understand():
    files = sorted((ART / "kitchen").glob("*.svg"))
    assert len(files) > 60
    allowed = {"svg", "defs", "g", "path", "rect", "ellipse", "circle", "stop"}
    allowed |= {"linearGradient", "radialGradient"}
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert set(re.findall(r"<([A-Za-z]+)", text)) <= allowed, file.name
        assert "style=" not in text, file.name


def test_the_committed_art_is_what_its_script_writes(tmp_path, monkeypatch):
    import importlib.util

    spec = importlib.util.spec_from_file_location("make_kitchen", ART / "make_kitchen.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "FOLDER", tmp_path)
    script.main()
    fresh = {file.name: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}
    kept = {f.name: f.read_text(encoding="utf-8") for f in (ART / "kitchen").iterdir()}
    assert fresh == kept


def test_every_ingredient_mix_has_its_soup():
    for onions, tomatoes in itertools.product(range(4), repeat=2):
        if 1 <= onions + tomatoes <= 3:
            name = item_picture({"kind": "soup", "onions": onions, "tomatoes": tomatoes})
            assert (ART / "kitchen" / f"{name}.svg").exists()


def test_the_cooking_ring_fills(headless):
    def gold(tick):
        ring = sprites.rasterise(progress_svg(tick, 20), 100, 100)
        red, green, blue = pixels(ring).transpose(2, 0, 1)
        return ((red > 200) & (green > 150) & (blue < 120)).sum()

    amounts = [gold(tick) for tick in (0, 5, 10, 15, 20)]
    assert amounts == sorted(amounts)
    assert amounts[2] == pytest.approx(amounts[4] / 2, rel=0.1)


def test_an_unknown_renderer_is_a_sentence():
    with pytest.raises(UserError, match="cannot draw 'moon' worlds, only kitchen"):
        make_renderer({"renderer": "moon"}, my_seat=None, tick_ms=150)
