"""The web application: pages, data for them, and the socket that games run over."""

import logging
import secrets
import socket
from pathlib import Path
from typing import Any, Protocol

from flask import Flask, Response, abort, jsonify, render_template, send_from_directory
from flask_socketio import SocketIO
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from play.web.bulk import compiled
from play.web.catalogue import Catalogue
from play.web.config import PlayConfig
from play.web.messages import allowance_factory
from play.web.replays import register_replays
from play.web.rooms import Rooms
from play.web.sockets import register_sockets
from play.web.wires import MAX_FRAME_BYTES, Wires
from play.worlds.compilation import choose_compiled
from play.worlds.errors import UserError

ART = Path(__file__).resolve().parents[2] / "assets" / "art"
# An attacker's page can neither frame the game nor load or send anything through it.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Settings(Protocol):
    """The settings that a server needs whatever it serves; see `PlayConfig`."""

    @property
    def host(self) -> str:
        """Address to listen on."""
        ...

    @property
    def port(self) -> int:
        """TCP port."""
        ...

    @property
    def message_rate(self) -> float:
        """Messages per second of a connection."""
        ...

    @property
    def message_burst(self) -> float:
        """Messages at once."""
        ...

    @property
    def mistakes(self) -> int:
        """Malformed messages that are forgiven."""
        ...


def create_app(config: PlayConfig) -> tuple[Flask, SocketIO]:
    """Builds the application and starts its games' clock.

    Args:
        config: The server's settings; nothing is read from the environment.

    Raises:
        UserError: The configured world or partner does not exist.
    """
    app = Flask("play.web", template_folder="templates", static_folder="static")
    app.config["SECRET_KEY"] = secrets.token_bytes(32)  # sessions end with the server
    app.config["MAX_CONTENT_LENGTH"] = MAX_FRAME_BYTES
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 0
    catalogue = Catalogue(config)
    socketio = socket_server(app, config)
    rooms = Rooms(config, catalogue, wires_of(app).tell)
    app.extensions["understudy"] = rooms
    _pages(app, catalogue)
    register_replays(app, config)
    register_sockets(socketio, wires_of(app), rooms, config)
    return app, socketio


def socket_server(app: Flask, config: Settings, **options: Any) -> SocketIO:
    """The socket that games run over, with its limits; `options` are more of Flask-SocketIO's."""
    # A stranger's malformed packet is not worth a traceback; errors in our own handlers are
    # logged by sockets.py.
    quiet = logging.getLogger("understudy.engineio")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    socketio = SocketIO(
        app,
        async_mode="threading",
        async_handlers=False,  # a client's messages are handled in the order they were sent
        manage_session=False,
        transports=["websocket"],
        max_http_buffer_size=MAX_FRAME_BYTES,
        ping_interval=5,
        ping_timeout=5,
        logger=quiet,
        engineio_logger=quiet,
        **options,
    )
    allowance = allowance_factory(config.message_rate, config.message_burst, config.mistakes)
    wires = Wires(allowance, compiled() if choose_compiled(None, 1) else None)
    wires.attach(socketio)
    app.extensions["wires"] = wires
    return socketio


def wires_of(app: Flask) -> Wires:
    """The connections of an application."""
    wires: Wires = app.extensions["wires"]
    return wires


def _pages(app: Flask, catalogue: Catalogue) -> None:
    @app.get("/")
    @app.get("/join/<code>")
    @app.get("/watch/<code>")
    def index(code: str = "") -> str:
        return render_template("index.html")

    @app.get("/favicon.ico")
    def favicon() -> Response:
        return send_from_directory(str(app.static_folder), "favicon.svg")

    @app.get("/api/menu")
    def menu() -> Response:
        return jsonify(catalogue.menu())

    @app.get("/art/<path:name>")
    def art(name: str) -> Response:
        if not name.endswith((".svg", ".json")):
            abort(404)
        return send_from_directory(ART, name)

    @app.after_request
    def headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return in_memory(response)

    @app.errorhandler(404)
    def missing(_: Exception) -> tuple[str, int]:
        return render_template("missing.html"), 404


def in_memory(response: Response) -> Response:
    """Reads a file that would be streamed: werkzeug leaves it open when the browser goes away."""
    if response.direct_passthrough:
        response.direct_passthrough = False
        body = response.get_data()
        response.close()
        response.set_data(body)
    return response


class QuietHandler(WSGIRequestHandler):
    """Handles requests without a line in the log for each."""

    def log_request(self, *_: Any) -> None:
        """Nothing."""

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """Reads no further: what is left of a WebSocket is no next request."""
        self.close_connection = True

    def version_string(self) -> str:
        """No versions for strangers."""
        return "understudy"


def listen(config: Settings) -> socket.socket:
    """Takes the configured port.

    Raises:
        UserError: The port is in use or may not be used, or the host is not this machine.
    """
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        if listener is not None:
            listener.close()
        reason = (error.strerror or str(error)).lower()
        raise UserError(
            f"Port {config.port} on {config.host} cannot be used ({reason}): stop the program "
            "that uses it or choose another with --port"
        ) from error
    return listener


class PlayServer:
    """A running play server; also what tests start on a free port.

    Attributes:
        url: Address of the menu.
    """

    def __init__(self, config: PlayConfig) -> None:
        with listen(config) as listener:
            app, self.socketio = create_app(config)
            self.rooms: Rooms = app.extensions["understudy"]
            self._wires = wires_of(app)
            host, port = listener.getsockname()[:2]
            self._server: BaseWSGIServer = make_server(
                host,
                port,
                app,
                threaded=True,
                request_handler=QuietHandler,
                fd=listener.fileno(),
            )
        shown = "localhost" if config.host in ("127.0.0.1", "::1", "0.0.0.0", "::") else host
        self.url = f"http://{shown}:{port}/"

    def run(self) -> None:
        """Serves until `close` is called or the process is interrupted."""
        self.rooms.start()
        try:
            self._server.serve_forever()
        finally:
            self.rooms.close()
            self._wires.close()
            self._server.server_close()

    def close(self) -> None:
        """Ends `run` from another thread; running games are recorded as stopped."""
        self._server.shutdown()


def serve(config: PlayConfig) -> None:
    """Serves games until the process is interrupted.

    Raises:
        UserError: The port is in use, or the configured world or partner does not exist.
    """
    PlayServer(config).run()
