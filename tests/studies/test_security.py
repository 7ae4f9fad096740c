"""What a hosted study must withstand: forged tokens, other origins, floods, uploads, loose talk."""

import ast
import contextlib
import logging
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import simple_websocket
import socketio
import sqlalchemy as sa
from itsdangerous import Signer

from play.worlds.errors import UserError
from studies import schema
from studies.store import Store
from studies.web.config import StudyConfig
from studies.web.limits import KEPT, Limits
from studies.web.server import StudyServer, checked_secret
from tests.studies.bots import Bot, Player
from tests.studies.databases import PostgresServer
from tests.studies.files import small
from tests.studies.hosting import servers
from tests.studies.serving import SECRET, serving
from tests.studies.test_cluster import study_text

# The client library leaves its own end open when a server hangs up.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)
ROOT = Path(__file__).resolve().parents[2]
PUBLIC = "https://study.example.org"


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[StudyServer]:
    study = small(tutorial=None, quiz=None)
    with serving(str(tmp_path / "s.db"), study, public_url=PUBLIC, page_burst=12.0) as server:
        yield server


def local(server: StudyServer) -> str:
    return f"http://127.0.0.1:{server.port}"


def upgrade(server: StudyServer, **headers: str) -> bytes:
    """The status of a handshake with these headers."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        lines = {
            "Host": f"127.0.0.1:{server.port}", "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            **headers,
        }  # fmt: skip
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        wire.sendall(f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n{head}\r\n".encode())
        return wire.recv(64).split(b" ")[1]


def test_a_hosted_study_takes_connections_from_its_own_pages_only(hosted: StudyServer) -> None:
    assert upgrade(hosted, Origin=PUBLIC) == b"101"
    for other in ("https://evil.example", "http://study.example.org", "null",
                  f"http://127.0.0.1:{hosted.port}"):  # fmt: skip
        assert upgrade(hosted, Origin=other) == b"400", other
    forged = {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example",
              "X-Forwarded-Proto": "https"}  # fmt: skip
    assert upgrade(hosted, **forged) == b"400"
    answer = requests.get(local(hosted) + "/", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


def test_tokens_are_signed_for_one_purpose_with_this_secret(hosted: StudyServer) -> None:
    bot = Bot(local(hosted))
    answer = bot.http.post(bot.url + "/begin", allow_redirects=False)
    token = answer.headers["Set-Cookie"].partition("participant=")[2].partition(";")[0]
    name = token.rpartition(".")[0]
    asks = [
        token,
        Signer(SECRET, salt="participant").sign(name).decode(),  # the same, made by ourselves
        Signer(b"another secret", salt="participant").sign(name).decode(),
        Signer(SECRET, salt="another purpose").sign(name).decode(),
        f"{name}.{hosted.config.signed('csrf', name)}",
        name,
    ]
    seen = [
        requests.get(f"{bot.url}/study", headers={"Cookie": f"participant={ask}"}).status_code
        for ask in asks
    ]
    assert seen == [200, 200, 404, 404, 404, 404]
    with pytest.raises(UserError, match="UNDERSTUDY_SECRET has only 5"):
        checked_secret("short")


def test_somebody_who_asks_for_too_many_pages_has_to_wait_and_nobody_else(
    hosted: StudyServer,
) -> None:
    def begin() -> requests.Session:
        http = requests.Session()
        made = http.post(local(hosted) + "/begin", allow_redirects=False)
        token = made.headers["Set-Cookie"].partition(";")[0]
        http.headers["Cookie"] = token  # it is for https only, and the proxy would end that
        return http

    eager, calm = begin(), begin()
    states = [eager.get(local(hosted) + "/study") for _ in range(30)]
    assert states[0].status_code == 200
    refused = states[-1]
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "10"
    assert "Nothing is lost" in refused.text
    assert calm.get(local(hosted) + "/study").status_code == 200
    assert eager.get(local(hosted) + "/static/css/base.css").status_code == 200


def test_buckets_are_by_participant_or_by_address_and_their_number_is_limited(
    tmp_path: Path,
) -> None:
    now = 0.0
    store = Store(str(tmp_path / "s.db"))
    config = StudyConfig(
        small(), store, SECRET, page_rate=1, page_burst=2, newcomer_rate=2, newcomer_burst=3
    )
    limits = Limits(config, lambda: now)
    assert [limits.admits("a", "here") for _ in range(3)] == [True, True, False]
    assert limits.admits("b", "here")
    assert [limits.admits(None, "here") for _ in range(4)] == [True, True, True, False]
    assert limits.admits(None, "there")
    now = 1.0
    assert [limits.admits("a", "here") for _ in range(2)] == [True, False]
    assert [limits.admits(None, "here") for _ in range(3)] == [True, True, False]
    for number in range(KEPT):
        limits.admits(None, f"address {number}")
    assert len(limits._buckets) == KEPT
    assert limits.admits("a", "here")  # forgotten, and so full again
    store.close()


def test_connections_that_say_nothing_are_ended(
    hosted: StudyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("play.web.wires.GREETING_S", 0.3)
    monkeypatch.setattr(hosted.socketio.server.eio, "ping_interval", 1000)
    raw = simple_websocket.Client(
        f"ws://127.0.0.1:{hosted.port}/socket.io/?EIO=4&transport=websocket"
    )
    with contextlib.suppress(simple_websocket.ConnectionClosed):
        while raw.receive(timeout=20) is not None:
            pass
    assert not raw.connected
    deadline = time.monotonic() + 10
    while hosted._wires.count():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_nothing_can_be_uploaded(hosted: StudyServer, tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    url = local(hosted)
    with hosted.config.store.engine.connect() as connection:
        count = sa.select(sa.func.count()).select_from(schema.events)
        events = connection.execute(count).scalar_one()
    for path in ("/study", "/study/leave", "/study/language", "/", "/static/x.js", "/art/x.svg"):
        files = {"at": ("policy.onnx", b"x" * 1000), "file": ("x.py", b"import os")}
        answer = requests.post(url + path, files=files)
        assert answer.status_code in (400, 404, 405, 303), path
        assert requests.put(url + path, data=b"x").status_code == 405, path
    assert requests.post(url + "/begin", data=b"x" * 300_000).status_code == 413
    parts = {f"part{n}": (None, "x") for n in range(1500)}
    assert requests.post(url + "/begin", files=parts).status_code == 413
    with hosted.config.store.engine.connect() as connection:
        assert connection.execute(count).scalar_one() == events
    assert sorted(path.name for path in tmp_path.iterdir()) == before


LOADERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


def test_no_code_can_come_in_with_data() -> None:
    """Whatever reads data for players and studies reads data only: no pickle, no unsafe YAML.

    The trials of 2019 come as pickled tables inside overcooked-ai. Their reader knows a few names
    and calls nothing else, which has tests of its own (tests/play/test_trials.py).
    """
    found = []
    for folder in ("play", "agents", "studies"):
        for path in (ROOT / folder).rglob("*.py"):
            if path == ROOT / "play" / "trials.py":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                found += [f"{path.name}: {problem}" for problem in unsafe(node)]
    assert found == []


def unsafe(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names]
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (name for name in names if name.split(".")[0] in LOADERS)
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
        if name in ("eval", "exec", "yaml.load", "yaml.unsafe_load", "yaml.full_load"):
            yield name
        if keywords.get("allow_pickle") == "True" or keywords.get("shell") == "True":
            yield f"{name} with {keywords}"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("from pickle import loads", "pickle"),
        ("import joblib.memory", "joblib.memory"),
        ("yaml.load(x)", "yaml.load"),
        ("np.load(x, allow_pickle=True)", "np.load with {'allow_pickle': 'True'}"),
    ],
)
def test_unsafe_readers_are_seen(source: str, problem: str) -> None:
    assert problem in [p for node in ast.walk(ast.parse(source)) for p in unsafe(node)]


def test_no_secret_is_in_a_log(
    postgres: PostgresServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither secrets nor participants' names nor what they answered, at the loudest level."""
    (tmp_path / "study.yaml").write_text(study_text(20), encoding="utf-8")
    secret = "b" * 40
    (tmp_path / "small.secret").write_text(secret)
    database = postgres.new_database()
    with servers(tmp_path) as start:
        served = start("--database", database, PYTHONWARNINGS="default", PYTHONASYNCIODEBUG="1")
        bot = Bot(served.url)
        bot.enter("?PROLIFIC_PID=pid-12345&STUDY_ID=s&SESSION_ID=sess-777")
        cookie = bot.http.cookies["participant"]
        bot.take_until("round")
        with Player(bot) as player:
            player.play(until=5)
            postgres.stop("immediate")
            with contextlib.suppress(requests.RequestException):
                bot.get("/study")
            with contextlib.suppress(requests.RequestException):
                Bot(served.url).enter("?PROLIFIC_PID=pid-67890&STUDY_ID=s&SESSION_ID=t")
            with contextlib.suppress(socketio.exceptions.ConnectionError):
                player.wait("stalled")
            postgres.start()
        served.stop()
        said = served.log.read_text()
    assert "database does not answer" in said  # something was logged
    told = re.search(r"\?test=(\w+)", said)
    assert told is not None  # the rehearsal link is for the researcher, who sees the log
    for word in (secret, cookie, "pid-12345", "pid-67890", "sess-777"):
        assert word not in said, word


def test_what_was_to_be_stored_is_not_in_an_error(database: str, caplog: Any) -> None:
    store = Store(database)
    row = {"participant_id": "x", "study_sha256": "y", "external_id": "pid-1",
           "external_study": "", "external_session": None}  # fmt: skip

    def insert() -> None:
        with store.writing() as connection:
            connection.execute(schema.identifiers.insert(), row)

    with caplog.at_level(logging.DEBUG), pytest.raises(sa.exc.IntegrityError) as error:
        insert()
    assert "violates" in str(error.value) or "NOT NULL" in str(error.value)
    assert "pid-1" not in str(error.value)
    assert "pid-1" not in caplog.text
    store.close()
