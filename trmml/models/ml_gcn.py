"""ML-GCN: classifiers that come from words, mixed on a graph of the classes."""

from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.functional import co_occurrence, reweighted_graph, unit_vectors
from trmml.functional.checks import check_at_least, check_numbers
from trmml.labels import Labels
from trmml.models.labels_task import LabelsTask
from trmml.models.loss_config import LossConfig
from trmml.models.method_config import MethodConfig
from trmml.models.multi_label_model import MultiLabelModel
from trmml.models.outputs import Scores
from trmml.models.semantic_graph_model import class_words, task_with_words
from trmml.modules.graph_convolutions import GraphConvolutions

__all__ = ["MLGCN", "MLGCNConfig", "MLGCNTask"]


@dataclass(frozen=True, kw_only=True)
class MLGCNConfig(MethodConfig):
    """Settings of `MLGCN`.

    Attributes:
        width: Size of the inner layer of the graph (paper: 1024).
        threshold: From how often on a class counts as another's neighbour (paper: 0.4).
        neighbours: What all neighbours of a class count together (paper: 0.2).
        scale: Length of the image's feature; ours.
        word_vectors: File of word vectors, such as GloVe's; None takes what the frozen text tower
            says of the class names.
        word_dim: Numbers of each vector in that file.
    """

    method: Literal["ml-gcn"] = "ml-gcn"
    loss: LossConfig = field(default_factory=lambda: LossConfig("bce"))
    width: int = 1024
    threshold: float = 0.4
    neighbours: float = 0.2
    scale: float = 10.0
    word_vectors: str | None = None
    word_dim: int = 300

    def __post_init__(self) -> None:
        """Refuse numbers outside their range.

        Raises:
            ValueError: If a size is below 1, the scale not above 0, or a share not in [0, 1].
        """
        check_at_least(self, 1, "width", "word_dim")
        for name in ("threshold", "neighbours"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"`{name}` must be in [0, 1], got {getattr(self, name)}.")
        if not self.scale > 0:
            raise ValueError(f"`scale` must be above 0, got {self.scale}.")
        check_numbers(self)


class MLGCN(MultiLabelModel[Scores]):
    r"""Make a classifier of each class from its word and those of its neighbours.

    $$ z_c = s\, \mathrm{GCN}(A', x)_c \cdot \frac{f}{\lVert f \rVert}, \qquad
       f = \max_n f_n $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_n$ | `features` | dense feature at position n; the maximum goes by entries |
    | $x$ | `words` | vectors of the class names |
    | $A'$ | `links` | `reweighted_graph` of the known labels |
    | $\mathrm{GCN}$ | `mixing` | `GraphConvolutions` |
    | $s$ | `config.scale` | length of the feature |

    Source: [ML-GCN](https://arxiv.org/abs/1904.03582) (Chen et al., CVPR 2019).
    Differs from the paper: on the features of a frozen tower, brought to one length, where it
    trains a ResNet; the text tower's features of the names take the place of GloVe's vectors,
    unless a file of these is given; the graph counts known labels.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> model = MLGCN(load_tiny(), ["tree", "boat"], image_size=64)
        >>> model.predict(torch.zeros(3, 3, 64, 64)).shape
        torch.Size([3, 2])
    """

    Config = MLGCNConfig
    credit = "[ML-GCN](https://arxiv.org/abs/1904.03582) (Chen et al., CVPR 2019)"
    learns = "layers on a graph, from words to lines"
    config: MLGCNConfig
    words: Float[Tensor, "classes word_dim"]
    links: Float[Tensor, "classes classes"]

    def assemble(self) -> None:
        """Draw the layers; of the graph, which comes with the labels, there are no links yet."""
        encoders, config = self.encoders, self.config
        words = class_words(encoders, self.class_names, config)
        self.register_buffer("words", words)
        self.register_buffer("links", torch.eye(len(words)))
        self.mixing = GraphConvolutions([words.shape[1], config.width, encoders.image.dim])

    def match(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],  # noqa: ARG002 - where a position lies makes no difference
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Scores:
        """Score dense features, from the image encoder or from a store."""
        lines = self.mixing(self.words, self.links)
        lines = lines if classes is None else lines[classes]
        whole = unit_vectors(features.amax(dim=1)).to(lines.dtype)
        return Scores(self.config.scale * whole @ lines.T)


class MLGCNTask(LabelsTask):
    """Train `MLGCN` by the loss of its configuration, on the graph of its labels.

    Args:
        model: To train.
    """

    Model = MLGCN
    model: MLGCN

    @classmethod
    def build(cls, *args: Any, **options: Any) -> "MLGCNTask":  # noqa: ANN401
        """Return the task of a fresh model, with the word vectors of its file if it names one.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it has not all the words, or vectors of another length.
        """
        return task_with_words(super().build(*args, **options))

    def begin_training(self, labels: Labels) -> None:
        """Count how often classes are known to occur together."""
        super().begin_training(labels)
        config = self.model.config
        graph = reweighted_graph(
            co_occurrence(labels), threshold=config.threshold, neighbours=config.neighbours
        )
        self.model.links.copy_(graph)
