"""A gated network on the graph of classes: each hears from the others, step by step."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from trmml.typed_module import TypedModule

__all__ = ["GatedGraph"]


class GatedGraph(TypedModule):
    r"""Let each class hear from those that occur with it, and decide what to keep.

    $$ a_c = \Big[ \sum_{c'} P_{c'c}\, h_{c'},\ \sum_{c'} P_{cc'}\, h_{c'} \Big], \quad
       z = \sigma(W_z a + U_z h), \quad r = \sigma(W_r a + U_r h) $$

    $$ \tilde h = \tanh(W a + U (r \odot h)), \qquad
       h \leftarrow (1 - z) \odot h + z \odot \tilde h $$

    | symbol | in code | meaning |
    |---|---|---|
    | $h$ | `features` | state of each class, in the beginning its feature |
    | $P$ | `graph` | how often one class is there where another is |
    | $W, U$ | `heard`, `kept`, `renewed` | learnt, shared by steps and classes |
    | $z, r$ | | gates: how much is renewed, and from how much of the state |

    Source: the gated graph network of [SSGRL](https://arxiv.org/abs/1908.07325) (Chen et al., ICCV
    2019), after [GGNN](https://arxiv.org/abs/1511.05493) (Li et al., ICLR 2016).
    Differs from the paper: nothing.

    Args:
        dim: Size of the features.
        steps: How often all hear from each other, >= 1 (paper: 3).

    Raises:
        ValueError: If a number is below 1.

    Examples:
        >>> graph = GatedGraph(8)
        >>> graph(torch.randn(2, 3, 8), torch.eye(3)).shape
        torch.Size([2, 3, 8])
    """

    def __init__(self, dim: int, *, steps: int = 3) -> None:
        """Draw the gates."""
        super().__init__()
        for name, size in {"dim": dim, "steps": steps}.items():
            if size < 1:
                raise ValueError(f"`{name}` must be at least 1, got {size}.")
        self.steps = steps
        self.heard = nn.Linear(2 * dim, 3 * dim)
        self.kept = nn.Linear(dim, 2 * dim)
        self.renewed = nn.Linear(dim, dim)

    def forward(
        self,
        features: Float[Tensor, "batch classes dim"],
        graph: Float[Tensor, "classes classes"],
    ) -> Float[Tensor, "batch classes dim"]:
        """Return the state of each class after all steps."""
        state = features
        for _ in range(self.steps):
            heard = self.heard(torch.cat([graph.T @ state, graph @ state], dim=-1))
            renew, reset, new = heard.chunk(3, dim=-1)
            kept_renew, kept_reset = self.kept(state).chunk(2, dim=-1)
            renew, reset = (renew + kept_renew).sigmoid(), (reset + kept_reset).sigmoid()
            new = torch.tanh(new + self.renewed(reset * state))
            state = (1 - renew) * state + renew * new
        return state
