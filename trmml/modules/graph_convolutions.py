"""Convolutions on a graph: each node mixes what its neighbours have."""

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from trmml.typed_module import TypedModule

__all__ = ["GraphConvolutions"]

SLOPE = 0.2


class GraphConvolutions(TypedModule):
    r"""Mix the features of a graph's nodes, several times.

    $$ H^{(l+1)} = \phi\big(A H^{(l)} W^{(l)}\big), \qquad
       \text{residual: } H^{(0)} + H^{(L)} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $H^{(0)}$ | `features` | features of the nodes |
    | $A$ | `graph` | weights of the links, from a node to those it listens to |
    | $W^{(l)}$ | `layers` | learnt, without bias |
    | $\phi$ | | leaky ReLU of slope 0.2; none after the last |

    Source: [ML-GCN](https://arxiv.org/abs/1904.03582) (Chen et al., CVPR 2019).
    Differs from the paper: nothing; the residual is that of SCPNet (Ding et al., CVPR 2023).

    Args:
        widths: Sizes of the features, from the first to the last; two or more (ML-GCN: word
            vectors, 1024, image features; SCPNet: 1024, 2048, 2048, 1024).
        residual: Whether the nodes' own features are added in the end.

    Raises:
        ValueError: If there are fewer than two sizes, one is below 1, or those at the ends differ
            although they are to be added.

    Examples:
        >>> import torch
        >>> mixing = GraphConvolutions([8, 16, 8], residual=True)
        >>> mixing(torch.randn(3, 8), torch.eye(3)).shape
        torch.Size([3, 8])
    """

    def __init__(self, widths: Sequence[int], *, residual: bool = False) -> None:
        """Draw the layers."""
        super().__init__()
        if len(widths) < 2 or min(widths) < 1:
            raise ValueError(f"`widths` must be two or more sizes of at least 1, got {widths}.")
        if residual and widths[0] != widths[-1]:
            raise ValueError(
                f"`widths` must begin and end alike with `residual`, got {widths[0]} and "
                f"{widths[-1]}."
            )
        self.residual = residual
        layers = (nn.Linear(*sizes, bias=False) for sizes in pairwise(widths))
        self.layers = nn.ModuleList(layers)

    def forward(
        self, features: Float[Tensor, "nodes dim"], graph: Float[Tensor, "nodes nodes"]
    ) -> Float[Tensor, "nodes last"]:
        """Return the mixed features of the nodes.

        Args:
            features: Of the nodes.
            graph: Row i has the weights of the nodes that i listens to.
        """
        mixed = features
        for number, layer in enumerate(self.layers):
            mixed = layer(graph @ mixed)
            if number + 1 < len(self.layers):
                mixed = F.leaky_relu(mixed, SLOPE)
        return features + mixed if self.residual else mixed
