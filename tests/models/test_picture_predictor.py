import numpy as np
import pytest
import torch
from PIL import Image

from tests.data.loopback_pictures import loopback_pictures
from tests.prediction.photographs import small_model, write_pictures


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture
def paths(tmp_path):
    return [tmp_path / name for name in write_pictures(tmp_path, 3)]


def test_every_form_of_a_picture_is_scored_alike(model, paths):
    expected = model.predict(torch.cat([model.preprocess(path) for path in paths]))
    pixels = [np.asarray(Image.open(path)) for path in paths]
    forms = [paths, [str(path) for path in paths], pixels, list(map(Image.fromarray, pixels))]
    for form in [*forms, [paths[0], pixels[1], Image.fromarray(pixels[2])]]:
        torch.testing.assert_close(model.predict(form), expected)
        torch.testing.assert_close(model.predict(form, batch_size=2), expected)
    torch.testing.assert_close(model.predict(paths[1]), expected[1:2])
    torch.testing.assert_close(model.predict(pixels[1]), expected[1:2])
    assert model.preprocess(paths).shape == (3, 3, 64, 64)


def test_a_picture_on_the_network_is_scored_where_it_is_allowed(model, paths):
    with loopback_pictures(paths[0].read_bytes()) as server:
        address = f"{server}/picture.png"
        with pytest.raises(ValueError, match="`allow_urls` must be True"):
            model.predict(address)
        found = model.predict([address, paths[0]], allow_urls=True)
    torch.testing.assert_close(found[0], found[1])


@pytest.mark.usefixtures("no_shape_checks")
def test_pixels_in_a_tensor_are_not_taken_for_prepared_images(model):
    with pytest.raises(TypeError, match=r"as `preprocess` gives them, got torch.uint8"):
        model.predict(torch.zeros(1, 3, 64, 64, dtype=torch.uint8))


def test_nothing_to_score_is_refused(model, paths):
    for method in (model.predict, model.preprocess):
        with pytest.raises(ValueError, match="must hold at least one picture, got an empty list"):
            method([])
    with pytest.raises(ValueError, match="`batch_size` must be at least 1, got 0"):
        model.predict(paths, batch_size=0)


def test_an_image_without_a_score_is_named_by_its_place_in_the_list(paths):
    model = small_model()
    usual, seen = model.forward, []

    def broken_in_the_second_batch(images, *, classes=None):
        seen.append(len(images))
        output = usual(images, classes=classes)
        return output._replace(logits=output.logits * torch.nan) if len(seen) == 2 else output

    model.forward = broken_in_the_second_batch
    with pytest.raises(FloatingPointError, match="in image 2 must be a finite number, got nan"):
        model.predict(paths, batch_size=2)
