"""What a command says beside its result: on standard error, so that the result can be piped."""

import sys
from collections.abc import Sequence

from trmml.data import BrokenImageError

__all__ = ["note", "report_unreadable"]


def note(text: str, *, quiet: bool) -> None:
    """Say something that is good to know, unless quiet was asked for."""
    if not quiet:
        print(text, file=sys.stderr)


def report_unreadable(errors: Sequence[BrokenImageError], *, of: int) -> None:
    """Name every image that could not be read, also when quiet: the result lacks it.

    Raises:
        ValueError: If not one could be read, so that there is no result.
    """
    for error in errors:
        print(f"trmml: {error}", file=sys.stderr)
    if len(errors) == of:
        raise ValueError(f"not one of the {of} images could be read; check the folder of images.")
