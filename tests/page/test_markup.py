import re
from html.parser import HTMLParser

import pytest
import torch

from trmml.page import InspectedPhoto, ZeroShotMatch
from trmml.page.markup import (
    MAX_MATCHES,
    MAX_TAGS,
    matches_markup,
    message_markup,
    stage_markup,
    style_rules,
    tags_markup,
)
from trmml.prediction import ImageTag

EVIL = "<img src=x onerror=alert(1)>\"'</span>${alert(2)}{{value}}"
REGION = torch.rand(3, 3)
PICTURE = "data:image/jpeg;base64,"


class Elements(HTMLParser):
    """Collect elements, their attributes, and what is only text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def photo(scores: list[float], name: str = "tree", *, regions: bool = True) -> InspectedPhoto:
    tags = [ImageTag(name, score, 0.5) for score in scores]
    maps = REGION.expand(len(tags), -1, -1) if regions else None
    return InspectedPhoto(PICTURE, (40, 20), tags, maps, torch.rand(1, 9, 4), (3, 3))


def match(name: str = "kite", *, stands_out: bool = True, trained: bool = False) -> ZeroShotMatch:
    return ZeroShotMatch(name, 0.31, stands_out, REGION, trained)


@pytest.mark.parametrize(
    "markup",
    [message_markup(EVIL), tags_markup(photo([0.5], EVIL)), matches_markup([match(EVIL)])],
    ids=["message", "tag", "match"],
)
def test_words_from_outside_stay_words(markup: str) -> None:
    elements = Elements(markup)
    assert EVIL in elements.words
    assert not [attributes for _, attributes in elements.tags if "onerror" in attributes]
    assert "img" not in [tag for tag, _ in elements.tags]


def test_every_listed_tag_has_one_region_and_one_rule() -> None:
    shown = photo([0.9] * (MAX_TAGS + 5))
    matches = [match()] * MAX_MATCHES
    listed = re.findall(r" tag-(\d+)", tags_markup(shown) + matches_markup(matches))
    drawn = re.findall(r" region-(\d+)", stage_markup(shown, matches))
    assert listed == drawn == [str(number) for number in range(MAX_TAGS + MAX_MATCHES)]
    for number in listed:
        assert f"body:has(.tag-{number}:hover) .region-{number}" in style_rules()


def test_a_match_has_the_region_of_its_own_rule_beside_few_tags() -> None:
    few = photo([0.9, 0.2])
    assert re.findall(r" region-(\d+)", stage_markup(few, [match()])) == ["0", "1", str(MAX_TAGS)]
    assert f"tag-{MAX_TAGS}" in matches_markup([match()])


def test_without_regions_only_words_that_were_asked_for_have_a_place() -> None:
    plain = photo([0.9, 0.2], regions=False)
    assert re.findall(r" region-(\d+)", stage_markup(plain, [match()])) == [str(MAX_TAGS)]
    assert "no places to show" in stage_markup(plain, [])
    assert "no places to show" not in stage_markup(photo([0.9]), [])
    assert tags_markup(plain) == tags_markup(photo([0.9, 0.2]))


def test_what_reaches_its_threshold_is_marked_present() -> None:
    elements = Elements(tags_markup(photo([0.5, 0.4999])))
    rows = [attributes["class"] for tag, attributes in elements.tags if tag == "li"]
    assert rows == ["tag tag-0 present", "tag tag-1"]
    bars = [attributes["style"] for _, attributes in elements.tags if "style" in attributes]
    assert bars[0] == "--score: 0.5000; --mark: 0.5000"


def test_tags_can_be_reached_by_keyboard() -> None:
    elements = Elements(tags_markup(photo([0.5])) + matches_markup([match()]))
    assert [a["tabindex"] for tag, a in elements.tags if tag == "li"] == ["0", "0"]


def test_what_is_left_out_is_counted() -> None:
    assert "2 more categories" in tags_markup(photo([0.5] * (MAX_TAGS + 2)))
    assert "more" not in tags_markup(photo([0.5] * MAX_TAGS))


def test_no_score_is_shown_as_impossible() -> None:
    assert "0&#8239;%" not in tags_markup(photo([0.0004]))


def test_zero_shot_says_that_it_is() -> None:
    assert matches_markup([]) == ""
    markup = matches_markup([match()])
    assert "Zero-shot" in markup
    assert "never trained" in markup
    assert "not a probability" in markup
    assert "0.31" in markup
    assert "nothing stands out" in matches_markup([match(stands_out=False)])
    assert "trained tag" in matches_markup([match(trained=True)])
