"""The site's own style, in a real browser."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.markdown_blocks import ROOT

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
STYLE = ROOT / "docs" / "assets" / "code.css"
# As Material builds a block, with the one rule of its own that hides the end of a line.
PAGE = """<style>pre > code {{ display: block; overflow: auto }}</style><style>{style}</style>
<div class="md-typeset"><pre><code>trmml label {long} --out review.csv
  indented</code></pre></div>"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


@pytest.mark.parametrize("long", ["a " * 200, "x" * 400])
def test_long_lines_of_code_are_seen_whole_on_a_phone(long: str) -> None:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 360, "height": 700})
        wide = []
        for style in ("", STYLE.read_text(encoding="utf-8")):
            page.set_content(PAGE.format(style=style, long=long))
            code = page.locator("code")
            wide.append(code.evaluate("code => code.scrollWidth > code.clientWidth"))
        browser.close()
    assert wide == [True, False]


def test_the_site_takes_the_style() -> None:
    assert "assets/code.css" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
