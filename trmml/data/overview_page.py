"""An overview of labels as a page, or as a part of one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from trmml.charts import (
    bar_legend,
    escaped,
    html_page,
    html_table,
    matrix_table,
    stacked_bar,
)
from trmml.data.checking import DatasetReport

__all__ = ["overview_page", "overview_section"]

KINDS: Final = {
    "positive": "known to be there",
    "negative": "known not to be",
    "unknown": "unknown",
}
MOST_SHOWN: Final = 8  # known positives of an image that are told apart


def overview_page(reports: Sequence[DatasetReport], *, title: str) -> str:
    """Return a page on what a check found, that needs no network and no other file.

    Args:
        reports: Of `check_dataset` or `check_splits`.
        title: Of the page, as text.

    Examples:
        >>> "NOT usable" in overview_page([DatasetReport("mine", problems=["empty"])], title="Mine")
        True
    """
    return html_page(title, [part for report in reports for part in _parts(report)])


def _parts(report: DatasetReport) -> Iterator[str]:
    verdict, *findings = str(report).splitlines()
    facts = "".join(f"<li>{escaped(finding.strip())}</li>" for finding in findings)
    yield f'<p>{escaped(verdict)}</p><ul class="facts">{facts}</ul>'
    if report.overview is not None:
        yield overview_section(report.overview, title=f"Labels of {report.name}")


def overview_section(overview: Mapping[str, Any], *, title: str) -> str:
    """Write labels of each class as bars, positives by image, and classes together as a matrix.

    Args:
        overview: What `label_overview` returned.
        title: Above it, as text.
    """
    classes = sorted(overview["classes"], key=lambda one: -one["positives"])
    rows = [_row(one) for one in classes]
    head = ("class", "", "there", "not there", "unknown")
    together = overview["together"]
    names = together["names"]
    first = f"the {len(names)} with the most positives of " if len(names) < len(classes) else "all "
    nothing = overview["without_labels"]
    return "".join(
        [
            f"<section><h2>{escaped(title)}</h2>",
            f"<p>{overview['images']:,} images, {len(classes):,} classes. ",
            f"{nothing:,} images have no known label. " if nothing else "",
            f"Known positives of an image: {_by_image(overview['positives_by_image'])}.</p>",
            bar_legend(KINDS),
            html_table(head, rows, label=title),
            "<h3>Classes together</h3>",
            '<p class="quiet">In how many images the class of the row and that of the column are ',
            "both known to be; on the diagonal, the class of the row at all. The stronger the ",
            f"shade, the larger a share of the row's images. Of {first}{len(classes):,} classes.",
            "</p>",
            matrix_table(names, together["counts"], label="Classes together"),
            "</section>",
        ]
    )


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    counts = {"positive": one["positives"], "negative": one["negatives"], "unknown": one["unknown"]}
    said = ", ".join(f"{count:,} {KINDS[kind]}" for kind, count in counts.items())
    bar = stacked_bar(counts, label=f"{one['name']}: {said}")
    return (escaped(one["name"]), bar, *(f"{count:,}" for count in counts.values()))


def _by_image(counts: Sequence[int]) -> str:
    """Say how many images have none, one, two and so on."""
    told = [
        f"{number} in {count:,} images" for number, count in enumerate(counts[:MOST_SHOWN]) if count
    ]
    more = sum(counts[MOST_SHOWN:])
    return ", ".join(told + [f"more in {more:,}"] * bool(more)) or "none"
