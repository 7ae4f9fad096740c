"""WebSocket frames, with wsproto as the client at the other end."""

import itertools
import random

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    TextMessage,
)

from play.web import frames
from play.web.frames import BadFrame, FrameReader, frame

LIMIT = 70_000


def client() -> Connection:
    return Connection(ConnectionType.CLIENT)


def pieces(chance: random.Random, data: bytes) -> list[bytes]:
    """The bytes as a network might deliver them."""
    found = []
    while data:
        size = chance.choice((1, 2, 3, 7, 100, 10_000, 200_000))
        found.append(data[:size])
        data = data[size:]
    return found


@pytest.mark.parametrize("seed", range(20))
def test_what_a_client_says_is_heard_however_it_is_cut(seed: int) -> None:
    chance, sender, reader = random.Random(seed), client(), FrameReader(LIMIT)
    said, sent = [], b""
    for _ in range(30):
        size = chance.choice((0, 1, 5, 60, 125, 126, 127, 4000, 65_535, 65_536, LIMIT))
        text = "".join(chance.choices("aé漢🙂", k=size // 4))
        cuts = sorted(chance.choices(range(len(text) + 1), k=chance.randrange(3)))
        bounds = [0, *cuts, len(text)]
        for number, (begin, end) in enumerate(itertools.pairwise(bounds), start=2):
            last = number == len(bounds)
            sent += sender.send(Message(data=text[begin:end], message_finished=last))
            if not last and chance.random() < 0.3:  # pings may come in between
                sent += sender.send(Ping(payload=b"are you there"))
                said.append((frames.PING, b"are you there"))
        said.append((frames.TEXT, text.encode()))
    sent += sender.send(BytesMessage(data=b"\x00\xff"))
    sent += sender.send(CloseConnection(code=1000))
    said += [(frames.BINARY, b"\x00\xff"), (frames.CLOSE, (1000).to_bytes(2))]
    assert [one for data in pieces(chance, sent) for one in reader.feed(data)] == said


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_a_client_understands_what_is_sent(size: int) -> None:
    receiver, text = client(), "x" * size
    receiver.receive_data(frame(frames.TEXT, text.encode()) + frame(frames.PONG, b"yes"))
    receiver.receive_data(frame(frames.CLOSE, (1000).to_bytes(2)))
    events: list[Event] = list(receiver.events())
    *heard, pong, goodbye = events
    assert "".join(one.data for one in heard if isinstance(one, TextMessage)) == text
    assert isinstance(pong, Pong)
    assert pong.payload == b"yes"
    assert isinstance(goodbye, CloseConnection)
    assert goodbye.code == 1000


def masked(first: int, content: bytes = b"", size: int | None = None) -> bytes:
    """A frame with any first byte, masked with zeros; `size` lies about its length."""
    plain = frame(frames.TEXT, content if size is None else bytes(size))
    header = plain[: len(plain) - (len(content) if size is None else size)]
    return bytes((first, header[1] | 0x80)) + header[2:] + bytes(4) + content


@pytest.mark.parametrize(
    "sent",
    [
        frame(frames.TEXT, b"not masked"),
        masked(0xC1, b"a reserved bit"),
        masked(0x83, b"no such kind"),
        masked(0x8B, b"no such control frame"),
        masked(0x80, b"it goes on, but never began"),
        masked(0x01, b"it begins") + masked(0x81, b"and another begins"),
        masked(0x01, b"it begins") + masked(0x01, b"and another begins"),
        masked(0x09, b"a ping in parts"),
        masked(0x89, bytes(126)),
        masked(0x81, size=LIMIT + 1),
        masked(0x01, bytes(LIMIT)) + masked(0x80, b"a byte too many"),
    ],
)
def test_what_the_protocol_forbids_ends_the_connection(sent: bytes) -> None:
    with pytest.raises(BadFrame):
        FrameReader(LIMIT).feed(sent)


def test_an_announced_length_beyond_the_limit_is_refused_before_it_comes() -> None:
    with pytest.raises(BadFrame):
        FrameReader(4096).feed(bytes((0x81, 0xFF)) + (2**62).to_bytes(8) + bytes(4))
