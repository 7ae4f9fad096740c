"""A real play server on a free port, and a wire that can be cut, for the tests."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from play.web.config import PlayConfig
from play.web.server import PlayServer


@contextlib.contextmanager
def serving(episodes_dir: Path, **settings: Any) -> Iterator[PlayServer]:
    """Runs a server in a thread and stops it afterwards."""
    settings = {"port": 0, "seed": 7, "countdown_ms": 300, **settings}
    server = PlayServer(PlayConfig(episodes_dir=episodes_dir, **settings))
    thread = threading.Thread(target=server.run, name="play server")
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(timeout=20)
        assert not thread.is_alive(), "the server did not stop"


class Wire:
    """A TCP relay in front of a server, whose connections can be cut and refused.

    Attributes:
        said: Every byte that the server sent.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://localhost:{self.port}/"
        self.said = bytearray()
        self._open = True
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Drops every connection and refuses new ones until `mend`."""
        self._open = False
        for pair in self._pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def mend(self) -> None:
        """Lets connections through again."""
        self._open = True

    def close(self) -> None:
        """Ends the relay."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._open:
                near.close()
                continue
            far = socket.create_connection(self._target)
            self._pairs.append((near, far))
            threading.Thread(target=self._relay, args=(near, far), daemon=True).start()

    def _relay(self, near: socket.socket, far: socket.socket) -> None:
        selector = selectors.DefaultSelector()
        selector.register(near, selectors.EVENT_READ, far)
        selector.register(far, selectors.EVENT_READ, near)
        with near, far, contextlib.suppress(OSError):
            while True:
                for ready, _ in selector.select():
                    data = ready.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not data:
                        return
                    if ready.fileobj is far:
                        self.said += data
                    ready.data.sendall(data)
