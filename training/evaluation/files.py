"""Files that nobody ever finds half written."""

import os
from pathlib import Path

PARTIAL = ".partial"
"""Ending of a file that is being written."""


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that nobody ever finds half of it."""
    part = path.with_name(path.name + PARTIAL)
    part.write_bytes(content)
    commit_file(part, path)


def commit_file(part: Path, target: Path) -> None:
    """Gives a file that was written under another name its own, once it is on disk."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, target)
