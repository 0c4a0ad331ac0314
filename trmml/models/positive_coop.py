"""PositiveCoOp: a prompt says that a class is there, a learnt feature that it is not."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from trmml.choices import check_choices
from trmml.functional import unit_vectors
from trmml.models.text_pixel_model import TextPixelConfig, TextPixelModel, TextPixelTask
from trmml.models.zero_shot import zero_shot_text_features
from trmml.modules import DualPromptLearner
from trmml.typed_module import TypedModule

__all__ = ["PositiveCoOp", "PositiveCoOpConfig", "PositiveCoOpTask"]


@dataclass(frozen=True, kw_only=True)
class PositiveCoOpConfig(TextPixelConfig):
    """Settings of `PositiveCoOp`; see also `TextPixelConfig`.

    Attributes:
        texts: Which sides the text tower speaks for: the "positive" one, or "none", the paper's
            baseline of vision features alone.
    """

    method: Literal["positivecoop"] = "positivecoop"
    texts: Literal["positive", "none"] = "positive"

    def __post_init__(self) -> None:
        """Refuse unknown sides.

        Raises:
            ValueError: If a value is outside its range.
        """
        check_choices(self)
        super().__post_init__()


class PositiveCoOp(TextPixelModel):
    r"""Learn a prompt that says that a class is there, and a feature that says that it is not.

    The score is that of `DualCoOp`, where $g^-_c$, and with `texts="none"` $g^+_c$ as well, is a
    learnt vector of the joint space: a text tower has hardly read what is *not* in pictures.

    Source: [PositiveCoOp](https://arxiv.org/abs/2409.08381) (Rawlekar et al., WACV 2025).
    Differs from the paper: learnt features start at those of the class names, without texts at one
    random vector for both sides (ours), so that no score is decided before the first step; recipe
    and loss are `DualCoOp`'s.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> model = PositiveCoOp(load_tiny(), ["tree", "boat"], image_size=64)
        >>> model.predict(torch.zeros(3, 3, 64, 64)).shape
        torch.Size([3, 2])
    """

    Config = PositiveCoOpConfig
    credit = "[PositiveCoOp](https://arxiv.org/abs/2409.08381) (Rawlekar et al., WACV 2025)"
    learns = "a prompt and a feature for each class, or two features"

    def assemble(self) -> None:
        """Draw contexts and features."""
        encoders, config = self.encoders, self.config
        if config.texts == "none":
            self.prompts = ClassFeatures(len(self.class_names), encoders.image.dim)
            return
        self.prompts = self.drawn_prompts(DualPromptLearner, negative="embedding")
        with torch.no_grad():
            names = zero_shot_text_features(encoders.text, self.class_names)
            self.prompts.negative_embedding.copy_(names)


class ClassFeatures(TypedModule):
    """Learn both sides of a class as vectors, where prompts would be encoded.

    Args:
        num_classes: Number of categories.
        dim: Size of the joint space.
    """

    def __init__(self, num_classes: int, dim: int) -> None:
        """Draw one vector a class, where both sides start."""
        super().__init__()
        start = unit_vectors(torch.randn(num_classes, dim))
        self.positive, self.negative = nn.Parameter(start), nn.Parameter(start.clone())

    def forward(
        self, classes: Int[Tensor, " sampled"] | None = None
    ) -> tuple[Float[Tensor, "classes dim"], Float[Tensor, "classes dim"]]:
        """Return both sides, unit length."""
        chosen = slice(None) if classes is None else classes
        return unit_vectors(self.positive[chosen]), unit_vectors(self.negative[chosen])


class PositiveCoOpTask(TextPixelTask):
    """Train `PositiveCoOp` by the loss of its configuration.

    Args:
        model: To train.
    """

    Model = PositiveCoOp
