"""The web application of a study, and the server that runs it."""

import gc
import logging
import os
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Flask, Response, abort, request, send_from_directory
from flask_socketio import SocketIO
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.serving import BaseWSGIServer, make_server

from play.web import server as play_server
from play.worlds.compilation import SWITCH
from play.worlds.errors import UserError
from studies.monitor import Monitor
from studies.oversight import Oversight
from studies.retention import delete_identifiers
from studies.sessions import Sessions
from studies.web.cluster import Alone, Cluster, Processes
from studies.web.config import StudyConfig
from studies.web.desk.door import Door
from studies.web.desk.views import Desk, Links, register_desk
from studies.web.desk.watching import Watching
from studies.web.pages import IDENTITY, REHEARSAL, Pages, register_pages
from studies.web.rounds import Rounds
from studies.web.sockets import register_sockets

HERE = Path(__file__).resolve().parent
PLAY_STATIC = Path(play_server.__file__).resolve().parent / "static"
MAX_FORM_BYTES = 256 * 1024
MAX_FORM_PARTS = 1000
HEADERS = {
    **play_server.HEADERS,
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob: data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
}
SECRET_BYTES = 32
DAY_S = 24 * 3600
log = logging.getLogger("understudy.studies")


def create_app(
    config: StudyConfig, links: Callable[[], Links] | None = None
) -> tuple[Flask, SocketIO, Rounds]:
    """Builds the application; its games' clock starts with `Rounds.start`.

    Args:
        config: The server's settings.
        links: Asked for the addresses that the dashboard shows; without it there is none.

    Raises:
        UserError: A policy of the study is damaged.
    """
    app = Flask("studies.web", template_folder="templates", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM_BYTES
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config["MAX_FORM_PARTS"] = MAX_FORM_PARTS
    options = _queue_of(config)
    if config.public_url is not None:
        # A hosted study is behind a proxy, which ends the encryption and says who asks.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
        options["cors_allowed_origins"] = [config.public_url]
    socketio = play_server.socket_server(app, config, **options)
    sessions = Sessions(config.store)
    wires = play_server.wires_of(app)
    rounds = Rounds(config, sessions, wires.tell, _processes_of(config), wires.together)
    oversight = Oversight(config.store, config.study.id)
    pages = Pages(config, sessions, rounds, oversight)
    register_pages(app, pages)
    if config.password is not None and links is not None:
        monitor, watching = Monitor(config.store, config.study), Watching(config.store)
        register_desk(app, Desk(config, Door(config), monitor, oversight, watching, links))
    register_sockets(socketio, wires, rounds, config, pages.who)
    _files(app)
    return app, socketio, rounds


def _queue_of(config: StudyConfig) -> dict[str, Any]:
    if config.queue is None:
        return {}
    return {"message_queue": config.queue, "channel": f"understudy:{config.study.id}"}


def _processes_of(config: StudyConfig) -> Processes:
    if config.queue is None:
        return Alone()
    if config.store.sqlite:
        raise UserError(
            "Several processes cannot share a SQLite file: give --database a PostgreSQL URL, or "
            "leave out --queue"
        )
    return Cluster(config.queue, config.name, config.study.id)


def _files(app: Flask) -> None:
    def serve(folder: Path, kinds: tuple[str, ...], name: str) -> Response:
        if not name.endswith(kinds):
            abort(404)
        return send_from_directory(folder, name)

    shared = (".css", ".js", ".svg")
    app.add_url_rule("/static/<path:name>", "static", lambda name: serve(PLAY_STATIC, shared, name))
    app.add_url_rule("/own/<path:name>", "own", lambda name: serve(HERE / "static", shared, name))
    drawn = (".svg", ".json")
    app.add_url_rule("/art/<path:name>", "art", lambda name: serve(play_server.ART, drawn, name))

    @app.after_request
    def headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        if not request.path.startswith(("/static/", "/own/", "/art/")):
            response.headers["Cache-Control"] = "no-store"  # the way back shows nothing answered
        return play_server.in_memory(response)


class StudyServer:
    """A running study server; also what tests start on a free port.

    Attributes:
        url: Address for participants.
        port: TCP port that it listens on.
    """

    def __init__(self, config: StudyConfig) -> None:
        config.store.register(config.study)
        self.config = config
        self._closing = threading.Event()
        with play_server.listen(config) as listener:
            app, self.socketio, self.rounds = create_app(config, self._links)
            self._wires = play_server.wires_of(app)
            self.rounds.preload(config.study)
            host, port = listener.getsockname()[:2]
            self._server: BaseWSGIServer = make_server(
                host, port, app, threaded=True, request_handler=play_server.QuietHandler,
                fd=listener.fileno(),
            )  # fmt: skip
        self.port: int = port
        shown = "localhost" if config.host in ("127.0.0.1", "::1", "0.0.0.0", "::") else host
        self.url = config.public_url or f"http://{shown}:{port}"

    @property
    def prolific_url(self) -> str:
        """The address to paste into Prolific."""
        marks = ("{{%PROLIFIC_PID%}}", "{{%STUDY_ID%}}", "{{%SESSION_ID%}}")
        pairs = zip(IDENTITY.values(), marks, strict=True)
        return f"{self.url}/?" + "&".join(f"{name}={mark}" for name, mark in pairs)

    @property
    def rehearsal_url(self) -> str:
        """An address for trying the study; its sessions never count."""
        return f"{self.url}/?test={quote(self.config.signed(REHEARSAL))}"

    @property
    def desk_url(self) -> str | None:
        """The dashboard's address; None without one."""
        return f"{self.url}/desk" if self.config.password is not None else None

    def _links(self) -> Links:
        return Links(f"{self.url}/", self.prolific_url, self.rehearsal_url)

    def run(self) -> None:
        """Serves until `close` is called or the process is interrupted."""
        self.rounds.start()
        threading.Thread(target=self._keep_house, daemon=True, name="retention").start()
        self.rounds.processes.start(self.socketio)
        gc.freeze()  # what is loaded by now stays
        try:
            self._server.serve_forever()
        finally:
            self._closing.set()
            self.rounds.processes.close()
            self.rounds.close()
            self._wires.close()
            self._server.server_close()

    def _keep_house(self) -> None:
        """Deletes identifiers whose time is over, now and every day."""
        while True:
            try:
                delete_identifiers(self.config.store, self.config.study, datetime.now(UTC))
            except SQLAlchemyError:
                log.exception("identifiers cannot be deleted; trying again tomorrow")
            if self._closing.wait(DAY_S):
                return

    def close(self) -> None:
        """Ends `run` from another thread; running rounds can go on from their records."""
        self._server.shutdown()


def prepare_for_many() -> None:
    """Sets this process up for hundreds of games at once; call it before anything is loaded.

    Worlds, and reading and writing many sockets at once, are compiled where numba is there. The
    collector of garbage looks at young objects as ever, but seldom at all of them, which would take
    longer than a step may be late.
    """
    os.environ.setdefault(SWITCH, "1")
    gc.set_threshold(10_000, 20, 100)


def checked_url(url: str) -> str:
    """The public address of a hosted study, without a slash at its end.

    Raises:
        UserError: It is none, or is not encrypted.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.netloc or parts.path.strip("/") or parts.query:
        raise UserError(
            f"--url {url} cannot be a hosted study's: give the https address that participants "
            "use, such as https://study.example.org"
        )
    return f"https://{parts.netloc}"


def checked_secret(given: str | None) -> bytes:
    """The secret of a hosted study, from the environment.

    Raises:
        UserError: There is none, or it is too short to be one.
    """
    if given is None or len(given) < SECRET_BYTES:
        state = "is not set" if given is None else f"has only {len(given)} characters"
        raise UserError(
            f"UNDERSTUDY_SECRET {state}, and a hosted study signs its participants' tokens with "
            f"it: set it to {SECRET_BYTES} or more random characters and keep it, for example "
            'export UNDERSTUDY_SECRET="$(openssl rand -hex 32)"'
        )
    return given.encode()


def local_secret(place: Path) -> bytes:
    """The secret of a study on this machine, kept beside its database for the next start.

    Raises:
        UserError: It cannot be read or written.
    """
    try:
        if not place.exists():
            place.touch(mode=0o600, exist_ok=False)
            place.write_text(secrets.token_hex(SECRET_BYTES))
        return place.read_text().encode()
    except OSError as error:
        raise UserError(f"{place} cannot be used ({error.strerror}): check its folder") from error
