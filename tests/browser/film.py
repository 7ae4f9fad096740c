"""Makes the README's moving picture from a record: `python -m tests.browser.film RECORD`."""

import io
import sys
from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from play.episode import read_episode
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.web.serving import serving

PLACE = Path(__file__).resolve().parents[2] / "docs" / "images" / "play.webp"
WIDTH = 560
TICKS, PER_TICK = 60, 3
OPEN = """async ([id, width]) => {
  const episode = await (await fetch(`/api/episodes/${id}`)).json();
  const { renderer } = episode.static;
  const { createRenderer } = await import(`/static/renderers/${renderer}.js`);
  const canvas = document.createElement("canvas");
  const options = { mySeat: 0, tickMs: episode.tick_ms };
  const drawn = await createRenderer(canvas, episode.static, options);
  const height = Math.round(width / drawn.aspect);
  drawn.resize(width, height, 1);
  const screen = Object.assign(document.createElement("canvas"), { width, height });
  const scene = (t) => episode.frames[t].scene;
  window.shoot = (t, alpha) => {
    drawn.draw(scene(t - 1), scene(t), alpha, (t + alpha) * episode.tick_ms);
    const context = screen.getContext("2d");
    context.fillStyle = "#fbf3e6";
    context.fillRect(0, 0, width, height);
    context.drawImage(canvas, 0, 0);
    return screen.toDataURL("image/png").split(",")[1];
  };
  return [episode.frames.map((frame) => frame.score), episode.tick_ms];
}"""


def liveliest(scores: list[float]) -> int:
    """The step from which on most is earned within the film, but for its last second."""
    seen = TICKS - 8
    starts = range(1, len(scores) - TICKS)
    return max(starts, key=lambda t: scores[t + seen] - scores[t])


def film(page: Page, record: str) -> tuple[list[Image.Image], float]:
    """The pictures of a film, and for how many milliseconds each is shown."""
    scores, tick_ms = page.evaluate(OPEN, [record, WIDTH])
    start = liveliest(scores)
    pictures = []
    for t in range(start, start + TICKS):
        for part in range(PER_TICK):
            shot: Any = page.evaluate("([t, alpha]) => shoot(t, alpha)", [t, part / PER_TICK])
            pictures.append(Image.open(io.BytesIO(b64decode(shot))).convert("RGB"))
    return pictures, tick_ms / PER_TICK


def main(path: Path) -> None:
    """Draws the record as the page does, smoothly, however slow this machine is."""
    with (
        TemporaryDirectory() as folder,
        serving(Path(folder)) as server,
        sync_playwright() as playwright,
    ):
        (Path(folder) / path.name).write_bytes(path.read_bytes())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(server.url)
        pictures, pause = film(page, read_episode(path).id)
        browser.close()
    pictures[0].save(
        PLACE, save_all=True, append_images=pictures[1:], duration=round(pause), loop=0,
        quality=62, method=6,
    )  # fmt: skip
    print(f"{PLACE.name}: {PLACE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
