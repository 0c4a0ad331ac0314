"""SCPNet: prompts on a graph of texts, taught by labels and by a second view of each image."""

from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from trmml.completion.withholding import withheld_cells
from trmml.distributed import gather_rows
from trmml.functional import sparse_text_graph, sure_positives, unit_vectors, view_consistency
from trmml.functional.checks import (
    check_at_least,
    check_labels_on_cpu,
    check_numbers,
    check_temperature,
)
from trmml.labels import Labels
from trmml.models.batch import Batch
from trmml.models.labels_task import LabelsTask
from trmml.models.loss_config import LossConfig
from trmml.models.method_config import MethodConfig
from trmml.models.outputs import Scores
from trmml.models.prompted_model import PromptedModel
from trmml.models.zero_shot import zero_shot_text_features
from trmml.modules import GraphConvolutions, PromptLearner
from trmml.typed_module import TypedModule

__all__ = ["SCPNet", "SCPNetConfig", "SCPNetTask"]


@dataclass(frozen=True, kw_only=True)
class SCPNetConfig(MethodConfig):
    """Settings of `SCPNet`; the defaults are the public code's for VOC unless it says otherwise.

    Attributes:
        context_length: Learnable tokens of the prompt.
        class_specific: Whether each class has a context of its own; published is a shared one.
        prompt_init: Words the contexts start from; None draws them.
        temperature: Divides the cosines.
        neighbours: Classes that each is linked to in the graph of texts (COCO 62, NUS-WIDE 50,
            CUB 312); all others where there are fewer.
        graph_widths: How much wider than the features the inner layers of the graph are.
        consistency_weight: Of the second view.
        graph_weight: Of the graph in what the second view is taught (COCO 1, NUS-WIDE 1, CUB 3).
        top_k: Most classes of an image that the first view may be sure of (COCO 2, NUS-WIDE 6,
            CUB 31).
        hidden_share: Share of the positions that the second view does not see; ours.
    """

    method: Literal["scpnet"] = "scpnet"
    loss: LossConfig = field(default_factory=lambda: LossConfig("splc"))
    context_length: int = 4
    class_specific: bool = False
    prompt_init: str | None = "a photo of a"
    temperature: float = 0.1
    neighbours: int = 20
    graph_widths: int = 2
    consistency_weight: float = 0.125
    graph_weight: float = 2.0
    top_k: int = 5
    hidden_share: float = 0.5

    def __post_init__(self) -> None:
        """Refuse values outside their range.

        Raises:
            ValueError: If a count is below 1, a weight below 0, or the share outside (0, 1).
        """
        check_temperature(self.temperature)
        check_at_least(self, 1, "context_length", "neighbours", "graph_widths", "top_k")
        check_at_least(self, 0, "consistency_weight", "graph_weight")
        if not 0 < self.hidden_share < 1:
            raise ValueError(f"`hidden_share` must be in (0, 1), got {self.hidden_share}.")
        check_numbers(self)


class SCPNet(PromptedModel[Scores]):
    r"""Match the whole image with prompts that have listened to those of similar classes.

    $$ z_c = \frac{1}{\tau} \cos\Big(\frac1N \sum_n f_n,\; \mathrm{GCN}(A, G)_c\Big) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_n$ | `features` | dense feature at position n |
    | $G$ | `prompts.learner` | what the prompts say of each class |
    | $A$ | `prompts.graph` | links between classes of similar names, fixed: `sparse_text_graph` |
    | $\mathrm{GCN}$ | `prompts.mixing` | `GraphConvolutions`, with a residual |
    | $\tau$ | `config.temperature` | fixed |

    Source: [SCPNet](https://arxiv.org/abs/2303.13223)
    (Ding et al., CVPR 2023).
    Differs from the paper: the image tower stays frozen, where it is fine-tuned, and dense features
    are averaged where it takes the pooled one; the second view is not another augmentation of the
    photograph, but the same features with half of the positions left out, so that features kept on
    disk serve; what is taught through the graph goes by the graph of the prompts.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> model = SCPNet(load_tiny(), ["tree", "boat"], image_size=64)
        >>> model.predict(torch.zeros(3, 3, 64, 64)).shape
        torch.Size([3, 2])
    """

    Config = SCPNetConfig
    credit = "[SCPNet](https://arxiv.org/abs/2303.13223) (Ding et al., CVPR 2023)"
    learns = "a prompt, and layers on a graph of the classes"
    config: SCPNetConfig

    def assemble(self) -> None:
        """Draw contexts and graph convolutions."""
        encoders, config = self.encoders, self.config
        names = zero_shot_text_features(encoders.text, self.class_names)
        dim = encoders.image.dim
        self.prompts = StructuredPrompts(
            PromptLearner(
                encoders.text,
                self.class_names,
                context_length=config.context_length,
                class_specific=config.class_specific,
                init=config.prompt_init,
            ),
            GraphConvolutions(
                [dim, config.graph_widths * dim, config.graph_widths * dim, dim], residual=True
            ),
            sparse_text_graph(names, top_k=config.neighbours),
        )

    def match(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],  # noqa: ARG002 - where a position lies makes no difference
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Scores:
        """Score dense features, from the image encoder or from a store."""
        return Scores(self.whole_image_cosines(features, classes) / self.config.temperature)


