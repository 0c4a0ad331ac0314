"""What a backbone must give: dense and global image features, text features of prompts."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor

__all__ = [
    "EncoderPair",
    "EncoderSource",
    "ImageEncoder",
    "ImageFeatures",
    "TextEncoder",
    "TokenEncoder",
]


class ImageFeatures(NamedTuple):
    """Features of a batch of images in the joint image-text space, not normalised.

    Attributes:
        dense: One feature per position, rows first; position `(row, column)` of the grid is
            entry `row * grid[1] + column`.
        pooled: One feature per image, as the backbone's own zero-shot head computes it.
        grid: Height and width of the grid of positions.
    """

    dense: Float[Tensor, "batch positions dim"]
    pooled: Float[Tensor, "batch dim"]
    grid: tuple[int, int]


@runtime_checkable
class ImageEncoder(Protocol):
    """A frozen image tower whose positions can be compared with text.

    Attributes:
        dim: Size of the joint space.
        mean: Channel means its images are normalised with, of pixels in [0, 1].
        std: Channel standard deviations, likewise.
    """

    dim: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __call__(self, images: Float[Tensor, "batch 3 height width"]) -> ImageFeatures:
        """Encode normalised images; any height and width the tower's stride allows."""
        ...

    def encode_dense(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Float[Tensor, "batch positions dim"], tuple[int, int]]:
        """Encode without the global head: dense features and the grid's height and width."""
        ...


@runtime_checkable
class TextEncoder(Protocol):
    """A frozen text tower that accepts token embeddings, so that prompts can be learnt.

    Attributes:
        dim: Size of the joint space.
        width: Size of a token embedding.
        context_length: Most tokens a prompt may have, special tokens included (CLIP: 77).
        num_prefix_tokens: Special tokens before the first word (CLIP's start token: 1).
        causal: Whether tokens after a prompt's end cannot change its feature, so that a batch
            may be cut to its longest prompt.
    """

    dim: int
    width: int
    context_length: int
    num_prefix_tokens: int
    causal: bool

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return each text's tokens, special tokens included, without padding or truncation."""
        ...

    def pad(self, tokens: Sequence[Sequence[int]]) -> Int[Tensor, "prompts tokens"]:
        """Pad tokenised prompts: to the longest if `causal`, else to `context_length`."""
        ...

    def embed_tokens(
        self, tokens: Int[Tensor, "prompts tokens"]
    ) -> Float[Tensor, "prompts tokens width"]:
        """Look up the token embeddings, before positions are added."""
        ...

    def __call__(
        self,
        embeddings: Float[Tensor, "prompts tokens width"],
        tokens: Int[Tensor, "prompts tokens"],
        shared: int = 0,
    ) -> Float[Tensor, "prompts dim"]:
        """Encode prompts given as embeddings; `tokens` tells where each one ends.

        The first `shared` embeddings are the same in all prompts, which may save work.
        """
        ...


@runtime_checkable
class TokenEncoder(TextEncoder, Protocol):
    """A text tower that can tell what each token means, as a dense image tower does of positions.

    Only methods that learn from captions ask for it.
    """

    def encode_tokens(
        self,
        embeddings: Float[Tensor, "prompts tokens width"],
        tokens: Int[Tensor, "prompts tokens"],
    ) -> tuple[Float[Tensor, "prompts tokens dim"], Float[Tensor, "prompts dim"]]:
        """Encode with a feature for every token, and the one of each prompt as a call gives it."""
        ...


class EncoderSource(NamedTuple):
    """Where an encoder pair came from, enough to build it again.

    Attributes:
        family: One that `load_encoders` knows, or "custom" for a pair made by hand.
        name: The architecture's name in that family.
        pretrained: A tag, a path, or None: the family's own weights, or random ones if it has none.
        options: Further arguments of the loader that change what the towers compute.
    """

    family: str
    name: str
    pretrained: str | None
    options: dict[str, Any] = {}  # noqa: RUF012 - a tuple's default; nobody changes it


class EncoderPair(NamedTuple):
    """A matching image and text tower, frozen and in eval mode.

    Attributes:
        image: The image tower.
        text: The text tower.
        source: Where both came from.
    """

    image: ImageEncoder
    text: TextEncoder
    source: EncoderSource
