"""What is told about a running game."""

import threading
import time
from pathlib import Path
from typing import Any

from play.episode import EpisodeWriter
from play.scheduler import Scheduler
from play.session import Line
from play.web.table import Table
from tests.play.games import Walker, session


class Slow(EpisodeWriter):
    """A record on a disk that can be made to wait."""

    def __init__(self, folder: Path, header: Line) -> None:
        self.open = threading.Event()
        self.open.set()
        self.waits = threading.Event()
        super().__init__(folder, header)

    def append(self, lines: list[Line]) -> None:
        if not self.open.is_set():
            self.waits.set()
        assert self.open.wait(60)
        super().append(lines)


def test_a_picture_shows_no_step_that_is_not_on_the_disk(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    play = session(Walker(), None, tick_ms=10)
    record, scheduler = Slow(tmp_path, play.header()), Scheduler()
    scheduler.start()
    table = Table(play.config.seats, told.append, lambda _: None, lambda _: None)
    table.sit_down(scheduler.seat(play, record, table))
    assert table.picture()["t"] == 0
    assert table.picture()["scene"] == play.scene()
    table.start(0)
    while len(told) < 3:
        time.sleep(0.005)
    record.open.clear()
    assert record.waits.wait(60)  # one step more is taken, but not on the disk
    picture = table.picture()
    assert picture["t"] == told[-1]["t"] == play.t - 1
    assert picture["scene"] == told[-1]["scene"]
    record.open.set()
    scheduler.close()
