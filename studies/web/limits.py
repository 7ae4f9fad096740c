"""How many pages a browser may ask for.

There is a bucket for each participant, and for each address of those who are in no session.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from play.web.messages import Allowance
from studies.web.config import StudyConfig

KEPT = 20_000
"""Buckets that are kept; the one that was used longest ago is full again by then."""


class Limits:
    """The buckets of a server.

    Args:
        config: Rates and bursts.
        clock: Monotonic seconds.
    """

    def __init__(self, config: StudyConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config, self._clock = config, clock
        self._lock = Lock()
        self._buckets: OrderedDict[str, Allowance] = OrderedDict()

    def admits(self, participant_id: str | None, address: str) -> bool:
        """Counts a request; False when there were too many."""
        c = self._config
        rate, burst, key = c.newcomer_rate, c.newcomer_burst, f"address {address}"
        if participant_id is not None:
            rate, burst, key = c.page_rate, c.page_burst, f"participant {participant_id}"
        with self._lock:
            bucket = self._buckets.pop(key, None) or Allowance(rate, burst, 0, self._clock)
            self._buckets[key] = bucket
            if len(self._buckets) > KEPT:
                self._buckets.popitem(last=False)
            return bucket.message()
