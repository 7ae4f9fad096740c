"""Many sockets read or written with one call.

Each call of Python's own on a socket gives the interpreter's lock away and waits for it again
behind whichever threads are busy; with thousands of short messages a second that waiting is most of
what they cost. Compiled by numba, the calls of a whole group are made without the lock.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

READ_BYTES = 4096
"""Most bytes that are read of one socket at once."""


@dataclass(frozen=True)
class Bulk:
    """The compiled calls; the sockets must not block."""

    _send: Any
    _receive: Any

    def send(self, sockets: Sequence[int], parts: Sequence[bytes | bytearray]) -> list[int]:
        """Writes one part to each of some file descriptors.

        Returns:
            How many bytes each took; -1 where it took none, for whatever reason.
        """
        sizes = np.array([len(part) for part in parts], np.int64)
        taken = np.empty(len(parts), np.int64)
        content = np.frombuffer(b"".join(parts), np.uint8)
        self._send(np.array(sockets, np.int32), sizes, content, taken)
        return taken.tolist()

    def receive(self, sockets: Sequence[int]) -> list[bytes | None]:
        """Reads what has arrived at some file descriptors, up to `READ_BYTES` of each.

        Returns:
            What each had; b"" at the end of a connection, None where nothing could be read, for
            whatever reason.
        """
        content = np.empty((len(sockets), READ_BYTES), np.uint8)
        taken = np.empty(len(sockets), np.int64)
        self._receive(np.array(sockets, np.int32), content, taken)
        return [
            row[:size].tobytes() if size >= 0 else None
            for row, size in zip(content, taken.tolist(), strict=True)
        ]


@cache
def compiled() -> Bulk:
    """The calls, compiled once for each process."""
    import numba

    library = ctypes.CDLL(None)  # the process itself, with the C library in it
    # Pointers are passed as the numbers that they are: numba has no others for them.
    address, size = ctypes.c_size_t, ctypes.c_size_t
    send, recv = library["send"], library["recv"]
    for function in (send, recv):
        function.argtypes = [ctypes.c_int, address, size, ctypes.c_int]
        function.restype = ctypes.c_ssize_t

    def send_each(sockets: Any, sizes: Any, content: Any, taken: Any) -> None:
        begin = content.ctypes.data
        for index in range(sockets.size):
            taken[index] = send(sockets[index], begin, sizes[index], 0)
            begin += sizes[index]

    def receive_each(sockets: Any, content: Any, taken: Any) -> None:
        room = content.shape[1]
        for index in range(sockets.size):
            begin = content.ctypes.data + index * room
            taken[index] = recv(sockets[index], begin, room, 0)

    i32, i64 = numba.int32[::1], numba.int64[::1]
    fixed = numba.types.Array(numba.uint8, 1, "C", readonly=True)
    return Bulk(
        numba.njit(numba.void(i32, i64, fixed, i64), nogil=True)(send_each),
        numba.njit(numba.void(i32, numba.uint8[:, ::1], i64), nogil=True)(receive_each),
    )
