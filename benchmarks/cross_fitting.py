"""Labels completed by two models, of which each judges what the other has learnt."""

from dataclasses import replace
from typing import Any, Final

import torch

from benchmarks.worlds import World
from trmml.completion.withheld_labels import standardised
from trmml.completion.withholding import withheld_cells
from trmml.demo import DEMO_RECIPE
from trmml.labels import UNKNOWN, Labels
from trmml.models import TRMML, TRMMLConfig, TRMMLTask
from trmml.modules import CalibratedPseudoLabeler
from trmml.training import StoredFeatures, fit

EPOCHS: Final = 10
HALF: Final = 0.5
BATCH: Final = 100


def cross_fitted_labels(
    config: TRMMLConfig, train: StoredFeatures, labels: Labels, *, seed: int, world: World
) -> Labels:
    """Complete labels once, no known one of which is judged by a model that saw it.

    Each of two models learns from one half of the known labels for half as many epochs. Every known
    label then has evidence from the model that did not see it, so that all of them, not a withheld
    quarter, tell how often evidence is right; an unknown one has the mean of both.

    Args:
        config: Calibrated, whose evidence and precision are used.
        train: Features of the training images.
        labels: Known ones.
        seed: Of both trainings.
        world: Towers and names.
    """
    first = withheld_cells(torch.arange(len(labels)), labels.shape[1], share=HALF, seed=1)
    seen = [
        _evidence(config, train, labels.masked_fill(half, UNKNOWN), seed=seed, world=world)
        for half in (first, ~first)  # the first model has not seen the first half
    ]
    known = labels != UNKNOWN
    unseen = torch.where(first, seen[0], seen[1])
    evidence = torch.where(known, unseen, (seen[0] + seen[1]) / 2)
    labeler = CalibratedPseudoLabeler(labels.shape[1], num_evidence=len(evidence))
    precision = {"present": config.present_precision, "absent": config.absent_precision}
    return labeler.fit(evidence, labels)(evidence, labels, **precision)


def _evidence(
    config: TRMMLConfig, train: StoredFeatures, labels: Labels, *, seed: int, world: World
) -> torch.Tensor:
    # Only the evidence is wanted: these models complete nothing themselves.
    config = replace(config, first_stage_share=1.0)
    generator = torch.Generator().manual_seed(seed)
    model = TRMML(world["encoders"], world["names"], config=config, generator=generator)
    task = TRMMLTask(model)
    fit(task, train, labels, recipe=replace(DEMO_RECIPE, seed=seed, epochs=EPOCHS))
    return standardised(evidence_of(model, train))[0]


@torch.no_grad()
def evidence_of(model: TRMML, features: StoredFeatures) -> torch.Tensor:
    """Return what speaks for each label of stored features."""
    return torch.cat([model.evidence(one) for one in outputs_of(model, features)], dim=1)


@torch.no_grad()
def outputs_of(model: TRMML, features: StoredFeatures) -> list[Any]:
    """Return what a model makes of stored features, in eval mode."""
    model.eval()
    return [model.match(part, features.grid) for part in features.dense.split(BATCH)]
