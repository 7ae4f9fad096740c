"""The one thread that all connections share."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask_socketio import SocketIO
from wsproto import ConnectionType, WSConnection
from wsproto.events import Message, Request, TextMessage

from play.episode import find_episodes, read_episode
from play.web.messages import allowance_factory
from play.web.server import PlayServer
from play.web.wires import Wires
from play.worlds.compilation import SWITCH
from tests.web.serving import serving
from tests.web.test_hostile import WISH, Client, wait_for_slots

# The client library leaves its own end open when a server hangs up.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)

PATIENCE_S = 2.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PlayServer]:
    with serving(tmp_path, resume_s=0.5, max_connections=100) as server:
        yield server


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayServer]:
    """A server for many games, which reads and writes sockets together."""
    pytest.importorskip("numba")
    monkeypatch.setenv(SWITCH, "1")
    with serving(tmp_path, max_connections=100) as server:
        assert server._wires._bulk is not None
        yield server


class Raw:
    """A client of which every byte is ours."""

    def __init__(self, url: str, receive_bytes: int | None = None) -> None:
        host, _, port = urlsplit(url).netloc.partition(":")
        self.wire = socket.socket()
        if receive_bytes:
            self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.wire.settimeout(20)
        self.wire.connect((host, int(port)))
        self.protocol = WSConnection(ConnectionType.CLIENT)
        target = "/socket.io/?EIO=4&transport=websocket"
        self.wire.sendall(self.protocol.send(Request(host=host, target=target)))
        self.text = ""
        self.hear('0{"sid"')

    def send(self, *parts: str) -> None:
        """One message in as many frames."""
        for number, part in enumerate(parts, start=1):
            frame = Message(data=part, message_finished=number == len(parts))
            self.wire.sendall(self.protocol.send(frame))

    def whole(self) -> str:
        """What was heard, without the seams where the bytes of a message came in parts."""
        return self.text.replace("\n", "")

    def hear(self, mark: str) -> None:
        """Listens until something has been said."""
        while mark not in self.text:
            data = self.wire.recv(65536)
            assert data, "the server hung up"
            self.protocol.receive_data(data)
            for event in self.protocol.events():
                if isinstance(event, TextMessage):
                    self.text += event.data + "\n"


def test_connections_cost_no_threads(server: PlayServer) -> None:
    first = Raw(server.url)
    first.send("40{}")
    first.hear("welcome")
    before = threading.active_count()
    clients = [Raw(server.url) for _ in range(40)]
    for client in clients:
        client.send("40{}")
        client.hear("welcome")
    assert [t.name for t in threading.enumerate() if "ping" in t.name] == []
    deadline = time.monotonic() + 10
    # Threads of handlers are kept; those that took the requests end.
    while threading.active_count() > before + 8:
        assert time.monotonic() < deadline, threading.enumerate()
        time.sleep(0.02)
    for client in (first, *clients):
        client.wire.close()
    while server._wires.count():
        assert time.monotonic() < deadline + 10
        time.sleep(0.02)


def test_the_thread_does_not_wait_for_itself_however_much_it_asks_for() -> None:
    """Hundreds of answers to pings at once did: each asks for the next ping."""
    wires, done = Wires(allowance_factory(1, 1, 1)), threading.Event()
    wires.attach(SocketIO(Flask(__name__), async_mode="threading"))
    order: list[int] = []

    def ask_for_many() -> None:
        for number in range(5000):
            wires.ask(partial(order.append, number))
        wires.ask(done.set)

    wires.ask(ask_for_many)
    assert done.wait(20), "the thread waits until somebody, that is itself, reads"
    assert order == list(range(5000))
    wires.close()


def test_what_is_told_together_is_sent_at_the_end_and_in_order(many: PlayServer) -> None:
    clients = [Raw(many.url) for _ in range(3)]
    for client in clients:
        client.send("40{}")
        client.hear("welcome")
    sids = list(many.socketio.server.manager.get_participants("/", None))
    wires = many._wires
    with wires.together():
        for number in range(3):
            for sid, _ in sids:
                wires.tell("noise", number, sid)
        for sid, _ in sids:  # behind what is held back, though nobody holds this back
            thread = threading.Thread(target=wires.tell, args=("noise", "last", sid))
            thread.start()
            thread.join()
        clients[0].wire.settimeout(0.2)
        with pytest.raises(TimeoutError):
            clients[0].hear("noise")
        clients[0].wire.settimeout(20)
    for client in clients:
        client.hear("last")
        said = re.findall(r'"noise",("?\w+"?)', client.text)
        assert said == ["0", "1", "2", '"last"']
        client.wire.close()


def test_what_is_told_together_waits_for_a_client_that_reads_slowly(many: PlayServer) -> None:
    slow, quick = Raw(many.url, receive_bytes=2000), Raw(many.url)
    for client in (slow, quick):
        client.send("40{}")
        client.hear("welcome")
    sids = [sid for sid, _ in many.socketio.server.manager.get_participants("/", None)]
    for wire in many._wires._wires.values():
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    numbers = range(400)
    for number in numbers:  # more than the buffers of the slow one's connection hold
        with many._wires.together():
            for sid in sids:
                many._wires.tell("noise", f"{number}-" + "x" * 500, sid)
        if number % 20 == 0:
            quick.hear(f'"{number}-')
    for client in (quick, slow):
        client.hear(f'"{numbers[-1]}-')
        assert [int(n) for n in re.findall(r'"noise","(\d+)-', client.whole())] == list(numbers)
        client.wire.close()


def test_a_client_that_is_gone_meanwhile_is_no_trouble(many: PlayServer) -> None:
    gone, here = Raw(many.url), Raw(many.url)
    for client in (gone, here):
        client.send("40{}")
        client.hear("welcome")
    sids = [sid for sid, _ in many.socketio.server.manager.get_participants("/", None)]
    with many._wires.together():
        for sid in sids:
            many._wires.tell("noise", "one", sid)
        gone.wire.close()
        deadline = time.monotonic() + 20
        while many._wires.count() == 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    here.hear("one")
    here.wire.close()


def test_messages_in_several_frames_are_put_together(server: PlayServer) -> None:
    client = Raw(server.url)
    client.send("4", "0", "{}")
    client.hear("welcome")
    wish = "420" + json.dumps(["start", WISH])
    client.send(wish[:7], wish[7:30], wish[30:])
    client.hear('430[{"ok":true')
    client.hear('42["tick"')
    client.wire.close()
    wait_for_slots(server, 0)


def test_what_one_connection_says_is_handled_in_its_order(
    server: PlayServer, tmp_path: Path
) -> None:
    """Keys pass Socket.IO by, but not the wish before them that opens the game."""
    client = Raw(server.url)
    client.send("40{}")
    client.hear("welcome")
    client.send("42" + json.dumps(["start", WISH]))
    for action in range(6):
        for down in (True, False):
            key = {"action": action, "down": down, "at": 1.0}
            client.send("42" + json.dumps(["key", key]))
    client.hear('42["tick"')
    client.send("42" + json.dumps(["leave", {}]))
    wait_for_slots(server, 0)
    (record,) = find_episodes(tmp_path)
    inputs = [(line["action"], line["down"]) for line in read_episode(record).inputs]
    assert inputs == [(action, down) for action in range(6) for down in (True, False)]
    client.wire.close()


def test_a_client_that_does_not_read_loses_its_connection(
    server: PlayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("play.web.wires.MAX_BACKLOG", 100_000)
    good = Client(server.url)
    deaf = Raw(server.url, receive_bytes=4096)
    deaf.send("40{}")
    deaf.hear("40{")
    sid = re.findall(r'40\{"sid":"([^"]+)"', deaf.text)[0]
    assert server._wires.count() == 2
    deadline = time.monotonic() + 20
    while server._wires.count() == 2:
        assert time.monotonic() < deadline
        server._wires.tell("noise", "x" * 50_000, sid)
    assert good.socket.connected
    good.close()
    deaf.wire.close()


@pytest.fixture
def impatient(server: PlayServer, monkeypatch: pytest.MonkeyPatch) -> PlayServer:
    """The server, with pings ten times a second and `PATIENCE_S` for their answers."""
    engine = server.socketio.server.eio
    monkeypatch.setattr(engine, "ping_interval", 0.1)
    monkeypatch.setattr(engine, "ping_timeout", PATIENCE_S)
    return server


def test_pings_keep_a_connection_and_their_absence_ends_it(impatient: PlayServer) -> None:
    server = impatient
    polite, silent = Raw(server.url), Raw(server.url)
    for client in (polite, silent):
        client.send("40{}")
        client.hear("welcome")
    deadline = time.monotonic() + 20
    while server._wires.count() == 2:
        assert time.monotonic() < deadline
        polite.text = ""
        polite.hear("2\n")
        polite.send("3")
    polite.text = ""
    polite.hear("2\n")
    polite.wire.close()
    silent.wire.close()


def test_whoever_speaks_is_kept_though_the_answer_to_a_ping_is_not_there_yet(
    impatient: PlayServer,
) -> None:
    """It may wait behind thousands of keys, on a server that cannot keep up."""
    client = Raw(impatient.url)
    client.send("40{}")
    client.hear("welcome")
    key = "42" + json.dumps(["key", {"action": 0, "down": True, "at": 1.0}])
    until = time.monotonic() + 1.5 * PATIENCE_S
    while time.monotonic() < until:
        client.send(key)
        impatient.socketio.emit("noise", 1)  # Engine.IO looks after a client when it sends
        time.sleep(0.1)
    for _ in range(2):
        client.text = ""
        client.send(key)
        client.hear("2\n")
    client.wire.close()


def test_a_thread_that_was_kept_from_reading_ends_nobody(impatient: PlayServer) -> None:
    client = Raw(impatient.url)
    client.send("40{}")
    client.hear("2\n")
    kept, go_on = threading.Event(), threading.Event()
    impatient._wires.ask(lambda: (kept.set(), go_on.wait(20)))
    assert kept.wait(20)
    client.send("3")
    client.text = ""
    time.sleep(1.2 * PATIENCE_S)  # the answer has been there all the while
    impatient.socketio.emit("noise", 1)
    go_on.set()
    client.hear("2\n")
    assert impatient._wires.count() == 1
    client.wire.close()
