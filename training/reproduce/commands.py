"""The command `understudy reproduce`: one experiment of the paper per subcommand."""

from importlib import import_module

import click

from play.worlds.errors import UserError

# Imported when called. Experiment -> (module:attribute, summary, extras that it needs).
EXPERIMENTS: dict[str, tuple[str, str, str]] = {
    "matrix-games": (
        "training.reproduce.matrix_games:matrix_games",
        "Equilibria of small games against tau: where free-riding ends, and at what price.",
        "analysis",
    ),
    "human-proxies": (
        "training.reproduce.human_proxies:human_proxies",
        "Models of people from the trials of 2019: compared, fitted, and tested as people.",
        "train",
    ),
    "private-kitchen": (
        "training.reproduce.private_kitchen:private_kitchen",
        "The private-cost kitchen: every method's returns, free-riding and worst case, exactly.",
        "analysis",
    ),
    "classic-five": (
        "training.reproduce.classic_five:classic_five",
        "The five classic kitchens: every method with strangers and a held-out human proxy.",
        "train,analysis",
    ),
    "any-kitchen": (
        "training.reproduce.any_kitchen:any_kitchen",
        "One partner for kitchens that it has never seen, trained on generated ones.",
        "train",
    ),
    "tag-runners": (
        "training.reproduce.tag_runners:tag_runners",
        "Runners of Tag to train chasers against, and to hold out.",
        "train",
    ),
    "tag": (
        "training.reproduce.tag:tag",
        "Chasers of Tag by method, with team-mates and runners that they never met.",
        "train,analysis",
    ),
}


class Experiments(click.Group):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all experiments."""
        return list(EXPERIMENTS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports an experiment.

        Raises:
            UserError: It needs an extra that is not installed.
        """
        if cmd_name not in EXPERIMENTS:
            return None
        target, _, extras = EXPERIMENTS[cmd_name]
        module, _, attribute = target.partition(":")
        try:
            command: click.Command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] in ("play", "agents", "training"):
                raise
            raise UserError(
                f"`understudy reproduce {cmd_name}` needs {error.name}, which is not installed: "
                f"run pip install --editable '.[{extras}]' in the project's folder"
            ) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the experiments without importing any."""
        with formatter.section("Experiments"):
            formatter.write_dl([(name, about) for name, (_, about, _) in EXPERIMENTS.items()])


@click.group(cls=Experiments)
def reproduce() -> None:
    """Repeat an experiment: figures, tables and a page with what they show."""
