"""Pages and data over plain HTTP, and how a server starts."""

import gc
import json
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

from play.web.config import PlayConfig
from play.web.server import PlayServer, create_app, serve
from play.worlds.errors import UserError
from tests.web.serving import serving

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "play" / "web" / "static"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayServer]:
    with serving(tmp_path_factory.mktemp("episodes")) as server:
        yield server


def get(server: PlayServer, path: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(server.url.rstrip("/") + path)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


@pytest.mark.parametrize("path", ["/", "/join/ABCDEFGH", "/api/menu", "/static/js/main.js", "/no"])
def test_every_answer_is_same_origin_only(server: PlayServer, path: str) -> None:
    _, headers, _ = get(server, path)
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers
    assert "Python" not in headers["Server"]


def test_the_menu_offers_all_kitchens_the_classics_first(server: PlayServer) -> None:
    menu: dict[str, Any] = json.loads(get(server, "/api/menu")[2])
    names = [world["name"] for world in menu["worlds"]]
    assert len(names) == len(set(names)) >= 45
    assert names[0] == menu["defaults"]["world"] == "kitchen/cramped_room"
    assert [world["featured"] for world in menu["worlds"]].index(False) == 5
    recommended = [partner for partner in menu["partners"] if partner["recommended"]]
    assert recommended
    assert recommended[0]["id"].endswith("/srpo")
    for partner in menu["partners"]:
        assert not partner["id"].startswith("/")


@pytest.mark.parametrize(
    "path",
    [
        "/art/../pyproject.toml",
        "/art/%2e%2e/%2e%2e/pyproject.toml",
        "/art/make_kitchen.py",
        "/static/../server.py",
        "/api/episodes/..%2f..%2fx",
        "/api/episodes/nothing",
        "/replay/%2e%2e",
        "/debug",
        "/console",
        "/.git/config",
    ],
)
def test_nothing_else_is_served(server: PlayServer, path: str) -> None:
    status, _, body = get(server, path)
    assert status == 404
    assert str(ROOT).encode() not in body


def test_pages_name_no_other_host() -> None:
    pages = [*STATIC.rglob("*.js"), *STATIC.rglob("*.css"), *STATIC.rglob("*.svg")]
    pages += (STATIC.parent / "templates").rglob("*.html")
    for page in pages:
        if page.parent.name == "vendor":
            continue
        hosts = set(re.findall(r"https?://[\w.]+", page.read_text()))
        assert hosts <= {"http://www.w3.org"}, f"{page} names {hosts}"


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"Port {port} .*--port"):
            serve(PlayConfig(episodes_dir=tmp_path, port=port))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"world": "kitchen/crampd_room"}, "cramped_room"),
        ({"partner": "nobody"}, "nobody"),
        ({"seat": 7}, "seat"),
        ({"port": 70000}, "70000"),
        ({"host": "not.a.host.invalid"}, "not.a.host.invalid"),
    ],
)
def test_a_wrong_setting_is_one_sentence(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=words) as error:
        serve(PlayConfig(episodes_dir=tmp_path, **{"port": 0, **change}))
    assert "\n" not in str(error.value)


def test_the_server_plays_without_torch(tmp_path: Path) -> None:
    code = f"""
import json, sys, threading, urllib.request
from pathlib import Path
from play.web.config import PlayConfig
from play.web.server import PlayServer
server = PlayServer(PlayConfig(episodes_dir=Path({str(tmp_path)!r}), port=0))
thread = threading.Thread(target=server.run)
thread.start()
menu = json.load(urllib.request.urlopen(server.url + "api/menu"))
assert menu["partners"]
server.close()
thread.join()
loaded = {{"torch", "training", "overcooked_ai_py", "gym"}} & set(sys.modules)
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=120)


def test_every_kitchen_has_a_name_of_its_own(server: PlayServer) -> None:
    menu: dict[str, Any] = json.loads(get(server, "/api/menu")[2])
    titles = [world["title"] for world in menu["worlds"]]
    assert len(titles) == len(set(titles))
    assert not [title for title in titles if "_" in title]


@pytest.mark.parametrize("path", ["/art/kitchen/tomato.svg", "/static/js/main.js"])
def test_a_browser_that_goes_away_leaves_no_file_open(tmp_path: Path, path: str) -> None:
    app, _ = create_app(PlayConfig(episodes_dir=tmp_path))
    environ = EnvironBuilder(path=path).get_environ()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        app.wsgi_app(environ, lambda *_: None)  # never closed, as after a reset
        gc.collect()
    assert not [warning for warning in caught if warning.category is ResourceWarning]
