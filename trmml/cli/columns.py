"""A table on a terminal, in lines that other programs can read too."""

from collections.abc import Sequence

__all__ = ["in_columns"]


def in_columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a line for the head and for each row, in columns as wide as they have to be.

    Args:
        head: Of each column.
        rows: As many cells as `head` in each.

    Examples:
        >>> print(in_columns(["class", "AP"], [["cat", "50.0"], ["wolf", "-"]]))
        class  AP
        cat    50.0
        wolf   -
    """
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in lines
    )
