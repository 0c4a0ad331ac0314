import numpy as np
import pytest
import torch
from PIL import Image

from trmml.data.transforms import RandomCutout

BACKGROUND = (7, 8, 9)


def covered(factor, size=(40, 24)):
    before = Image.new("RGB", size, BACKGROUND)
    after = np.asarray(RandomCutout(factor)(before))
    assert (np.asarray(before) == BACKGROUND).all()
    return (after != BACKGROUND).any(-1), after


def test_one_rectangle_of_one_colour_of_at_most_the_size():
    sizes = []
    for _ in range(200):
        mask, after = covered(0.5)
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        assert len(np.unique(after[mask], axis=0)) == 1
        sizes.append((len(columns), len(rows)))
    assert max(sizes) == (20, 12)
    assert min(width for width, _ in sizes) >= 10
    assert min(height for _, height in sizes) >= 6


def test_every_place_is_covered_now_and_then():
    total = np.sum([covered(0.4)[0] for _ in range(600)], axis=0)
    assert total.min() > 0
    assert total[12, 20] > total[0, 0]


def test_nothing_and_odd_sizes():
    assert not covered(0.0)[0].any()
    assert covered(0.5, (1, 1))[0].sum() <= 1
    assert covered(1.0, (7, 5))[0].any()


def test_the_seed_decides():
    runs = []
    for _ in range(2):
        torch.manual_seed(3)
        runs.append(covered(0.4)[1])
    assert np.array_equal(*runs)


def test_factor_is_a_share():
    with pytest.raises(ValueError, match=r"`factor` must be in \[0, 1\], got 50"):
        RandomCutout(50)
    assert repr(RandomCutout(0.4)) == "RandomCutout(factor=0.4)"
