import re
from xml.etree import ElementTree

import pytest

from trmml.charts import (
    Line,
    bar_legend,
    escaped,
    html_page,
    html_table,
    line_chart,
    matrix_table,
    share_bar,
    stacked_bar,
)
from trmml.charts.lines import HEIGHT, LEFT, RIGHT, TOP, _ticks
from trmml.charts.markup import MOST_ROWS
from trmml.charts.matrix import STEPS

NASTY = "<script>alert('&\"')</script>\x00 \udcff"


def parsed(markup: str) -> ElementTree.Element:
    """Read markup as strictly as XML; entities of HTML are not used."""
    return ElementTree.fromstring(f"<div>{markup}</div>")


def dots(markup: str) -> list[tuple[float, float]]:
    found = parsed(markup).iter("circle")
    return [(float(one.attrib["cx"].rstrip("%")) / 100, float(one.attrib["cy"])) for one in found]


def test_a_line_goes_from_edge_to_edge_and_from_bottom_to_top() -> None:
    chart = line_chart([Line("a", [(1, 2.0), (2, 6.0), (3, 4.0)])], title="t", across="epoch")
    middle = (LEFT + RIGHT) / 2
    expected = [(LEFT, TOP + HEIGHT), (middle, TOP), (RIGHT, TOP + HEIGHT / 2)]
    assert dots(chart) == [pytest.approx(spot, abs=1e-4) for spot in expected]
    path = next(parsed(chart).iter("path")).attrib["d"]
    assert path.count("M") == 1
    assert path.count("L") == 2


def test_a_value_that_is_missing_interrupts_the_line() -> None:
    points = [(0, 1.0), (1, 2.0), (2, None), (3, 1.5)]
    chart = line_chart([Line("a", points)], title="t", across="epoch")
    assert len(dots(chart)) == 3
    assert next(parsed(chart).iter("path")).attrib["d"].count("M") == 2


def test_a_legend_is_there_where_lines_must_be_told_apart() -> None:
    one, two = Line("one", [(0, 1.0)]), Line("two", [(0, 2.0)], dotted=True)
    assert "legend" not in line_chart([one], title="t", across="epoch")
    both = line_chart([one, two], title="t", across="epoch")
    assert re.findall(r"</svg>(\w+)</li>", both) == ["one", "two"]


@pytest.mark.parametrize("points", [[], [(0, None)]])
def test_nothing_known_is_said(points: list[tuple[float, float | None]]) -> None:
    assert "No value is known." in line_chart([Line("a", points)], title="t", across="epoch")


@pytest.mark.parametrize("value", [0.0, 5.0, -1e-9, 1e12])
def test_one_value_alone_stands_in_the_middle(value: float) -> None:
    chart = line_chart([Line("a", [(4, value)])], title="t", across="epoch", whole=True)
    assert dots(chart) == [pytest.approx(((LEFT + RIGHT) / 2, TOP + HEIGHT / 2), abs=0.06)]
    assert re.findall(r'class="along"[^>]*>([^<]*)<', chart) == ["4"]


def test_what_is_pointed_out_is_named_only_if_it_is_shown() -> None:
    lines = [Line("a", [(1, 1.0), (5, 2.0)])]
    assert "chosen" in line_chart(lines, title="t", across="epoch", mark=(2, "chosen"))
    assert "chosen" not in line_chart(lines, title="t", across="epoch", mark=(6, "chosen"))


def test_many_points_are_a_line_alone() -> None:
    points = [(float(place), place % 7.0) for place in range(1000)]
    assert dots(line_chart([Line("a", points)], title="t", across="epoch")) == []


@pytest.mark.parametrize(
    ("low", "high", "least", "expected"),
    [
        (0, 1, 0, [0, 0.5, 1]),
        (1, 3, 1, [1, 2, 3]),
        (0.5, 1.5, 1, [1]),
        (0.123, 0.131, 0, [0.124, 0.126, 0.128, 0.13]),
        (-40_000, 40_000, 0, [-40_000, -20_000, 0, 20_000, 40_000]),
    ],
)
def test_scales_have_round_numbers(
    low: float, high: float, least: float, expected: list[float]
) -> None:
    assert _ticks(low, high, 4, least=least) == pytest.approx(expected)


def test_bars_add_up_and_leave_out_what_is_not_there() -> None:
    bar = parsed(stacked_bar({"positive": 1, "negative": 0, "unknown": 3}, label="a"))
    parts = [
        (one.attrib["class"], one.attrib["x"], one.attrib["width"]) for one in bar.iter("rect")
    ]
    assert parts == [("part positive", "0%", "25%"), ("part unknown", "25%", "75%")]
    assert list(parsed(stacked_bar({"positive": 0}, label="a")).iter("rect")) == []
    assert list(parsed(share_bar(None, label="a")).iter("rect")) == []


def test_a_notch_stands_where_it_is_to() -> None:
    (notch,) = parsed(share_bar(0.5, mark=0.125, label="a")).iter("line")
    assert (notch.attrib["x1"], notch.attrib["x2"]) == ("12.5%", "12.5%")


def test_a_cell_is_shaded_by_its_share_of_its_row() -> None:
    table = parsed(matrix_table(["a", "b"], [[4, 1], [1, 0]], label="together"))
    cells = [cell for cell in table.iter("td") if "class" in cell.attrib]
    shades = [cell.attrib["class"] for cell in cells]
    assert shades == [f"shade-{STEPS}", "shade-2", "shade-0", "shade-0"]
    assert [cell.text for cell in cells] == ["4", "1", "1", None]
    assert cells[1].attrib["title"] == "b in 1 of 4 a"


def test_every_shade_has_a_rule() -> None:
    page = html_page("a", [])
    assert all(f".shade-{step} " in page for step in range(1, STEPS + 1))


@pytest.mark.parametrize("number", [MOST_ROWS, MOST_ROWS + 7])
def test_long_tables_are_folded_and_lose_nothing(number: int) -> None:
    table = html_table(
        ["class", "", "AP"], [[f"c{row}", "-", "1"] for row in range(number)], label=""
    )
    assert [f">c{row}<" in table for row in range(number)] == [True] * number
    assert ("<summary>7 more</summary>" in table) == (number > MOST_ROWS)


def test_whatever_a_name_holds_it_is_only_shown() -> None:
    lines = [Line(NASTY, [(0, 1.0), (1, 2.0)]), Line("b", [(0, None)])]
    page = html_page(
        NASTY,
        [
            line_chart(lines, title=NASTY, across=NASTY, mark=(1, NASTY)),
            share_bar(0.5, label=NASTY),
            stacked_bar({"positive": 1}, label=NASTY),
            bar_legend({"positive": NASTY}),
            matrix_table([NASTY], [[1]], label=NASTY),
            html_table([NASTY, "", NASTY], [[escaped(NASTY), "", ""]], label=NASTY),
        ],
    )
    assert "<script" not in page
    assert page.encode()  # no half of a pair of surrogates
    assert "script-src" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)=|url\(|@import|://""", page)
