"""Where a number comes from: the commit, the libraries and the machine behind it."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("understudy", "numpy", "torch", "numba", "onnx", "onnxruntime")


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
    sources = ("../training", "../agents", "../play")
    changed = ask("status", "--porcelain", "--untracked-files=no", "--", *sources)
    return commit + ("+changes" if changed else "")


def versions(packages: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Versions of everything that the numbers depend on."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def machine() -> dict[str, str | int]:
    """The computer in a few words: system, processor and how many processors are ours."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "processors": usable_processors(),
    }


def usable_processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
