"""Counts of pairs as a shaded table."""

from collections.abc import Sequence

from trmml.charts.markup import escaped

__all__ = ["matrix_table"]

STEPS = 10  # of shade; the style sheet has a rule for each


def matrix_table(names: Sequence[str], counts: Sequence[Sequence[int]], *, label: str) -> str:
    """Write how often each two occur together; a cell's shade is its share of its row's own count.

    The table scrolls by itself where the screen is narrower, and the names of rows stay in sight.

    Args:
        names: Of rows and columns.
        counts: As many rows and columns; on the diagonal how often each occurs at all.
        label: What the table shows, for those who hear it.
    """
    heads = "".join(f'<th scope="col"><span>{escaped(name)}</span></th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{escaped(name)}</th>'
        + "".join(
            _cell(count, counts[row][row], f"{other} in {count:,} of {counts[row][row]:,} {name}")
            for count, other in zip(counts[row], names, strict=True)
        )
        + "</tr>"
        for row, name in enumerate(names)
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escaped(label)}">'
        f'<table class="matrix"><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cell(count: int, own: int, said: str) -> str:
    shade = round(STEPS * count / own) if own else 0
    return f'<td class="shade-{shade}" title="{escaped(said)}">{count or ""}</td>'
