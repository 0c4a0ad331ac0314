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
from trmml.page.photo_inspector import MAX_REGIONS
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
    maps = REGION.repeat(len(tags), 1, 1) if regions else None
    return InspectedPhoto(PICTURE, (40, 20), tags, maps, torch.rand(1, 9, 4), (3, 3))


def match(name: str = "kite", *, stands_out: bool = True, tag: int | None = None) -> ZeroShotMatch:
    return ZeroShotMatch(name, 0.31, stands_out, REGION, tag)


@pytest.mark.parametrize(
    "markup",
    [
        message_markup(EVIL),
        tags_markup(photo([0.5], EVIL)),
        matches_markup(photo([0.5]), [match(EVIL)]),
        matches_markup(photo([0.5], EVIL), [match(tag=0)]),
    ],
    ids=["message", "tag", "match", "found tag"],
)
def test_words_from_outside_stay_words(markup: str) -> None:
    elements = Elements(markup)
    assert EVIL in elements.words
    assert not [attributes for _, attributes in elements.tags if "onerror" in attributes]
    assert "img" not in [tag for tag, _ in elements.tags]


def test_every_region_has_its_tag_and_its_rule() -> None:
    shown = photo([0.9] * (MAX_REGIONS + 5))
    matches = [match()] * MAX_MATCHES
    listed = tags_markup(shown) + matches_markup(shown, matches)
    drawn = re.findall(r" region-(\d+)", stage_markup(shown, matches))
    assert sorted(map(int, drawn)) == [*range(MAX_MATCHES + MAX_REGIONS)]
    for number in drawn:
        assert len(re.findall(rf" tag-{number}\b", listed)) == 1
        assert f"body:has(.tag-{number}:hover) .region-{number}" in style_rules()


def test_tags_that_show_no_place_say_so() -> None:
    assert "type the name of another" in tags_markup(photo([0.9] * (MAX_REGIONS + 1)))
    assert "type the name" not in tags_markup(photo([0.9] * MAX_REGIONS))
    assert "type the name" not in tags_markup(photo([0.9] * (MAX_REGIONS + 1), regions=False))


def test_without_regions_only_words_that_were_asked_for_have_a_place() -> None:
    plain = photo([0.9, 0.2], regions=False)
    asked = [match(), match(tag=1)]
    assert re.findall(r" region-(\d+)", stage_markup(plain, asked)) == ["0"]
    assert "no places to show" in stage_markup(plain, [])
    assert "no places to show" not in stage_markup(photo([0.9]), [])
    assert tags_markup(plain) == tags_markup(photo([0.9, 0.2]))


def test_a_word_no_better_than_chance_is_neither_lit_nor_strong() -> None:
    shown = photo([0.9])
    nonsense = match("flurble", stands_out=False)
    assert re.findall(r" region-(\d+)", stage_markup(shown, [nonsense])) == ["4"]
    markup = matches_markup(shown, [nonsense])
    assert "no better than chance" in markup
    assert "present" not in markup


def test_a_word_that_is_a_tag_shows_the_tags_own_score_and_region() -> None:
    shown = photo([0.9, 0.8, 0.2])
    shown.regions[2] = torch.eye(3)  # type: ignore[index]
    markup = matches_markup(shown, [match("Tree", stands_out=False, tag=2)])
    assert "tag 3 of 3" in markup
    assert "--score: 0.2000" in markup
    assert "0.31" not in markup
    assert "Zero-shot" not in markup
    stage = stage_markup(shown, [match(tag=2)])
    drawn = re.findall(r'class="region region-\d+">(.*?)</div>', stage)
    assert len(drawn) == 4
    assert drawn[3] == drawn[2] != drawn[1]


def test_pictures_of_regions_are_drawn_once_a_photograph() -> None:
    shown = photo([0.9, 0.8])
    assert shown.veils is shown.veils


def test_what_reaches_its_threshold_is_marked_present() -> None:
    elements = Elements(tags_markup(photo([0.5, 0.4999])))
    rows = [attributes["class"] for tag, attributes in elements.tags if tag == "li"]
    assert rows == ["tag tag-4 present", "tag tag-5"]
    bars = [attributes["style"] for _, attributes in elements.tags if "style" in attributes]
    assert bars[0] == "--score: 0.5000; --mark: 0.5000"


def test_tags_can_be_reached_by_keyboard() -> None:
    shown = photo([0.5])
    elements = Elements(tags_markup(shown) + matches_markup(shown, [match(), match(tag=0)]))
    assert [a["tabindex"] for tag, a in elements.tags if tag == "li"] == ["0"] * 3


def test_all_tags_are_there_and_the_unlikely_ones_unfold() -> None:
    many = tags_markup(photo([0.5] * (MAX_TAGS + 2)))
    in_sight, folded = many.split("<details")
    assert in_sight.count("<li") == MAX_TAGS
    assert folded.count("<li") == 2
    assert "2 more" in folded
    assert "<details" not in tags_markup(photo([0.5] * MAX_TAGS))


def test_no_score_is_shown_as_impossible() -> None:
    assert "0&#8239;%" not in tags_markup(photo([0.0004]))


def test_zero_shot_says_that_it_is() -> None:
    shown = photo([0.5])
    assert matches_markup(shown, []) == ""
    markup = matches_markup(shown, [match()])
    assert "Zero-shot" in markup
    assert "never trained" in markup
    assert "not a probability" in markup
    assert "0.31" in markup
    assert "stands out here" in markup
