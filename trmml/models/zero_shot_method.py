"""Zero-shot recognition as a method: the frozen towers rank, two numbers make probabilities."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from trmml.choices import check_choices
from trmml.functional import unit_vectors
from trmml.functional.checks import check_numbers, check_temperature
from trmml.models.labels_task import LabelsTask
from trmml.models.method_config import MethodConfig
from trmml.models.multi_label_model import MultiLabelModel
from trmml.models.outputs import PixelScores, position_maps
from trmml.models.zero_shot import zero_shot_text_features

__all__ = ["ZeroShot", "ZeroShotConfig", "ZeroShotTask"]

CALIBRATION_IMAGES = 256
LEAST_SPREAD = 1e-6


@dataclass(frozen=True, kw_only=True)
class ZeroShotConfig(MethodConfig):
    """Settings of `ZeroShot`.

    Attributes:
        aggregation: Whether the image counts as a whole ("mean" of its positions), by the position
            that fits best ("max"), or by those that fit well ("softmax").
        spatial_temperature: Of "softmax"; DualCoOp's 1/20.
        standardized: Whether scores are measured against those of the same class in other images
            ("class"), of the other classes in the same image ("image"), first the one and then the
            other ("both"), or neither ("none").
    """

    method: Literal["zero-shot"] = "zero-shot"
    aggregation: Literal["mean", "max", "softmax"] = "softmax"
    spatial_temperature: float = 0.05
    standardized: Literal["none", "class", "image", "both"] = "none"

    def __post_init__(self) -> None:
        """Refuse unknown names and a temperature that is not above 0.

        Raises:
            ValueError: If a value is outside its range.
        """
        check_choices(self)
        check_temperature(self.spatial_temperature, argument="spatial_temperature")
        check_numbers(self)


class ZeroShot(MultiLabelModel[PixelScores]):
    r"""Score each class by the cosine of its name with the image, and learn two numbers.

    $$ s_c = \sum_n a_{c,n} \cos(f_n, g_c), \qquad z_c = \alpha\, \tilde s_c + \beta $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_n$ | `features` | dense feature at position n |
    | $g_c$ | `texts` | frozen text feature of the name of class c |
    | $a$ | `config.aggregation` | weights of positions |
    | $\tilde s$ | `config.standardized` | the score minus a mean, over a standard deviation |
    | $\alpha, \beta$ | `log_scale`, `bias` | learnt, the same for all classes; $\alpha > 0$ |

    Nothing that is learnt changes the order of the images of a class, so that mean average
    precision is that of the frozen towers; what is learnt makes the scores probabilities. Means and
    deviations are taken from some of the training images before the first step.

    Source: [CLIP](https://arxiv.org/abs/2103.00020) (Radford et al., ICML 2021), its dense scores
    as in [DualCoOp](https://arxiv.org/abs/2206.09541) (Sun et al., NeurIPS 2022), and the
    standardised ones as in [SPARC](https://arxiv.org/abs/2502.16911) (Miller et al., CVPR 2025).
    Differs from the paper: "mean" averages dense features where CLIP takes the pooled one, so that
    features kept on disk serve; of SPARC only the removal of what an image or a class has in common
    is here, not its compound prompts; its statistics are of training images, not of those tested.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> model = ZeroShot(load_tiny(), ["tree", "boat"], image_size=64)
        >>> model.predict(torch.zeros(3, 3, 64, 64)).shape
        torch.Size([3, 2])
    """

    Config = ZeroShotConfig
    credit = "[CLIP](https://arxiv.org/abs/2103.00020) (Radford et al., ICML 2021), zero-shot"
    learns = "two numbers, which order nothing anew"
    has_regions = True
    config: ZeroShotConfig
    texts: Float[Tensor, "classes dim"]
    center: Float[Tensor, " classes"]
    spread: Float[Tensor, " classes"]
    calibrated: Bool[Tensor, ""]

    def assemble(self) -> None:
        """Encode the class names."""
        # Derived from the class names, so not part of what is saved.
        texts = zero_shot_text_features(self.encoders.text, self.class_names)
        self.register_buffer("texts", texts, persistent=False)
        self.register_buffer("center", torch.zeros(len(texts)))
        self.register_buffer("spread", torch.ones(len(texts)))
        self.register_buffer("calibrated", torch.tensor(False))
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(()))

    def match(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> PixelScores:
        """Score dense features, from the image encoder or from a store."""
        cosines, scores = self._cosines(features.to(self.texts.dtype))
        scores = (scores - self.center) / self.spread
        energy = (cosines - self.center[:, None]) / self.spread[:, None]
        if self.config.standardized in ("image", "both"):
            mean, spread = _mean_and_spread(scores.T)
            scores = (scores - mean[:, None]) / spread[:, None]
            energy = (energy - mean[:, None, None]) / spread[:, None, None]
        if classes is not None:
            scores, energy = scores[:, classes], energy[:, classes]
        scale = self.log_scale.exp()
        return PixelScores(scale * scores + self.bias, scale * energy + self.bias, grid)

    def _cosines(
        self, features: Float[Tensor, "batch positions dim"]
    ) -> tuple[Float[Tensor, "batch classes positions"], Float[Tensor, "batch classes"]]:
        """Return each position's cosines, and what the image's are."""
        cosines = self.texts @ unit_vectors(features).mT
        if self.config.aggregation == "max":
            return cosines, cosines.amax(dim=-1)
        if self.config.aggregation == "softmax":
            weights = (cosines / self.config.spatial_temperature).softmax(dim=-1)
            return cosines, (weights * cosines).sum(dim=-1)
        return cosines, unit_vectors(features.mean(dim=1)) @ self.texts.T

    def calibrate(self, features: Float[Tensor, "batch positions dim"]) -> None:
        """Take means and deviations from some images' dense features, if there are none yet.

        Of each class where scores are standardised by class, else one of all, which orders nothing
        anew.
        """
        if self.calibrated:
            return
        _, scores = self._cosines(features.to(self.texts.dtype))
        if self.config.standardized in ("none", "image"):
            scores = scores.flatten()[:, None]
        center, spread = _mean_and_spread(scores)
        self.center.copy_(center.expand_as(self.center))
        self.spread.copy_(spread.expand_as(self.spread))
        self.calibrated.fill_(True)

    def region_maps(self, output: Any) -> Float[Tensor, "batch classes height width"]:  # noqa: ANN401
        """Return the probability of every class at every position, on the grid."""
        return position_maps(output)


class ZeroShotTask(LabelsTask):
    """Train the two numbers of `ZeroShot` by the loss of its configuration.

    Args:
        model: To train.
    """

    Model = ZeroShot
    model: ZeroShot

    @property
    def calibration_images(self) -> int:
        """How many images means and deviations are taken from."""
        return 0 if self.model.calibrated else CALIBRATION_IMAGES

    def calibrate(self, features: Float[Tensor, "batch positions dim"]) -> None:
        """Take means and deviations."""
        self.model.calibrate(features)


def _mean_and_spread(
    scores: Float[Tensor, "rows columns"],
) -> tuple[Float[Tensor, " columns"], Float[Tensor, " columns"]]:
    """Return mean and standard deviation of each column, the second never 0."""
    return scores.mean(dim=0), scores.std(dim=0, correction=0).clamp_min(LEAST_SPREAD)
