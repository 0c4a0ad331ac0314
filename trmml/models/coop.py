"""CoOp for many labels: a learnt prompt a class, matched with the whole image."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from trmml.functional.checks import check_at_least, check_numbers, check_temperature
from trmml.models.labels_task import LabelsTask
from trmml.models.method_config import MethodConfig
from trmml.models.outputs import Scores
from trmml.models.prompted_model import PromptedModel
from trmml.modules import PromptLearner

__all__ = ["CoOp", "CoOpConfig", "CoOpTask"]


@dataclass(frozen=True, kw_only=True)
class CoOpConfig(MethodConfig):
    """Settings of `CoOp`.

    Attributes:
        context_length: Learnable tokens per prompt (paper: 16).
        class_specific: Whether each class has a context of its own (paper: both are tried).
        prompt_init: Words the contexts start from; None draws them from N(0, 0.02).
        temperature: Divides the cosines; CLIP's own, 0.01, makes a sigmoid steep, so ours is ten
            times that, as in SCPNet.
        threshold: Where the learnt cosine of an even chance starts; ours.
        text_chunk_size: Most prompts in memory at once, see `PromptEncoder`; None for all. Changes
            no number.
    """

    method: Literal["coop"] = "coop"
    context_length: int = 16
    class_specific: bool = True
    prompt_init: str | None = None
    temperature: float = 0.1
    threshold: float = 0.2
    text_chunk_size: int | None = None

    def __post_init__(self) -> None:
        """Refuse values outside their range.

        Raises:
            ValueError: If the temperature is not above 0, a count is below 1, or the threshold is
                no cosine.
        """
        check_temperature(self.temperature)
        if not -1 <= self.threshold <= 1:
            raise ValueError(f"`threshold` must be in [-1, 1], got {self.threshold}.")
        check_at_least(self, 1, "context_length", "text_chunk_size")
        check_numbers(self)


class CoOp(PromptedModel[Scores]):
    r"""Learn what to say before each class name, and match it with the image as a whole.

    $$ z_c = \frac{1}{\tau} \Big( \cos\Big(\frac1N \sum_n f_n,\; g_c\Big) - b \Big) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_n$ | `features` | dense feature at position n |
    | $g_c$ | `text_features` | what the prompt says of class c |
    | $\tau$ | `config.temperature` | fixed |
    | $b$ | `threshold` | cosine of an even chance, learnt, one for all classes |

    Text-image matching, the second of Figure 1 of TRM-ML.

    Source: [CoOp](https://arxiv.org/abs/2109.01134) (Zhou et al., IJCV 2022).
    Differs from the paper: each class has a sigmoid of its own where the paper has one softmax over
    all, and so a cosine from which on it counts as present; dense features are averaged where it
    takes the pooled one, so that features kept on disk serve.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> model = CoOp(load_tiny(), ["tree", "boat"], image_size=64)
        >>> model.predict(torch.zeros(3, 3, 64, 64)).shape
        torch.Size([3, 2])
    """

    Config = CoOpConfig
    credit = "[CoOp](https://arxiv.org/abs/2109.01134) (Zhou et al., IJCV 2022)"
    learns = "a prompt for each class"
    config: CoOpConfig

    def assemble(self) -> None:
        """Draw the contexts."""
        self.threshold = nn.Parameter(torch.tensor(self.config.threshold))
        self.prompts = self.drawn_prompts(PromptLearner)

    def match(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],  # noqa: ARG002 - where a position lies makes no difference
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Scores:
        """Score dense features, from the image encoder or from a store."""
        cosines = self.whole_image_cosines(features, classes)
        return Scores((cosines - self.threshold) / self.config.temperature)


class CoOpTask(LabelsTask):
    """Train `CoOp` by the loss of its configuration.

    Args:
        model: To train.
    """

    Model = CoOp
