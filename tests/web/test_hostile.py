"""Hostile clients lose their own connection, and nobody else a tick."""

import contextlib
import gc
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import simple_websocket
import socketio

from play.episode import verify
from play.web.server import PlayServer
from tests.web.serving import serving

# The client library leaves its own end open when a server hangs up.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)

WISH = {
    "mode": "solo",
    "world": "kitchen/cramped_room",
    "options": {"dynamics": "old"},
    "partners": ["stay"],
    "seat": 0,
    "tick_ms": 50,
}
ODD: list[Any] = [
    None,
    True,
    -1,
    1e308,
    "",
    "x" * 2000,
    [],
    [[[[[]]]]],
    {},
    {"code": "../../etc"},
    {"code": {"$ne": 1}},
    {"action": 99, "down": True, "at": 0},
    {"action": "__class__", "down": True, "at": 0},
    {"token": ["x"]},
    {**WISH, "world": "kitchen/../../x"},
    {**WISH, "partners": ["/etc/passwd", {}]},
    {**WISH, "seat": 1e9},
    b"\x00\xff",
]
EVENTS = ("start", "join", "watch", "key", "pause", "leave", "again", "disconnect", "x", "debug")


class Client:
    """A Socket.IO client that remembers what it was sent."""

    def __init__(self, url: str, **auth: Any) -> None:
        self.got: list[tuple[str, Any]] = []
        self.arrived = threading.Condition()
        self.socket = socketio.Client(reconnection=False)
        self.socket.on("*", self._keep)
        self.socket.connect(url, transports=["websocket"], auth=auth)

    def _keep(self, event: str, data: Any = None) -> None:
        with self.arrived:
            self.got.append((event, data))
            self.arrived.notify_all()

    def wait(self, event: str, count: int = 1, timeout: float = 20.0) -> list[Any]:
        """Waits until an event has arrived `count` times and returns what came with it."""

        def found() -> list[Any]:
            return [data for name, data in list(self.got) if name == event]

        with self.arrived:
            assert self.arrived.wait_for(lambda: len(found()) >= count, timeout), (
                f"{event} did not arrive {count} times; got {[name for name, _ in self.got][-20:]}"
            )
        return found()

    def ask(self, event: str, data: Any) -> Any:
        return self.socket.call(event, data, timeout=20)

    def gone(self, timeout: float = 10.0) -> bool:
        """Whether the server hangs up in time."""
        deadline = time.monotonic() + timeout
        while self.socket.connected and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self.socket.connected

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.socket.disconnect()


@pytest.fixture(autouse=True)
def collect_sockets() -> Iterator[None]:
    """Lets the warnings of a test's sockets come in that test."""
    yield
    gc.collect()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PlayServer]:
    with serving(tmp_path, resume_s=0.5, max_connections=40) as server:
        yield server


def steady_game(url: str) -> Client:
    client = Client(url)
    assert client.ask("start", WISH)["ok"]
    client.wait("tick", 3)
    return client


def assert_no_tick_lost(client: Client) -> None:
    """Every tick came, in order, and none was late by more than it lasts."""
    before = len(client.wait("tick"))
    ticks = client.wait("tick", before + 5)
    assert [tick["t"] for tick in ticks] == list(range(1, len(ticks) + 1))


def test_a_thousand_malformed_messages_cost_only_their_sender(
    server: PlayServer, tmp_path: Path
) -> None:
    good = steady_game(server.url)
    chance = random.Random(0)
    sent = 0
    while sent < 1000:
        bad = Client(server.url)
        try:
            for _ in range(100):
                bad.socket.emit(chance.choice(EVENTS[:7]), chance.choice(ODD))
                sent += 1
        except socketio.exceptions.BadNamespaceError:
            sent += 1  # already thrown out
        assert bad.gone()
    assert_no_tick_lost(good)
    good.ask("leave", {})
    good.close()
    wait_for_slots(server, 0)
    reports = [verify(record) for record in tmp_path.glob("*.episode.jsonl")]
    assert max(report.steps for report in reports) >= 8
    assert {report.reason for report in reports} <= {"left", "timeout"}


