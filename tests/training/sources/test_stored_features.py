import pytest
import torch

from tests.random_clip import DIM, random_pair
from trmml.training import StoredFeatures, encode_images


def test_images_are_normalised_and_keep_their_order() -> None:
    encoder = random_pair().image
    pixels = torch.randint(0, 256, (5, 3, 64, 96), dtype=torch.uint8)
    done: list[int] = []
    stored = encode_images(encoder, pixels.split(2), progress=done.append)
    expected = encoder((pixels / 255 - 0.5) / 0.5)
    assert done == [2, 2, 1]
    assert len(stored) == 5
    assert stored.grid == expected.grid == (2, 3)
    torch.testing.assert_close(stored.dense, expected.dense)
    torch.testing.assert_close(stored.pooled, expected.pooled)
    assert not stored.dense.requires_grad


@pytest.mark.parametrize("rows", [slice(1, 3), torch.tensor([2, 0])])
def test_rows_are_picked_from_both_kinds_of_features(rows: slice | torch.Tensor) -> None:
    stored = StoredFeatures(torch.randn(4, 6, DIM), torch.randn(4, DIM), (2, 3))
    picked = stored[rows]
    assert torch.equal(picked.dense, stored.dense[rows])
    assert torch.equal(picked.pooled, stored.pooled[rows])
    assert picked.grid == (2, 3)


def test_no_images_are_refused() -> None:
    with pytest.raises(ValueError, match="`batches` must hold at least one image, got none"):
        encode_images(random_pair().image, [])
