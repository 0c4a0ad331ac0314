"""From learnable contexts to text features: what every prompt learner does alike."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize
from torch.utils.checkpoint import checkpoint

from trmml.class_names import ClassNames, NameOrSynonyms
from trmml.encoders.protocol import TextEncoder
from trmml.modules.frozen import FrozenHolder
from trmml.modules.prompt_tokens import num_suffix_tokens, prompt_tokens

__all__ = ["PromptEncoder"]

INIT_STD = 0.02


class PromptEncoder(FrozenHolder):
    r"""Put contexts before class names and encode the sentences by a frozen text tower.

    $$ t_c = [\mathrm{SOS}, w_1, \dots, w_L, \text{name}_c, \text{"."}, \mathrm{EOT}],
       \qquad g_c = \frac{G(t_c)}{\lVert G(t_c) \rVert} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $w$ | `contexts` | token embeddings, of each class or of all |
    | $L$ | `context_length` | tokens of a context |
    | $G$ | `text_encoder` | frozen text tower, held but neither trained nor saved |
    | $g$ | the results | unit text features |

    It has no contexts of its own: `PromptLearner` has one, `DualPromptLearner` two. Prompts are cut
    to the longest one where the tower is causal, and the tokens before the first difference are
    encoded once: the same numbers, less work.

    Source: [CoOp](https://arxiv.org/abs/2109.01134) (Zhou et al., IJCV 2022).
    Differs from the paper: synonyms of a class may be given; their features are averaged.

    Args:
        text_encoder: Frozen text tower.
        class_names: One name per class, or several synonyms for a class.
        context_length: Tokens $L$ of a context, >= 1.
        class_specific: Whether every class has a context of its own.
        chunk_size: Most prompts that go through the tower at once, for thousands of classes: the
            memory for one chunk then does for all, because each is encoded again where its
            gradients are due. The same features for half as much work again. None encodes all
            at once.

    Raises:
        ValueError: If `class_names` is empty or holds an empty name, if `context_length` or
            `chunk_size` is below 1, or if a prompt is longer than the tower allows.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> encoder = PromptEncoder(load_tiny().text, ["cat", ["dog", "puppy"]])
        >>> (features,) = encoder.encode([encoder.draw_context("a photo of a")])
        >>> features.shape
        torch.Size([2, 128])
    """

    text_encoder: TextEncoder
    tokens: Int[Tensor, "prompts tokens"]
    lengths: Int[Tensor, " prompts"]
    class_index: Int[Tensor, " prompts"]

    def __init__(
        self,
        text_encoder: TextEncoder,
        class_names: Sequence[NameOrSynonyms],
        *,
        context_length: int = 16,
        class_specific: bool = True,
        chunk_size: int | None = None,
    ) -> None:
        """Tokenise the class names once."""
        super().__init__()
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f"`chunk_size` must be at least 1 or None, got {chunk_size}.")
        if context_length < 1:
            raise ValueError(
                f"`context_length` must be at least 1, got {context_length}; "
                "16 is the paper's value."
            )
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

    def draw_context(
        self, words: str | None = None, generator: torch.Generator | None = None
    ) -> Float[Tensor, "rows length width"]:
        """Return the start of a context.

        Args:
            words: Put with their embeddings nearest to the class name; what they leave of
                `context_length` is drawn. None draws all from N(0, 0.02).
            generator: Source of what is drawn.

        Raises:
            ValueError: If the words have more tokens than `context_length`, or none.
        """
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

    def encode(
        self,
        contexts: Sequence[Float[Tensor, "rows length width"]],
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> list[Float[Tensor, "classes dim"]]:
        """Return a unit text feature of every class for each of some contexts.

        Args:
            contexts: Each with a row for every class, or one row if `class_specific` is False.
            classes: Indices of the only classes to encode, each once; None encodes all.
        """
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
        return [self._average_synonyms(side, owners, count) for side in sides]

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
        return (
            f"num_classes={self.num_classes}, context_length={self.context_length}, "
            f"class_specific={self.class_specific}"
        )
