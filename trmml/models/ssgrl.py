"""SSGRL: a feature for each class, on a gated graph of the classes that occur together."""

from dataclasses import dataclass
from typing import Literal

from trmml.models.semantic_graph_model import (
    SemanticGraphConfig,
    SemanticGraphModel,
    SemanticGraphTask,
)

__all__ = ["SSGRL", "SSGRLConfig", "SSGRLTask"]


@dataclass(frozen=True, kw_only=True)
class SSGRLConfig(SemanticGraphConfig):
    """Settings of `SSGRL`; see `SemanticGraphConfig`."""

    method: Literal["ssgrl"] = "ssgrl"


class SSGRL(SemanticGraphModel):
    """Take a feature of each class from the image, let them meet on a graph, and classify each.

    The equations are those of `SemanticGraphModel`; `SST` and `SARB` stand on them.

    Source: [SSGRL](https://arxiv.org/abs/1908.07325) (Chen et al., ICCV 2019), with the loss of
    known labels alone that its successors give it where labels are missing.
    Differs from the paper: on the features of a frozen tower, where it trains a ResNet; the text
    tower's features of the names take the place of GloVe's vectors, unless a file of these is
    given; the graph counts known labels.
    """

    Config = SSGRLConfig
    credit = "[SSGRL](https://arxiv.org/abs/1908.07325) (Chen et al., ICCV 2019)"
    learns = "a feature for each class, a gated graph, lines"


class SSGRLTask(SemanticGraphTask):
    """Train `SSGRL` by the loss of its configuration.

    Args:
        model: To train.
    """

    Model = SSGRL
