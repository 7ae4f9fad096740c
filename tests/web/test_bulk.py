"""Many sockets read and written with one call, against Python's own calls."""

import random
import socket
from collections.abc import Iterator

import pytest

from play.web.bulk import READ_BYTES, compiled

pytest.importorskip("numba")
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    made = [socket.socketpair() for _ in range(20)]
    for pair in made:
        for end in pair:
            end.setblocking(False)
    yield made
    for pair in made:
        for end in pair:
            end.close()


def test_every_socket_takes_its_own_part(pairs: list[Pair]) -> None:
    chance = random.Random(1)
    parts = [chance.randbytes(chance.randrange(1, 2000)) for _ in pairs]
    taken = compiled().send([near.fileno() for near, _ in pairs], parts)
    assert taken == [len(part) for part in parts]
    assert [far.recv(5000) for _, far in pairs] == parts


def test_what_has_arrived_is_read_and_no_more_than_there_is_room_for(pairs: list[Pair]) -> None:
    chance = random.Random(2)
    parts = [chance.randbytes(size) for size in (1, 300, READ_BYTES, READ_BYTES + 7)]
    for (near, _), part in zip(pairs, parts, strict=False):
        near.sendall(part)
    ends = [far.fileno() for _, far in pairs[:4]]
    assert compiled().receive(ends) == [part[:READ_BYTES] for part in parts]
    assert compiled().receive(ends) == [None, None, None, parts[3][READ_BYTES:]]


def test_a_full_or_lost_socket_takes_nothing_and_the_others_are_served(pairs: list[Pair]) -> None:
    (full, _), (lost, gone), (good, heard) = pairs[:3]
    while True:
        try:
            full.send(b"x" * 65536)
        except BlockingIOError:
            break
    gone.close()
    taken = compiled().send([full.fileno(), lost.fileno(), good.fileno()], [b"one"] * 3)
    assert taken == [-1, -1, 3]
    assert heard.recv(10) == b"one"


def test_a_socket_that_takes_some_says_how_much(pairs: list[Pair]) -> None:
    near, far = pairs[0]
    part = b"y" * 10_000_000
    (taken,) = compiled().send([near.fileno()], [part])
    assert 0 < taken < len(part)
    got = 0
    while got < taken:
        got += len(far.recv(1 << 20))
    assert got == taken


def test_the_end_of_a_connection_is_an_empty_read(pairs: list[Pair]) -> None:
    (near, far), (other, lost) = pairs[:2]
    near.close()
    descriptor = lost.fileno()
    lost.close()
    assert compiled().receive([far.fileno(), descriptor]) == [b"", None]
    other.close()
