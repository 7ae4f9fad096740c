import pytest

from play.worlds import registry


@pytest.fixture(autouse=True)
def work_world(monkeypatch):
    """Makes the games "work/pair" and "work/guest" known."""
    monkeypatch.setitem(registry.FAMILIES, "work", "tests.training.evaluation.work_world")
