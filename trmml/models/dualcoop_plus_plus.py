"""DualCoOp++: a third prompt says where to look, and classes compete for positions."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from trmml.functional import evidence_logits
from trmml.models.outputs import PixelScores
from trmml.models.text_pixel_model import TextPixelConfig, TextPixelModel, TextPixelTask
from trmml.modules import DualPromptLearner, PromptLearner
from trmml.typed_module import TypedModule

__all__ = ["DualCoOpPlusPlus", "DualCoOpPlusPlusConfig", "DualCoOpPlusPlusTask"]


@dataclass(frozen=True, kw_only=True)
class DualCoOpPlusPlusConfig(TextPixelConfig):
    """Settings of `DualCoOpPlusPlus`; see also `TextPixelConfig`.

    Attributes:
        temperature: Where both learnt temperatures, of the positive and the negative cosines,
            start; published as a factor of 20.
        spatial_temperature: Where the learnt one of the evidence starts; likewise.
        winner_take_all: Whether classes compete for positions.
    """

    method: Literal["dualcoop++"] = "dualcoop++"
    temperature: float = 0.05
    winner_take_all: bool = True


class DualCoOpPlusPlus(TextPixelModel):
    r"""Learn three prompts a class: that it is there, that it is not, and where to look.

    $$ z_c = \sum_n \operatorname{softmax}_n\Big(\frac{\cos(f_n, g^e_c)}{\tau_s}\Big)
       \Big( \frac{r_{c,n} \cos(f_n, g^+_c)}{\tau_+} - \frac{\cos(f_n, g^-_c)}{\tau_-} \Big) $$

    `evidence_logits` has the symbols, and the reward $r$ of the class that a position fits best.

    Source: [DualCoOp++](https://arxiv.org/abs/2308.01890) (Hu et al., TPAMI 2023).
    Differs from the paper: it lets classes compete to train them, and does not say that they
    compete in prediction; here they do, for a model that has learnt to ranks worse without.
    Constants are those of an unofficial implementation, the only one there is; recipe and weight of
    the loss are DualCoOp's.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> model = DualCoOpPlusPlus(load_tiny(), ["tree", "boat"], image_size=64)
        >>> model.predict(torch.zeros(3, 3, 64, 64)).shape
        torch.Size([3, 2])
    """

    Config = DualCoOpPlusPlusConfig
    credit = "[DualCoOp++](https://arxiv.org/abs/2308.01890) (Hu et al., TPAMI 2023)"
    learns = "three prompts for each class, three temperatures"

    def assemble(self) -> None:
        """Draw the contexts."""
        config = self.config
        self.winner_take_all = config.winner_take_all
        starts = torch.tensor([config.temperature, config.temperature, config.spatial_temperature])
        self.log_temperatures = nn.Parameter(starts.log())
        self.prompts = _ThreePrompts(
            self.drawn_prompts(DualPromptLearner), self.drawn_prompts(PromptLearner)
        )

    def match(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> PixelScores:
        """Score dense features, from the image encoder or from a store."""
        # In a step that draws classes these compete; in prediction, always all.
        positive, negative, evidence = self.text_features(classes if self.training else None)
        positive_temperature, negative_temperature, spatial = self.log_temperatures.exp().unbind()
        logits, energy = evidence_logits(
            self.places(features.to(positive.dtype), grid),
            positive,
            negative,
            evidence,
            positive_temperature=positive_temperature,
            negative_temperature=negative_temperature,
            spatial_temperature=spatial,
            winner_take_all=self.winner_take_all,
        )
        energy = energy[:, :, -features.shape[1] :]
        if classes is not None and not self.training:
            logits, energy = logits[:, classes], energy[:, classes]
        return PixelScores(logits, energy, grid)


class _ThreePrompts(TypedModule):
    """Hold the pair and the third prompt."""

    def __init__(self, pair: DualPromptLearner, evidence: PromptLearner) -> None:
        super().__init__()
        self.pair, self.evidence = pair, evidence

    def forward(
        self, classes: Int[Tensor, " sampled"] | None = None
    ) -> tuple[Float[Tensor, "classes dim"], ...]:
        return *self.pair(classes), self.evidence(classes)


class DualCoOpPlusPlusTask(TextPixelTask):
    """Train `DualCoOpPlusPlus` by the loss of its configuration.

    Args:
        model: To train.
    """

    Model = DualCoOpPlusPlus
