"""The review page in a real browser: a person answers by keyboard, and merges what was saved."""

import shutil

import pytest
import torch
from playwright.sync_api import expect, sync_playwright

from tests.prediction.photographs import small_model, write_pictures
from trmml.data import ImageTable
from trmml.prediction import Proposal, merge_review, write_review_page

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
EVIL = '</script><script>alert(1)</script>, "x"'
NAMES = ["sea", EVIL, "שלום"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("review")
    names = write_pictures(folder, 2)
    return ImageTable(folder, names, torch.zeros(2, 3, dtype=torch.int64), NAMES)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-sync"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser, table):
    path = table.root / "review.html"
    proposals = [
        Proposal(image, name, 1 if place % 2 else -1, 0.5, "calibrated")
        for image in table.names
        for place, name in enumerate(NAMES)
    ]
    write_review_page(proposals, path, table=table, model=small_model(NAMES))
    page = browser.new_context().new_page()
    asked, wrong = [], []

    def answer(dialog):
        if dialog.type != "beforeunload":  # that one is the page's own, of answers not saved yet
            wrong.append(dialog.message)
        dialog.accept()

    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", answer)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(path.as_uri())
    yield page
    assert not wrong
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
    page.context.close()


def press(page, *keys: str):
    for key in keys:
        page.keyboard.press(key)


def test_answers_given_by_keyboard_are_merged(page, table, tmp_path):
    expect(page.locator("#class-name")).to_have_text("sea")
    press(page, "y", "N", "Space", "y", "ArrowLeft", "n", "s")
    expect(page.locator("#count")).to_have_text("5 of 6 answered")
    expect(page.locator("#told")).to_contain_text("Skipped. Question 6 of 6")
    page.reload()  # answers are kept
    expect(page.locator("#count")).to_have_text("5 of 6 answered")
    with page.expect_download() as download:
        press(page, "Control+s")
    assert download.value.suggested_filename == "review-answers.csv"
    download.value.save_as(tmp_path / "answers.csv")
    merged = merge_review(table, tmp_path / "answers.csv")
    assert merged.table.labels.tolist() == [[1, -1, 0], [-1, 0, 0]]
    assert (merged.accepted, merged.open) == (3, 3)


def test_back_forth_help_and_the_last_question(page):
    press(page, "ArrowLeft", "y", "ArrowLeft")
    expect(page.locator("[data-answer=yes]")).to_have_attribute("aria-pressed", "true")
    press(page, "ArrowRight")
    expect(page.locator("#class-name")).to_have_text(EVIL)
    press(page, "?", "n")  # no key answers behind the help
    expect(page.locator("#help")).to_be_visible()
    press(page, "Escape")
    expect(page.locator("#help")).to_be_hidden()
    expect(page.locator("#count")).to_have_text("1 of 6 answered")
    press(page, *"ynsyn")
    expect(page.locator("#done-title")).to_have_text("All answered")
    expect(page.locator("#totals")).to_have_text("3 yes, 2 no, 1 skipped, 0 not answered")


def test_buttons_answer_as_keys_do(page):
    page.locator("[data-answer=no]").click()
    press(page, "Space")  # skips, and does not press the button again
    expect(page.locator("#count")).to_have_text("2 of 6 answered")
    press(page, "ArrowLeft")
    expect(page.locator("[data-answer=skip]")).to_have_attribute("aria-pressed", "true")
    page.locator("[data-answer=yes]").focus()
    press(page, "Space")
    press(page, "ArrowLeft")
    expect(page.locator("[data-answer=yes]")).to_have_attribute("aria-pressed", "true")
    assert page.locator("#region img").evaluate("image => image.naturalWidth") > 0
