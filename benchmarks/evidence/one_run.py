"""One training, and all that is asked of it."""

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.completion import BATCH, percent_map, set_aside, taken
from benchmarks.evidence.arms import Arm
from benchmarks.evidence.completed_contrast import contrast_completed
from benchmarks.worlds import World
from trmml.demo import DEMO_RECIPE
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN, Labels
from trmml.models import METHODS, TRMML, Task
from trmml.models.method_config import MethodConfig
from trmml.training import FeatureSource, StoredFeatures, Trainer, predict_logits
from trmml.training.run.completion import added_labels

Figures = dict[str, Any]


def measure(arm: Arm, known: Labels, *, seed: int, world: World) -> Figures:
    """Train once on four fifths of the training images, and return the figures.

    Mean average precision on the judged images, and on the known labels of the images set aside,
    in percent; where the model has regions, that of the query score and of both scores' mean too;
    of each epoch, how many labels were added and which share of them is right.
    """
    started = time.perf_counter()
    held, rows = set_aside(len(known), seed=seed)
    train, labels, truth = taken(world["train"], rows), known[rows], world["truth"][rows]
    unseen, chosen = taken(world["train"], held), arm
    with TemporaryDirectory() as folder:
        if arm.complete_decoder:
            taught, _ = trained(Arm(arm.config), world, train, truth, truth, seed=seed)
            taught.model.save_pretrained(folder)
            config = replace(arm.config, region_decoder=folder)  # pyright: ignore[reportCallIssue]
            chosen = arm._replace(config=config)
        task, epochs = trained(chosen, world, train, labels, truth, seed=seed)
    told = known[held]
    if not (told == NEGATIVE).any():  # a single positive of each image: nothing else to rank by
        told = told.masked_fill(told == UNKNOWN, NEGATIVE)
    scores = {"score": predict_logits(task.model, world["judged"])}
    aside = {"score": predict_logits(task.model, unseen)}
    if isinstance(task.model, TRMML) and task.model.decoder is not None:
        for found, features in ((scores, world["judged"]), (aside, unseen)):
            found["query"] = query_scores(task.model, features)
            found["mean"] = (found["score"] + found["query"]) / 2
    return {
        "changes": changes(arm.config),
        "map": {name: percent_map(s, world["judged_truth"]) for name, s in scores.items()},
        "validation": {name: percent_map(s, told) for name, s in aside.items()},
        "known": int((labels != UNKNOWN).sum()),
        "hidden_positives": int(((labels == UNKNOWN) & (truth == POSITIVE)).sum()),
        "added": epochs,
        "seconds": round(time.perf_counter() - started),
    }


def trained(
    arm: Arm,
    world: World,
    features: StoredFeatures,
    labels: Labels,
    truth: Labels,
    *,
    seed: int,
) -> tuple[Task, list[Figures]]:
    """Train by the demo's recipe; return the task, and what was added by each epoch's end."""
    task = METHODS[arm.config.method].build(
        world["encoders"],
        world["names"],
        config=arm.config,
        generator=torch.Generator().manual_seed(seed),
    )
    if arm.contrasts_completed:
        contrast_completed(task.model)
    epochs: list[Figures] = []

    def note(trainer: Trainer) -> None:
        figures = added_labels(trainer.task, labels, truth).get("added")
        if figures is not None:
            epochs.append(
                {
                    kind: [figures[kind]["count"], percent(figures[kind]["precision"])]
                    for kind in ("positive", "negative")
                }
            )

    source = FeatureSource(features, labels)
    Trainer(task, source, recipe=replace(DEMO_RECIPE, seed=seed)).run(after_epoch=note)
    return task, epochs


def percent(share: float | None) -> float | None:
    """Return a share in percent."""
    return None if share is None else round(100 * share, 1)


@torch.no_grad()
def query_scores(model: TRMML, features: StoredFeatures) -> torch.Tensor:
    """Return the scores of the query branch, which only training looks at."""
    model.train()
    parts = [model.match(part, features.grid).query_logits for part in features.dense.split(BATCH)]
    model.eval()
    return torch.cat([part for part in parts if part is not None])


def changes(config: MethodConfig) -> Figures:
    """Return what differs from the method's own defaults, as JSON gives it back."""
    usual = asdict(type(config)())
    differing = {k: v for k, v in asdict(config).items() if v != usual[k] or k == "method"}
    return json.loads(json.dumps(differing))


def path_of(folder: Path, known: str, name: str, seed: int) -> Path:
    """Return the file of one run."""
    arm = "-".join("".join(c if c.isalnum() or c == "+" else " " for c in name).split())
    return folder / known / arm / f"{seed}.json"
