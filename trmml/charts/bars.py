"""Bars of shares, each as wide as the room it is given."""

from collections.abc import Mapping

from trmml.charts.markup import escaped

__all__ = ["bar_legend", "share_bar", "stacked_bar"]


def share_bar(share: float | None, *, mark: float | None = None, label: str) -> str:
    """Draw a share as a bar, with a notch to compare it with.

    Args:
        share: In [0, 1]; None where there is none, which leaves the bar empty.
        mark: Where the notch is, in [0, 1]; None for no notch.
        label: What the bar says, for those who hear it or point at it.

    Examples:
        >>> share_bar(0.5, label="half")
        '<svg class="bar" role="img" aria-label="half"><title>half</title>\
<rect class="part share" x="0%" width="50%"/></svg>'
    """
    parts = "" if share is None else _part("share", 0, share)
    if mark is not None:
        place = _percent(mark)
        parts += f'<line class="notch" x1="{place}" x2="{place}" y1="0" y2="100%"/>'
    return _bar(parts, label)


def stacked_bar(parts: Mapping[str, int], *, label: str) -> str:
    """Draw counts beside each other, all together as wide as the bar.

    Args:
        parts: Each count by its kind: "positive", "negative" or "unknown", which give the colour.
        label: What the bar says, for those who hear it or point at it.

    Examples:
        >>> stacked_bar({"positive": 3, "unknown": 1}, label="3 of 4").count('width="75%"')
        1
    """
    whole, start, drawn = sum(parts.values()), 0, ""
    for kind, count in parts.items():
        if count:
            drawn += _part(kind, start / whole, count / whole)
        start += count
    return _bar(drawn, label)


def bar_legend(kinds: Mapping[str, str]) -> str:
    """Say what the colours of `stacked_bar` mean.

    Args:
        kinds: What to call each kind, as text.

    Examples:
        >>> "known to be there</li>" in bar_legend({"positive": "known to be there"})
        True
    """
    items = "".join(
        f'<li><svg class="swatch" aria-hidden="true"><rect class="{kind}" width="100%"/></svg>'
        f"{escaped(name)}</li>"
        for kind, name in kinds.items()
    )
    return f'<ul class="legend">{items}</ul>'


def _bar(content: str, label: str) -> str:
    said = escaped(label)
    return f'<svg class="bar" role="img" aria-label="{said}"><title>{said}</title>{content}</svg>'


def _part(kind: str, start: float, share: float) -> str:
    return f'<rect class="part {kind}" x="{_percent(start)}" width="{_percent(share)}"/>'


def _percent(share: float) -> str:
    return f"{100 * share:.4g}%"
