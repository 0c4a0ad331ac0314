"""A group of commands, each imported only when it is called."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

__all__ = ["Door", "LazyGroup"]


class Door(NamedTuple):
    """Where a command is.

    Attributes:
        address: Module and name of the function, or of a `typer.Typer`: "package.module:name".
        help: The first sentence of its description, for the list of all commands.
    """

    address: str
    help: str


class LazyGroup(TyperGroup):
    """Lists its commands without importing any, and imports the one that is asked for."""

    doors: ClassVar[Mapping[str, Door]]

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401
        """Know the names."""
        super().__init__(**settings)
        self._only_listing = False
        for name, door in self.doors.items():
            self.commands[name] = TyperCommand(name, help=door.help)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the help, for which what is known of the commands is enough."""
        self._only_listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._only_listing = False

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """Return a command, imported unless it is only to be listed; None if there is none."""
        if self._only_listing or cmd_name not in self.doors:
            return super().get_command(ctx, cmd_name)
        module, name = self.doors[cmd_name].address.split(":")
        found = getattr(import_module(module), name)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False)
            alone.command(cmd_name)(found)
            found = alone
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command
