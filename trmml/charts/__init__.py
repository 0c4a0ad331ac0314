"""Charts inside a page: HTML and SVG without scripts, read in light and dark and at any width."""

from trmml.charts.bars import bar_legend, share_bar, stacked_bar
from trmml.charts.lines import Line, line_chart
from trmml.charts.markup import escaped, html_table
from trmml.charts.matrix import matrix_table
from trmml.charts.page import html_page

__all__ = [
    "Line",
    "bar_legend",
    "escaped",
    "html_page",
    "html_table",
    "line_chart",
    "matrix_table",
    "share_bar",
    "stacked_bar",
]
