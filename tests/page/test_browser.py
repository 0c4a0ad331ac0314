"""The page in a real browser: what a visitor does, and what the browser asks of whom."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.page.small_page import NAMES, small_model, write_scene
from trmml.page import build_page, questions, server, serving, uploads
from trmml.page.markup import MAX_TAGS

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--no-first-run", "--no-default-browser-check"),
]
PATIENCE = 30_000  # milliseconds; a busy machine is slow, a broken page is broken for ever

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("photographs")


@pytest.fixture(scope="module")
def served() -> list[Any]:
    return []


@pytest.fixture(scope="module")
def address(folder: Path, served: list[Any]) -> Iterator[str]:
    def noted(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        served.append(build_page(*arguments, **options))
        return served[-1]

    example = write_scene(folder / "example.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "MAX_FILE_SIZE", 100_000)
        patch.setattr(server, "build_page", noted)
        with serving(small_model(), port=0, examples=[example]) as address:
            yield address


@pytest.fixture(scope="module")
def requested() -> list[str]:
    return []


@pytest.fixture(scope="module")
def page(address: str, requested: list[str]) -> Iterator[Page]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.on("request", lambda request: requested.append(request.url))
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        yield page
        browser.close()


@pytest.fixture
def fresh(page: Page, address: str) -> Page:
    page.goto(address)
    expect(page.locator("#ask input")).to_be_visible()
    return page


def drop(page: Page, photograph: Path) -> None:
    page.locator("#upload input[type=file]").set_input_files(photograph)


def ask(page: Page, words: str) -> None:
    box = page.locator("#ask input")
    box.fill(words)
    box.press("Enter")


def region_of(page: Page, tag: Locator) -> Locator:
    classes = (tag.get_attribute("class") or "").split()
    [number] = [name.removeprefix("tag-") for name in classes if name.startswith("tag-")]
    return page.locator(f".region-{number}")


def test_a_dropped_photograph_shows_tags_and_hovering_shows_their_regions(
    fresh: Page, folder: Path
) -> None:
    drop(fresh, write_scene(folder / "scene.png"))
    tags = fresh.locator(".tag")
    expect(tags).to_have_count(len(NAMES))
    expect(tags.nth(MAX_TAGS - 1)).to_be_visible()
    expect(tags.nth(MAX_TAGS)).to_be_hidden()
    assert fresh.locator(".photograph").evaluate("image => image.naturalWidth") == 180
    scores = fresh.locator(".tag .score").all_text_contents()
    assert all(score.endswith("%") for score in scores)

    first, third = tags.nth(0), tags.nth(2)
    expect(region_of(fresh, first)).to_have_css("opacity", "0")
    first.hover()
    expect(region_of(fresh, first)).to_have_css("opacity", "1")
    expect(region_of(fresh, third)).to_have_css("opacity", "0")
    picture, veil = fresh.locator(".photograph"), region_of(fresh, first)
    assert picture.bounding_box() == veil.bounding_box()
    third.hover()
    expect(region_of(fresh, third)).to_have_css("opacity", "1")
    expect(region_of(fresh, first)).to_have_css("opacity", "0")

    fresh.mouse.move(5, 5)
    third.focus()
    expect(region_of(fresh, third)).to_have_css("opacity", "1")
    fresh.keyboard.press("Tab")
    expect(region_of(fresh, tags.nth(3))).to_have_css("opacity", "1")
    expect(region_of(fresh, third)).to_have_css("opacity", "0")


def test_the_unlikely_tags_unfold_by_keyboard_and_show_their_regions(
    fresh: Page, folder: Path
) -> None:
    drop(fresh, write_scene(folder / "scene.png"))
    tags = fresh.locator(".tag")
    tags.nth(MAX_TAGS - 1).focus()
    for key in ("Tab", "Enter", "Tab"):
        fresh.keyboard.press(key)
    expect(tags.nth(MAX_TAGS)).to_be_focused()
    expect(region_of(fresh, tags.nth(MAX_TAGS))).to_have_css("opacity", "1")


def test_a_word_that_is_a_tag_shows_it_and_nonsense_is_told(fresh: Page, folder: Path) -> None:
    drop(fresh, write_scene(folder / "scene.png"))
    expect(fresh.locator(".tag")).to_have_count(len(NAMES))
    ask(fresh, "THING 3")
    found = fresh.locator(".tag").filter(has_text=f"of {len(NAMES)}")
    expect(found).to_contain_text("thing 3 tag")
    found.hover()
    expect(region_of(fresh, found)).to_have_css("opacity", "1")
    ask(fresh, "xqzt")
    expect(fresh.locator(".match")).to_contain_text("no better than chance")
    assert region_of(fresh, fresh.locator(".match")).count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 768, 1360])
def test_nothing_is_cut_off_in_any_width(
    page: Page, address: str, folder: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    usual = page.viewport_size
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    try:
        page.goto(address)
        drop(page, write_scene(folder / "scene.png"))
        tag = page.locator(".tag").first
        expect(tag).to_be_visible()
        page.locator(".more summary").click()
        ask(page, "justice")
        expect(page.locator(".match")).to_be_visible()
        tag.hover()
        expect(region_of(page, tag)).to_have_css("opacity", "1")
        root = page.locator("html")
        assert root.evaluate("page => page.scrollWidth <= page.clientWidth")
        for seen in (".photograph", "#ask", ".more .tag .score >> nth=-1", ".masthead"):
            box = page.locator(seen).bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        ground, ink = (
            lightness(page.locator(place).evaluate(f"one => getComputedStyle(one).{what}"))
            for place, what in (("body", "backgroundColor"), (".tag .name >> nth=0", "color"))
        )
        assert (ground < ink) == (scheme == "dark")
        assert abs(ground - ink) > 100
    finally:
        page.emulate_media(color_scheme="light")
        assert usual is not None
        page.set_viewport_size(usual)


def lightness(colour: str) -> float:
    """Return the mean of the channels of `rgb(...)`, from 0 to 255."""
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


def test_an_unseen_category_is_shown_as_zero_shot(fresh: Page) -> None:
    expect(fresh.get_by_text("drawn scenes only")).to_be_visible()
    ask(fresh, "kite")
    expect(fresh.get_by_role("alert")).to_contain_text("Drop a photograph first")
    fresh.locator("#examples button, #examples .gallery-item").first.click()
    expect(fresh.locator(".tag")).to_have_count(len(NAMES))
    expect(fresh.get_by_role("alert")).to_have_count(0)
    ask(fresh, "cloud")
    match = fresh.locator(".match")
    expect(match).to_contain_text("cloud")
    expect(fresh.get_by_text("never trained on these words")).to_be_visible()
    match.hover()
    expect(region_of(fresh, match)).to_have_css("opacity", "1")


def test_words_typed_in_never_become_elements(fresh: Page, folder: Path) -> None:
    drop(fresh, write_scene(folder / "scene.png"))
    expect(fresh.locator(".tag")).to_have_count(len(NAMES))
    evil = "<img src=x onerror=alert(1)>${alert(2)}{{value}}"
    ask(fresh, evil)
    expect(fresh.locator(".match .name")).to_have_text(evil)
    assert fresh.locator(".match img").count() == 0


def test_a_broken_photograph_gives_a_message_and_the_next_one_is_shown(
    fresh: Page, folder: Path
) -> None:
    broken = folder / "holiday.jpg"
    broken.write_bytes(b"\xff\xd8 no photograph")
    drop(fresh, broken)
    expect(fresh.get_by_role("alert")).to_contain_text("holiday.jpg cannot be shown: not an image")
    drop(fresh, write_scene(folder / "scene.png"))
    expect(fresh.locator(".tag")).to_have_count(len(NAMES))
    expect(fresh.get_by_role("alert")).to_have_count(0)


def test_too_large_a_file_is_refused(fresh: Page, folder: Path) -> None:
    large = folder / "large.bmp"
    Image.new("RGB", (400, 400)).save(large)
    drop(fresh, large)
    expect(fresh.get_by_text("maximum")).to_be_visible()
    expect(fresh.locator(".tag")).to_have_count(0)


def test_a_forgotten_visitor_is_told(fresh: Page, folder: Path, served: list[Any]) -> None:
    drop(fresh, write_scene(folder / "scene.png"))
    expect(fresh.locator(".tag")).to_have_count(len(NAMES))
    served[0].state_holder.session_data.clear()  # as many others, or an hour, do
    ask(fresh, "kite")
    expect(fresh.get_by_role("alert")).to_contain_text("no longer kept here")
    drop(fresh, write_scene(folder / "scene.png"))
    expect(fresh.get_by_role("alert")).to_have_count(0)  # it has been looked at again
    ask(fresh, "kite")
    expect(fresh.locator(".match")).to_contain_text("kite")
    expect(fresh.get_by_role("alert")).to_have_count(0)


def test_what_the_server_refuses_is_told(
    fresh: Page, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "MAX_UNANSWERED", 0)
    fresh.locator("#examples button, #examples .gallery-item").first.click()
    expect(fresh.get_by_text("Too many questions of this page")).to_be_visible()
    monkeypatch.undo()
    monkeypatch.setattr(uploads, "MAX_AT_ONCE", 0)
    drop(fresh, write_scene(folder / "scene.png"))
    expect(fresh.get_by_text("try again in a minute")).to_be_visible()
    monkeypatch.undo()
    drop(fresh, write_scene(folder / "scene.png"))
    expect(fresh.locator(".tag")).to_have_count(len(NAMES))


def test_the_browser_asks_nobody_else(fresh: Page, requested: list[str], address: str) -> None:
    fresh.wait_for_load_state()
    assert len(requested) > 10  # of this test and of those before it
    outside = [url for url in requested if not url.startswith((address, "data:", "blob:"))]
    assert outside == []
