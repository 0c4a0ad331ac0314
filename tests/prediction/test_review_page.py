import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
import torch

from tests.prediction.photographs import NAMES, own_model, small_model, write_pictures
from trmml.data import ImageTable
from trmml.prediction import Proposal, propose_labels, write_review_page

EVIL = '</script><!--<script>alert(1)</script>"\u202e\u2028&lt;'


class Elements(HTMLParser):
    """Keep each element with its attributes and what is written in it."""

    def __init__(self) -> None:
        super().__init__()
        self.found = []
        self.open = False

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs), ""))
        self.open = True

    def handle_endtag(self, tag):  # noqa: ARG002 - whichever it is
        self.open = False

    def handle_data(self, data):
        if self.open:
            tag, attributes, text = self.found[-1]
            self.found[-1] = tag, attributes, text + data

    def all(self, tag):
        return [(attributes, text) for name, attributes, text in self.found if name == tag]


def elements(path):
    parser = Elements()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser


def content(path):
    [text] = [text for attributes, text in elements(path).all("script") if "id" in attributes]
    return json.loads(text)


@pytest.fixture
def table(tmp_path):
    names = write_pictures(tmp_path / "photos", 4)
    labels = torch.zeros(4, 3, dtype=torch.int64)
    return ImageTable(tmp_path / "photos", names, labels, NAMES, broken="skip")


def test_the_page_asks_about_the_first_proposals_and_holds_their_pictures(table, tmp_path):
    model = small_model()
    found = propose_labels(model, table, min_confidence=0)
    path, steps = tmp_path / "page.html", []
    asked = write_review_page(found, path, table=table, model=model, items=5, progress=steps.append)
    held = content(path)
    assert asked == len(held["items"]) == 5
    assert [(one["image"], one["class"], one["label"]) for one in held["items"]] == [
        (one.image, one.class_name, one.label) for one in found[:5]
    ]
    images = {one.image for one in found[:5]}
    assert len(held["pictures"]) == len(images) == len(steps)  # each photograph once
    for one in held["items"]:
        assert held["pictures"][one["picture"]].startswith("data:image/jpeg;base64,")
        assert one["region"].startswith("data:image/jpeg;base64,")
    assert held["answers"] == "page-answers.csv"


def test_the_page_asks_nobody_for_anything(table, tmp_path):
    path = tmp_path / "page.html"
    write_review_page(propose_labels(small_model(), table), path, table=table)
    page = elements(path)
    for _, attributes, _ in page.found:
        assert "src" not in attributes
        assert attributes.get("href", "data:,").startswith("data:")
    [policy] = [a["content"] for a, _ in page.all("meta") if "http-equiv" in a]
    assert policy.startswith("default-src 'none'; img-src data:;")
    scripts = [text for attributes, text in page.all("script") if not attributes]
    for text in [*scripts, *(text for _, text in page.all("style"))]:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy  # a browser runs these, and no others
    assert len(scripts) == 1
    assert not re.search(r"url\(|@import|https?:", path.read_text(encoding="utf-8"))


def test_names_of_any_kind_stay_names(tmp_path):
    [name] = write_pictures(tmp_path, 1)
    file = "</script>\udcff'.png".replace("/", "\u2215")
    (tmp_path / name).rename(tmp_path / file)
    table = ImageTable(tmp_path, [file], torch.zeros(1, 1, dtype=torch.int64), [EVIL])
    path = tmp_path / "<b>page.html"
    write_review_page([Proposal(file, EVIL, 1, 0.5, "calibrated")], path, table=table)
    [item] = content(path)["items"]
    assert (item["image"], item["class"]) == (file, EVIL)
    page = elements(path)
    assert len(page.all("script")) == 2
    assert page.all("b") == []
    assert [text for _, text in page.all("title")] == ["Labels to review: <b>page"]


def test_a_method_without_regions_and_a_lost_photograph_still_give_a_page(table, tmp_path):
    model = own_model()
    found = propose_labels(model, table, min_confidence=0)
    table.paths[1].unlink()
    write_review_page(found, tmp_path / "page.html", table=table, model=model)
    held = content(tmp_path / "page.html")
    for one in held["items"]:
        assert one["region"] is None
        assert (held["pictures"][one["picture"]] is None) == (one["image"] == table.names[1])


@pytest.mark.parametrize("items", [0, 2001])
def test_a_page_of_no_or_too_many_items_is_refused(table, tmp_path, items):
    with pytest.raises(ValueError, match=f"`items` must be in 1 to 2000, got {items}"):
        write_review_page([], tmp_path / "page.html", table=table, items=items)


def test_every_control_has_a_name_and_every_key_is_told(table, tmp_path):
    write_review_page([], tmp_path / "page.html", table=table)
    page = elements(tmp_path / "page.html")
    for attributes, text in page.all("button"):
        assert text.strip() or attributes.get("aria-label")
    told = " ".join(text for _, text in page.all("kbd"))
    assert {"Y", "N", "S", "Space", "←", "→", "?"} <= {*told.split()}
    ids = [attributes["id"] for _, attributes, _ in page.found if "id" in attributes]
    assert len(ids) == len({*ids})
    for _, attributes, _ in page.found:
        assert {*attributes.get("aria-labelledby", "").split()} <= {*ids}
