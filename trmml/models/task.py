"""What a method gives the training engine, which knows nothing else of it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from trmml.class_names import NameOrSynonyms
from trmml.completion.added_labels import Completion
from trmml.distributed import mean_over_processes
from trmml.encoders.fingerprint import pair_fingerprints
from trmml.encoders.protocol import EncoderPair
from trmml.labels import Labels
from trmml.losses.label_loss import LabelLoss, label_losses, missing_rows
from trmml.models.batch import Batch
from trmml.models.method_config import MethodConfig
from trmml.models.multi_label_model import MultiLabelModel
from trmml.typed_module import TypedModule

__all__ = ["Forerunner", "ParameterGroup", "Task"]

_Task = TypeVar("_Task", bound="Task")  # not `Self`: beartype refuses it


class ParameterGroup(NamedTuple):
    """Parameters that learn at one rate.

    Attributes:
        parameters: Each in one group only.
        lr_ratio: Their learning rate relative to the recipe's.
    """

    parameters: list[nn.Parameter]
    lr_ratio: float = 1.0


class Forerunner(NamedTuple):
    """What has to be trained before a task.

    Attributes:
        task: Trained from its first step to its last, on the same images by the same recipe, and
            then asked to `look` at all of them.
        epochs: How long, >= 1.
    """

    task: "Task"
    epochs: int


class _Learnt(NamedTuple):
    """What a loss that remembers images has learnt from in a step that is not taken yet."""

    loss: LabelLoss
    logits: Float[Tensor, "batch classes"]
    labels: Labels
    rows: Int[Tensor, " batch"]


class Task(TypedModule, ABC):
    """Train one method: from a batch to its losses, and what else the engine has to ask.

    A method is a model (`MultiLabelModel`), which predicts and is saved, and a task, which teaches
    it. The engine calls `forward` in each step and the others at the moments they name; whatever
    a task keeps in parameters and buffers is saved in checkpoints and goes on after a resumption.

    Everything with a gradient happens inside one `forward`: that is what
    `DistributedDataParallel`, autocast and `torch.compile` ask for.

    Args:
        model: To train.

    Attributes:
        Model: The class of model that the task trains.
    """

    Model: ClassVar[type[MultiLabelModel]]

    def __init__(self, model: MultiLabelModel) -> None:
        """Hold the model."""
        super().__init__()
        self.model = model
        self._step: list[_Learnt] = []

    @classmethod
    def build(  # noqa: PYI019
        cls: type[_Task],
        encoders: EncoderPair,
        class_names: Sequence[NameOrSynonyms],
        *,
        config: MethodConfig,
        image_size: int = 448,
        generator: torch.Generator | None = None,
    ) -> _Task:
        """Return the task of a fresh model.

        Args:
            encoders: Frozen image and text tower.
            class_names: One name per class, or several synonyms for a class.
            config: Of the method.
            image_size: Side of the images in pixels.
            generator: Source of the random start.
        """
        model = cls.Model(
            encoders, class_names, config=config, image_size=image_size, generator=generator
        )
        return cls(model)

    @abstractmethod
    def forward(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Return the losses of a batch by name; "total" is the one to be minimised."""

    def match(self, batch: Batch) -> Any:  # noqa: ANN401 - what the model's own `match` returns
        """Return the model's output for a batch of images or of stored features.

        Raises:
            ValueError: If the batch has no `rows`, and a loss to be trained by needs them.
        """
        return self.model.match(*self.dense(batch), classes=batch.classes)

    def dense(self, batch: Batch) -> tuple[Float[Tensor, "batch positions dim"], tuple[int, int]]:
        """Return the dense features of a batch and their grid, encoded if it has images.

        Raises:
            ValueError: If the batch has no `rows`, and a loss to be trained by needs them.
        """
        if batch.rows is None and self.training:
            for loss in label_losses(self):
                if loss.needs_rows:
                    raise missing_rows(loss)
        if batch.grid is None:
            return self.model.image_encoder.encode_dense(batch.inputs)
        return batch.inputs, batch.grid

    def note(
        self,
        loss: LabelLoss,
        logits: Float[Tensor, "batch classes"],
        labels: Labels,
        rows: Int[Tensor, " batch"] | None,
    ) -> None:
        """Keep what a loss that remembers images is to be told of if the step is taken.

        Of what a loss is called with in a step, for each image one row of logits: the prediction's.
        """
        if loss.needs_rows and rows is not None and self.training:
            self._step.append(_Learnt(loss, logits.detach(), labels, rows))

    @torch.no_grad()
    def end_step(self, *, taken: bool) -> None:
        """Let losses that remember images learn from a step, or forget it.

        Args:
            taken: Whether the weights were changed by it.
        """
        step, self._step = self._step, []
        for loss, *learnt in step:
            if taken:
                loss.end_step(*learnt)

    def over_processes(self, loss: Float[Tensor, ""], batch: Batch) -> Float[Tensor, ""]:
        """Turn a mean over this process's images into the mean over those of all processes.

        `DistributedDataParallel` then gives the gradient of the whole batch, also where shares
        are uneven or one is empty. With one process the loss stays as it is.
        """
        return mean_over_processes(loss, rows=len(batch.labels))

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return everything that learns but in losses of labels, by its learning rate."""
        return [ParameterGroup(self._parameters_beside_losses())]

    def clipped_together(self) -> list[list[nn.Parameter]]:
        """Return the same, by whose gradients count as one where their norm is too large."""
        return [self._parameters_beside_losses()]

    def _parameters_beside_losses(self) -> list[nn.Parameter]:
        in_losses = {id(value) for loss in label_losses(self) for value in loss.parameters()}
        return [value for value in self.parameters() if id(value) not in in_losses]

    def begin_training(self, labels: Labels) -> None:
        """Be told what is known of all training images, and tell the losses.

        Called once, before anything is trained or loaded, and before the optimiser is built: this
        is where parameters and buffers that depend on the images are made.

        Args:
            labels: Known labels of all training images, in order.
        """
        for loss in label_losses(self):
            loss.begin_training(labels)

    def begin_epoch(self, epoch: int, *, epochs: int) -> None:  # noqa: ARG002
        """Prepare for an epoch, and tell the losses of it; called again if the epoch is resumed.

        Args:
            epoch: From 0.
            epochs: Of the whole training.
        """
        for loss in label_losses(self):
            loss.begin_epoch(epoch)

    def forerunner(self, *, epochs: int) -> Forerunner | None:  # noqa: ARG002
        """Return what has to be trained before this task, which learns from what that one finds.

        Asked once, before the first step. What the forerunner's `look` returns of all training
        images goes to this task's `take_survey`; nothing else of it is kept.

        Args:
            epochs: Of this task's training.
        """
        return None

    @property
    def calibration_images(self) -> int:
        """How many images `calibrate` wants to see before the first step; 0 for none."""
        return 0

    def calibrate(self, features: Float[Tensor, "batch positions dim"]) -> None:
        """Set what depends on the first images' dense features, before the first step."""

    def surveys(self, epoch: int, *, epochs: int) -> bool:  # noqa: ARG002
        """Say whether the task wants to `look` at all training images before an epoch.

        Asked after `begin_epoch`, and again if the epoch is resumed.

        Args:
            epoch: From 0.
            epochs: Of the whole training.
        """
        return False

    def look(self, batch: Batch) -> Float[Tensor, "batch kinds classes"]:
        """Return what the task wants to know of some images, in eval mode without a gradient."""
        raise NotImplementedError(f"{type(self).__name__} asks for no survey, and has no `look`.")

    def take_survey(self, found: Float[Tensor, "images kinds classes"], labels: Labels) -> None:
        """Keep what follows from a survey, in buffers.

        Args:
            found: What `look` returned of all training images, in order, on the CPU.
            labels: Known labels of all training images.
        """

    def settings(self) -> dict[str, Any]:
        """Return what has to be the same for a saved state to go on, as JSON knows it."""
        fingerprints = pair_fingerprints(self.model.encoders)
        return {
            "class_names": self.model.class_names.plain,
            **{f"{tower} encoder": print_ for tower, print_ in fingerprints.items()},
            "model": self.model.config.as_dict(),
        }

    def completion(self, labels: Labels) -> Completion | None:  # noqa: ARG002
        """Return what the losses take for the labels of all training images, to report on it.

        Asked after each epoch, and the same in every process.

        Args:
            labels: Known labels of all training images, in order.

        Returns:
            These with what was added by now; None where the method never adds a label.
        """
        return None

    def facts(self) -> dict[str, Any]:
        """Return what is worth a note in the record of an epoch, as JSON knows it."""
        return {}
