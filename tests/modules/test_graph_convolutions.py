import pytest
import torch
from torch import Tensor

from trmml.modules import GraphConvolutions


@pytest.mark.parametrize("residual", [False, True])
def test_it_is_the_product_written_by_hand(residual: bool) -> None:
    mixing = GraphConvolutions([3, 5, 3], residual=residual).double()
    features, graph = torch.randn(4, 3).double(), torch.rand(4, 4).double()
    first, second = (weight.detach() for weight in mixing.parameters())

    def mixed(rows: list[Tensor]) -> list[Tensor]:
        zero = torch.zeros_like(rows[0])
        return [sum((graph[i, j] * rows[j] for j in range(4)), zero) for i in range(4)]

    hidden = [first @ row for row in mixed(list(features))]
    hidden = [torch.tensor([x if x > 0 else 0.2 * x for x in row.tolist()]) for row in hidden]
    last = [second @ row for row in mixed([row.double() for row in hidden])]
    expected = torch.stack(last) + (features if residual else 0)
    torch.testing.assert_close(mixing(features, graph), expected, rtol=1e-6, atol=1e-6)


def test_nodes_that_hear_only_themselves_are_alike_in_any_company() -> None:
    mixing, features = GraphConvolutions([3, 5, 2]), torch.randn(4, 3)
    torch.testing.assert_close(
        mixing(features, torch.eye(4))[:1], mixing(features[:1], torch.eye(1))
    )


def test_nodes_may_be_reordered() -> None:
    mixing, features, graph = GraphConvolutions([3, 5, 2]), torch.randn(4, 3), torch.rand(4, 4)
    order = torch.randperm(4)
    moved = mixing(features[order], graph[order][:, order])
    torch.testing.assert_close(moved, mixing(features, graph)[order])


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="`widths` must be two or more sizes"):
        GraphConvolutions([3])
    with pytest.raises(ValueError, match="`widths` must be two or more sizes"):
        GraphConvolutions([3, 0])
    with pytest.raises(ValueError, match="`widths` must begin and end alike"):
        GraphConvolutions([3, 4], residual=True)
