"""Lines over a number, such as figures over epochs."""

from collections.abc import Callable, Sequence
from math import ceil, floor, log10
from typing import Final, NamedTuple

from trmml.charts.markup import escaped

__all__ = ["Line", "line_chart"]

# Places across are shares of the width, places down are pixels: lines stretch, letters never do.
LEFT, RIGHT = 0.15, 0.97
TOP, HEIGHT, FOOT = 20, 150, 24
MOST_DOTS: Final = 60  # points of a line that can still be told apart
DOWN_TICKS, ACROSS_TICKS = 4, 5


class Line(NamedTuple):
    """One line of a chart.

    Attributes:
        name: In the legend.
        points: Places across and values, in order; a value of None interrupts the line.
        dotted: Whether it is something to compare with rather than something measured.
    """

    name: str
    points: Sequence[tuple[float, float | None]]
    dotted: bool = False


def line_chart(
    lines: Sequence[Line],
    *,
    title: str,
    across: str,
    write: Callable[[float], str] = "{:.4g}".format,
    write_across: Callable[[float], str] = "{:g}".format,
    whole: bool = False,
    span: tuple[float, float] | None = None,
    mark: tuple[float, str] | None = None,
) -> str:
    """Draw lines with their scales, and a legend where there are several.

    Args:
        lines: At most four, which keep apart by colour and by dashes.
        title: Above the chart.
        across: What the horizontal scale counts, such as "epoch".
        write: Turns a value into text.
        write_across: Turns a place across into text.
        whole: Whether places across are whole numbers, so that no tick stands between two.
        span: Lowest and highest value shown; None takes those that occur.
        mark: A place across to point out, and what it is called.

    Returns:
        A `figure` for `html_page`; one that says so where no value is known.
    """
    known = [(x, y) for line in lines for x, y in line.points if y is not None]
    caption = f"<figcaption>{escaped(title)}</figcaption>"
    if not known:
        return f'<figure class="chart">{caption}<p class="quiet">No value is known.</p></figure>'
    low, high = span or (min(y for _, y in known), max(y for _, y in known))
    first, last = min(x for x, _ in known), max(x for x, _ in known)
    if low == high:
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    if first == last:
        first, last = first - 0.5, last + 0.5

    def place(x: float) -> float:
        return LEFT + (RIGHT - LEFT) * (x - first) / (last - first)

    def depth(y: float) -> float:
        return TOP + HEIGHT * (high - y) / (high - low)

    drawn = [_rule(depth(y), write(y)) for y in _ticks(low, high, DOWN_TICKS)]
    places = _ticks(first, last, ACROSS_TICKS, least=1 if whole else 0)
    drawn += [_tick(place(x), write_across(x)) for x in places]
    if mark is not None and first <= mark[0] <= last:
        drawn.append(_mark(place(mark[0]), mark[1]))
    for number, line in enumerate(lines, start=1):
        spots = [(place(x), None if y is None else depth(y)) for x, y in line.points]
        drawn.append(_stroke(spots, f"line-{number}" + " dotted" * line.dotted))
        if len(spots) <= MOST_DOTS and not line.dotted:
            drawn += [
                f'<circle class="line-{number}" cx="{100 * at:.2f}%" cy="{down:.1f}" r="3"><title>'
                f"{escaped(f'{line.name}, {across} {write_across(x)}: {write(y)}')}"
                "</title></circle>"
                for (at, down), (x, y) in zip(spots, line.points, strict=True)
                if y is not None and down is not None
            ]
    said = escaped("; ".join(_said(line, across, write, write_across) for line in lines))
    legend = "".join(
        f'<li><svg class="key" aria-hidden="true"><line class="line-{number}'
        f'{" dotted" * line.dotted}" x1="0" x2="100%" y1="50%" y2="50%"/></svg>'
        f"{escaped(line.name)}</li>"
        for number, line in enumerate(lines, start=1)
    )
    return (
        f'<figure class="chart">{caption}'
        + (f'<ul class="legend">{legend}</ul>' if len(lines) > 1 else "")
        + f'<svg class="plot" height="{TOP + HEIGHT + FOOT}" role="img" aria-label="{said}">'
        + "".join(drawn)
        + f'</svg><p class="across">{escaped(across)}</p></figure>'
    )


def _ticks(low: float, high: float, most: int, *, least: float = 0) -> list[float]:
    """Return round numbers from low to high, about as many as asked for."""
    rough = max((high - low) / most, least)
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    start, end = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(start, end + 1)]


def _rule(down: float, text: str) -> str:
    return (
        f'<line class="rule" x1="{LEFT:.0%}" x2="100%" y1="{down:.1f}" y2="{down:.1f}"/>'
        f'<text class="down" x="{LEFT - 0.02:.0%}" y="{down + 4:.1f}">{escaped(text)}</text>'
    )


def _tick(at: float, text: str) -> str:
    down = TOP + HEIGHT + FOOT - 6
    return f'<text class="along" x="{100 * at:.2f}%" y="{down}">{escaped(text)}</text>'


def _mark(at: float, text: str) -> str:
    # The words stand above all lines, on the side where there is room for them.
    side, where = "before" if at > (LEFT + RIGHT) / 2 else "behind", f"{100 * at:.2f}%"
    return (
        f'<line class="mark" x1="{where}" x2="{where}" y1="4" y2="{TOP + HEIGHT}"/>'
        f'<text class="{side}" x="{where}" dx="{-5 if side == "before" else 5}" y="12">'
        f"{escaped(text)}</text>"
    )


def _stroke(spots: Sequence[tuple[float, float | None]], kind: str) -> str:
    """Draw the unbroken stretches of a line, in a box of its own that stretches with the width."""
    pieces, pen = [], "M"
    for at, down in spots:
        if down is None:
            pen = "M"
            continue
        pieces.append(f"{pen}{1000 * at:.1f},{down:.1f}")
        pen = "L"
    tall = TOP + HEIGHT + FOOT
    return (
        f'<svg width="100%" height="{tall}" viewBox="0 0 1000 {tall}" preserveAspectRatio="none">'
        f'<path class="{kind}" d="{" ".join(pieces)}"/></svg>'
    )


def _said(
    line: Line,
    across: str,
    write: Callable[[float], str],
    write_across: Callable[[float], str],
) -> str:
    known = [(x, y) for x, y in line.points if y is not None]
    if not known:
        return f"{line.name}: no value"
    (first, start), (last, end) = known[0], known[-1]
    return (
        f"{line.name}: from {write(start)} at {across} {write_across(first)} "
        f"to {write(end)} at {across} {write_across(last)}"
    )
