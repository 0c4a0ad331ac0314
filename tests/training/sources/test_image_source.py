import gc
import multiprocessing
import os
import signal
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.training.coloured_squares import write_squares
from trmml.data import ImageTable, load_table
from trmml.data.transforms import build_transform
from trmml.training import ImageSource, SeededImages

SIZE = (32, 32)


@pytest.fixture
def table(tmp_path: Path) -> ImageTable:
    path = write_squares(tmp_path, 9)
    transform = build_transform("tai-dpt", train=True, size=SIZE[0], mean=None, std=None)
    return load_table(path, tmp_path / "photos").replace(transform=transform)


def rows(*parts: list[int]) -> list[Tensor]:
    return [torch.tensor(part, dtype=torch.long) for part in parts]


def test_pixels_depend_on_seed_row_and_draw_alone(table: ImageTable) -> None:
    images = SeededImages(table, seed=1)
    before = torch.get_rng_state()
    first, labels, row = images[3, 5]
    assert row == 3
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(7)
    assert torch.equal(images[3, 5][0], first)
    assert torch.equal(labels, table.labels[3])
    others = [images[3, 6][0], images[4, 5][0], SeededImages(table, seed=2)[3, 5][0]]
    assert not any(torch.equal(other, first) for other in others)


def test_workers_change_nothing(table: ImageTable) -> None:
    parts = rows([0, 1, 2], [5, 3], [8])
    alone, helped = (
        list(ImageSource(table, seed=0, image_size=SIZE, num_workers=n).batches(parts, epoch=2))
        for n in (0, 2)
    )
    for one, other, part in zip(alone, helped, parts, strict=True):
        assert torch.equal(one.inputs, other.inputs)
        assert torch.equal(one.labels, table.labels[part])
        assert torch.equal(other.labels, table.labels[part])


def test_a_process_without_an_image_gets_an_empty_batch(table: ImageTable) -> None:
    source = ImageSource(table, seed=0, image_size=SIZE)
    full, empty = source.batches(rows([0, 1], []), epoch=0)
    assert full.inputs.shape == (2, 3, *SIZE)
    assert empty.inputs.shape == (0, 3, *SIZE)
    assert empty.labels.shape == (0, 3)
    assert empty.labels.dtype == full.labels.dtype


def test_a_broken_image_is_replaced_together_with_its_labels(table: ImageTable) -> None:
    table.paths[2].write_bytes(b"no image")
    source = ImageSource(table.replace(broken="replace"), seed=0, image_size=SIZE)
    (batch,) = source.batches(rows([1, 2]), epoch=0)
    assert torch.equal(batch.labels, table.labels[[1, 3]])
    assert batch.rows is not None
    assert batch.rows.tolist() == [1, 3]
    with pytest.raises(ValueError, match=r"0002\.png"):
        list(ImageSource(table, seed=0, image_size=SIZE).batches(rows([1, 2]), epoch=0))
    with pytest.raises(ValueError, match="got 'skip'"):
        ImageSource(table.replace(broken="skip"), seed=0, image_size=SIZE)


def die(image: Image.Image) -> Tensor:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError(image)


def test_a_dead_worker_is_told_and_not_waited_for(table: ImageTable) -> None:
    source = ImageSource(table.replace(transform=die), seed=0, image_size=SIZE, num_workers=1)
    with pytest.raises(ChildProcessError, match="process that reads images died"):
        list(source.batches(rows([0, 1]), epoch=0))


def test_workers_end_with_the_source_and_not_seconds_later(table: ImageTable) -> None:
    source = ImageSource(table, seed=0, image_size=SIZE, num_workers=2)
    list(source.batches(rows([0, 1]), epoch=0))
    workers = multiprocessing.active_children()
    assert len(workers) >= 2
    gc.disable()  # what only the collector finds ends by a timeout of seconds for each worker
    try:
        del source
        assert not any(worker.is_alive() for worker in workers)
    finally:
        gc.enable()


def test_rows_are_named_by_their_files(table: ImageTable) -> None:
    source = ImageSource(table, seed=0, image_size=SIZE)
    assert source.describe(torch.tensor([4, 2])) == "0004.png, 0002.png"
    assert source.describe(torch.arange(9)).endswith("0007.png and 1 more")
