import pytest

from play.worlds import registry


@pytest.fixture(autouse=True)
def tiny_world(monkeypatch):
    """Makes the game "tiny/goal" known."""
    monkeypatch.setitem(registry.FAMILIES, "tiny", "tests.training.tiny_world")
