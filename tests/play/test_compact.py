"""JSON as records and messages have it."""

import json
from typing import Any

import pytest

from play.compact import compact


@pytest.mark.parametrize(
    "value",
    [
        {
            "kind": "tick",
            "t": 7,
            "events": (("soup_pickup",), ()),
            "at_ms": 1234.56,
            "reason": None,
        },
        ["ä漢🙂", "\x00\n", 1e-9, 1.7e12, -0.0, True],
        "half of a pair \ud83d",  # an exception of a policy can say anything
        2**80,
        {1: "one"},
    ],
)
def test_json_says_the_value_without_spaces(value: Any) -> None:
    text = compact(value)
    assert json.loads(text) == json.loads(json.dumps(value))
    assert b": " not in text
    assert b", " not in text


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        compact({"what": object()})
