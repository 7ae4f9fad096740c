"""The browser and the desktop show the same picture: one drawing is the other's oracle."""

import contextlib
import functools
import http.server
import io
import json
import threading
from pathlib import Path

import numpy as np
import pygame
import pytest

from play.draw.renderers import make_renderer
from play.presentation.families import presentation_of
from play.worlds.registry import make_world

ROOT = Path(__file__).resolve().parents[2]
GROUND = "#fbf3e6"
PAGE = """<!doctype html><body style="margin:0;background:#fbf3e6"><canvas id=c></canvas>
<script type=module>
window.show = async (scene, previous, following, alpha, width, height, art) => {
  const canvas = document.getElementById("c");
  const { createRenderer } = await import(`/play/web/static/renderers/${scene.renderer}.js`);
  const options = { assetsUrl: `/assets/art/${art}/`, mySeat: 0, tickMs: 150 };
  const renderer = await createRenderer(canvas, scene, options);
  canvas.style.cssText = `display:block;width:${width}px;height:${height}px`;
  renderer.resize(width, height, devicePixelRatio);
  renderer.draw(previous, following, alpha, 700);
};
window.ready = true;
</script>"""


class Files(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def files():
    handler = functools.partial(Files, directory=str(ROOT))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def url():
    pygame.font.init()
    with files() as address:
        yield address
    pygame.quit()


def states(name, seed):
    """A static scene and two states in a row, with everything that a kitchen can hold."""
    world = make_world(name, compiled=False)
    world.draw_starts(1.0)
    world.reset(seed)
    before = world.scene(0)
    actions = np.arange(2, 2 + world.facts.num_players) % 4
    world.step(actions[None])
    return world.static_scene(), before, world.scene(0)


def tag_states(name, seed):
    """A static scene and two states of a game with everybody running and somebody touched."""
    world = make_world(name, compiled=False)
    world.draw_starts(1.0)
    world.reset(seed)
    row = world.get_states()
    chasers, a, b = world.tables.chasers, 1, 1 + 4 * world.tables.chasers
    row[0, a : a + 2] = row[0, b : b + 2] + [0.1, 0.02]  # side by side with the first runner
    row[0, a + 4 : a + 6] = [1.4, 0.3]  # and another one far out
    world.set_states(row)
    before = world.scene(0)
    world.step(np.array([[2] * chasers + [1] * (world.facts.num_players - chasers)]))
    return world.static_scene(), before, world.scene(0)


@pytest.mark.parametrize(
    ("name", "seed", "width", "height", "ratio"),
    [
        ("kitchen/cramped_room", 1, 360, 300, 3),
        ("kitchen/marshmallow_experiment", 2, 1280, 640, 1),
        ("kitchen/multiplayer_schelling", 3, 700, 700, 1.5),
        ("kitchen/counter_circuit_o_1order", 4, 3840, 2100, 1),
        ("tag/simple", 1, 360, 360, 2),
        ("tag/two_runners", 2, 1280, 900, 1),
        ("private-kitchen/released", 5, 800, 700, 1),
        ("private-kitchen/scarce", 6, 360, 400, 2),
    ],
)
def test_browser_and_desktop_agree(url, browser, name, seed, width, height, ratio):
    static, before, after = (tag_states if name.startswith("tag/") else states)(name, seed)
    page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=ratio)
    page.goto(url)
    page.wait_for_function("window.ready")
    scenes = ", ".join(json.dumps(scene) for scene in (static, before, after))
    art = presentation_of(name).art
    page.evaluate(f"show({scenes}, 0.4, {width}, {height}, '{art}')")
    shot = pygame.image.load(io.BytesIO(page.screenshot()), "shot.png")
    page.close()
    desktop = pygame.Surface(shot.get_size())
    desktop.fill(GROUND)
    renderer = make_renderer(static, my_seat=0, tick_ms=150)
    renderer.draw(desktop, desktop.get_rect(), before, after, 0.4, 700.0)
    a, b = (pygame.surfarray.array3d(s).astype(int) for s in (shot, desktop))
    wrong = (np.abs(a - b).max(axis=2) > 48).mean()
    assert wrong < 0.02, f"{wrong:.1%} of the pixels differ"
