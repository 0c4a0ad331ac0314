"""How well a pair knows the categories of scenes by their names alone."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pretraining.augmentation import normalise
from trmml.encoders import EncoderPair
from trmml.metrics import mean_average_precision
from trmml.world import Scenes

__all__ = ["zero_shot"]


@torch.no_grad()
def zero_shot(pair: EncoderPair, scenes: Scenes) -> dict[str, float]:
    """Return mAP of the cosine with "a photo of a ...", global, dense maximum and dense soft."""
    tokens = pair.text.pad(pair.text.tokenize([f"a photo of a {n}." for n in scenes.class_names]))
    text = F.normalize(pair.text(pair.text.embed_tokens(tokens), tokens), dim=-1)
    scores: dict[str, list[Tensor]] = {"global": [], "dense_max": [], "dense_soft": []}
    for start in range(0, len(scenes), 50):
        features = pair.image(
            normalise(torch.from_numpy(scenes.images[start : start + 50]).float())
        )
        dense = F.normalize(features.dense, dim=-1) @ text.T
        scores["global"].append(F.normalize(features.pooled, dim=-1) @ text.T)
        scores["dense_max"].append(dense.amax(dim=1))
        scores["dense_soft"].append(((dense / 0.05).softmax(dim=1) * dense).sum(dim=1))
    labels = torch.from_numpy(scenes.labels).int()
    return {
        name: round(100.0 * float(mean_average_precision(torch.cat(rows), labels)), 2)
        for name, rows in scores.items()
    }
