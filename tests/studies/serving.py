"""A real study server on a free port; run as a module, in a process of its own."""

import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studies.design import Study
from studies.loading import load_study
from studies.store import Store
from studies.web.config import StudyConfig
from studies.web.server import StudyServer

SECRET = b"a secret that only the tests know"


@contextlib.contextmanager
def serving(database: str, study: Study, **settings: Any) -> Iterator[StudyServer]:
    """Runs a study server in a thread and stops it afterwards, as Ctrl-C would."""
    store = Store(database)
    settings = {"secret": SECRET, "countdown_ms": 200, **settings}
    server = StudyServer(StudyConfig(study, store, **settings))
    thread = threading.Thread(target=server.run, name="study server")
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(timeout=20)
        assert not thread.is_alive(), "the server did not stop"
        store.close()


def main() -> None:
    """Serves until it is interrupted: STUDY.yaml, the database, and settings as JSON."""
    study, database, settings = sys.argv[1:]
    store = Store(database)
    values = {"secret": SECRET, "countdown_ms": 100, **json.loads(settings)}
    with contextlib.suppress(KeyboardInterrupt):
        StudyServer(StudyConfig(load_study(Path(study)), store, **values)).run()
    store.close()


if __name__ == "__main__":
    main()
