"""How TRM-ML is trained: two stages, and a slower region decoder."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.class_names import NameOrSynonyms
from trmml.encoders.protocol import EncoderPair
from trmml.models.batch import Batch
from trmml.models.method_config import MethodConfig
from trmml.models.task import ParameterGroup, Task
from trmml.models.trmml.model import TRMML

__all__ = ["TRMMLTask"]

CALIBRATION_IMAGES = 256


class TRMMLTask(Task):
    """Train `TRMML`: calibrate its regions, fill the bank, then complete missing labels.

    Args:
        model: To train.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> from trmml.models import Batch
        >>> task = TRMMLTask(TRMML(load_tiny(), ["tree", "boat"], image_size=64)).train()
        >>> losses = task(Batch(torch.randn(2, 3, 64, 64), torch.tensor([[1, -1], [0, 1]])))
        >>> sorted(losses)
        ['contrastive', 'distillation', 'query', 'region', 'total']
    """

    Model = TRMML
    model: TRMML

    @classmethod
    def build(
        cls,
        encoders: EncoderPair,
        class_names: Sequence[NameOrSynonyms],
        *,
        config: MethodConfig,
        image_size: int = 448,
        generator: torch.Generator | None = None,
    ) -> "TRMMLTask":
        """Return the task of a fresh model, with another one's region decoder if it is to be so.

        Raises:
            ValueError: If that decoder is of other classes, towers or regions.
        """
        task = super().build(
            encoders, class_names, config=config, image_size=image_size, generator=generator
        )
        decoder = task.model.config.region_decoder
        if decoder is not None:
            task.model.load_region_decoder(decoder)
        return task

    def forward(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Return the terms of Eq. (15), and learn prototypes and thresholds."""
        return self.model.loss(self.match(batch), batch.labels)._asdict()

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return the region decoder apart from everything else."""
        named = list(self.model.named_parameters())
        decoder = [value for name, value in named if name.startswith("decoder.")]
        others = [value for name, value in named if not name.startswith("decoder.")]
        ratio = self.model.config.decoder_lr_ratio
        groups = [ParameterGroup(others), ParameterGroup(decoder, ratio)]
        return [group for group in groups if group.parameters]

    def begin_epoch(self, epoch: int, *, epochs: int) -> None:
        """Begin the second stage when it is time."""
        prototypes = self.model.prototypes
        second = epoch >= self.model.config.first_stage_epochs(epochs)
        if second and prototypes is not None and prototypes.stage == 1:
            self.model.begin_second_stage()

    @property
    def calibration_images(self) -> int:
        """How many images set the start of the regions."""
        decoder = self.model.decoder
        return 0 if decoder is None or decoder.calibrated else CALIBRATION_IMAGES

    def calibrate(self, features: Float[Tensor, "batch positions dim"]) -> None:
        """Set the start of the regions."""
        self.model.calibrate(features)

    def facts(self) -> dict[str, Any]:
        """Return the stage."""
        prototypes = self.model.prototypes
        return {} if prototypes is None else {"stage": int(prototypes.stage)}
