"""The command `understudy`: the front door to playing, studies, training and analysis."""

import difflib
import os
import re
import sys
from importlib import import_module
from importlib.metadata import version
from typing import NoReturn

import click

from play.worlds.errors import UserError

# Commands are imported when they are called, so that `understudy play` never loads torch and
# `understudy --help` loads next to nothing. Section -> command -> (module:attribute, summary).
COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Play": {
        "play": ("play.commands.play:play", "Play beside an agent, in the browser or a window."),
        "partners": ("play.commands.partners:partners", "List the partners, or show one's card."),
        "layouts": ("play.commands.layouts:layouts", "List the layouts."),
    },
    "Look back": {
        "replay": ("play.commands.replay:replay", "Watch a recorded game step by step."),
        "episodes": ("play.commands.episodes:episodes", "Verify and export recorded games."),
        "humans": ("play.commands.humans:humans", "Games of people as data for models of them."),
    },
    "Study": {
        "study": ("studies.commands:study", "Run a study with people, from file to data."),
    },
    "Train": {
        "train": ("training.commands:train", "Train partners: SRPO, its baselines, its controls."),
        "export": ("training.commands:export", "Turn a training run into a playable partner."),
        "evaluate": ("training.evaluation.commands:evaluate", "Play partners with each other."),
        "reproduce": ("training.reproduce.commands:reproduce", "Repeat the paper's experiments."),
    },
}
EXTRAS = {
    **dict.fromkeys(("torch", "numba", "onnx", "rich", "tensorboard"), "train"),
    **dict.fromkeys(
        (
            "alembic",
            "psycopg",
            "pydantic",
            "pydantic_core",
            "redis",
            "requests",
            "sqlalchemy",
            "yaml",
        ),
        "studies",
    ),
    **dict.fromkeys(("matplotlib", "pyarrow", "scipy"), "analysis"),
}
"""Library -> the extra that installs it."""


class FrontDoor(click.Group):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All command names, section by section."""
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a command.

        Raises:
            UserError: The command needs an extra that is not installed.
        """
        for section in COMMANDS.values():
            if cmd_name in section:
                return _load(cmd_name, section[cmd_name][0])
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands by section, without importing any."""
        for title, section in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(name, summary) for name, (_, summary) in section.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes examples."""
        with formatter.section("Examples"):
            formatter.write_dl(
                [
                    ("understudy play", "a game in the browser"),
                    ("understudy play --desktop --layout coordination_ring", "… in a window"),
                    ("understudy train srpo --world kitchen/cramped_room", "a partner of your own"),
                    ("understudy episodes verify episodes", "proof that every record replays"),
                ]
            )


def _load(name: str, target: str) -> click.Command:
    module, _, attribute = target.partition(":")
    try:
        command: click.Command = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        raise UserError(
            f"`understudy {name}` needs {error.name}, which is not installed: "
            f"run pip install --editable '.[{extra}]' in the project's folder"
        ) from error
    if isinstance(command, click.Group):
        for one in command.commands.values():  # click cuts sentences off in lists of commands
            one.short_help = one.short_help or one.get_short_help_str(limit=1000)
    return command


@click.group(cls=FrontDoor, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("understudy"), prog_name="understudy")
def cli() -> None:
    """Play, train and study partners that have never met you.

    Start with `understudy play`. Every command has a --help of its own.
    """


def main() -> None:
    """Runs the command line; a user's mistake becomes one sentence and exit status 2."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # else its import prints a greeting
    try:
        result = cli(prog_name="understudy", standalone_mode=False)
    except UserError as error:
        _fail(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        result = 0
    except click.UsageError as error:
        _fail(_told(error))
    except click.ClickException as error:
        _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for what is flushed at exit
        sys.exit(1)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        _fail(
            f"{error.name} is not installed, and this needs it: "
            f"run pip install --editable '.[{extra}]' in the project's folder"
        )
    sys.exit(result if isinstance(result, int) else 0)


def _fail(sentence: str) -> NoReturn:
    click.echo(f"understudy: {sentence}", err=True)
    sys.exit(2)


def _told(error: click.UsageError) -> str:
    """A mistake on the command line as one sentence that says where help is."""
    command = error.ctx.command_path if error.ctx else "understudy"
    unknown = re.match(r"No such command '(.*?)'", error.format_message())
    if unknown is None:
        sentence = error.format_message().rstrip(".").replace("integer range", "integer")
        return f"{sentence}: see `{command} --help`"
    group = error.ctx.command if error.ctx else cli
    names = group.list_commands(error.ctx) if isinstance(group, click.Group) and error.ctx else []
    near = difflib.get_close_matches(unknown[1], names, n=1)
    hint = f"did you mean `{command} {near[0]}`?" if near else f"see `{command} --help`"
    return f"There is no command {unknown[1]!r}: {hint}"
