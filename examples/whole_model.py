"""Train TRM-ML on generated scenes of which one label in ten is known, and complete the rest."""

import os

import torch

from trmml import TRMML
from trmml.data import hide_labels
from trmml.encoders import load_tiny
from trmml.metrics import mean_average_precision
from trmml.models import TRMMLTask
from trmml.training import (
    Recipe,
    StoredFeatures,
    complete_stored_labels,
    encode_images,
    fit,
    predict_logits,
)
from trmml.world import Scenes, make_world

fast = os.environ.get("TRMML_FAST", "0") != "0"
world = make_world(seed=0, num_train=100 if fast else 1000, num_validation=0, num_test=100)
encoders = load_tiny()


def encode(scenes: Scenes) -> StoredFeatures:
    """Run the frozen image tower once over all scenes."""
    return encode_images(encoders.image, torch.from_numpy(scenes.images).split(50))


train, test = encode(world.train), encode(world.test)
truth, test_truth = (torch.from_numpy(s.labels).int() for s in (world.train, world.test))
labels = hide_labels(truth, keep=0.1, seed=0)

model = TRMML(encoders, world.train.class_names, image_size=256)
recipe = Recipe(epochs=4 if fast else 20, batch_size=64, max_lr=2e-3)
fit(TRMMLTask(model), train, labels, recipe=recipe)

print(f"mAP on test scenes: {mean_average_precision(predict_logits(model, test), test_truth):.1%}")

completed = complete_stored_labels(model, train, labels)
added = (labels == 0) & (completed != 0)
if added.any():
    right = (completed == truth)[added].float().mean()
    print(f"labels completed: {int(added.sum())}, {right:.1%} of them right")
