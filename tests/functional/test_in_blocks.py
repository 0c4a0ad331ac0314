import pytest
import torch
from torch import Tensor

from trmml.functional.in_blocks import in_blocks


def weighted_squares(rows: Tensor, weights: Tensor) -> Tensor:
    return (weights[:, None] * rows.square()).sum(dim=1)


@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_blocks_of_any_size_give_the_whole(size: int) -> None:
    rows, weights = torch.randn(5, 3), torch.randn(5)
    assert torch.equal(
        in_blocks(weighted_squares, rows, weights, size=size), weighted_squares(rows, weights)
    )


def test_no_rows_are_one_call() -> None:
    assert in_blocks(weighted_squares, torch.zeros(0, 3), torch.zeros(0), size=2).shape == (0,)


def test_gradients_reach_rows_and_what_the_function_holds() -> None:
    rows, held = torch.randn(5, 3, requires_grad=True), torch.randn(3, requires_grad=True)
    whole = torch.autograd.grad((rows * held).tanh().sum(), [rows, held])
    parts = in_blocks(lambda block: (block * held).tanh(), rows, size=2)
    torch.testing.assert_close(torch.autograd.grad(parts.sum(), [rows, held]), whole)


def test_what_a_block_made_on_its_way_is_computed_again_not_kept() -> None:
    sizes = []

    def function(block: Tensor) -> Tensor:
        sizes.append(len(block))
        return block.exp().exp()

    result = in_blocks(function, torch.randn(5, 3, requires_grad=True), size=2)
    assert sizes == [2, 2, 1]
    result.sum().backward()
    assert sorted(sizes) == [1, 1, 2, 2, 2, 2]
