"""The frames of the WebSocket protocol (RFC 6455), as a server reads and writes them.

Written out here because a game's traffic is a few short frames many times a second: a general
library spends more time on each than the game itself does.
"""

from dataclasses import dataclass

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUATION = 0x0
LAST = 0x80
"""Bit of a frame's first byte: no other frame of its message follows."""
MASKED = 0x80
MAX_CONTROL_BYTES = 125


class BadFrame(Exception):
    """Bytes that the protocol forbids, or more of them than are wanted."""


@dataclass
class FrameReader:
    """Puts a client's bytes together to messages.

    Attributes:
        max_bytes: Longest message.
    """

    max_bytes: int

    def __post_init__(self) -> None:
        self._rest = b""  # the beginning of a frame
        self._parts: list[bytes] = []  # of a message
        self._kind = CONTINUATION  # of the message; while there is none, nothing can go on
        self._size = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Takes in what has arrived.

        Returns:
            The messages that are whole now, as their kind and content: text, binary, close, ping
            or pong.

        Raises:
            BadFrame: The connection is to be ended.
        """
        data = self._rest + data if self._rest else data
        found: list[tuple[int, bytes]] = []
        at, end = 0, len(data)
        while at + 2 <= end:
            first, second = data[at], data[at + 1]
            if not second & MASKED:
                raise BadFrame("a client masks its frames")
            size, body = second & 0x7F, at + 6
            if size > MAX_CONTROL_BYTES:
                width = 2 if size == 126 else 8
                body += width
                if body > end:
                    break
                size = int.from_bytes(data[at + 2 : at + 2 + width])
            if size > self.max_bytes:
                raise BadFrame(f"{size} bytes in a frame")
            if body + size > end:
                break
            content = unmasked(data[body : body + size], data[body - 4 : body])
            at = body + size
            self._take(first, content, found)
        self._rest = data[at:]
        return found

    def _take(self, first: int, content: bytes, found: list[tuple[int, bytes]]) -> None:
        kind, last = first & 0x0F, first & LAST
        if first == LAST | TEXT and not self._parts:  # nearly every frame
            found.append((kind, content))
        elif kind in (CLOSE, PING, PONG) and first == LAST | kind:
            if len(content) > MAX_CONTROL_BYTES:
                raise BadFrame("a control frame is short")
            found.append((kind, content))
        elif first & ~LAST == kind and kind in (TEXT, BINARY, CONTINUATION):
            self._collect(kind, content)
            if last:
                found.append((self._kind, b"".join(self._parts)))
                self._parts, self._size = [], 0
        else:
            raise BadFrame(f"a frame begins with {first:#x}")

    def _collect(self, kind: int, content: bytes) -> None:
        if (kind == CONTINUATION) is not bool(self._parts):
            raise BadFrame("a message goes on that has not begun, or begins in another")
        self._kind = kind or self._kind
        self._parts.append(content)
        self._size += len(content)
        if self._size > self.max_bytes:
            raise BadFrame(f"{self._size} bytes in a message")


def unmasked(content: bytes, mask: bytes) -> bytes:
    """What a client masked with four bytes, by one operation on one long number."""
    size = len(content)
    repeated = int.from_bytes((mask * (size // 4 + 1))[:size])
    return (int.from_bytes(content) ^ repeated).to_bytes(size)


def frame(kind: int, content: bytes) -> bytes:
    """A whole message in one frame, as servers write it."""
    size = len(content)
    if size <= MAX_CONTROL_BYTES:
        return bytes((LAST | kind, size)) + content
    if size < 1 << 16:
        return bytes((LAST | kind, 126)) + size.to_bytes(2) + content
    return bytes((LAST | kind, 127)) + size.to_bytes(8) + content
