"""DualCoOp as published: two learnt prompts a class, matched with every position."""

from dataclasses import dataclass
from typing import Literal

from trmml.models.text_pixel_model import TextPixelConfig, TextPixelModel, TextPixelTask
from trmml.modules import DualPromptLearner

__all__ = ["DualCoOp", "DualCoOpConfig", "DualCoOpTask"]


@dataclass(frozen=True, kw_only=True)
class DualCoOpConfig(TextPixelConfig):
    """Settings of `DualCoOp`; see `TextPixelConfig`."""

    method: Literal["dualcoop"] = "dualcoop"


class DualCoOp(TextPixelModel):
    r"""Learn to say of each class that it is there and that it is not, and look at every position.

    $$ z_c = \sum_{n=0}^{N} \operatorname{softmax}_n\Big(\frac{\cos(f_n + e_n, g^+_c)}{\tau_s}\Big)
       \, \frac{\cos(f_n + e_n, g^+_c) - \cos(f_n + e_n, g^-_c)}{\tau} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_n$ | `features` | dense feature at position n; $f_0$ is their mean |
    | $e_n$ | `ModifiedResNetTower.position_features` | what CLIP's position embedding adds |
    | $g^+_c, g^-_c$ | `text_features` | what the prompts say of class c |
    | $\tau, \tau_s$ | `config` | 1/100 and 1/20, both fixed |

    The row "dualcoop" of `trmml.models.ABLATIONS` is the method in TRM-ML's manner: without mean
    and position embedding, its temperature learnt, by TRM-ML's recipe.

    Source: [DualCoOp](https://arxiv.org/abs/2206.09541) (Sun et al., NeurIPS 2022).
    Differs from the paper: each batch's loss is divided by its number of images before it is
    weighted, so that a last, smaller batch counts less. The configuration `dualcoop` has the
    published recipe: stochastic gradient descent, and the schedule.

    Examples:
        >>> import torch
        >>> from trmml.encoders import load_tiny
        >>> model = DualCoOp(load_tiny(), ["tree", "boat"], image_size=64)
        >>> model.predict(torch.zeros(3, 3, 64, 64)).shape
        torch.Size([3, 2])
    """

    Config = DualCoOpConfig
    credit = "[DualCoOp](https://arxiv.org/abs/2206.09541) (Sun et al., NeurIPS 2022)"
    learns = "two prompts for each class"

    def assemble(self) -> None:
        """Draw the contexts."""
        self.prompts = self.drawn_prompts(DualPromptLearner)


class DualCoOpTask(TextPixelTask):
    """Train `DualCoOp` by the loss of its configuration.

    Args:
        model: To train.
    """

    Model = DualCoOp
