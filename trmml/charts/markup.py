"""Words from outside, and tables that a narrow screen turns into a list."""

from collections.abc import Sequence
from html import escape

__all__ = ["escaped", "html_table"]

MOST_ROWS = 100


def escaped(text: str) -> str:
    r"""Return text as HTML shows it, quotes included; what is no Unicode becomes a question mark.

    Args:
        text: Any, such as the name of a class.

    Examples:
        >>> escaped('<b>"sea"</b> \udcff')
        '&lt;b&gt;&quot;sea&quot;&lt;/b&gt; ?'
    """
    return escape(text.encode("utf-8", "replace").decode())


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, label: str) -> str:
    """Write a table whose first column names the rows; rows beyond the hundredth are folded away.

    On a narrow screen each row becomes a few lines, and each figure carries the head of its column.

    Args:
        head: Of each column, as text; that of a column of bars is "", which takes the room left.
        rows: Cells as HTML, as many as `head` in each; the first names the row.
        label: What the table shows, for those who hear it.
    """
    parts = [_table(head, rows[:MOST_ROWS], label)]
    if len(rows) > MOST_ROWS:
        rest = _table(head, rows[MOST_ROWS:], f"{label}, continued")
        parts.append(f"<details><summary>{len(rows) - MOST_ROWS:,} more</summary>{rest}</details>")
    return "".join(parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], label: str) -> str:
    first, *others = head
    heads = "".join(
        f'<th scope="col">{escaped(name)}</th>' if name else '<td class="wide"></td>'
        for name in others
    )
    lines = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(
            f'<td data-head="{escaped(title)}">{cell}</td>'
            if title
            else f'<td class="wide">{cell}</td>'
            for title, cell in zip(others, cells, strict=True)
        )
        + "</tr>"
        for name, *cells in rows
    )
    return (
        f'<table aria-label="{escaped(label)}"><thead><tr><th scope="col">{escaped(first)}</th>'
        f"{heads}</tr></thead><tbody>{lines}</tbody></table>"
    )
