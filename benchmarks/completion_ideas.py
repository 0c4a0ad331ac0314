"""What was tried with few known labels and did not become a setting.

`benchmarks.completion` measures it beside the others; docs/parts/trmml.md tells what came of it.
"""

from typing import Final

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity

from trmml.models import TRMML, Batch, TRMMLTask, zero_shot_text_features


class PulledTask(TRMMLTask):
    """Pull the text features that are learnt towards those of the frozen text tower.

    What is lost by a class's cosine with its zero-shot feature is added to the loss.
    """

    frozen_texts: Tensor
    weight: Final = 1.0

    def __init__(self, model: TRMML) -> None:
        """Encode the class names as zero-shot recognition does."""
        super().__init__(model)
        texts = zero_shot_text_features(model.encoders.text, model.class_names)
        self.register_buffer("frozen_texts", texts, persistent=False)

    def forward(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Add the pull to the terms of Eq. (15)."""
        losses = super().forward(batch)
        learnt = self.model.prompts()[0]
        pull = (1 - cosine_similarity(learnt, self.frozen_texts)).mean()
        return losses | {"total": losses["total"] + self.weight * pull}
