"""A score that is no number is an error that names image and class, whatever road it comes by."""

from pathlib import Path

import pytest
import torch

from tests.prediction.photographs import NAMES, small_model, table_of, write_pictures
from trmml.models import MultiLabelModel
from trmml.models.finite_scores import require_finite_scores
from trmml.page.photo_inspector import PhotoInspector
from trmml.prediction import (
    draw_heatmaps,
    propose_labels,
    score_images,
    stream_scores,
    tag_images,
)
from trmml.sharing import export_pt2, largest_difference
from trmml.training import FeatureSource, StoredFeatures
from trmml.training.sources.scoring import predict_logits, score_source

NOT_A_NUMBER = r"The score of '{}' in {} must be a finite number, got {}"


def broken_model(value: float = torch.nan) -> MultiLabelModel:
    model = small_model()
    assert model.decoder is not None
    with torch.no_grad():
        model.decoder.queries[1] = value  # as an overflow in half precision leaves it
    return model


def fails_from(model: MultiLabelModel, first: int) -> MultiLabelModel:
    """Let a model's scores be infinite for one image, counted over all batches."""
    seen = 0
    match = model.match

    def matched(*inputs: object, **options: object) -> object:
        nonlocal seen
        output = match(*inputs, **options)  # pyright: ignore[reportArgumentType]
        if seen <= first < seen + len(output.logits):
            output.logits[first - seen, 2] = torch.inf
        seen += len(output.logits)
        return output

    model.match = matched  # pyright: ignore[reportAttributeAccessIssue]
    return model


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_every_road_says_so(tmp_path: Path, value: float) -> None:
    model = broken_model(value)
    names = write_pictures(tmp_path, 2)
    paths = [tmp_path / name for name in names]
    table = table_of(tmp_path, names)
    images = model.preprocess(paths[0])
    features = StoredFeatures(*model.image_encoder(images))
    source = FeatureSource(features, torch.ones(1, 3, dtype=torch.int8))
    roads = {
        "image 0": [lambda: model.predict(images), lambda: model.heatmap(images)],
        r"0, ö\.png": [
            lambda: score_images(model, table),
            lambda: [*stream_scores(model, table)],
            lambda: propose_labels(model, table, source="probability"),
        ],
        r".*/0, ö\.png": [
            lambda: [*tag_images(model, paths)],
            lambda: [*draw_heatmaps(model, paths, tmp_path)],
        ],
        "this photograph": [lambda: PhotoInspector(model).inspect(paths[0])],
        r"images \[0\]": [lambda: score_source(model, source)],
        "image 0 of batch 0": [lambda: predict_logits(model, features)],
    }
    for image, calls in roads.items():
        for call in calls:
            message = NOT_A_NUMBER.format("sunset, red", image, "(nan|-?inf)")
            with pytest.raises(FloatingPointError, match=message):
                call()


def test_the_image_is_the_one_that_it_was(tmp_path: Path) -> None:
    names = write_pictures(tmp_path, 7, damaged=(0, 1, 4))
    table = table_of(tmp_path, names)
    model = fails_from(small_model(), 2)  # of those that can be read: the rows 2, 3, 5, 6
    message = NOT_A_NUMBER.format("Bäume", r"5, ö\.png", "inf")
    with pytest.raises(FloatingPointError, match=message):
        for _ in stream_scores(model, table, batch_size=2):
            pass


def test_an_exported_file_that_gives_no_numbers_does_not_agree(tmp_path: Path) -> None:
    export_pt2(broken_model(), tmp_path / "model.pt2")
    with pytest.raises(FloatingPointError, match="TRMML must give finite numbers to be compared"):
        largest_difference(broken_model(), tmp_path / "model.pt2")
    with pytest.raises(FloatingPointError, match=r"model\.pt2 must give finite numbers"):
        largest_difference(small_model(), tmp_path / "model.pt2")


def test_finite_scores_pass() -> None:
    require_finite_scores(torch.zeros(0, 3), NAMES, image=str)
    require_finite_scores(torch.tensor([[-3e38, 0.0, 3e38]]), NAMES, image=str)


@pytest.mark.usefixtures("no_shape_checks")
def test_a_graph_is_captured_whole() -> None:
    def scored(logits: torch.Tensor) -> torch.Tensor:
        require_finite_scores(logits, NAMES, image=str)
        return logits.sigmoid()

    logits = torch.zeros(2, 3)
    compiled = torch.compile(scored, backend="eager", fullgraph=True)
    assert torch.equal(compiled(logits), scored(logits))
