import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL.Image import Image
from torch import Tensor
from torch.utils.data import DataLoader

from tests.training.feature_cache.small_cache import table_of, transform
from trmml.training import SeededImages


def test_a_draw_depends_on_seed_row_and_number_alone(tmp_path: Path) -> None:
    table = table_of(tmp_path, transform=transform(train=True))
    images = SeededImages(table, seed=1)
    first, labels, row = images[3, 0]
    assert row == 3
    torch.rand(5)
    assert torch.equal(SeededImages(table, seed=1)[3, 0][0], first)
    assert torch.equal(labels, table.labels[3])
    for other in (images[3, 1], images[4, 0], SeededImages(table, seed=2)[3, 0]):
        assert not torch.equal(other[0], first)


def test_reading_says_which_row_the_image_comes_from(tmp_path: Path) -> None:
    table = table_of(tmp_path, broken="replace")
    images = SeededImages(table, seed=0)
    (tmp_path / "19.png").write_bytes(b"no image")
    image, source = images.read(19, 0)
    assert source == 0
    assert torch.equal(image, images.read(0, 0)[0])
    assert torch.equal(images[19, 0][1], table.labels[0])
    assert images[19, 0][2] == 0
    assert images.read(4, 0)[1] == 4


def test_a_draw_leaves_the_global_random_state_alone(tmp_path: Path) -> None:
    images = SeededImages(table_of(tmp_path, transform=transform(train=True)), seed=0)
    before = torch.get_rng_state()
    images.__getitems__([(0, 0), (1, 5)])
    assert torch.equal(torch.get_rng_state(), before)


def draw_from_every_generator(_: Image) -> Tensor:
    """Stand for an augmentation that draws from each of the global generators."""
    drawn = [random.random(), random.gauss(0.0, 1.0), np.random.random(), np.random.normal()]
    return torch.cat([torch.tensor(drawn), torch.rand(2)]).expand(3, 1, 6)


def meddled_states() -> tuple[object, ...]:
    """Leave each global generator in the middle of a pair of normal numbers, and return all."""
    random.gauss(0.0, 1.0)
    np.random.normal()
    torch.rand(1)
    return global_states()


def global_states() -> tuple[object, ...]:
    name, key, *rest = np.random.get_state()
    return random.getstate(), name, key.tolist(), *rest, torch.get_rng_state().tolist()  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("workers", [0, 2])
def test_every_global_generator_is_drawn_from_by_seed_row_and_number_alone(
    tmp_path: Path, workers: int
) -> None:
    images = SeededImages(table_of(tmp_path, transform=draw_from_every_generator), seed=1)
    items = [(row, draw) for row in range(6) for draw in range(2)]
    one_by_one = {item: images.read(*item)[0] for item in items}
    meddled_states()
    for order in (items[::-1], items[1::2] + items[::2]):
        loader = DataLoader(images, batch_sampler=[[item] for item in order], num_workers=workers)
        for item, (pixels, *_) in zip(order, loader, strict=True):
            assert torch.equal(pixels[0], one_by_one[item])
    for kind in range(6):  # of number: each differs between draws, and from the others
        assert len({float(pixels[0, 0, kind]) for pixels in one_by_one.values()}) == len(items)
    assert all(len(set(pixels[0, 0].tolist())) == 6 for pixels in one_by_one.values())
    other = SeededImages(images.table, seed=2)
    assert not (other.read(0, 0)[0] == one_by_one[0, 0]).any()


def test_the_numbers_of_torch_are_those_of_before_the_others_were_seeded(tmp_path: Path) -> None:
    images = SeededImages(table_of(tmp_path, transform=draw_from_every_generator), seed=7)
    image, _ = images.read(3, 5)
    assert image[0, 0, 4:].tolist() == [0.07449185848236084, 0.8360439538955688]


@pytest.mark.parametrize("fails", [False, True])
def test_a_draw_leaves_every_global_generator_alone(tmp_path: Path, fails: bool) -> None:
    def transform(image: Image) -> Tensor:
        drawn = draw_from_every_generator(image)
        if fails:
            raise KeyboardInterrupt
        return drawn

    images = SeededImages(table_of(tmp_path, transform=transform), seed=0)
    before = meddled_states()
    if fails:
        with pytest.raises(KeyboardInterrupt):
            images.read(0, 0)
    else:
        images.read(0, 0)
    assert global_states() == before
