"""Standard input and output where a command takes or gives files."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TextIO

import typer

from trmml.atomic_write import atomic_write
from trmml.cli.messages import note
from trmml.data.picture_address import is_address
from trmml.prediction import find_images, split_names

__all__ = ["named_pictures", "output_file", "photograph_files"]


def photograph_files(arguments: list[str], *, quiet: bool) -> list[Path]:
    """Return the image files that the arguments name, or standard input for `-`.

    What is passed over in folders is counted in a note, unless quiet was asked for. What stands in
    a list is not looked for yet: a file of it that is missing is one that cannot be read, while a
    missing argument is a slip of the hand.

    Raises:
        ValueError: If an argument does not exist, or there is no image.
    """
    if "-" not in arguments:
        return find_images(arguments, note=partial(note, quiet=quiet))
    if len(arguments) > 1:
        raise typer.BadParameter("- reads all file names from standard input; give it alone.")
    return split_names(sys.stdin.buffer.read())


def named_pictures(arguments: list[str], *, quiet: bool, allow_urls: bool) -> list[str | Path]:
    """Return the files that the arguments name, and the addresses among them where allowed.

    Raises:
        ValueError: As `photograph_files`.
    """
    addresses = [one for one in arguments if is_address(one)]
    if addresses and not allow_urls:
        raise typer.BadParameter(
            f"{addresses[0]} is on the network, and nothing is fetched unless it is asked for; add "
            "--allow-urls."
        )
    found: list[str | Path] = []
    for on_the_network, group in groupby(arguments, key=is_address):
        named = [*group]
        found += named if on_the_network else photograph_files(named, quiet=quiet)
    return list(dict.fromkeys(found))


@contextmanager
def output_file(path: Path | None) -> Iterator[TextIO]:
    """Open a file that appears whole at the end, or standard output for None."""
    if path is not None:
        with atomic_write(path) as file:
            yield file
        return
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding.lower() == "utf-8":
        sys.stdout.reconfigure(errors="surrogateescape")  # file names that are no UTF-8
    yield sys.stdout
    sys.stdout.flush()
