"""Hide labels, train the baseline and TRM-ML on what is left, and measure them."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.data import hide_labels, keep_single_positive
from trmml.demo.further_methods import demo_method
from trmml.demo.images import DemoData, ImageSet
from trmml.encoders.protocol import EncoderPair
from trmml.json_text import json_text
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN
from trmml.metrics import mean_average_precision
from trmml.models import (
    ABLATIONS,
    METHODS,
    TRMML,
    MethodConfig,
    Task,
    TRMMLConfig,
    zero_shot_scores,
    zero_shot_text_features,
)
from trmml.training import (
    FeatureSource,
    Recipe,
    Trainer,
    complete_stored_labels,
    encode_images,
    predict_logits,
)
from trmml.training.run.completion import added_labels, completion_report
from trmml.training.sources.stored_features import StoredFeatures

__all__ = ["DEMO_RECIPE", "DemoResult", "ProgressBars", "run_experiment"]

DEMO_RECIPE: Final = Recipe(epochs=20, batch_size=64, max_lr=4e-3)
"""The paper's recipe at the demo's scale: fewer and smaller steps need a higher rate."""

CONFIGS: Final = {
    "baseline": ABLATIONS["dualcoop"],
    "trmml": TRMMLConfig(),
    # Judges for half as long as by default: a demo is to be short.
    "trmml_calibrated": TRMMLConfig(completion="calibrated", judges_share=0.25),
}
TITLES: Final = {
    "baseline": "Training the baseline",
    "trmml": "Training TRM-ML",
    "trmml_calibrated": "Training calibrated TRM-ML",
}
ENCODING_BATCH = 50

ProgressBars = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Opens a progress bar for named work of so many steps; call what it gives to advance."""


@dataclass(frozen=True)
class DemoResult:
    """What the demo measured.

    Attributes:
        model: The trained TRM-ML model, in eval mode.
        test_scores: Its probabilities on the test images.
        report: The contents of `results.json`.
    """

    model: TRMML
    test_scores: Float[Tensor, "images classes"]
    report: dict[str, object]


def run_experiment(
    data: DemoData,
    encoders: EncoderPair,
    *,
    progress: ProgressBars,
    keep: float = 0.1,
    seed: int = 0,
    single_positive: bool = False,
    recipe: Recipe = DEMO_RECIPE,
    methods: Sequence[str] = (),
) -> DemoResult:
    """Compare zero-shot recognition, the baseline and TRM-ML on the same hidden labels.

    TRM-ML twice: completing labels by the paper's rule, and calibrated. Further methods by name.

    Args:
        data: Images with complete labels.
        encoders: Frozen towers.
        progress: Opens progress bars.
        keep: Share of the training labels kept, in (0, 1].
        seed: Of the hidden labels and of every training.
        single_positive: Keep one positive label per image instead of a share of all.
        recipe: How to train, the same for all models.
        methods: Names of further methods to compare with, see `demo_method`.

    Returns:
        The model trained by the paper's rules, and the report. Average precisions are in [0, 1].

    Raises:
        ValueError: If `keep` is outside its range or leaves no label, or a further method is none.
    """
    configs: dict[str, MethodConfig] = {
        name: replace(config, unknown_as_negative=single_positive)
        for name, config in CONFIGS.items()
    }
    configs |= {name: demo_method(name, single_positive=single_positive) for name in methods}
    truth = data.train.labels
    if single_positive:
        known = keep_single_positive(truth, seed=seed)
    else:
        known = hide_labels(truth, keep, seed=seed)
    recipe = replace(recipe, seed=seed)
    train = _encode(data.train, encoders, progress, "Encoding training images")
    test = _encode(data.test, encoders, progress, "Encoding test images")

    texts = zero_shot_text_features(encoders.text, data.class_names)
    scores = {
        "zero_shot": zero_shot_scores(test[:], texts),
        "zero_shot_dense": zero_shot_scores(test[:], texts, dense=True),
    }
    models: dict[str, Any] = {}
    completion = {}
    for name, config in configs.items():
        task, records = _train(
            config,
            data,
            encoders,
            FeatureSource(train, known),
            recipe=recipe,
            progress=partial(progress, TITLES.get(name, f"Training {name}")),
        )
        models[name] = task.model
        scores[name] = predict_logits(task.model, test)
        last = len(records) - 1
        found = completion_report(task.completion(known), records, known, truth, selected=last)
        if found is not None:
            completion[name] = found
    completed = complete_stored_labels(models["trmml"], train, known)
    report = {
        "source": data.source,
        "seed": seed,
        "keep": None if single_positive else keep,
        "single_positive": single_positive,
        "num_train": len(data.train),
        "num_test": len(data.test),
        "class_names": list(data.class_names),
        "known_share": (known != UNKNOWN).double().mean().item(),
        "map": {
            name: mean_average_precision(score, data.test.labels) for name, score in scores.items()
        },
        "map_definition": "plain",
        "pseudo_labels": _pseudo_label_quality(truth, known, completed),
        "completion": completion,
        "recipe": asdict(recipe),
        "model": models["trmml"].config.as_dict(),
        "encoders": encoders.source._asdict(),
    }
    written = json.loads(json_text(report))  # a precision of no label is None there
    return DemoResult(models["trmml"], scores["trmml"].sigmoid(), written)


def _encode(
    images: ImageSet, encoders: EncoderPair, progress: ProgressBars, title: str
) -> StoredFeatures:
    with progress(title, len(images)) as advance:
        return encode_images(encoders.image, images.batches(ENCODING_BATCH), progress=advance)


def _train(
    config: MethodConfig,
    data: DemoData,
    encoders: EncoderPair,
    source: FeatureSource,
    *,
    recipe: Recipe,
    progress: Callable[[int], AbstractContextManager[Callable[[int], None]]],
) -> tuple[Task, list[dict[str, Any]]]:
    """Train one model; return its task, and the record of each epoch."""
    generator = torch.Generator().manual_seed(recipe.seed)
    task = METHODS[config.method].build(
        encoders, data.class_names, config=config, image_size=data.image_size, generator=generator
    )
    trainer = Trainer(task, source, recipe=recipe)

    def note(trainer: Trainer) -> None:
        truth = data.train.labels  # for the record, which nothing is learnt from
        trainer.history.records[-1] |= added_labels(trainer.task, source.labels, truth)

    with progress(trainer.total_steps) as advance:
        trainer.run(after_step=lambda *_: advance(1), after_epoch=note)
    return task, trainer.history.records


def _pseudo_label_quality(
    truth: Int[Tensor, "images classes"],
    known: Int[Tensor, "images classes"],
    completed: Int[Tensor, "images classes"],
) -> dict[str, object]:
    """Compare the labels added in training with the hidden truth."""
    hidden = (known == UNKNOWN) & (truth != UNKNOWN)
    quality: dict[str, object] = {
        "completed_share": _ratio(hidden & (completed != UNKNOWN), hidden)
    }
    for name, label in (("positive", POSITIVE), ("negative", NEGATIVE)):
        added, there = hidden & (completed == label), hidden & (truth == label)
        quality[name] = {
            "precision": _ratio(added & there, added),
            "recall": _ratio(added & there, there),
            "count": int(added.sum()),
        }
    return quality


def _ratio(part: Tensor, whole: Tensor) -> float | None:
    """Return a share, or None of nothing."""
    total = int(whole.sum())
    return int(part.sum()) / total if total else None
