"""All WebSocket connections of a server, on one thread.

Engine.IO's threading mode spends three threads on each connection, and a thread more on each ping;
with hundreds of games most of the processor's time is then spent on changing between threads. Here
one thread reads every socket and keeps the pings, and whoever has something to say writes it to the
socket at once. Engine.IO and Socket.IO see an asynchronous mode like any other: see `Wires.driver`.

Two kinds of messages are so frequent that they pass Socket.IO by, though clients cannot tell: keys
on their way in (`Wires.lane`) and whatever `Wires.tell` sends. All other messages are handled by a
few threads, those of one connection in the order in which they were sent.
"""

import contextlib
import heapq
import itertools
import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import orjson
from engineio.packet import Packet
from engineio.socket import Socket as EngineSession
from flask_socketio import SocketIO
from wsproto import WSConnection
from wsproto.connection import ConnectionType
from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.utilities import ProtocolError

from play.compact import compact
from play.web import frames
from play.web.bulk import READ_BYTES, Bulk
from play.web.frames import BadFrame, FrameReader, frame
from play.web.messages import Allowance

log = logging.getLogger("understudy.web")

MAX_FRAME_BYTES = READ_BYTES
MAX_BACKLOG = 256 * 1024
"""Bytes that may wait for a client that does not read; at 150 ms, minutes of a game."""
PACKET_TYPES = frozenset("0123456")
GREETING_S = 10.0
"""How long a connection may take to say what it wants."""
LINGER_S = 2.0
"""How long a client may take to hang up after it was told goodbye."""
NORMAL_CLOSURE = (1000).to_bytes(2)
"""Content of the frame that says goodbye."""
HANDLERS = 8
"""Threads for messages that may wait for a disk or load a world."""

Handle = Callable[[str, Any], object]
"""Takes (connection, data) of a message."""


class Hangup(Exception):
    """The connection is to be ended."""


