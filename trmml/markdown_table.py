"""Tables of figures as Markdown."""

from collections.abc import Sequence

__all__ = ["markdown_table", "percent"]


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""Write a table whose first column is text and whose others are figures, aligned right.

    Args:
        head: Of each column.
        rows: As many cells as `head` in each.

    Examples:
        >>> print(markdown_table(["class", "AP"], [["cat", "50.0"], ["dog | wolf", "-"]]))
        | class | AP |
        |---|---:|
        | cat | 50.0 |
        | dog \| wolf | - |
    """
    rule = "|---" + "|---:" * (len(head) - 1) + "|"
    first, *others = [_line(cells) for cells in [head, *rows]]
    return "\n".join([first, rule, *others])


def percent(share: float | None, *, decimals: int = 1) -> str:
    """Return a share in percent; "-" where there is none.

    Args:
        share: Usually in [0, 1].
        decimals: Digits after the point.

    Examples:
        >>> percent(0.1234), percent(1, decimals=2), percent(None)
        ('12.3', '100.00', '-')
    """
    return "-" if share is None else f"{100 * share:.{decimals}f}"


def _line(cells: Sequence[str]) -> str:
    # An empty head is written as people write it, with one space.
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in map(_plain, cells))


def _plain(cell: str) -> str:
    return cell.replace("|", "\\|")
