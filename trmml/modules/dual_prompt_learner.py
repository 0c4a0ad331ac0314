"""Learnable positive and negative prompts, encoded by a frozen text tower."""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.utils.checkpoint import checkpoint

from trmml.choices import check_choice
from trmml.class_names import ClassNames, NameOrSynonyms
from trmml.encoders.protocol import TextEncoder
from trmml.modules.frozen import FrozenHolder
from trmml.modules.prompt_tokens import num_suffix_tokens, prompt_tokens

__all__ = ["DualPromptLearner"]

NegativeKind = Literal["prompt", "embedding"]

INIT_STD = 0.02


class DualPromptLearner(FrozenHolder):
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

    text_encoder: TextEncoder
    tokens: Int[Tensor, "prompts tokens"]
    lengths: Int[Tensor, " prompts"]
    class_index: Int[Tensor, " prompts"]
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
        super().__init__()
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f"`chunk_size` must be at least 1 or None, got {chunk_size}.")
        if context_length < 1:
            raise ValueError(
                f"`context_length` must be at least 1, got {context_length}; "
                "16 is the paper's value."
            )
        check_choice(negative, NegativeKind, argument="negative")
        self.hold("text_encoder", text_encoder)
        synonyms = ClassNames(class_names).synonyms
        self.num_classes = len(synonyms)
        self.context_length = context_length
        self.class_specific = class_specific
        self.chunk_size = chunk_size

        tokens, lengths = prompt_tokens(text_encoder, synonyms, context_length)
        index = torch.tensor([c for c, names in enumerate(synonyms) for _ in names])
        # Derived from the class names, so not part of what is saved.
        self.register_buffer("tokens", tokens, persistent=False)
        self.register_buffer("lengths", lengths, persistent=False)
        self.register_buffer("class_index", index, persistent=False)

        words = init if isinstance(init, tuple) else (init, init)
        self.positive_context = nn.Parameter(self._draw_context(words[0], generator))
        if negative == "prompt":
            self.negative_context = nn.Parameter(self._draw_context(words[1], generator))
            self.negative_embedding = None
        else:
            self.negative_context = None
            start = torch.randn(self.num_classes, text_encoder.dim, generator=generator)
            self.negative_embedding = nn.Parameter(normalize(start, dim=-1))

    def _draw_context(
        self, words: str | None, generator: torch.Generator | None
    ) -> Float[Tensor, "classes length width"]:
        rows = self.num_classes if self.class_specific else 1
        encoder = self.text_encoder
        context = INIT_STD * torch.randn(
            rows, self.context_length, encoder.width, generator=generator
        )
        if words is None:
            return context
        inner = encoder.tokenize([words])[0][encoder.num_prefix_tokens :]
        count = len(inner) - num_suffix_tokens(encoder)
        if not 0 < count <= self.context_length:
            raise ValueError(
                f"`init` must have between 1 and `context_length` = {self.context_length} tokens, "
                f"got {count} in {words!r}; shorten it or raise `context_length`."
            )
        with torch.no_grad():
            embedded = encoder.embed_tokens(self.tokens.new_tensor([inner[:count]]))
            context[:, self.context_length - count :] = embedded.to(context)
        return context

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
        prompts, owners = self._prompts_of(classes)
        if self.chunk_size is not None:
            sides = [self._encode_chunks(context, prompts) for context in contexts]
        elif self.class_specific:
            rows = torch.cat([c.index_select(0, self.class_index[prompts]) for c in contexts])
            tokens = self.tokens[prompts].repeat(len(contexts), 1)
            sides = self._encode(rows, tokens).chunk(len(contexts))
        else:
            sides = [self._encode(context, self.tokens[prompts]) for context in contexts]
        count = self.num_classes if classes is None else len(classes)
        encoded = [self._average_synonyms(side, owners, count) for side in sides]
        if self.negative_embedding is not None:
            chosen = slice(None) if classes is None else classes
            encoded.append(normalize(self.negative_embedding[chosen], dim=-1))
        positive, negative = encoded
        return positive, negative

    def _encode(
        self,
        rows: Float[Tensor, "rows length width"],
        tokens: Int[Tensor, "prompts tokens"],
    ) -> Float[Tensor, "prompts dim"]:
        """Encode prompts in a single pass through the tower; `rows` is 1 where it is shared."""
        with torch.no_grad():
            template = self.text_encoder.embed_tokens(tokens)
        start = self.text_encoder.num_prefix_tokens
        end = start + self.context_length
        context = rows.to(template).expand(len(tokens), -1, -1)
        embeddings = torch.cat([template[:, :start], context, template[:, end:]], dim=1)
        return self.text_encoder(embeddings, tokens, start if self.class_specific else end)

    def _encode_chunks(
        self,
        context: Float[Tensor, "rows length width"],
        prompts: Int[Tensor, " prompts"],
    ) -> Float[Tensor, "prompts dim"]:
        """Encode prompts of a like length together, and again for their gradients."""
        order = self.lengths[prompts].argsort(stable=True)
        prompts = prompts[order]
        chunks = prompts.split(self.chunk_size)
        # one gather and one split: the gradient of each slice would be as large as all contexts
        rows = (
            context.index_select(0, self.class_index[prompts]).split(self.chunk_size)
            if self.class_specific
            else [context] * len(chunks)
        )
        features = []
        for row, chunk in zip(rows, chunks, strict=True):
            tokens = self.tokens[chunk]
            if self.text_encoder.causal and not torch.compiler.is_compiling():  # a fixed size there
                tokens = tokens[:, : int(self.lengths[chunk[-1]])]
            features.append(
                checkpoint(self._encode, row, tokens, use_reentrant=False, preserve_rng_state=False)
            )
        return torch.cat(features).index_select(0, order.argsort())

    def _prompts_of(
        self, classes: Int[Tensor, " sampled"] | None
    ) -> tuple[Int[Tensor, " prompts"], Int[Tensor, " prompts"]]:
        """Return index, and row in the result, of each prompt of these classes."""
        if classes is None:
            return torch.arange(len(self.tokens), device=self.tokens.device), self.class_index
        rows = torch.arange(len(classes), device=classes.device)
        if len(self.tokens) == self.num_classes:
            return classes, rows
        owners = self.class_index.new_full((self.num_classes,), -1)
        owners[classes] = rows
        owners = owners[self.class_index]
        prompts = (owners >= 0).nonzero().squeeze(1)
        return prompts, owners[prompts]

    def _average_synonyms(
        self, features: Float[Tensor, "prompts dim"], owners: Int[Tensor, " prompts"], count: int
    ) -> Float[Tensor, "classes dim"]:
        features = normalize(features, dim=-1)
        if len(self.tokens) == self.num_classes:
            return features
        total = features.new_zeros(count, features.shape[1])
        return normalize(total.index_add(0, owners, features), dim=-1)

    def extra_repr(self) -> str:
        """Show sizes and options in the printed module."""
        negative = "embedding" if self.negative_context is None else "prompt"
        return (
            f"num_classes={self.num_classes}, context_length={self.context_length}, "
            f"class_specific={self.class_specific}, negative={negative!r}"
        )
