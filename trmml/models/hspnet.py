"""HSPNet: prompts that come from the super-class of each class, and meet on a graph."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from trmml.choices import choice_error
from trmml.class_names import ClassNames, NameOrSynonyms
from trmml.data.super_classes import published_super_classes
from trmml.encoders.protocol import TextEncoder
from trmml.functional import sparse_text_graph, unit_vectors
from trmml.functional.checks import check_at_least, check_numbers, check_temperature
from trmml.models.labels_task import LabelsTask
from trmml.models.loss_config import LossConfig
from trmml.models.method_config import MethodConfig
from trmml.models.outputs import Scores
from trmml.models.prompted_model import PromptedModel
from trmml.models.zero_shot import zero_shot_text_features
from trmml.modules import GraphConvolutions, PromptEncoder

__all__ = ["HSPNet", "HSPNetConfig", "HSPNetTask"]


@dataclass(frozen=True, kw_only=True)
class HSPNetConfig(MethodConfig):
    """Settings of `HSPNet`; the defaults are the public code's for MS-COCO.

    Attributes:
        super_classes: The classes under each super-class, by their first names, as in
            `{vehicle: [car, bus], animal: [dog, cat]}`. None takes `published_super_classes`, which
            knows MS-COCO's and PASCAL VOC's. A class that is under none stands for itself; a run is
            refused then.
        context_length: Tokens of the context that each super-class gives its classes.
        temperature: Divides the cosines.
        neighbours: Share of the classes, itself among them, that each hears in the graph of texts.
        graph_widths: How much wider than the features the inner layers of the graph are.
        blend: What the graph counts beside the texts themselves; where the learnt number starts.
        text_chunk_size: Most prompts in memory at once, see `PromptEncoder`; None for all. Changes
            no number.
    """

    method: Literal["hspnet"] = "hspnet"
    loss: LossConfig = field(default_factory=lambda: LossConfig("splc"))
    super_classes: dict[str, list[str]] | None = None
    context_length: int = 4
    temperature: float = 0.1
    neighbours: float = 0.75
    graph_widths: int = 2
    blend: float = 0.9
    text_chunk_size: int | None = None

    def __post_init__(self) -> None:
        """Refuse values outside their range.

        Raises:
            ValueError: If a class is under two super-classes, the temperature not above 0, a count
                below 1, or a share not in [0, 1].
        """
        check_temperature(self.temperature)
        check_at_least(self, 1, "context_length", "graph_widths", "text_chunk_size")
        for name in ("neighbours", "blend"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"`{name}` must be in [0, 1], got {getattr(self, name)}.")
        check_numbers(self)
        _check_super_classes(self.super_classes)

    def super_class_of(self, class_names: Sequence[NameOrSynonyms]) -> dict[str, str]:
        """Return the super-class of each class that is under one.

        Args:
            class_names: One name per class, or several synonyms for a class.

        Raises:
            ValueError: If `super_classes` names a class that there is not.
        """
        given, names = self.super_classes, ClassNames(class_names).titles
        if given is None:
            given = published_super_classes(class_names) or {}
        found = {name: group for group, members in given.items() for name in members}
        for name in found:
            if name not in names:
                raise choice_error(name, names, argument="super_classes")
        return found

    def check_classes(self, class_names: Sequence[NameOrSynonyms]) -> None:
        """Refuse classes that are under no super-class.

        Raises:
            ValueError: If there are any, or `super_classes` names a class that there is not.
        """
        found = self.super_class_of(class_names)
        missing = [name for name in ClassNames(class_names) if name not in found]
        if missing:
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            raise ValueError(
                "`model.super_classes` must put every class under a super-class, but there is none "
                f"for {', '.join(map(repr, missing[:5]))}{more}; give them in a configuration, as "
                "in `super_classes: {vehicle: [car, bus], animal: [dog, cat]}`."
            )


class HSPNet(PromptedModel[Scores]):
    r"""Match the whole image with prompts that super-classes condition, mixed on a graph.

    $$ z_c = \frac1\tau \cos\Big(\frac1N \sum_n f_n,\; \mathrm{M}(A, G)_c\Big), \qquad
       w_c = \mathrm{N}\big(\mathrm{M}(B, H)_{s(c)}\big), \qquad
       \mathrm{M}(A, G) = \gamma\, \mathrm{GCN}(A, G) + (1 - \gamma)\, G $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_n$ | `features` | dense feature at position n |
    | $H$ | `prompts.super_texts` | what "a photo of a" says of each super-class, frozen |
    | $s(c)$ | `prompts.super_index` | super-class of class c |
    | $\mathrm{N}$ | `prompts.meta_net` | two layers, from a super-class to a context |
    | $w_c$ | `prompts.contexts()` | context before the name of class c |
    | $G$ | `prompts.encode` | what the prompts with these contexts say of each class |
    | $A, B$ | `prompts.graph`, `prompts.super_graph` | links between similar names, fixed |
    | $\mathrm{GCN}$ | `prompts.mixing` | `GraphConvolutions`, the same for both graphs |
    | $\gamma$ | `prompts.blend` | learnt, what the graph counts |
    | $\tau$ | `config.temperature` | fixed |

    Source: [HSPNet](https://doi.org/10.1145/3581783.3611988) (Wang et al., ACM Multimedia 2023).
    Differs from the paper: the image tower stays frozen, where it is fine-tuned, and dense features
    are averaged where it takes the pooled one. Differs from its public code: texts are brought to
    unit length before they are mixed; the graphs come from the zero-shot texts of the names at
    hand, where it reads them from files.

    Raises:
        ValueError: If `config.super_classes` names a class that there is not.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> config = HSPNetConfig(super_classes={"plant": ["tree"], "vehicle": ["boat"]})
        >>> model = HSPNet(load_tiny(), ["tree", "boat"], config=config, image_size=64)
        >>> model.predict(torch.zeros(3, 3, 64, 64)).shape
        torch.Size([3, 2])
    """

    Config = HSPNetConfig
    credit = "[HSPNet](https://doi.org/10.1145/3581783.3611988) (Wang et al., ACM Multimedia 2023)"
    learns = "contexts from super-classes, and layers on a graph"
    config: HSPNetConfig

    def assemble(self) -> None:
        """Draw the layers."""
        self.prompts = _HierarchicalPrompts(self.encoders.text, self.class_names, self.config)

    def match(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],  # noqa: ARG002 - where a position lies makes no difference
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Scores:
        """Score dense features, from the image encoder or from a store."""
        return Scores(self.whole_image_cosines(features, classes) / self.config.temperature)


class _HierarchicalPrompts(PromptEncoder):
    """Let super-classes hear each other, give contexts to their classes, and let these hear too."""

    super_texts: Float[Tensor, "super_classes dim"]
    super_index: Int[Tensor, " classes"]
    super_graph: Float[Tensor, "super_classes super_classes"]
    graph: Float[Tensor, "classes classes"]

    def __init__(
        self,
        text_encoder: TextEncoder,
        class_names: Sequence[NameOrSynonyms],
        config: HSPNetConfig,
    ) -> None:
        super().__init__(
            text_encoder,
            class_names,
            context_length=config.context_length,
            chunk_size=config.text_chunk_size,
        )
        under = config.super_class_of(class_names)
        groups = [under.get(name, name) for name in ClassNames(class_names)]
        named = [*dict.fromkeys(groups)]
        texts = zero_shot_text_features(text_encoder, class_names)
        super_texts = zero_shot_text_features(text_encoder, named)
        # Derived from the names, so not part of what is saved.
        for name, value in (
            ("super_texts", super_texts),
            ("super_index", torch.tensor([named.index(group) for group in groups])),
            ("super_graph", _graph(super_texts, config.neighbours)),
            ("graph", _graph(texts, config.neighbours)),
        ):
            self.register_buffer(name, value.to(texts.device), persistent=False)
        dim, width = text_encoder.dim, config.context_length * text_encoder.width
        inner = config.graph_widths * dim
        self.meta_net = nn.Sequential(nn.Linear(dim, width), nn.ReLU(), nn.Linear(width, width))
        self.mixing = GraphConvolutions([dim, inner, inner, dim])
        self.blend = nn.Parameter(torch.tensor(config.blend))

    def forward(
        self, classes: Int[Tensor, " sampled"] | None = None
    ) -> Float[Tensor, "classes dim"]:
        """Return the text feature of some classes, after all have listened."""
        (texts,) = self.encode([self.contexts()])
        mixed = unit_vectors(self.mix(texts, self.graph))
        return mixed if classes is None else mixed[classes]

    def contexts(self) -> Float[Tensor, "classes length width"]:
        """Return the context that each class has from its super-class."""
        given = self.meta_net(self.mix(self.super_texts, self.super_graph))
        given = rearrange(given, "s (length width) -> s length width", length=self.context_length)
        return given[self.super_index]

    def mix(
        self, texts: Float[Tensor, "nodes dim"], graph: Float[Tensor, "nodes nodes"]
    ) -> Float[Tensor, "nodes dim"]:
        """Let texts hear each other, as much as `blend` says."""
        return self.blend * self.mixing(texts, graph) + (1 - self.blend) * texts


def _graph(texts: Float[Tensor, "nodes dim"], share: float) -> Float[Tensor, "nodes nodes"]:
    """Link each node to a share of all, of which it is one itself."""
    return sparse_text_graph(texts, top_k=max(int(share * len(texts)) - 1, 1))


class HSPNetTask(LabelsTask):
    """Train `HSPNet` by the loss of its configuration.

    Args:
        model: To train.
    """

    Model = HSPNet


def _check_super_classes(given: object) -> None:
    """Refuse what is no mapping to lists of names, and a class under two super-classes."""
    if given is None:
        return
    if not isinstance(given, dict) or not all(
        isinstance(members, list) and all(isinstance(name, str) for name in members)
        for members in given.values()
    ):
        raise ValueError(
            "`super_classes` must hold the classes under each super-class, as in "
            f"{{'vehicle': ['car', 'bus']}}, got {given!r:.80}."
        )
    counts = Counter(name for members in given.values() for name in members)
    for name, count in counts.items():
        if count > 1:
            groups = [group for group, members in given.items() if name in members]
            raise ValueError(
                f"`super_classes` must hold each class once, but {name!r} is under "
                f"{' and '.join(map(repr, groups))}{' twice' * (len(groups) == 1)}."
            )
