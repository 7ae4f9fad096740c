"""JSON as records and messages have it: UTF-8 without spaces, written fast."""

import json
from typing import Any

import orjson

_careful = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def compact(value: Any) -> bytes:
    """A value as JSON; numbers that are not finite become null.

    Raises:
        TypeError: It is none.
    """
    try:
        return orjson.dumps(value)
    except TypeError:  # halves of surrogate pairs, numbers of more than 64 bits, keys not text
        return _careful.encode(value).encode()
