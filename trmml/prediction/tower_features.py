"""What the frozen towers alone say of images: nothing in it has learnt from anybody's labels."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from trmml.class_names import NameOrSynonyms
from trmml.data import ImageTable, Pictures, open_picture, square_pixels
from trmml.data.pictures import list_pictures
from trmml.encoders import normalize_pixels
from trmml.encoders.protocol import EncoderPair, ImageFeatures
from trmml.encoders.timm import TimmImageEncoder
from trmml.functional import unit_vectors
from trmml.models import MultiLabelModel, zero_shot_scores, zero_shot_text_features
from trmml.prediction.scoring import eval_mode, pixel_batches

__all__ = ["TowerFeatures", "picture_features", "tower_features"]


class TowerFeatures(NamedTuple):
    """Features of the images that could be read.

    Attributes:
        rows: Which of the table these are.
        features: Pooled feature and mean of the dense ones, one after the other.
        evidence: Similarity of image and name, pooled and at the best places; of no kind where
            the tower shares no space with a text tower.
    """

    rows: list[int]
    features: Float[Tensor, "images dim"]
    evidence: Float[Tensor, "kinds images classes"]


@torch.no_grad()
def tower_features(
    model: MultiLabelModel,
    table: ImageTable,
    class_names: Sequence[NameOrSynonyms],
    *,
    batch_size: int = 32,
    num_workers: int = 0,
    progress: Callable[[int], None] | None = None,
) -> TowerFeatures:
    """Encode a table's images by a model's towers, without what the model has learnt.

    Args:
        model: Of any method; only its towers and its image size are used. A learned projection on
            a timm backbone is passed over.
        table: Images. Those that cannot be read are left out; `table.broken_files()` names them.
        class_names: What evidence is about.
        batch_size: Images at once.
        num_workers: Processes that read images.
        progress: Called with the number of images after each batch.

    Raises:
        ValueError: If `batch_size` is below 1.
    """
    tower = model.image_encoder
    backbone = tower.backbone if isinstance(tower, TimmImageEncoder) else None
    texts = torch.zeros(0)
    if backbone is None:
        texts = zero_shot_text_features(model.encoders.text, class_names).to(model.device)
    rows: list[int] = []
    features: list[Tensor] = []
    evidence: list[Tensor] = []
    with eval_mode(model):
        loader = pixel_batches(model, table, batch_size=batch_size, num_workers=num_workers)
        for read, pixels, broken in loader:
            for row in broken:
                table.mark_broken(row)
            if pixels is not None:
                images = pixels.to(model.device)
                if images.dtype == torch.uint8:
                    images = normalize_pixels(images, tower)
                rows += read
                if backbone is not None:
                    features.append(_of_backbone(backbone, images))
                else:
                    found = tower(images)
                    features.append(_of_pair(found))
                    kinds = [zero_shot_scores(found, texts, dense=dense) for dense in (False, True)]
                    evidence.append(torch.stack(kinds).float())
            if progress is not None:
                progress(len(read) + len(broken))
    nothing = torch.zeros(0, len(rows), len(class_names), device=model.device)
    return TowerFeatures(
        rows,
        torch.cat(features) if features else torch.zeros(0, 1),
        torch.cat(evidence, dim=1) if evidence else nothing,
    )


@torch.no_grad()
def picture_features(
    encoders: EncoderPair,
    pictures: Pictures,
    *,
    image_size: int,
    batch_size: int = 32,
) -> Float[Tensor, "images dim"]:
    """Encode pictures by a pair's image tower; the features of `TowerFeatures`.

    Args:
        encoders: The towers; they stay where they are.
        pictures: One or several, see `trmml.data.Picture`.
        image_size: Side in pixels.
        batch_size: Pictures at once.

    Raises:
        BrokenImageError: If one cannot be read; a ValueError.
        ValueError: If there is none, `batch_size` is below 1, or the tower takes no such size.
        TypeError: If one is no picture.
    """
    found = list_pictures(pictures)
    if not found or batch_size < 1:
        raise ValueError(
            "`pictures` must hold at least one and `batch_size` be at least 1, got "
            f"{len(found)} and {batch_size}."
        )
    tower = encoders.image
    place = next(tower.parameters()).device if isinstance(tower, nn.Module) else "cpu"
    features: list[Tensor] = []
    for start in range(0, len(found), batch_size):
        batch = found[start : start + batch_size]
        squares = [square_pixels(open_picture(one), image_size) for one in batch]
        images = normalize_pixels(torch.stack(squares).to(place), tower)
        if isinstance(tower, TimmImageEncoder):
            features.append(_of_backbone(tower.backbone, images))
        else:
            features.append(_of_pair(tower(images)))
    return torch.cat(features)


def _of_backbone(backbone: Any, images: Tensor) -> Float[Tensor, "batch dim"]:  # noqa: ANN401
    return backbone.encode_dense(images)[0].mean(1).float()


def _of_pair(found: ImageFeatures) -> Float[Tensor, "batch dim"]:
    parts = [unit_vectors(found.pooled), unit_vectors(found.dense.mean(1))]
    return torch.cat(parts, dim=1).float()
