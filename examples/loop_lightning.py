"""Train TRM-ML with Lightning."""

import os

import torch
from torch.utils.data import DataLoader, TensorDataset

from trmml import TRMML
from trmml.data import hide_labels
from trmml.distributed import gather_rows
from trmml.encoders import load_tiny
from trmml.metrics import ScoreAccumulator
from trmml.models import Batch, TRMMLTask
from trmml.training import Recipe, StoredFeatures, encode_images, parameter_groups
from trmml.world import Scenes, make_world

try:
    from lightning import LightningModule, Trainer
except ModuleNotFoundError as error:
    raise SystemExit("this example needs Lightning; pip install lightning") from error


class TextRegionTraining(LightningModule):
    """What Lightning has to know: the loss, the score, the optimiser, and when to change stage."""

    def __init__(self, task: TRMMLTask, recipe: Recipe, grid: tuple[int, int]) -> None:
        """Hold the task; Lightning's checkpoints have bank, thresholds and stage too."""
        super().__init__()
        self.task, self.recipe, self.grid = task, recipe, grid
        self.scores = ScoreAccumulator()

    def on_train_epoch_start(self) -> None:
        """Begin the second stage after the first, unless a checkpoint was in it already."""
        self.task.begin_epoch(self.current_epoch, epochs=self.recipe.epochs)

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        """Return the loss of a batch; for images instead of features the grid is None."""
        features, labels = batch
        losses = self.task(Batch(features, labels, self.grid))
        self.log_dict(losses, on_step=False, on_epoch=True)
        return losses["total"]

    def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
        """Keep the scores of all processes: average precision is no mean over batches."""
        features, labels = batch
        logits = self.task.model.match(features, self.grid).logits
        self.scores.update(gather_rows(logits), gather_rows(labels))

    def on_validation_epoch_end(self) -> None:
        """Rank all scores together."""
        self.log("map", self.scores.average_precision().mean)
        self.scores.reset()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Let the region decoder learn more slowly, and decay matrices only."""
        return torch.optim.AdamW(parameter_groups(self.task, self.recipe))


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
task = TRMMLTask(model)
task.calibrate(train.dense)
recipe = Recipe(epochs=epochs, batch_size=32, max_lr=4e-3)
order = torch.Generator().manual_seed(0)
trainer = Trainer(
    max_epochs=epochs,
    gradient_clip_val=recipe.max_grad_norm,
    accelerator="cpu",
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
trainer.fit(
    TextRegionTraining(task, recipe, train.grid),
    DataLoader(train_set, recipe.batch_size, shuffle=True, generator=order),
    DataLoader(test_set, batch_size=64),
)
print(f"last epoch: mean loss {trainer.callback_metrics['total']:.4f}")
print(f"mAP on test scenes: {trainer.callback_metrics['map']:.2%}")
