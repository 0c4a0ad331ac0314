from pathlib import Path

import pytest

from tests.page.small_page import small_model
from tests.prediction.photographs import own_model
from trmml.encoders import EncoderSource, load_tiny
from trmml.json_text import json_text
from trmml.models import ABLATIONS, TRMML
from trmml.models.zero_shot_stack import ZeroShotStack
from trmml.page.masthead import masthead_markup, run_trained_on

REPORT = {"num_train": 1200, "learns_from": "images", "known_share": 0.125}


def test_the_head_tells_method_towers_and_categories_of_this_model() -> None:
    markup = masthead_markup(small_model())
    assert "TRM-ML (Ma et al., ACM Multimedia 2024)." in markup
    assert "doi.org" not in markup
    assert "tiny pair, which knows drawn scenes only" in markup
    assert "12 categories" in markup
    assert "128 x 128" in markup
    assert "tree; house, home; car &lt;b&gt;" in markup
    assert "and where?" in markup


def test_the_head_claims_nothing_that_is_not_known() -> None:
    markup = masthead_markup(small_model())
    for claim in ("Trained", "stack", "other settings"):
        assert claim not in markup
    assert "Trained on &lt;some&gt;." in masthead_markup(small_model(), "<some>")


def test_the_head_tells_what_differs_from_the_method() -> None:
    model = TRMML(load_tiny(), ["tree"], config=ABLATIONS["dualcoop"], image_size=64)
    model.stack = ZeroShotStack(1, model.encoders.image.dim)
    markup = masthead_markup(model)
    assert "with other settings of aggregation" in markup
    assert "by a stack" in markup
    assert "1 category" in markup


def test_a_model_without_regions_is_not_asked_where() -> None:
    model = own_model()
    markup = masthead_markup(model)
    assert "What is in the picture?" in markup
    assert f"{model.config.method}, a method of one&#x27;s own." in markup


def test_the_head_names_the_weights_of_other_towers() -> None:
    model = small_model()
    source = EncoderSource("open_clip", "RN101", "openai")
    model.encoders = model.encoders._replace(source=source)
    markup = masthead_markup(model)
    assert "Its towers are open_clip RN101, openai." in markup
    assert "drawn" not in markup


def test_what_a_run_was_trained_on_is_read_from_its_report(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json_text(REPORT))
    told = "1,200 images, 12.5% of whose labels are known"
    assert run_trained_on(tmp_path / "best") == run_trained_on(tmp_path / "last") == told
    assert run_trained_on(tmp_path / "other") is None  # no model of that run
    assert run_trained_on(tmp_path / "run" / "best") is None


def test_a_damaged_report_is_named(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json_text({**REPORT, "num_train": "many"}))
    with pytest.raises(ValueError, match=r"report\.json.*num_train"):
        run_trained_on(tmp_path / "best")
