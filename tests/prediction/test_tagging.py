import io
import itertools

import numpy as np
import pytest
from PIL import Image

from tests.data.loopback_pictures import loopback_pictures
from tests.prediction.photographs import NAMES, small_model, write_pictures
from trmml.prediction import (
    ImageTag,
    Prediction,
    decision_thresholds,
    prediction_writer,
    tag_images,
)


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture
def paths(tmp_path):
    return [tmp_path / name for name in write_pictures(tmp_path, 4)]


def probabilities(model, path):
    return model.predict(model.preprocess(path))[0].tolist()


def test_a_threshold_chooses_and_the_best_come_first(model, paths):
    for prediction in tag_images(model, paths, threshold=0.6):
        values = dict(zip(NAMES, probabilities(model, prediction.path), strict=True))
        expected = sorted((name for name in NAMES if values[name] >= 0.6), key=lambda n: -values[n])
        assert [tag.name for tag in prediction.tags] == expected
        assert [tag.threshold for tag in prediction.tags] == pytest.approx([0.6] * len(expected))


def test_the_best_k_are_given_probable_or_not(model, paths):
    assert [len(one.tags) for one in tag_images(model, paths, top_k=2)] == [2] * 4
    assert [len(one.tags) for one in tag_images(model, paths, top_k=9)] == [3] * 4
    assert [len(one.tags) for one in tag_images(model, paths, top_k=1, threshold=0.5)] == [1] * 4
    assert [len(one.tags) for one in tag_images(model, paths, top_k=2, threshold=1)] == [0] * 4


def test_a_threshold_is_reached_by_equality(model, paths):
    (first, *_) = tag_images(model, paths)
    exactly = first.tags[0].probability
    (again, *_) = tag_images(model, paths, threshold=exactly)
    assert again.tags[0] == ImageTag(first.tags[0].name, exactly, exactly)


def test_the_models_own_thresholds_come_before_one_half(paths):
    model = small_model()
    assert decision_thresholds(model).tolist() == [0.5] * 3
    model.decision_thresholds = [0.25, 0.5, 0.75]
    assert decision_thresholds(model).tolist() == [0.25, 0.5, 0.75]
    assert decision_thresholds(model, 0.5).tolist() == [0.5] * 3
    model.decision_thresholds = [0.25]
    with pytest.raises(ValueError, match=r"must have 3 numbers, one a class, got 1; calibrate"):
        decision_thresholds(model)
    with pytest.raises(ValueError, match=r"must be a probability in \[0, 1\], got 2"):
        decision_thresholds(model, 2)


def test_every_file_has_its_line_in_order(model, paths):
    paths[1].write_bytes(b"")
    paths[3].unlink()
    found = list(tag_images(model, paths, batch_size=2))
    assert [one.path for one in found] == paths
    problems = [None, "the file is empty (0 bytes)", None, "the file does not exist"]
    assert [one.problem for one in found] == problems


def test_predictions_come_while_the_rest_is_still_unread(model, paths):
    stream = tag_images(model, paths, batch_size=1)
    first = list(itertools.islice(stream, 2))
    paths[3].unlink()
    assert all(one.problem is None for one in first)
    assert [one.problem for one in stream] == [None, "the file does not exist"]


@pytest.mark.usefixtures("no_shape_checks")
def test_a_format_is_one_of_three():
    with pytest.raises(ValueError, match="must be one of table, csv, jsonl, got 'xml'"):
        prediction_writer("xml", io.StringIO())  # pyright: ignore[reportArgumentType]


def test_what_is_written_is_written_through(tmp_path):
    with (tmp_path / "out").open("w") as file:
        prediction_writer("table", file)(Prediction(tmp_path, [ImageTag("sea", 0.756, 0.5)]))
        assert (tmp_path / "out").read_text() == f"{tmp_path}: sea 0.76\n"


def test_pictures_of_any_form_are_tagged_alike(model, paths):
    pixels = np.asarray(Image.open(paths[0]))
    forms = [paths[0], str(paths[0]), Image.open(paths[0]), pixels, Image.fromarray(pixels)]
    # Each by itself: a processor may add up a batch of another size in another order.
    found = list(tag_images(model, forms, top_k=2, batch_size=1))
    assert [one.path for one in found] == [paths[0]] * 3 + ["image 3", "image 4"]
    for one in found[1:]:
        assert [tag.name for tag in one.tags] == [tag.name for tag in found[0].tags]
        assert [tag.probability for tag in one.tags] == pytest.approx(
            [tag.probability for tag in found[0].tags]
        )
    assert list(tag_images(model, str(paths[0]), top_k=2)) == found[:1]


def test_addresses_are_tagged_where_that_is_allowed(model, paths):
    with loopback_pictures(paths[0].read_bytes()) as server:
        given = [f"{server}/picture.png", f"{server}/gone", paths[0]]
        with pytest.raises(ValueError, match="`allow_urls` must be True"):
            next(tag_images(model, given))
        here, gone, file = tag_images(model, given, top_k=3, allow_urls=True)
    assert here.tags == file.tags
    assert (here.path, gone.path) == (given[0], given[1])
    assert gone.problem == "the server says 404 Not Found"
