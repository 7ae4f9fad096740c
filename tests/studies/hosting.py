"""Real Redis, real nginx with the shipped configuration, and study servers as processes."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis

ROOT = Path(__file__).resolve().parents[2]
NGINX_CONF = ROOT / "assets" / "hosting" / "nginx.conf"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(name: str) -> str:
    """A server program; without it a test is skipped, or fails where nothing may be skipped."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        if os.environ.get("UNDERSTUDY_NO_SKIP"):
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return found


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_for(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 180
    while not answers(port):
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < deadline, "the server does not listen"
        time.sleep(0.02)


@contextlib.contextmanager
def running(port: int, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A server on a port, stopped afterwards."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, text=True)
        try:
            wait_for(port, process)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=20)


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    port = free_port()
    options = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    with running(port, program("redis-server"), "--port", str(port), *options):
        url = f"redis://127.0.0.1:{port}/0"
        with redis.Redis.from_url(url) as client:
            assert client.ping()
        yield url


@contextlib.contextmanager
def nginx(folder: Path, one: int, two: int) -> Iterator[str]:
    """The shipped configuration with the ports of two processes, and without certificates."""
    port = free_port()
    site = NGINX_CONF.read_text()
    site = site.replace("one:5100", f"127.0.0.1:{one}").replace("two:5100", f"127.0.0.1:{two}")
    site = re.sub(r"listen 443 ssl;", f"listen 127.0.0.1:{port};", site)
    site = re.sub(r" *ssl_\w+ .*\n", "", site)
    site = site.replace("/var/log/nginx/study.log", str(folder / "access.log"))
    (folder / "site.conf").write_text(site)
    whole = folder / "nginx.conf"
    whole.write_text(
        f"pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off; worker_processes 1;\n"
        f"events {{ worker_connections 512; }}\nhttp {{ include {folder}/site.conf; }}\n"
    )
    if os.getuid() == 0:
        whole.write_text("user root;\n" + whole.read_text())
    with running(port, program("nginx"), "-p", str(folder), "-c", str(whole)):
        yield f"http://127.0.0.1:{port}"


def heed_interrupts() -> None:
    """Undoes what a shell does to jobs in the background, and they pass on to their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Served:
    """A study server that is a process of its own.

    Args:
        folder: Where `study.yaml` is.
        port: Where it listens, also when it is started again.
        command: Python's arguments.
        more: Of its environment.

    Attributes:
        url: Its address.
        log: What it says.
    """

    def __init__(self, folder: Path, port: int, command: Sequence[str], more: dict[str, str]):
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self.log = folder / f"server-{port}.log"
        self._folder, self._command, self._more = folder, command, more
        self.start()

    def start(self) -> None:
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self._command], cwd=self._folder, stdout=log, stderr=log,
                text=True, env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1",
                                "UNDERSTUDY_COMPILED": "0", **self._more},
                preexec_fn=heed_interrupts,
            )  # fmt: skip
        wait_for(self.port, self.process)

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=20)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            assert self.process.wait(timeout=30) == 0, self.log.read_text()


class Servers:
    """Starts study servers in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Served] = []

    def __call__(self, *arguments: str, **more: str) -> Served:
        """As `understudy study serve` does."""
        port = free_port()
        main = ("-c", "from play.main import main; main()", "study", "serve", "study.yaml")
        return self._keep(port, (*main, "--port", str(port), *arguments), more)

    def quick(self, database: str, settings: dict[str, Any], **more: str) -> Served:
        """With settings that the command line does not have, such as a short countdown."""
        port = free_port()
        values = json.dumps({"port": port, **settings})
        command = ("-m", "tests.studies.serving", "study.yaml", database, values)
        return self._keep(port, command, more)

    def _keep(self, port: int, command: Sequence[str], more: dict[str, str]) -> Served:
        self.started.append(Served(self.folder, port, command, more))
        return self.started[-1]


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Starts study servers and stops them afterwards."""
    start = Servers(folder)
    try:
        yield start
    finally:
        for served in start.started:
            if served.process.poll() is None:
                served.process.kill()
                served.process.wait(timeout=20)
