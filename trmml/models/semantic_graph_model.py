"""What the graph methods share: a feature for each class, and a graph on which they meet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from trmml.class_names import NameOrSynonyms
from trmml.data.word_vectors import read_word_vectors
from trmml.encoders.protocol import EncoderPair
from trmml.functional import co_occurrence
from trmml.functional.checks import check_at_least, check_numbers
from trmml.labels import Labels
from trmml.models.labels_task import LabelsTask
from trmml.models.loss_config import LossConfig
from trmml.models.method_config import MethodConfig
from trmml.models.multi_label_model import MultiLabelModel
from trmml.models.zero_shot import zero_shot_text_features
from trmml.modules.gated_graph import GatedGraph
from trmml.modules.semantic_decoupling import SemanticDecoupling

__all__ = [
    "SemanticGraphConfig",
    "SemanticGraphModel",
    "SemanticGraphTask",
    "SemanticScores",
    "class_words",
    "task_with_words",
]

_Task = TypeVar("_Task", bound=LabelsTask)


@dataclass(frozen=True, kw_only=True)
class SemanticGraphConfig(MethodConfig):
    """Settings of SSGRL and its kin.

    Attributes:
        width: Size of the features of classes; ours, published is 1024.
        steps: How often classes hear from each other.
        word_vectors: File of word vectors, such as GloVe's; None takes what the frozen text tower
            says of the class names.
        word_dim: Numbers of each vector in that file.
    """

    loss: LossConfig = field(default_factory=lambda: LossConfig("bce"))
    width: int = 256
    steps: int = 3
    word_vectors: str | None = None
    word_dim: int = 300

    def __post_init__(self) -> None:
        """Refuse numbers below 1.

        Raises:
            ValueError: If there is one.
        """
        check_at_least(self, 1, "width", "steps", "word_dim")
        check_numbers(self)


class SemanticScores(NamedTuple):
    """What a graph method makes of images.

    Attributes:
        logits: The prediction; the sigmoid is the probability.
        energy: How well each position fits each class.
        class_features: The feature of every class.
        grid: Height and width of the grid of positions.
    """

    logits: Float[Tensor, "batch classes"]
    energy: Float[Tensor, "batch classes positions"]
    class_features: Float[Tensor, "batch all_classes width"]
    grid: tuple[int, int]


class SemanticGraphModel(MultiLabelModel[SemanticScores]):
    r"""Take a feature of each class from the image, let them meet on a graph, and classify each.

    $$ f_c = \mathrm{SemanticDecoupling}(T f, x_c), \qquad h = \mathrm{GatedGraph}(f, P), \qquad
       z_c = w_c \cdot \tanh(O [h_c, f_c]) + b_c $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f$ | `features` | dense features |
    | $x_c$ | `words` | vector of the name of class c |
    | $T, O$ | `trunk`, `output` | learnt |
    | $P$ | `links` | how often one class is known to be there where another is |
    | $w_c, b_c$ | `weight`, `bias` | learnt, a line for each class |
    """

    has_regions = True
    config: Any  # of each method's own class
    words: Float[Tensor, "classes word_dim"]
    links: Float[Tensor, "classes classes"]

    def assemble(self) -> None:
        """Draw the layers; of the graph, which comes with the labels, there are no links yet."""
        encoders, config = self.encoders, self.config
        words = class_words(encoders, self.class_names, config)
        classes, width = len(words), config.width
        self.register_buffer("words", words)
        self.register_buffer("links", torch.zeros(classes, classes))
        self.trunk = nn.Linear(encoders.image.dim, width)
        self.decoupling = SemanticDecoupling(width, words.shape[1], hidden=width)
        self.graph = GatedGraph(width, steps=config.steps)
        self.output = nn.Linear(2 * width, width)
        self.weight = nn.Parameter(torch.randn(classes, width) / width**0.5)
        self.bias = nn.Parameter(torch.zeros(classes))

    def match(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> SemanticScores:
        """Score dense features, from the image encoder or from a store."""
        trunk = self.trunk(features.to(self.trunk.weight.dtype))
        class_features, energy = self.decoupling(trunk, self.words)
        logits = self.classify(class_features)
        if classes is not None:
            logits, energy = logits[:, classes], energy[:, classes]
        return SemanticScores(logits, energy, class_features, grid)

    def classify(
        self, class_features: Float[Tensor, "batch classes width"]
    ) -> Float[Tensor, "batch classes"]:
        """Return the logits of images of which all classes' features are given."""
        state = self.graph(class_features, self.links)
        meant = torch.tanh(self.output(torch.cat([state, class_features], dim=-1)))
        return (meant * self.weight).sum(dim=-1) + self.bias

    def region_maps(self, output: Any) -> Float[Tensor, "batch classes height width"]:  # noqa: ANN401
        """Return how much each position counts for each class, the most being 1, on the grid."""
        weights = output.energy.float().softmax(dim=-1)
        weights = weights / weights.amax(dim=-1, keepdim=True)
        return rearrange(weights, "b c (h w) -> b c h w", h=output.grid[0], w=output.grid[1])


class SemanticGraphTask(LabelsTask):
    """Train a `SemanticGraphModel` by the loss of its configuration, on the graph of its labels.

    Args:
        model: To train.
    """

    @classmethod
    def build(cls: type[_Task], *args: Any, **options: Any) -> _Task:  # noqa: ANN401, PYI019
        """Return the task of a fresh model, with the word vectors of its file if it names one.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it has not all the words, or vectors of another length.
        """
        return task_with_words(super().build(*args, **options))  # pyright: ignore

    def begin_training(self, labels: Labels) -> None:
        """Count how often classes are known to occur together."""
        super().begin_training(labels)
        model: Any = self.model
        model.links.copy_(co_occurrence(labels))


def class_words(
    encoders: EncoderPair,
    class_names: Sequence[NameOrSynonyms],
    config: Any,  # noqa: ANN401
) -> Float[Tensor, "classes word_dim"]:
    """Return what the text tower says of the names, or room for the vectors of a file."""
    if config.word_vectors is None:
        return zero_shot_text_features(encoders.text, class_names)
    return torch.zeros(len(class_names), config.word_dim)


def task_with_words(task: _Task) -> _Task:
    """Read the word vectors of a task's model from the file that its configuration names."""
    model: Any = task.model
    path, size = model.config.word_vectors, model.config.word_dim
    if path is None:
        return task
    words = read_word_vectors(path, model.class_names.plain)
    if words.shape[1] != size:
        raise ValueError(
            f"`word_dim` must be the length of the vectors in {path}, {words.shape[1]}, got {size}."
        )
    model.words.copy_(words)
    return task
