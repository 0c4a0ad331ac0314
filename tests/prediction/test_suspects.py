"""What is wrong with a table's known labels is found by images alone, whatever a model learnt."""

import pytest
import torch
from PIL import Image

from tests.prediction.photographs import small_model
from trmml.data import ImageTable
from trmml.prediction import find_suspects

COLOURS = ["red", "green"]


@pytest.fixture
def table(tmp_path):
    """Forty pictures of one colour, labelled for two, with two slips and some labels unknown."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.where(torch.rand(40, 2, generator=generator) < 0.5, 1, -1)
    names = [f"{row}.png" for row in range(len(labels))]
    for name, (red, green) in zip(names, labels.tolist(), strict=True):
        shade = int(torch.randint(0, 50, (), generator=generator))
        colour = (200 + shade if red > 0 else shade, 200 + shade if green > 0 else shade, shade)
        Image.new("RGB", (48, 48), colour).save(tmp_path / name)
    labels[3, 0] *= -1
    labels[17, 1] *= -1
    labels[25:30, 0] = 0
    return ImageTable(tmp_path, names, labels, COLOURS, broken="skip")


def test_slips_come_first_and_unknown_labels_never(table):
    found = find_suspects(small_model(), table, top_k=None)
    assert found.judged == len(found.found) == 75
    assert {(one.image, one.class_name) for one in found.found[:2]} == {
        ("3.png", "red"),
        ("17.png", "green"),
    }
    first = found.found[0]
    assert first.label == -first.given
    assert first.confidence < 0.5
    confidences = [one.confidence for one in found.found]
    assert confidences == sorted(confidences)


def test_what_the_model_learnt_and_how_images_are_batched_has_no_say(table):
    model = small_model()
    expected = find_suspects(model, table, top_k=5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    other = find_suspects(model, table, top_k=5, batch_size=7)
    assert [one.image for one in other.found] == [one.image for one in expected.found]
    for one, two in zip(other.found, expected.found, strict=True):
        assert one.probability == pytest.approx(two.probability, abs=1e-3)


def test_images_that_cannot_be_read_and_classes_of_one_kind_are_left_out(table):
    table.paths[5].write_bytes(b"no image")
    labels = table.labels.clone()
    labels[:, 1] = labels[:, 1].abs()
    table = table.replace(labels=labels)
    found = find_suspects(small_model(), table, top_k=None)
    assert found.left_out == ["green"]
    assert {one.class_name for one in found.found} == {"red"}
    assert "5.png" not in {one.image for one in found.found}
    assert [error.path.name for error in table.broken_files()] == ["5.png"]


def test_a_table_that_teaches_nothing_is_refused(table):
    with pytest.raises(ValueError, match=r"`table` must have known labels .* 40 images and none"):
        find_suspects(small_model(), table.replace(labels=0 * table.labels))
    with pytest.raises(ValueError, match=r"no more than there are images, got 41 for 40 images"):
        find_suspects(small_model(), table, folds=41)
    with pytest.raises(ValueError, match="a known positive and a known negative of one class"):
        find_suspects(small_model(), table.replace(labels=table.labels.abs()))
