from pathlib import Path

import torch

from tests.training.feature_cache.small_cache import table_of, transform
from trmml.training import SeededImages


def test_a_draw_depends_on_seed_row_and_number_alone(tmp_path: Path) -> None:
    table = table_of(tmp_path, transform=transform(train=True))
    images = SeededImages(table, seed=1)
    first, labels = images[3, 0]
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
    assert images.read(4, 0)[1] == 4


def test_a_draw_leaves_the_global_random_state_alone(tmp_path: Path) -> None:
    images = SeededImages(table_of(tmp_path, transform=transform(train=True)), seed=0)
    before = torch.get_rng_state()
    images.__getitems__([(0, 0), (1, 5)])
    assert torch.equal(torch.get_rng_state(), before)
