"""A method of one's own, from nothing: a linear head on averaged features, plain cross-entropy."""

from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from trmml.models import Batch, MethodConfig, MultiLabelModel, Scores, Task, drawing_from


@dataclass(frozen=True, kw_only=True)
class LinearHeadConfig(MethodConfig):
    """Settings: what a configuration file has under `model:`."""

    method: Literal["linear-head"] = "linear-head"
    bias: bool = True


class LinearHead(MultiLabelModel):
    """What predicts and is saved; all but the scores comes from the base."""

    Config = LinearHeadConfig
    config: LinearHeadConfig

    def __init__(self, encoders: Any, class_names: Any, **options: Any) -> None:  # noqa: ANN401
        """Draw the head, from the run's own source of chance."""
        super().__init__(encoders, class_names, **options)
        with drawing_from(options.get("generator")):
            size = encoders.image.dim, len(self.class_names)
            self.head = nn.Linear(*size, bias=self.config.bias)

    def match(self, features: Tensor, grid: Any, *, classes: Any = None) -> Scores:  # noqa: ANN401, ARG002
        """Score dense features [batch positions dim], of all classes or of some."""
        logits = self.head(features.to(self.head.weight.dtype).mean(dim=1))
        return Scores(logits if classes is None else logits[:, classes])


class LinearHeadTask(Task):
    """What teaches it: from a batch to named losses. Unknown labels (0) teach nothing."""

    Model = LinearHead

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Return the loss."""
        logits, labels = self.match(batch).logits, batch.sampled_labels
        known, targets = (labels != 0).to(logits.dtype), (labels > 0).to(logits.dtype)
        loss = binary_cross_entropy_with_logits(logits, targets, weight=known, reduction="sum")
        return {"total": self.over_processes(loss / max(len(labels), 1), batch)}


if __name__ == "__main__":
    import torch

    from trmml.encoders import load_tiny
    from trmml.training import Recipe, StoredFeatures, fit

    task = LinearHeadTask.build(load_tiny(), ["tree", "boat"], config=LinearHeadConfig())
    dense, labels = torch.randn(32, 9, 128), torch.randint(-1, 2, (32, 2))
    stored = StoredFeatures(dense, dense.mean(dim=1), (3, 3))
    fit(task, stored, labels, recipe=Recipe(epochs=2, batch_size=16))
    print("A linear head has learnt:", task.model.head)
