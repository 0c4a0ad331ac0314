"""CLIP's text transformers, taking token embeddings so that prompts can be learnt."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from trmml.encoders.causal_transformer import end_states, has_standard_blocks
from trmml.encoders.frozen import FrozenModule
from trmml.encoders.frozen_copies import FrozenCopies
from trmml.encoders.tokenizers import as_tokenizer

__all__ = ["TextTransformerTower"]


class TextTransformerTower(FrozenModule):
    """A frozen text tower of open_clip: CLIP's causal one, or SigLIP's and CLIPA's that see all.

    Gradients flow through it to the embeddings, never into its own weights.

    A causal tower reads a prompt's feature at its end token, which nothing behind it can change:
    prompts are cut to the longest of a batch, the last block computes the end tokens alone, and
    tokens that open all prompts are computed once, with the same result. The others look at the
    whole window, padding included, and need their full `context_length`.

    Source: Section 3.1 of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM
    Multimedia 2024).
    Differs from the paper: nothing; what is left out changes no number.

    Args:
        tower: An `open_clip.transformer.TextTransformer`, or an `open_clip.model.CLIP`, which
            carries the parts of one itself. The parts used are frozen in place.
        tokenizer: Whatever `trmml.encoders.tokenizers.as_tokenizer` takes.

    Raises:
        ValueError: If the tower is a Hugging Face model or has a class embedding (CoCa), neither
            of which reads prompts the way CLIP does.
    """

    attn_mask: Tensor | None

    def __init__(self, tower: Any, tokenizer: Any) -> None:  # noqa: ANN401 - no stubs
        """Take over the parts of the tower and freeze them."""
        super().__init__()
        if not hasattr(tower, "token_embedding"):
            raise ValueError(
                "`tower` must be a text transformer of open_clip itself, got "
                f"{type(tower).__name__}; Hugging Face text towers (roberta, xlm-roberta, mt5, "
                "nllb) cannot take learnt prompts here, choose another architecture."
            )
        if getattr(tower, "cls_emb", None) is not None or getattr(tower, "use_pad_mask", False):
            raise ValueError(
                "`tower` must pool at a token of the prompt, got one with a class embedding or a "
                "padding mask (the CoCa family); choose a CLIP or SigLIP architecture."
            )
        flat = hasattr(tower, "text_pool_type")
        self.pool_type: str = tower.text_pool_type if flat else tower.pool_type
        self._end_id: int | None = getattr(tower, "text_eos_id" if flat else "eos_id", None)
        if self.pool_type not in ("argmax", "eos", "first", "last"):
            raise ValueError(
                "`tower` must pool by 'argmax', 'eos', 'first' or 'last', got "
                f"{self.pool_type!r}; its features are not one per prompt."
            )
        self.token_embedding = tower.token_embedding
        self.positional_embedding = tower.positional_embedding
        self.transformer = tower.transformer
        self._copies = FrozenCopies(tower.transformer)
        self.ln_final = tower.ln_final
        self.text_projection = tower.text_projection
        self.register_buffer("attn_mask", tower.attn_mask, persistent=False)
        self._tokenizer = as_tokenizer(tokenizer)
        self.num_prefix_tokens = self._tokenizer.num_prefix_tokens
        self.context_length, self.width = self.positional_embedding.shape
        self.dim: int = self.width
        if isinstance(self.text_projection, nn.Linear):
            self.dim = self.text_projection.out_features
        elif self.text_projection is not None:
            self.dim = self.text_projection.shape[1]
        self.causal = self.attn_mask is not None and self.pool_type in ("argmax", "eos")
        self._open = self.causal and has_standard_blocks(self.transformer)
        self.freeze()

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return each text's tokens, special tokens included, without padding or truncation."""
        return [self._tokenizer(text) for text in texts]

    def pad(self, tokens: Sequence[Sequence[int]]) -> Int[Tensor, "prompts tokens"]:
        """Pad tokenised prompts: to the longest if `causal`, else to `context_length`.

        Raises:
            ValueError: If a prompt is longer than `context_length`; nothing is ever cut off.
        """
        longest = max(map(len, tokens), default=0)
        if longest > self.context_length:
            which = next(i for i, prompt in enumerate(tokens) if len(prompt) == longest)
            raise ValueError(
                f"`tokens` must have at most {self.context_length} tokens a prompt, got {longest} "
                f"in prompt {which}; shorten its text or its context."
            )
        length = longest if self.causal else self.context_length
        fill = 0 if self.causal else self._tokenizer.pad_id
        rows = [[*prompt, *[fill] * (length - len(prompt))] for prompt in tokens]
        device = self.positional_embedding.device
        return torch.tensor(rows, dtype=torch.long, device=device).reshape(len(tokens), length)

    def embed_tokens(
        self, tokens: Int[Tensor, "prompts tokens"]
    ) -> Float[Tensor, "prompts tokens width"]:
        """Look up the token embeddings, before positions are added."""
        return self.token_embedding(tokens)

    def forward(
        self,
        embeddings: Float[Tensor, "prompts tokens width"],
        tokens: Int[Tensor, "prompts tokens"],
        shared: int = 0,
    ) -> Float[Tensor, "prompts dim"]:
        """Encode prompts given as embeddings; `tokens` tells where each one ends.

        Args:
            embeddings: Token embeddings, some of them perhaps learnt, before positions are added.
            tokens: The prompts' tokens, with any token but the end token at learnt places.
            shared: Embeddings, from the first on, that all prompts have in common, end tokens not
                among them; those of the first prompt stand for all.

        Returns:
            One feature per prompt, not normalised, in the dtype of `embeddings`.

        Raises:
            ValueError: If the prompts are longer than the tower allows, or cut although it looks
                at the whole window.
        """
        x, mask = self._placed(embeddings)
        if self._open and mask is not None:
            x = end_states(self._ready(x), x, self._ends(tokens), mask=mask, shared=shared)
        else:
            x = self._pool(self._ready(x)(x, attn_mask=mask), tokens)
        # of one token alone: what the norm does to the others is not needed
        return self._projected(x).to(embeddings.dtype)

    def encode_tokens(
        self,
        embeddings: Float[Tensor, "prompts tokens width"],
        tokens: Int[Tensor, "prompts tokens"],
    ) -> tuple[Float[Tensor, "prompts tokens dim"], Float[Tensor, "prompts dim"]]:
        """Encode texts with a feature for every token, of which each text's own is one.

        Args:
            embeddings: As for a call.
            tokens: As for a call.

        Returns:
            A feature for every token, padding among them, each through the final norm and the
            projection; and one for every text, as a call gives it.

        Raises:
            ValueError: As for a call.
        """
        x, mask = self._placed(embeddings)
        x = self._projected(self._ready(x)(x, attn_mask=mask)).to(embeddings.dtype)
        return x, self._pool(x, tokens)

    def _ready(self, x: Tensor) -> Any:  # noqa: ANN401 - open_clip ships no stubs
        """Return the transformer with its weights in an autocast's precision already."""
        return self._copies.ready(x.device)

    def _placed(
        self, embeddings: Float[Tensor, "prompts tokens width"]
    ) -> tuple[Float[Tensor, "prompts tokens width"], Float[Tensor, "tokens tokens"] | None]:
        """Return the embeddings with their positions, and the mask of as many tokens."""
        length = embeddings.shape[1]
        if length > self.context_length or (not self.causal and length != self.context_length):
            rule = "at most" if self.causal else "exactly"
            raise ValueError(
                f"`embeddings` must have {rule} {self.context_length} tokens a prompt, got "
                f"{length}; pad prompts with `pad`."
            )
        dtype = self.transformer.get_cast_dtype()
        x = embeddings.to(dtype) + self.positional_embedding[:length].to(dtype)
        return x, None if self.attn_mask is None else self.attn_mask[:length, :length]

    def _projected(self, x: Float[Tensor, "*prompts width"]) -> Float[Tensor, "*prompts dim"]:
        x = self.ln_final(x)
        if isinstance(self.text_projection, nn.Linear):
            return self.text_projection(x)
        return x if self.text_projection is None else x @ self.text_projection

    def _pool(
        self,
        x: Float[Tensor, "prompts tokens channels"],
        tokens: Int[Tensor, "prompts tokens"],
    ) -> Float[Tensor, "prompts channels"]:
        if self.pool_type == "first":
            return x[:, 0]
        if self.pool_type == "last":
            return x[:, -1]
        return x[torch.arange(len(x), device=x.device), self._ends(tokens)]

    def _ends(self, tokens: Int[Tensor, "prompts tokens"]) -> Int[Tensor, " prompts"]:
        # CLIP's end token has the highest number of its vocabulary
        score = tokens if self.pool_type == "argmax" else (tokens == self._end_id).int()
        return score.argmax(dim=-1)
