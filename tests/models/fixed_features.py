"""Stored features and labels of a few images that never were."""

import torch
from torch import Tensor

from tests.random_clip import DIM
from trmml.models import TRMML, TRMMLOutput

NAMES = ["tree", "boat", "car"]
BATCH, CLASSES, GRID = 8, len(NAMES), (2, 3)
POSITIONS = GRID[0] * GRID[1]


def batch(size: int = BATCH) -> tuple[Tensor, Tensor]:
    features = torch.randn(size, POSITIONS, DIM, dtype=torch.float64)
    return features, torch.randint(-1, 2, (size, CLASSES))


def matched(model: TRMML, features: Tensor) -> TRMMLOutput:
    return model.match(features, GRID)