class Wire:
    """One connection: its socket, and what waits to be sent or handled."""

    def __init__(self, wires: "Wires", sock: socket.socket, session: EngineSession) -> None:
        self.sock, self.session = sock, session
        self.sid: str | None = None  # Socket.IO's name of it, once it has one
        self.allowance = wires.new_allowance()
        self._wires = wires
        self._lock = threading.Lock()
        self._backlog = bytearray()
        self._reader = FrameReader(MAX_FRAME_BYTES)
        self._jobs: deque[Callable[[], None]] = deque()
        self._busy = False
        self.closing = False  # the last bytes are on their way
        self.gone = False
        self.heard = False  # anything since the last ping

    # Sending, from any thread

    def send(self, text: bytes) -> None:
        """Sends a message; a client that does not read loses its connection."""
        self._say(frame(frames.TEXT, text))

    def _say(self, data: bytes) -> None:
        with self._lock:
            if not (self.closing or self.gone):
                self._write(data)

    def finish(self) -> None:
        """Ends the connection when everything has been sent."""
        with self._lock:
            if self.closing or self.gone:
                return
            self._write(frame(frames.CLOSE, NORMAL_CLOSURE))
            self.closing = True
        self._wires.ask(lambda: self._wires.look_after(self))

    @property
    def busy(self) -> bool:
        """Whether a handler works on its messages."""
        return self._busy

    @property
    def waiting(self) -> bool:
        """Whether something could not be sent yet."""
        return bool(self._backlog)

    def _write(self, data: bytes) -> None:
        if self._backlog:
            self._backlog += data
            if len(self._backlog) > MAX_BACKLOG:
                self.gone = True
                self._wires.ask(lambda: self._wires.drop(self))
            return
        if self._wires.holds_back(self):
            self._backlog += data
            return
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.gone = True
            self._wires.ask(lambda: self._wires.drop(self))
            return
        if sent < len(data):
            self._backlog += data[sent:]
            self._wires.ask(lambda: self._wires.look_after(self))

    def flush(self) -> None:
        """Sends what waits; the socket takes something.

        Raises:
            OSError: The connection is lost.
        """
        with self._lock:
            if self._backlog:
                with contextlib.suppress(BlockingIOError):
                    del self._backlog[: self.sock.send(self._backlog)]

    def close(self) -> None:
        """Closes the socket."""
        with self._lock:  # or the number of the socket could be another's when it is written to
            self.gone = True
            self.sock.close()

    @staticmethod
    def send_together(bulk: Bulk, wires: Sequence["Wire"]) -> list["Wire"]:
        """Sends what waits at some connections, and returns those at which something still does."""
        with contextlib.ExitStack() as held:
            for wire in wires:
                held.enter_context(wire._lock)
            open_ = [wire for wire in wires if not wire.gone and wire._backlog]
            if open_:
                taken = bulk.send([w.sock.fileno() for w in open_], [w._backlog for w in open_])
                for wire, size in zip(open_, taken, strict=True):
                    del wire._backlog[: max(0, size)]
            return [wire for wire in open_ if wire._backlog]

    # Reading, on the wires' thread

    def read(self, data: bytes | None = None) -> None:
        """Takes in what has arrived; `data` if that has been read already.

        Raises:
            OSError: The connection is lost.
            Hangup: It is closed, or its client is not worth having.
        """
        if data is None:
            try:
                data = self.sock.recv(READ_BYTES)
            except BlockingIOError:
                return
        if not data:
            raise Hangup
        self.heard = True
        if self.closing:
            return  # it still speaks, but nobody listens
        try:
            for kind, content in self._reader.feed(data):
                if kind == frames.TEXT:
                    self._hear(content.decode())
                elif kind == frames.PING:
                    self._say(frame(frames.PONG, content))
                elif kind != frames.PONG:
                    raise Hangup
        except (BadFrame, UnicodeDecodeError) as error:
            raise Hangup from error

    def _hear(self, text: str) -> None:
        if text[:1] not in PACKET_TYPES or not self.allowance.message():
            raise Hangup
        self._take(text)

    def _take(self, text: str) -> None:
        """Handles a message here if that is quick and nothing is before it, or else hands it on."""
        if text == "3":
            return  # an answer to a ping; that something was heard is all that is wanted
        handle = None
        if text.startswith('42["'):
            handle = self._wires.lane.get(text[4 : text.find('"', 4)])
        if handle is None:
            self.sid = None  # the message may be a new greeting
            self.queue(lambda: self._receive(text))
        elif self._busy:
            self.queue(lambda: self._quick(handle, text))
        else:
            self._quick(handle, text)

    def _quick(self, handle: Handle, text: str) -> None:
        if self.sid is None:
            self.sid = self._wires.name_of(self.session)
        if self.sid is None:
            return  # it speaks before it has been greeted
        try:
            message = orjson.loads(text[2:])
        except ValueError as error:
            raise Hangup from error
        handle(self.sid, message[1] if len(message) == 2 else None)

    # Handling, in order

    def queue(self, job: Callable[[], None]) -> None:
        """Has something done by a handler, after all that was queued before."""
        with self._lock:
            self._jobs.append(job)
            if self._busy:
                return
            self._busy = True
        self._wires.hand_over(self._work)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._busy = False
                    return
                job = self._jobs.popleft()
            try:
                job()
            except Hangup:
                self._wires.ask(lambda: self._wires.drop(self))
            except Exception:
                log.exception("a message could not be handled")

    def _receive(self, text: str) -> None:
        try:
            self.session.receive(Packet(encoded_packet=text))
        except Exception as error:  # Engine.IO's and Socket.IO's decoders raise whatever they meet
            raise Hangup from error


