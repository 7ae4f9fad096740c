"""`understudy replay`."""

import threading
import webbrowser
from pathlib import Path

import click

from play.episode import find_episodes, read_episode


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--desktop", is_flag=True, help="Show it in a window instead of the browser.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to serve on.  [default: 5000 or the next free one]",
)
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
def replay(path: Path, desktop: bool, host: str, port: int | None, no_browser: bool) -> None:
    """Watch a recorded game: pause, step, speed, the partner's action probabilities.

    PATH is a record, or a folder of which the newest is shown.
    """
    if path.is_dir():
        path = max(find_episodes(path), key=lambda record: record.name)  # names begin with the time
    episode = read_episode(path, partial=True)
    if desktop:
        from play.desktop.main import run_replay

        run_replay(path)
        return
    from play.commands.play import free_port, has_display
    from play.web.config import PlayConfig
    from play.web.server import PlayServer

    server = PlayServer(
        PlayConfig(
            episodes_dir=path.resolve().parent,
            host=host,
            port=free_port(host) if port is None else port,
        )
    )
    address = f"{server.url}replay/{episode.id}"
    click.echo(f"The replay is ready: {address}\nCtrl-C ends the server.")
    if not no_browser and has_display():
        threading.Timer(0.5, webbrowser.open, [address]).start()
    try:
        server.run()
    except KeyboardInterrupt:
        click.echo("\nEnded.")