class StructuredPrompts(TypedModule):
    """Let the prompts of all classes listen to each other.

    Args:
        learner: Of the prompts.
        mixing: From text features to text features.
        graph: Whom each class listens to.
    """

    graph: Float[Tensor, "classes classes"]

    def __init__(
        self,
        learner: PromptLearner,
        mixing: GraphConvolutions,
        graph: Float[Tensor, "classes classes"],
    ) -> None:
        """Hold the parts."""
        super().__init__()
        self.learner, self.mixing = learner, mixing
        # Derived from the class names, so not part of what is saved.
        self.register_buffer("graph", graph, persistent=False)

    def forward(
        self, classes: Int[Tensor, " sampled"] | None = None
    ) -> Float[Tensor, "classes dim"]:
        """Return the text feature of some classes, after all have listened."""
        mixed = unit_vectors(self.mixing(self.learner(), self.graph))
        return mixed if classes is None else mixed[classes]


class SCPNetTask(LabelsTask):
    """Train `SCPNet` by the loss of its configuration, and by the consistency of two views.

    Args:
        model: To train.
    """

    Model = SCPNet
    model: SCPNet
    counts: Float[Tensor, " classes"]
    epoch: Int[Tensor, ""]

    def __init__(self, model: SCPNet) -> None:
        """Start with nothing chosen."""
        super().__init__(model)
        self.register_buffer("counts", torch.zeros(len(model.class_names)))
        # A tensor, as a step would be compiled anew for each other number.
        self.register_buffer("epoch", torch.tensor(0), persistent=False)

    def begin_epoch(self, epoch: int, *, epochs: int) -> None:
        """Let each epoch leave out other positions."""
        super().begin_epoch(epoch, epochs=epochs)
        self.epoch.fill_(epoch)

    def forward(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Return the loss of the labels, and that of the consistency."""
        check_labels_on_cpu(batch.labels)
        labels, config = batch.sampled_labels, self.model.config
        dense = self.dense(batch)
        logits = self.model.match(*dense, classes=batch.classes).logits
        loss = self.label_loss(logits, batch)
        probabilities = logits.detach().float().sigmoid()
        chosen = self._choose(probabilities, labels, batch)
        again = self.model.match(
            self._second_view(dense[0], batch), dense[1], classes=batch.classes
        )
        graph = self.model.prompts.graph
        if batch.classes is not None:
            graph = graph[batch.classes][:, batch.classes]
        consistency = self.over_processes(
            view_consistency(
                again.logits, probabilities, chosen, labels, graph, graph_weight=config.graph_weight
            ),
            batch,
        )
        total = loss + config.consistency_weight * consistency
        return {"labels": loss, "consistency": consistency, "total": total}

    def _second_view(
        self, features: Float[Tensor, "batch positions dim"], batch: Batch
    ) -> Float[Tensor, "batch positions dim"]:
        """Leave out positions, by image and epoch alone, so that a stop moves none."""
        rows = batch.rows
        if rows is None:
            rows = torch.arange(len(features), device=features.device)
        share = self.model.config.hidden_share
        hidden = withheld_cells(rows, features.shape[1], share=share, seed=self.epoch)
        return features.masked_fill(hidden[..., None], 0)

    @torch.no_grad()
    def _choose(
        self, probabilities: Float[Tensor, "batch classes"], labels: Labels, batch: Batch
    ) -> Bool[Tensor, "batch classes"]:
        """Return what the first view is sure of, and count it in training."""
        counts = self.counts if batch.classes is None else self.counts[batch.classes]
        chosen = sure_positives(probabilities, labels, counts, top_k=self.model.config.top_k)
        if self.training:
            found = gather_rows(chosen.sum(dim=0, keepdim=True).float()).sum(dim=0)
            where = slice(None) if batch.classes is None else batch.classes
            self.counts[where] += found
        return chosen
