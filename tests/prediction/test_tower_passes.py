"""The text tower runs once a call, and the image tower once a photograph."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from tests.prediction.photographs import small_model, table_of, write_pictures
from trmml.data import ImageTable
from trmml.models import TRMML
from trmml.prediction import (
    draw_heatmaps,
    propose_labels,
    score_images,
    stream_scores,
    tag_images,
)

PHOTOS = 6


@pytest.fixture
def table(tmp_path):
    return table_of(tmp_path, write_pictures(tmp_path, PHOTOS))


@contextmanager
def text_passes(model: TRMML) -> Iterator[list[int]]:
    """Count the sequences of texts that go through the text tower."""
    tower, passes = model.encoders.text, []
    assert isinstance(tower, nn.Module)
    handle = tower.register_forward_hook(lambda *_: passes.append(1))
    try:
        yield passes
    finally:
        handle.remove()


@contextmanager
def image_passes(model: TRMML) -> Iterator[list[int]]:
    """Note how many photographs go through the image tower at each pass."""
    passes: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        encode = model.image_encoder.encode_dense

        def counted(images: torch.Tensor) -> object:
            passes.append(len(images))
            return encode(images)

        patch.setattr(model.image_encoder, "encode_dense", counted)
        yield passes


def paths_of(table):
    return [str(path) for path in table.paths]


CALLS: dict[str, Callable[[TRMML, ImageTable], object]] = {
    "score_images": lambda model, table: score_images(model, table, batch_size=1),
    "stream_scores": lambda model, table: [*stream_scores(model, table, batch_size=1)],
    "tag_images": lambda model, table: [*tag_images(model, paths_of(table), batch_size=1)],
    "propose_labels": lambda model, table: propose_labels(model, table, batch_size=1),
    "draw_heatmaps": lambda model, table: [
        *draw_heatmaps(model, paths_of(table), table.paths[0].parent, top_k=2)
    ],
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", CALLS)
def test_each_tower_runs_no_more_than_it_must(table, name, training):
    model = small_model().train(training)
    with text_passes(model) as once, torch.no_grad():
        model.prompts()
    assert once
    with text_passes(model) as texts, image_passes(model) as images:
        CALLS[name](model, table)
    assert len(texts) == len(once)
    assert images == [1] * PHOTOS
    assert model.training is training