def test_a_flood_of_good_messages_ends_the_connection(server: PlayServer) -> None:
    good = steady_game(server.url)
    flood = steady_game(server.url)
    with contextlib.suppress(socketio.exceptions.BadNamespaceError):
        for i in range(2000):
            flood.socket.emit("key", {"action": 0, "down": i % 2 == 0, "at": 1e12})
    assert flood.gone()
    assert_no_tick_lost(good)
    good.close()
    wait_for_slots(server, 0)


@pytest.mark.parametrize(
    "frame", ["", "garbage", "9", "4", "42", '42["key"', "4" + "9" * 50, "42" + "[" * 900, b"\x01"]
)
def test_frames_that_are_no_messages_end_the_connection(server: PlayServer, frame: Any) -> None:
    host = urlsplit(server.url).netloc
    raw = simple_websocket.Client(f"ws://{host}/socket.io/?EIO=4&transport=websocket")
    raw.send("40{}")  # this client does not look at a frame that comes with the handshake
    assert raw.receive(timeout=30).startswith("0")
    # The server may hang up between two frames: the pipe is then broken before the client knows.
    with contextlib.suppress(simple_websocket.ConnectionClosed, OSError):
        for _ in range(400):
            raw.send(frame)
    with contextlib.suppress(simple_websocket.ConnectionClosed):
        for _ in range(400):
            assert raw.receive(timeout=10) is not None, "the connection stayed open"
    assert not raw.connected
    assert_alive(server)


def test_a_message_larger_than_any_of_ours_ends_the_connection(server: PlayServer) -> None:
    big = Client(server.url)
    big.socket.emit("start", {"world": "x" * 100_000})
    assert big.gone()
    assert_alive(server)


def test_unknown_ids_are_refused_in_words(server: PlayServer) -> None:
    client = Client(server.url)
    for event in ("join", "watch"):
        answer = client.ask(event, {"code": "ABCDEFGH"})
        assert not answer["ok"]
        assert "link" in answer["error"]
    answer = client.ask("start", {**WISH, "world": "kitchen/nowhere"})
    assert not answer["ok"]
    answer = client.ask("start", {**WISH, "partners": ["nobody"]})
    assert not answer["ok"]
    assert "/" not in answer["error"].replace("kitchen/", ""), "a path of the server was told"
    answer = client.ask("start", {**WISH, "partners": ["kitchen/cramped_room/ippo-seat0"]})
    assert not answer["ok"]
    assert "learned the other seat" in answer["error"]
    assert not client.ask("again", {})["ok"]
    client.close()
    wait_for_slots(server, 0)


def test_a_connection_beyond_the_limit_is_refused(server: PlayServer) -> None:
    clients = [Client(server.url) for _ in range(40)]
    with pytest.raises(socketio.exceptions.ConnectionError):
        Client(server.url)
    clients.pop().close()
    deadline = time.monotonic() + 5
    while True:  # the place of the one who left is free again
        try:
            clients.append(Client(server.url))
            break
        except socketio.exceptions.ConnectionError:
            assert time.monotonic() < deadline
    for client in clients:
        client.close()


def test_a_page_of_another_site_cannot_connect(server: PlayServer) -> None:
    host = urlsplit(server.url).netloc
    for origin, allowed in (("http://evil.example", False), (f"http://{host}", True)):
        with socket.create_connection(host.split(":"), timeout=5) as wire:  # type: ignore[arg-type]
            request = (
                f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\n"
                f"Origin: {origin}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            wire.sendall(request.encode())
            status = wire.recv(64).split(b" ")[1]
        assert (status == b"101") is allowed


def test_half_a_handshake_holds_nothing_up(server: PlayServer) -> None:
    host, _, port = urlsplit(server.url).netloc.partition(":")
    wires = [socket.create_connection((host, int(port))) for _ in range(30)]
    for wire in wires:
        wire.sendall(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost:")
    assert_alive(server)
    for wire in wires:
        wire.close()


def assert_alive(server: PlayServer) -> None:
    client = steady_game(server.url)
    assert_no_tick_lost(client)
    client.close()


def wait_for_slots(server: PlayServer, count: int) -> None:
    deadline = time.monotonic() + 10
    while server.rooms.count() != count:
        assert time.monotonic() < deadline, f"{server.rooms.count()} slots are still taken"
        time.sleep(0.05)
