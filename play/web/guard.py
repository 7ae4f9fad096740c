"""What every connection is held to before its messages are even decoded."""

import time
from collections.abc import Callable
from typing import Any

import simple_websocket
from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI

from play.web.messages import Allowance

MAX_FRAME_BYTES = 4096
PACKET_TYPES = frozenset("0123456")


def guarded_websocket(allowance: Callable[[], Allowance]) -> type[SimpleWebSocketWSGI]:
    """A WebSocket class that ends a connection which floods or does not speak Engine.IO.

    Engine.IO would decode each frame first and leave its writer thread behind when that fails;
    here a bad frame looks like the client hanging up, which is the one path that cleans up.
    """

    class GuardedWebSocket(SimpleWebSocketWSGI):  # type: ignore[misc]
        def __init__(self, handler: Any, server: Any, **kwargs: Any) -> None:
            super().__init__(handler, server, max_message_size=MAX_FRAME_BYTES, **kwargs)
            self.allowance = allowance()

        def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
            try:
                return super().__call__(environ, start_response)
            except simple_websocket.ConnectionError:
                raise ConnectionError from None  # a failed handshake: nothing to answer to

        def wait(self) -> str | None:
            frame = super().wait()
            if not isinstance(frame, str) or frame[:1] not in PACKET_TYPES:
                return None
            return frame if self.allowance.message() else None

    return GuardedWebSocket


def allowance_factory(rate: float, burst: float, mistakes: int) -> Callable[[], Allowance]:
    """Makes a fresh allowance for each connection."""
    return lambda: Allowance(rate, burst, mistakes, time.monotonic)
