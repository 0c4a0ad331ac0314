"""Learnable prompts, one a class, encoded by a frozen text tower."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from trmml.class_names import NameOrSynonyms
from trmml.encoders.protocol import TextEncoder
from trmml.modules.prompt_encoder import PromptEncoder

__all__ = ["PromptLearner"]


class PromptLearner(PromptEncoder):
    r"""Learn what to say before each class name.

    $$ t_c = [\mathrm{SOS}, w_1, \dots, w_L, \text{name}_c, \text{"."}, \mathrm{EOT}],
       \qquad g_c = \frac{G(t_c)}{\lVert G(t_c) \rVert} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $w$ | `context` | learnable token embeddings |
    | $L$ | `context_length` | learnable tokens per prompt |
    | $G$ | `text_encoder` | frozen text tower, held but neither trained nor saved |
    | $g$ | the result | unit text features |

    `DualPromptLearner` learns a second one that says that the class is not there.

    Source: [CoOp](https://arxiv.org/abs/2109.01134) (Zhou et al., IJCV 2022).
    Differs from the paper: synonyms of a class may be given; their features are averaged.

    Args:
        text_encoder: Frozen text tower.
        class_names: One name per class, or several synonyms for a class.
        context_length: Learnable tokens $L$ per prompt, >= 1 (paper: 16).
        class_specific: Whether every class has a context of its own. A shared one can be loaded
            for another list of classes; class-specific ones cannot.
        init: None draws contexts from N(0, 0.02). Words put their embeddings nearest to the class
            name; what they leave of `context_length` is drawn.
        chunk_size: Most prompts that go through the tower at once, see `PromptEncoder`.
        generator: Source of the random start.

    Raises:
        ValueError: As for `PromptEncoder`, or if `init` is longer than `context_length`.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> prompts = PromptLearner(load_tiny().text, ["cat", ["dog", "puppy"]])
        >>> prompts().shape
        torch.Size([2, 128])
    """

    context: nn.Parameter

    def __init__(
        self,
        text_encoder: TextEncoder,
        class_names: Sequence[NameOrSynonyms],
        *,
        context_length: int = 16,
        class_specific: bool = True,
        init: str | None = None,
        chunk_size: int | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        """Tokenise the class names once and draw the context."""
        super().__init__(
            text_encoder,
            class_names,
            context_length=context_length,
            class_specific=class_specific,
            chunk_size=chunk_size,
        )
        self.context = nn.Parameter(self.draw_context(init, generator))

    def forward(
        self, classes: Int[Tensor, " sampled"] | None = None
    ) -> Float[Tensor, "classes dim"]:
        """Return the text feature of every class, unit length.

        Args:
            classes: Indices of the only classes to encode, each once; None encodes all.
        """
        (feature,) = self.encode([self.context], classes)
        return feature
