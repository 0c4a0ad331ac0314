"""TaI-DPT: captions as images, from which prompts are learnt that then read photographs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from trmml.class_names import NameOrSynonyms
from trmml.encoders.protocol import TextEncoder
from trmml.functional import local_matching_scores, unit_vectors
from trmml.functional.checks import (
    check_at_least,
    check_labels_on_cpu,
    check_numbers,
    check_temperature,
)
from trmml.functional.full_precision import full_precision
from trmml.models.batch import Batch
from trmml.models.loss_config import LossConfig
from trmml.models.method_config import MethodConfig
from trmml.models.prompted_model import PromptedModel
from trmml.models.task import Task
from trmml.modules import PromptEncoder

__all__ = ["TaIDPT", "TaIDPTConfig", "TaIDPTOutput", "TaIDPTTask"]


@dataclass(frozen=True, kw_only=True)
class TaIDPTConfig(MethodConfig):
    """Settings of `TaIDPT`.

    Attributes:
        loss: Of each caption's labels, taken of the global and of the local scores.
        context_length: Learnable tokens per prompt; ours, as TRM-ML's.
        class_specific: Whether each class has contexts of its own; likewise.
        prompt_init: Words the contexts start from; None draws them from N(0, 0.02).
        temperature: Divides the cosines; published as a factor of 4.
        caption_spatial_temperature: Divides the cosines that weigh a caption's words; published as
            a factor of 50.
        spatial_temperature: Divides the cosines that weigh an image's positions; published as a
            factor of 40, and of 4 on NUS-WIDE.
        global_weight: What the global score counts in the prediction, in [0, 1], published as a
            half. The loss takes both scores whole.
        text_chunk_size: Most prompts in memory at once, see `PromptEncoder`; None for all. Changes
            no number.
    """

    learns_from: ClassVar[Literal["images", "captions"]] = "captions"
    method: Literal["tai-dpt"] = "tai-dpt"
    loss: LossConfig = field(default_factory=lambda: LossConfig("pairwise-hinge"))
    context_length: int = 16
    class_specific: bool = True
    prompt_init: str | None = None
    temperature: float = 0.25
    caption_spatial_temperature: float = 0.02
    spatial_temperature: float = 0.025
    global_weight: float = 0.5
    text_chunk_size: int | None = None

    def __post_init__(self) -> None:
        """Refuse values outside their range.

        Raises:
            ValueError: If a temperature is not above 0, a count is below 1, or the weight is
                outside [0, 1].
        """
        for name in ("temperature", "caption_spatial_temperature", "spatial_temperature"):
            check_temperature(getattr(self, name), argument=name)
        if not 0 <= self.global_weight <= 1:
            raise ValueError(f"`global_weight` must be in [0, 1], got {self.global_weight}.")
        check_at_least(self, 1, "context_length", "text_chunk_size")
        check_numbers(self)


class TaIDPTOutput(NamedTuple):
    """The output of `TaIDPT`.

    Attributes:
        logits: The prediction, between both scores.
        global_scores: Of the image or the caption as a whole.
        local_scores: Of its positions or its words.
    """

    logits: Float[Tensor, "batch classes"]
    global_scores: Float[Tensor, "batch classes"]
    local_scores: Float[Tensor, "batch classes"]


class TaIDPT(PromptedModel[TaIDPTOutput]):
    r"""Learn two prompts a class from captions: one for the whole, one for its parts.

    $$ z_c = \frac1\tau \Big( w \cos(\bar f, g_c) + (1 - w) \sum_n \operatorname{softmax}_n
       \Big(\frac{\cos(f_n, h_c)}{\tau_s}\Big) \cos(f_n, h_c) \Big) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $\bar f$ | mean of `features` | the image; in training, the feature of a whole caption |
    | $f_n$ | `features` | dense feature at position n; in training, that of a caption's word |
    | $g_c, h_c$ | `text_features` | what the global and the local prompt say of class c |
    | $\tau, \tau_s$ | `temperature`, `spatial_temperature` of the configuration | fixed |
    | $w$ | `config.global_weight` | what the whole counts |

    Text-text matching in training and text-image matching in prediction, the third of Figure 1 of
    TRM-ML: as image and text share a space, sentences can stand where images would, and need none.

    Source: [TaI-DPT](https://arxiv.org/abs/2211.12739) (Guo et al., CVPR 2023).
    Differs from the paper: an image's dense features are averaged where it takes the pooled one, so
    that features kept on disk serve; the features of a class's synonyms are averaged; the sentences
    made of class names alone that it adds to its captions are up to whoever gives the captions.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> model = TaIDPT(load_tiny(), ["tree", "boat"], image_size=64)
        >>> model.predict(torch.zeros(3, 3, 64, 64)).shape
        torch.Size([3, 2])
    """

    Config = TaIDPTConfig
    credit = "[TaI-DPT](https://arxiv.org/abs/2211.12739) (Guo et al., CVPR 2023)"
    learns = "two prompts for each class, from captions"
    config: TaIDPTConfig

    def assemble(self) -> None:
        """Draw the contexts."""
        self.prompts = self.drawn_prompts(_TwoPrompts)

    def match(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],  # noqa: ARG002 - where a position lies makes no difference
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> TaIDPTOutput:
        """Score dense features of images, from the image encoder or from a store."""
        return self._scores(
            features.mean(dim=1), features, self.config.spatial_temperature, classes
        )

    def match_captions(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],  # noqa: ARG002
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> TaIDPTOutput:
        """Score captions.

        Args:
            features: Of each caption its own feature, then that of every token, as
                `trmml.training.encode_captions` gives them; zero where it has none.
            grid: Not looked at.
            classes: As for `match`.
        """
        words = features[:, 1:]
        return self._scores(features[:, 0], words, self.config.caption_spatial_temperature, classes)

    def _scores(
        self,
        whole: Float[Tensor, "batch dim"],
        parts: Float[Tensor, "batch positions dim"],
        spatial_temperature: float,
        classes: Int[Tensor, " sampled"] | None,
    ) -> TaIDPTOutput:
        of_whole, of_parts = (unit_vectors(text) for text in self.text_features(classes))
        temperature = self.config.temperature
        with full_precision(whole.device):
            cosines = unit_vectors(whole).to(of_whole.dtype) @ of_whole.T
        global_scores = cosines / temperature
        local_scores = local_matching_scores(
            parts.to(of_parts.dtype),
            of_parts,
            temperature=temperature,
            spatial_temperature=spatial_temperature,
        )
        logits = torch.lerp(local_scores, global_scores, self.config.global_weight)
        return TaIDPTOutput(logits, global_scores, local_scores)


class _TwoPrompts(PromptEncoder):
    """Learn a context for the whole and one for the parts."""

    def __init__(
        self,
        text_encoder: TextEncoder,
        class_names: Sequence[NameOrSynonyms],
        *,
        init: str | None,
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(text_encoder, class_names, **options)
        self.global_context = nn.Parameter(self.draw_context(init))
        self.local_context = nn.Parameter(self.draw_context(init))

    def forward(
        self, classes: Int[Tensor, " sampled"] | None = None
    ) -> tuple[Float[Tensor, "classes dim"], ...]:
        return tuple(self.encode([self.global_context, self.local_context], classes))


class TaIDPTTask(Task):
    """Train `TaIDPT` on captions: their own features and their words', with what they name.

    Args:
        model: To train.
    """

    Model = TaIDPT
    model: TaIDPT

    def __init__(self, model: TaIDPT) -> None:
        """Build the loss."""
        super().__init__(model)
        self.loss = model.config.loss.build()

    def forward(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Return the losses of the global and of the local scores.

        Raises:
            ValueError: If the batch holds images.
        """
        if batch.grid is None:
            raise ValueError(
                "`batch` must hold features of captions, which alone TaI-DPT learns from, got "
                "images; train on a `CaptionSource`, which a run makes of `data.captions`."
            )
        check_labels_on_cpu(batch.labels)
        output: Any = self.match(batch)
        labels, rows = batch.sampled_labels, batch.rows
        losses = {
            name: self.over_processes(self.loss.of_images(scores, labels, rows), batch)
            for name, scores in (("global", output.global_scores), ("local", output.local_scores))
        }
        self.note(self.loss, output.logits, labels, rows)
        return {**losses, "total": losses["global"] + losses["local"]}

    def match(self, batch: Batch) -> Any:  # noqa: ANN401
        """Return the model's output for a batch of captions' features."""
        return self.model.match_captions(*self.dense(batch), classes=batch.classes)
