"""How most methods learn: their scores, the known labels, and the loss of their configuration."""

from jaxtyping import Float
from torch import Tensor

from trmml.functional.checks import check_labels_on_cpu
from trmml.models.batch import Batch
from trmml.models.multi_label_model import MultiLabelModel
from trmml.models.task import Task

__all__ = ["LabelsTask"]


class LabelsTask(Task):
    """Train a model by the loss of its configuration; a method of this kind adds its `Model`.

    Args:
        model: To train.
    """

    def __init__(self, model: MultiLabelModel) -> None:
        """Build the loss."""
        super().__init__(model)
        self.loss = model.config.loss.build()

    def forward(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Return the loss of the labels."""
        check_labels_on_cpu(batch.labels)
        return {"total": self.label_loss(self.match(batch).logits, batch)}

    def label_loss(self, logits: Float[Tensor, "batch classes"], batch: Batch) -> Float[Tensor, ""]:
        """Return the loss of the labels by some scores, over the images of all processes."""
        labels = batch.sampled_labels
        loss = self.loss.of_images(logits, labels, batch.rows)
        self.note(self.loss, logits, labels, batch.rows)
        return self.over_processes(loss, batch)
