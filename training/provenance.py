"""What a result was made with: the commit and the versions of the libraries."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def git_commit() -> str:
    """The commit of the source tree, with "+changes" when files differ from it."""
    root = Path(__file__).parent

    def ask(*words: str) -> str:
        try:
            done = subprocess.run(
                ["git", *words], cwd=root, capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return ""
        return done.stdout.strip()

    commit = ask("rev-parse", "HEAD")
    if not commit:
        return "unknown"
    changed = ask("status", "--porcelain", "--untracked-files=no", "--", "../training", "../play")
    return commit + ("+changes" if changed else "")


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python, of this project and of packages that numbers depend on."""
    found = {"python": platform.python_version()}
    for package in ("understudy", *packages):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found
