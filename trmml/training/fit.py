"""Train a model on stored features, in two stages."""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from trmml.labels import Labels, check_labels
from trmml.models import TRMML, TRMMLLosses
from trmml.training.recipe import Recipe
from trmml.training.stored_features import StoredFeatures

__all__ = ["complete_labels", "fit", "parameter_groups", "predict_logits"]

CALIBRATION_IMAGES = 256


def parameter_groups(model: TRMML, recipe: Recipe) -> list[dict[str, object]]:
    """Split what learns by learning rate and weight decay.

    Vectors and single numbers (biases, temperature, scale) are never decayed: pulling a
    temperature towards zero is no regularisation.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        ratio = recipe.decoder_lr_ratio if name.startswith("decoder.") else 1.0
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((recipe.max_lr * ratio, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": lr, "weight_decay": decay}
        for (lr, decay), parameters in groups.items()
    ]


def fit(
    model: TRMML,
    features: StoredFeatures,
    labels: Labels,
    *,
    recipe: Recipe,
    progress: Callable[[int, TRMMLLosses], None] | None = None,
) -> None:
    """Train `model` in place: calibrate, warm up, begin the second stage, finish.

    Args:
        model: A fresh model.
        features: Dense features of the training images.
        labels: Known labels in {-1, 0, +1}.
        recipe: How to train.
        progress: Called after each step with the epoch, from 0, and the losses.

    Raises:
        ValueError: If sizes disagree, a label is not -1, 0 or +1, or nothing is labelled.
        FloatingPointError: If a feature or a loss is not finite, with the image or the step.
    """
    if labels.shape[0] != len(features):
        raise ValueError(f"`labels` must have {len(features)} rows, got {labels.shape[0]}.")
    check_labels(labels)
    _check_finite(features)
    if not bool((labels != 0).any()):
        raise ValueError("`labels` must have a known label, got none; nothing can be learnt.")
    shuffle = torch.Generator().manual_seed(recipe.seed)
    model.train()
    first = torch.randperm(len(features), generator=shuffle)[:CALIBRATION_IMAGES]
    model.calibrate(features.dense[first])
    optimizer = AdamW(parameter_groups(model, recipe))
    steps = recipe.epochs * -(-len(features) // recipe.batch_size)
    scheduler = _one_cycle(optimizer, steps, recipe.rising_share)
    for epoch in range(recipe.epochs):
        if epoch == recipe.warmup_epochs:
            model.begin_second_stage()
        for step, rows in enumerate(_batches(len(features), recipe.batch_size, shuffle)):
            output = model.match(features.dense[rows], features.grid)
            losses = model.loss(output, labels[rows])
            if not bool(losses.total.isfinite()):
                raise FloatingPointError(
                    f"The loss must be finite, got {losses.total.item()} in step {step} of epoch "
                    f"{epoch}; lower `max_lr` or look at these images: {rows.tolist()[:8]}..."
                )
            optimizer.zero_grad()
            losses.total.backward()
            clip_grad_norm_(model.parameters(), recipe.clip_norm)
            optimizer.step()
            scheduler.step()
            if progress is not None:
                progress(epoch, losses)
    model.eval()


@torch.no_grad()
def predict_logits(
    model: TRMML, features: StoredFeatures, *, batch_size: int = 256
) -> Float[Tensor, "images classes"]:
    """Return the logits of every image, in order."""
    model.eval()
    rows = range(0, len(features), batch_size)
    parts = [model.match(features.dense[i : i + batch_size], features.grid).logits for i in rows]
    return torch.cat(parts)


@torch.no_grad()
def complete_labels(
    model: TRMML, features: StoredFeatures, labels: Labels, *, batch_size: int = 256
) -> Labels:
    """Return the labels of every image as the trained model completes them."""
    model.eval()
    parts = []
    for i in range(0, len(features), batch_size):
        output = model.match(features.dense[i : i + batch_size], features.grid)
        parts.append(model.complete(output, labels[i : i + batch_size]))
    return torch.cat(parts)


def _check_finite(features: StoredFeatures) -> None:
    broken = ~features.dense.isfinite().flatten(1).all(dim=1)
    if bool(broken.any()):
        rows = broken.nonzero().flatten().tolist()
        raise FloatingPointError(
            f"`features` must be finite, got nan or inf in {len(rows)} images: {rows[:8]}; look at "
            "these images, or encode in higher precision."
        )


def _one_cycle(optimizer: AdamW, steps: int, rising_share: float) -> OneCycleLR:
    # A rise of exactly one step makes OneCycleLR divide by zero.
    rising_share = 1.001 / steps if rising_share * steps == 1 else rising_share
    peaks = [group["lr"] for group in optimizer.param_groups]
    return OneCycleLR(
        optimizer, max_lr=peaks, total_steps=steps, pct_start=rising_share, cycle_momentum=False
    )


def _batches(
    num_images: int, batch_size: int, generator: torch.Generator
) -> Iterator[Int[Tensor, " rows"]]:
    yield from torch.randperm(num_images, generator=generator).split(batch_size)
