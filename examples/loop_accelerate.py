"""Train TRM-ML with Accelerate: on one process, or the same on several.

python examples/loop_accelerate.py
torchrun --nproc-per-node 2 examples/loop_accelerate.py
"""

import os

import torch
from torch.utils.data import DataLoader, TensorDataset

from trmml import TRMML
from trmml.data import hide_labels
from trmml.encoders import load_tiny
from trmml.metrics import ScoreAccumulator
from trmml.models import Batch, TRMMLTask
from trmml.training import Recipe, StoredFeatures, encode_images, parameter_groups
from trmml.world import Scenes, make_world

try:
    from accelerate import Accelerator, DataLoaderConfiguration
except ModuleNotFoundError as error:
    raise SystemExit('this example needs Accelerate; pip install "trmml[train]"') from error

fast = os.environ.get("TRMML_FAST", "0") != "0"
num_train, num_test, epochs = (96, 64, 4) if fast else (640, 200, 12)
world = make_world(seed=0, num_train=num_train, num_validation=0, num_test=num_test)
names, encoders = world.train.class_names, load_tiny()


def encode(scenes: Scenes) -> StoredFeatures:
    """Run the frozen image tower once over all scenes."""
    return encode_images(encoders.image, torch.from_numpy(scenes.images).split(32))


train, test = encode(world.train), encode(world.test)
labels = hide_labels(torch.from_numpy(world.train.labels).int(), keep=0.3, seed=0)
train_set = TensorDataset(train.dense, labels)
test_set = TensorDataset(test.dense, torch.from_numpy(world.test.labels).int())


model = TRMML(encoders, names, image_size=256, generator=torch.Generator().manual_seed(0))
task = TRMMLTask(model)  # from a batch to its losses in one call, which processes share
task.calibrate(train.dense)
recipe = Recipe(epochs=epochs, batch_size=32, max_lr=4e-3)

# Each batch is shared out, so that a step is that of one process. A smaller last one is dropped:
# it could leave a process without a part. Without `cpu`, Accelerate takes the GPUs there are.
loading = DataLoaderConfiguration(split_batches=True)
order = torch.Generator().manual_seed(0)
accelerator = Accelerator(cpu=True, dataloader_config=loading)
step, optimizer, train_batches, test_batches = accelerator.prepare(
    task,
    torch.optim.AdamW(parameter_groups(task, recipe)),
    DataLoader(train_set, recipe.batch_size, shuffle=True, generator=order, drop_last=True),
    DataLoader(test_set, batch_size=64),
)

for epoch in range(epochs):
    task.begin_epoch(epoch, epochs=epochs)  # in the second stage, missing labels are completed
    step.train()
    total = 0.0
    for features, known in train_batches:
        loss = step(Batch(features, known, train.grid))["total"]
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        total += loss.item()
    accelerator.print(f"epoch {epoch}: mean loss {total / len(train_batches):.4f}")

step.eval()
scores = ScoreAccumulator()
for features, truth in test_batches:
    with torch.no_grad():
        logits = model.match(features, train.grid).logits
    scores.update(*accelerator.gather_for_metrics((logits, truth)))
accelerator.print(f"mAP on test scenes: {scores.average_precision().mean:.2%}")
accelerator.end_training()
# What was prepared keeps threads of Gloo, which may abort a process whose Python has ended.
del step
accelerator.free_memory()