class Outbox:
    """Engine.IO's queue of packets to a client: it writes them, once there is a wire."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self._lock = threading.Lock()
        self._before: list[Packet | None] = []
        self._wire: Wire | None = None

    def put(self, packet: Packet | None) -> None:
        """Sends a packet; None ends the connection."""
        with self._lock:
            if self._wire is None:
                self._before.append(packet)
                return
            wire = self._wire
        if packet is None:
            wire.finish()
        else:
            wire.send(packet.encode().encode())

    def open(self, wire: Wire) -> None:
        """Sends what was put before."""
        with self._lock:
            waiting, self._before = self._before, []
            for packet in waiting:
                if packet is not None:
                    wire.send(packet.encode().encode())
            self._wire = wire
        if None in waiting:
            wire.finish()

    def join(self) -> None:
        """Nothing waits here."""


class Wires:
    """The connections of one server.

    Args:
        new_allowance: Makes the allowance of a connection.
        bulk: Reads and writes many sockets at once; None for each by itself.

    Attributes:
        lane: Message -> who handles it on the wires' own thread; they must be quick.
    """

    def __init__(self, new_allowance: Callable[[], Allowance], bulk: Bulk | None = None) -> None:
        self.new_allowance = new_allowance
        self._bulk = bulk
        self._held_back = threading.local()  # of each thread: see `together`
        self._sending = threading.Lock()
        self.lane: dict[str, Handle] = {}
        self._server: Any = None
        self._wires: dict[str, Wire] = {}  # Engine.IO's session -> wire
        self._selector = selectors.DefaultSelector()
        self._near, self._far = socket.socketpair()
        self._far.setblocking(False)
        self._near.setblocking(False)  # when it is full, the thread will wake up without one more
        self._selector.register(self._far, selectors.EVENT_READ)
        self._asked: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._handlers = ThreadPoolExecutor(HANDLERS, thread_name_prefix="messages")
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="wires")

    def attach(self, socketio: SocketIO) -> None:
        """Takes over the connections of a Socket.IO server."""
        self._server = socketio.server
        engine = self._server.eio
        engine._async = {**engine._async, **self.driver()}
        self._thread.start()

    def driver(self) -> dict[str, Any]:
        """What Engine.IO asks of an asynchronous mode and has to be other than its threads."""
        wires = self

        class Upgrade:
            """The switch of a request to a WebSocket."""

            def __init__(self, handler: Any, _: Any) -> None:
                self._session: EngineSession = handler.__self__

            def __call__(self, environ: dict[str, Any], _: Any) -> Any:
                wires.adopt(environ, self._session)
                raise ConnectionError  # so that the HTTP server writes nothing

        class Task(threading.Thread):
            """A background task: a thread, but for pings, which are timers."""

            def __init__(self, target: Any, args: Any = (), kwargs: Any = None) -> None:
                super().__init__(target=target, args=args, kwargs=kwargs, daemon=True)
                pings = getattr(target, "__func__", None) is EngineSession._send_ping
                self._pinged: EngineSession | None = target.__self__ if pings else None

            def start(self) -> None:
                if self._pinged is None:
                    super().start()
                else:
                    wires.ping_later(self._pinged)

        return {"thread": Task, "queue": Outbox, "websocket": Upgrade}

    def close(self) -> None:
        """Ends every connection and the thread."""
        self._stopping = True
        self.ask(lambda: None)
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._handlers.shutdown(wait=True, cancel_futures=True)
        for wire in list(self._wires.values()):
            wire.finish()
            wire.close()
        self._wires.clear()
        self._selector.close()
        self._near.close()
        self._far.close()

    # From any thread

    def tell(self, event: str, data: Any, sid: str) -> None:
        """Sends an event to one connection of this server; to one that is gone, nothing."""
        wire = self._wires.get(self._server.manager.eio_sid_from_sid(sid, "/"))
        if wire is not None:
            wire.send(encode(event, data))

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Holds back what this thread sends meanwhile, and sends it with one call at the end.

        Whatever another thread sends to one of the same connections stays behind it.
        """
        if self._bulk is None or getattr(self._held_back, "wires", None) is not None:
            yield
            return
        self._held_back.wires = wires = dict[Wire, None]()
        try:
            yield
        finally:
            self._held_back.wires = None
            with self._sending:  # one at a time holds the locks of many connections
                left = Wire.send_together(self._bulk, list(wires))
            for wire in left:
                self.ask(partial(self.look_after, wire))

    def holds_back(self, wire: Wire) -> bool:
        """Whether this thread's messages to a connection wait for the end of `together`."""
        wires: dict[Wire, None] | None = getattr(self._held_back, "wires", None)
        if wires is None:
            return False
        wires[wire] = None
        return True

    def name_of(self, session: EngineSession) -> str | None:
        """Socket.IO's name of a session; None before it has connected."""
        name: str | None = self._server.manager.sid_from_eio_sid(session.sid, "/")
        return name

    def count(self) -> int:
        """Open connections."""
        return len(self._wires)

    def ask(self, job: Callable[[], None]) -> None:
        """Has something done on the wires' thread."""
        self._asked.append(job)
        if threading.current_thread() is not self._thread:
            with contextlib.suppress(OSError):
                self._near.send(b"!")

    def hand_over(self, work: Callable[[], None]) -> None:
        """Has something done by a handler."""
        with contextlib.suppress(RuntimeError):  # the server is closing
            self._handlers.submit(work)

    def ping_later(self, session: EngineSession) -> None:
        """Pings a client from now on, and ends its connection when it falls silent.

        Engine.IO looks at when the answer to a ping was handled. A server with more to do than it
        can would end the connections of clients that have answered in time, and have to greet them
        again besides. Here the silence is looked at by the thread that reads, after it has read.
        """
        self.ask(lambda: self._later(session.server.ping_interval, partial(self._ping, session)))

    def adopt(self, environ: dict[str, Any], session: EngineSession) -> None:
        """Answers the handshake and takes the socket over from the HTTP server.

        Raises:
            ConnectionError: The request is no handshake.
        """
        protocol = WSConnection(ConnectionType.SERVER)
        headers = [
            (key[5:].replace("_", "-").lower().encode(), str(value).encode("latin-1"))
            for key, value in environ.items()
            if key.startswith("HTTP_")
        ]
        try:
            protocol.initiate_upgrade_connection(headers, "/")
            events = list(protocol.events())
        except ProtocolError as error:
            raise ConnectionError from error
        if not events or not isinstance(events[0], Request):
            raise ConnectionError
        borrowed = environ["werkzeug.socket"]
        if self._stopping:
            borrowed.sendall(protocol.send(RejectConnection(status_code=503)))
            raise ConnectionError
        # Compressing costs more time than a game's other work; a step is a few hundred bytes.
        borrowed.sendall(protocol.send(AcceptConnection()))
        sock = socket.socket(fileno=borrowed.detach())
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session.connected = session.upgraded = True
        wire = Wire(self, sock, session)
        self._wires[session.sid] = wire
        session.queue.open(wire)
        self.ask(lambda: self._take_in(wire))

    # On the wires' thread

    def look_after(self, wire: Wire) -> None:
        """Waits for whatever may happen to a connection."""
        if self._wires.get(wire.session.sid) is not wire:
            return
        if wire.closing and not wire.waiting:
            # Closed at once, what it has sent meanwhile would destroy what it has not read yet.
            with contextlib.suppress(OSError):
                wire.sock.shutdown(socket.SHUT_WR)
            self._later(LINGER_S, lambda: self.drop(wire))
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wire.waiting else 0)
        try:
            known = self._selector.get_map().get(wire.sock)
            if known is None:
                self._selector.register(wire.sock, events, wire)
            elif known.events != events:
                self._selector.modify(wire.sock, events, wire)
        except (ValueError, OSError):
            self.drop(wire)

    def _take_in(self, wire: Wire) -> None:
        def greeted() -> None:
            if self.name_of(wire.session) is None and not wire.busy:
                self.drop(wire)

        self.look_after(wire)
        self._later(GREETING_S, greeted)

    def drop(self, wire: Wire) -> None:
        """Forgets a connection and tells Engine.IO, once."""
        if self._wires.pop(wire.session.sid, None) is None:
            return
        wire.gone = True
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(wire.sock)
        with contextlib.suppress(OSError):
            wire.sock.shutdown(socket.SHUT_RDWR)
        wire.close()
        session = wire.session

        def closed() -> None:
            session.close(wait=False, abort=True, reason=session.server.reason.TRANSPORT_CLOSE)
            session.server.sockets.pop(session.sid, None)

        wire.queue(closed)

    def _ping(self, session: EngineSession) -> None:
        wire = self._wires.get(session.sid)
        if wire is None or session.closing or session.closed:
            return
        wire.heard = False
        session.send(Packet(2))
        # Asked for, it is done after what has arrived by then is read.
        judge = partial(self.ask, partial(self._judge, wire))
        self._later(session.server.ping_timeout, judge)

    def _judge(self, wire: Wire) -> None:
        engine = wire.session.server
        if wire.heard:
            rest = max(0.0, engine.ping_interval - engine.ping_timeout)
            self._later(rest, partial(self._ping, wire.session))
        else:
            self.drop(wire)

    def _later(self, seconds: float, job: Callable[[], None]) -> None:
        due = time.monotonic() + seconds
        heapq.heappush(self._timers, (due, next(self._order), job))

    def _run(self) -> None:
        while not self._stopping:
            wait = self._timers[0][0] - time.monotonic() if self._timers else None
            if self._asked:
                wait = 0.0
            ready = self._selector.select(None if wait is None else max(0.0, wait))
            arrived = self._read_together(ready)
            with self.together():  # pings, mostly
                for key, events in ready:
                    if key.data is None:
                        with contextlib.suppress(BlockingIOError):
                            self._far.recv(4096)
                    else:
                        self._serve(key.data, events, arrived.get(key.data))
                while self._asked:
                    self._guarded(self._asked.popleft())
                now = time.monotonic()
                while self._timers and self._timers[0][0] <= now:
                    self._guarded(heapq.heappop(self._timers)[2])

    def _read_together(
        self, ready: Sequence[tuple[selectors.SelectorKey, int]]
    ) -> dict[Wire, bytes]:
        wires = [k.data for k, e in ready if k.data is not None and e & selectors.EVENT_READ]
        if self._bulk is None or len(wires) < 2:
            return {}
        read = self._bulk.receive([wire.sock.fileno() for wire in wires])
        return {wire: data for wire, data in zip(wires, read, strict=True) if data is not None}

    def _serve(self, wire: Wire, events: int, data: bytes | None) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                wire.flush()
                self.look_after(wire)
            if events & selectors.EVENT_READ and not wire.gone:
                wire.read(data)
        except (OSError, Hangup):
            self.drop(wire)
        except Exception:
            log.exception("a connection could not be served")
            self.drop(wire)

    @staticmethod
    def _guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:
            log.exception("a connection could not be looked after")


def encode(event: str, data: Any) -> bytes:
    """An event as Engine.IO and Socket.IO write it."""
    return b"42" + compact([event, data])
