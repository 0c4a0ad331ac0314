"""The page in a real browser: at every width nothing is cut off, and nobody else is asked."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, sync_playwright

from tests.training.run.test_report_page import EPOCHS, whole_report
from trmml.atomic_write import write_atomically
from trmml.data import label_overview
from trmml.training.run.report_page import report_page

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
SMALLEST_TEXT = """() => Math.min(...[...document.querySelectorAll('main *')]
    .filter(one => [...one.childNodes].some(node => node.nodeType == 3 && node.data.trim()))
    .map(one => parseFloat(getComputedStyle(one).fontSize)))"""
OUTSIDE = """() => [...document.querySelectorAll('main *:not(.scroll *)')].filter(one => {
    const box = one.getBoundingClientRect();
    return box.width && (box.left < -1 || box.right > innerWidth + 1)
}).map(one => one.outerHTML)"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = [f"a class with the long name {column}" for column in range(40)]
    report = whole_report() | {"labels": label_overview(torch.ones(9, 40, dtype=torch.int8), names)}
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_atomically(path, report_page(report, EPOCHS))
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 700, 1360])
def test_the_page_of_a_run_is_read_at(
    browser: Browser, page_file: Path, width: int, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # pyright: ignore[reportArgumentType]
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(SMALLEST_TEXT) >= 11.5
    assert (asked, said) == ([page_file.as_uri()], [])
    page.close()
