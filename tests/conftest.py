"""What all tests share."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def leftovers() -> Iterator[None]:
    """Lets the warnings about what a module left open come in that module.

    The Socket.IO client leaves its end open when a server hangs up; modules that use it expect the
    warning. Without this it comes whenever memory is tidied up next, in somebody else's test.
    """
    yield
    gc.collect()
