"""What the frozen towers know of the classes before anything is learnt."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from trmml.class_names import ClassNames, NameOrSynonyms
from trmml.encoders.protocol import ImageFeatures, TextEncoder

__all__ = ["TEMPLATES", "dense_zero_shot_scores", "zero_shot_scores", "zero_shot_text_features"]

TEXTS_AT_ONCE = 256
TEMPLATES: tuple[str, ...] = ("a photo of a {}.",)


@torch.no_grad()
def zero_shot_text_features(
    text_encoder: TextEncoder,
    class_names: Sequence[NameOrSynonyms],
    *,
    templates: Sequence[str] = TEMPLATES,
) -> Float[Tensor, "classes dim"]:
    """Encode every class name in every template, and average.

    Args:
        text_encoder: Frozen text tower.
        class_names: One name per class, or several synonyms for a class.
        templates: Sentences with `{}` where the name goes.

    Returns:
        One unit feature per class, the mean over its synonyms and the templates.

    Raises:
        ValueError: If a template has no place for the name.
    """
    for template in templates:
        if "{}" not in template:
            raise ValueError(f"`templates` must each contain '{{}}', got {template!r}.")
    groups = ClassNames(class_names).synonyms
    texts = [template.format(name) for names in groups for name in names for template in templates]
    encoded = []
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        tokens = text_encoder.pad(text_encoder.tokenize(texts[start : start + TEXTS_AT_ONCE]))
        encoded.append(text_encoder(text_encoder.embed_tokens(tokens), tokens))
    parts = normalize(torch.cat(encoded), dim=-1).split([len(g) * len(templates) for g in groups])
    return torch.stack([normalize(part.mean(dim=0), dim=-1) for part in parts])


def zero_shot_scores(
    image_features: ImageFeatures,
    text_features: Float[Tensor, "classes dim"],
    *,
    dense: bool = False,
    spatial_temperature: float = 0.05,
) -> Float[Tensor, "batch classes"]:
    """Score images by cosine similarity with the class texts, without training.

    Args:
        image_features: What an image encoder returns.
        text_features: Unit text features, as `zero_shot_text_features` gives them.
        dense: False compares the pooled feature, as CLIP does. True compares every position and
            averages where the class matches best.
        spatial_temperature: Softmax temperature of that average.

    Returns:
        Cosine similarities in [-1, 1]; rank with them, they are no probabilities.
    """
    if not dense:
        return normalize(image_features.pooled, dim=-1) @ text_features.T
    return dense_zero_shot_scores(
        image_features.dense, text_features, spatial_temperature=spatial_temperature
    )


def dense_zero_shot_scores(
    dense: Float[Tensor, "batch positions dim"],
    text_features: Float[Tensor, "classes dim"],
    *,
    spatial_temperature: float = 0.05,
) -> Float[Tensor, "batch classes"]:
    """Score dense features as `zero_shot_scores` does, with `dense=True`.

    Args:
        dense: A feature for each position.
        text_features: Unit text features.
        spatial_temperature: Softmax temperature of the average over positions.
    """
    cosines = text_features @ normalize(dense, dim=-1).mT
    return ((cosines / spatial_temperature).softmax(dim=-1) * cosines).sum(dim=-1)
