"""A feature of the image for each class: words say where to look."""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from trmml.functional.in_blocks import in_blocks
from trmml.typed_module import TypedModule

__all__ = ["SemanticDecoupling"]

MOST_AT_ONCE = 2**27  # numbers that are kept; more are computed again in the backward pass
# Numbers of one block on a processor, which is several times as fast where they stay in its cache.
MOST_IN_CACHE = 2**21


class SemanticDecoupling(TypedModule):
    r"""Weigh positions by how well they fit a class's word, and average their features.

    $$ \tilde a_{c,n} = w \cdot \tanh\big((U f_n) \odot (V x_c)\big), \qquad
       f_c = \sum_n \operatorname{softmax}_n(\tilde a_{c,n})\, f_n $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_n$ | `features` | dense feature at position n |
    | $x_c$ | `words` | vector of the word of class c |
    | $U, V$ | `position`, `word` | learnt, into a common space |
    | $w$ | `score` | learnt |
    | $f_c, \tilde a$ | the results | feature of each class, and energy of each position |

    Source: [SSGRL](https://arxiv.org/abs/1908.07325) (Chen et al., ICCV 2019).
    Differs from the paper: two linear layers one after the other, between the product and the
    energy, are one, without an offset, which the softmax would not see.

    Args:
        dim: Size of the features.
        word_dim: Size of the words (paper: 300).
        hidden: Size of the common space (paper: 1024).

    Raises:
        ValueError: If a size is below 1.

    Examples:
        >>> decoupling = SemanticDecoupling(8, 5, hidden=16)
        >>> found, energy = decoupling(torch.randn(2, 6, 8), torch.randn(3, 5))
        >>> found.shape, energy.shape
        (torch.Size([2, 3, 8]), torch.Size([2, 3, 6]))
    """

    def __init__(self, dim: int, word_dim: int, *, hidden: int = 1024) -> None:
        """Draw the layers."""
        super().__init__()
        for name, size in {"dim": dim, "word_dim": word_dim, "hidden": hidden}.items():
            if size < 1:
                raise ValueError(f"`{name}` must be at least 1, got {size}.")
        self.position = nn.Linear(dim, hidden)
        self.word = nn.Linear(word_dim, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(
        self,
        features: Float[Tensor, "batch positions dim"],
        words: Float[Tensor, "classes word_dim"],
    ) -> tuple[Float[Tensor, "batch classes dim"], Float[Tensor, "batch classes positions"]]:
        """Return the feature of every class in every image, and the energies it comes from."""
        positions, meant = self.position(features), self.word(words)
        numbers = meant.numel() * positions.shape[1]  # of one image
        cached = positions.device.type == "cpu" and not torch.compiler.is_compiling()
        size = max(1, (MOST_IN_CACHE if cached else MOST_AT_ONCE) // max(numbers, 1))
        many = numbers * len(positions) > MOST_AT_ONCE
        energy = in_blocks(partial(self._energy, words=meant), positions, size=size, again=many)
        return energy.softmax(dim=-1) @ features, energy

    def _energy(
        self,
        positions: Float[Tensor, "batch positions hidden"],
        words: Float[Tensor, "classes hidden"],
    ) -> Float[Tensor, "batch classes positions"]:
        fitting = torch.tanh(positions[:, None] * words[:, None])
        return self.score(fitting).squeeze(-1)
