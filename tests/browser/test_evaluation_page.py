"""The page of an evaluation in a browser: wide and narrow, light and dark."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.browser.conftest import Visitor
from training.evaluation.commands import evaluate

WORLD = "kitchen/cramped_room"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped policies, in few and short games."""
    out = tmp_path_factory.mktemp("evaluation") / "out"
    words = ["--episodes", "4", "--options", "horizon=60", "--processes", "1", "--saboteur", "stay"]
    said = CliRunner().invoke(evaluate, [WORLD, *words, "--beside", "random", "--out", str(out)])
    assert said.exit_code == 0, said.output
    return out


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_page_fits_and_stands_alone(
    folder: Path, visit: Callable[..., Visitor], width: int, scheme: str
) -> None:
    visitor = visit(width, color_scheme=scheme)
    page = visitor.page
    page.goto((folder / "index.html").as_uri())
    assert visitor.errors == []
    assert visitor.requests == [(folder / "index.html").as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    # every circle, square or diamond of the curve lies inside the picture
    box = page.locator("svg[role=img]").bounding_box()
    assert box is not None
    marks = page.locator("svg[role=img] g")
    assert marks.count() > 10
    for index in range(marks.count()):
        mark = marks.nth(index).bounding_box()
        assert mark is not None
        assert box["x"] <= mark["x"]
        assert mark["x"] + mark["width"] <= box["x"] + box["width"]
        assert box["y"] <= mark["y"]
        assert mark["y"] + mark["height"] <= box["y"] + box["height"]
    visitor.shot(f"evaluation-{width}-{scheme}")
