"""A problem that is learnt in no time: positions that show each category's own direction."""

import torch
from torch import Tensor

from tests.random_clip import DIM, random_pair
from trmml.models import ABLATIONS, TRMML, TRMMLTask
from trmml.training import Recipe, StoredFeatures

NAMES = ["tree", "boat", "car"]
GRID = (2, 3)
SHORT = Recipe(epochs=4, batch_size=16, max_lr=1e-2)


def separable(count: int = 64) -> tuple[StoredFeatures, Tensor]:
    """Make positions that show a category's own direction wherever it is present."""
    positions = GRID[0] * GRID[1]
    generator = torch.Generator().manual_seed(0)
    labels = torch.where(torch.rand(count, len(NAMES), generator=generator) < 0.4, 1, -1)
    dense = 0.3 * torch.randn(count, positions, DIM, generator=generator)
    places = torch.randint(positions, (count, len(NAMES)), generator=generator)
    for image, category in (labels == 1).nonzero().tolist():
        dense[image, places[image, category], 4 * category : 4 * category + 4] += 2
    return StoredFeatures(dense, dense.mean(dim=1), GRID), labels


def half_known(labels: Tensor) -> Tensor:
    return labels * (torch.rand(labels.shape, generator=torch.Generator().manual_seed(1)) < 0.5)


def model_of(name: str = "all", *, seed: int = 0) -> TRMML:
    generator = torch.Generator().manual_seed(seed)
    return TRMML(random_pair(), NAMES, config=ABLATIONS[name], generator=generator)


def task_of(name: str = "all", *, seed: int = 0) -> TRMMLTask:
    return TRMMLTask(model_of(name, seed=seed))
