"""Learnable positive and negative prompts, encoded by a frozen text tower."""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import normalize

from trmml.choices import check_choice
from trmml.class_names import NameOrSynonyms
from trmml.encoders.protocol import TextEncoder
from trmml.modules.prompt_encoder import PromptEncoder

__all__ = ["DualPromptLearner"]

NegativeKind = Literal["prompt", "embedding"]


class DualPromptLearner(PromptEncoder):
    r"""Learn what to say before each class name: once for its presence, once for its absence.

    $$ t_c^{\pm} = [\mathrm{SOS}, w_1^{\pm}, \dots, w_L^{\pm}, \text{name}_c, \text{"."},
       \mathrm{EOT}], \qquad g_c^{\pm} = \frac{G(t_c^{\pm})}{\lVert G(t_c^{\pm}) \rVert} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $w^+$, $w^-$ | `positive_context`, `negative_context` | learnable token embeddings |
    | $L$ | `context_length` | learnable tokens per prompt |
    | $G$ | `text_encoder` | frozen text tower, held but neither trained nor saved |
    | $g^+$, $g^-$ | the two results | unit text features |

    Prompts are cut to the longest one where the tower is causal, and the tokens before the first
    difference are encoded once: the same numbers, less work.

    Source: the dual form of Eq. (1) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et
    al., ACM Multimedia 2024), after [DualCoOp](https://arxiv.org/abs/2206.09541) (Sun et al.,
    NeurIPS 2022); `negative="embedding"` follows [PositiveCoOp](https://arxiv.org/abs/2409.08381)
    (Rawlekar et al., WACV 2025).
    Differs from the paper: synonyms of a class may be given; their features are averaged.

    Args:
        text_encoder: Frozen text tower.
        class_names: One name per class, or several synonyms for a class.
        context_length: Learnable tokens $L$ per prompt, >= 1 (paper: 16).
        class_specific: Whether every class has contexts of its own (paper: yes). Shared contexts
            can be loaded for another list of classes; class-specific ones cannot.
        init: None draws contexts from N(0, 0.02) (paper). Words, or a pair of words for the
            positive and the negative side, put their embeddings nearest to the class name; what
            they leave of `context_length` is drawn.
        negative: "prompt" encodes a second prompt (paper). "embedding" learns the negative
            feature itself: half the work of the text tower.
        chunk_size: Most prompts that go through the tower at once, for thousands of classes: the
            memory for one chunk then does for all, because each is encoded again where its
            gradients are due. The same features for half as much work again. None encodes all
            at once.
        generator: Source of the random start.

    Raises:
        ValueError: If `class_names` is empty or holds an empty name, if `context_length` or
            `chunk_size` is below 1, if `init` is longer than `context_length`, or if a prompt is
            longer than the tower allows.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> prompts = DualPromptLearner(load_tiny().text, ["cat", ["dog", "puppy"]])
        >>> positive, negative = prompts()
        >>> positive.shape, negative.norm(dim=-1).allclose(torch.ones(2))
        (torch.Size([2, 128]), True)
    """

    positive_context: nn.Parameter
    negative_context: nn.Parameter | None
    negative_embedding: nn.Parameter | None

    def __init__(
        self,
        text_encoder: TextEncoder,
        class_names: Sequence[NameOrSynonyms],
        *,
        context_length: int = 16,
        class_specific: bool = True,
        init: str | tuple[str, str] | None = None,
        negative: NegativeKind = "prompt",
        chunk_size: int | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        """Tokenise the class names once and draw the contexts."""
        check_choice(negative, NegativeKind, argument="negative")
        super().__init__(
            text_encoder,
            class_names,
            context_length=context_length,
            class_specific=class_specific,
            chunk_size=chunk_size,
        )
        words = init if isinstance(init, tuple) else (init, init)
        self.positive_context = nn.Parameter(self.draw_context(words[0], generator))
        if negative == "prompt":
            self.negative_context = nn.Parameter(self.draw_context(words[1], generator))
            self.negative_embedding = None
        else:
            self.negative_context = None
            start = torch.randn(self.num_classes, text_encoder.dim, generator=generator)
            self.negative_embedding = nn.Parameter(normalize(start, dim=-1))

    def forward(
        self, classes: Int[Tensor, " sampled"] | None = None
    ) -> tuple[Float[Tensor, "classes dim"], Float[Tensor, "classes dim"]]:
        """Return the positive and the negative text feature of every class, unit length.

        Args:
            classes: Indices of the only classes to encode, each once; None encodes all.
        """
        contexts = [self.positive_context]
        if self.negative_context is not None:
            contexts.append(self.negative_context)
        encoded = self.encode(contexts, classes)
        if self.negative_embedding is not None:
            chosen = slice(None) if classes is None else classes
            encoded.append(normalize(self.negative_embedding[chosen], dim=-1))
        positive, negative = encoded
        return positive, negative

    def extra_repr(self) -> str:
        """Show sizes and options in the printed module."""
        negative = "embedding" if self.negative_context is None else "prompt"
        return f"{super().extra_repr()}, negative={negative!r}"
