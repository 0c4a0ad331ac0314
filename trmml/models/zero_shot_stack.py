"""A prediction that knows what the frozen towers knew: score and zero-shot score, added up."""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.class_names import NameOrSynonyms
from trmml.completion import Stacking
from trmml.encoders.protocol import TextEncoder
from trmml.models.zero_shot import dense_zero_shot_scores, zero_shot_text_features
from trmml.typed_module import TypedModule

__all__ = ["PredictsBy", "ZeroShotStack"]

PredictsBy = Literal["score", "stack"]
"""What a prediction is: the model's own score, or its stack with the zero-shot score."""


class ZeroShotStack(TypedModule):
    r"""Add a model's score and the zero-shot score of its frozen towers up to one logit.

    $$ \operatorname{logit} P(y_{b,c} = 1) = a_{1,c}\, p_{b,c} + a_{2,c}\, z_{b,c} + d_c $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `logits` | the model's own score |
    | $z$ | `dense_zero_shot_scores` | cosine with the class name's text where it matches best |
    | $a$, $d$ | `weights`, `bias` | fitted to labels that were never trained on |

    Whoever has few labels should not fall behind what the towers say unasked: where known labels
    show that the towers know the classes, $z$ counts, until labels that were set aside show which
    of the two is worth more. Where they do not, $p$ stands alone.
    If they are a random sample, some hundred of them make the probabilities about right.

    Fresh, it passes the score through.

    Source: this library; see `trmml.completion.fit_stacking`.

    Args:
        num_classes: Number of categories.
        dim: Of the towers' joint space.
    """

    texts: Float[Tensor, "classes dim"]
    weights: Float[Tensor, "2 classes"]
    bias: Float[Tensor, " classes"]

    def __init__(self, num_classes: int, dim: int) -> None:
        """Pass the score through."""
        super().__init__()
        self.register_buffer("texts", torch.zeros(num_classes, dim))
        self.register_buffer("weights", torch.tensor([[1.0], [0.0]]).repeat(1, num_classes))
        self.register_buffer("bias", torch.zeros(num_classes))

    @classmethod
    @torch.no_grad()
    def of_towers(
        cls, text_encoder: TextEncoder, class_names: Sequence[NameOrSynonyms]
    ) -> "ZeroShotStack":
        """Return a fresh one that knows the texts of the classes.

        Args:
            text_encoder: Frozen text tower.
            class_names: One name per class, or several synonyms for a class.
        """
        texts = zero_shot_text_features(text_encoder, class_names)
        made = cls(*texts.shape).to(texts.device)
        made.texts.copy_(texts)
        return made

    def evidence(
        self,
        logits: Float[Tensor, "batch classes"],
        features: Float[Tensor, "batch positions dim"],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Float[Tensor, "2 batch classes"]:
        """Return the score beside the zero-shot score.

        Args:
            logits: The model's own score.
            features: Dense image features.
            classes: Categories that the columns stand for, each once; None for all.
        """
        texts = self.texts if classes is None else self.texts[classes]
        zero_shot = dense_zero_shot_scores(features.to(texts.dtype), texts)
        return torch.stack([logits.to(texts.dtype), zero_shot])

    @torch.no_grad()
    def take(self, stacking: Stacking) -> None:
        """Add up as `fit_stacking` found best."""
        self.weights.copy_(stacking.weights)
        self.bias.copy_(stacking.bias)

    def forward(
        self,
        logits: Float[Tensor, "batch classes"],
        features: Float[Tensor, "batch positions dim"],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Float[Tensor, "batch classes"]:
        """Return the stacked logit; its sigmoid is the probability.

        Args:
            logits: As in `evidence`.
            features: As in `evidence`.
            classes: As in `evidence`.
        """
        return self.add_up(self.evidence(logits, features, classes=classes), classes=classes)

    def add_up(
        self,
        evidence: Float[Tensor, "2 batch classes"],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Float[Tensor, "batch classes"]:
        """Return the stacked logit of what `evidence` gave.

        Args:
            evidence: Score and zero-shot score.
            classes: As in `evidence`.
        """
        columns = slice(None) if classes is None else classes
        return (self.weights[:, None, columns] * evidence).sum(0) + self.bias[columns]
