"""Graphs whose nodes are the classes, from label counts or from texts."""

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.labels import POSITIVE, Labels

__all__ = ["co_occurrence", "reweighted_graph", "sparse_text_graph"]


def co_occurrence(labels: Labels) -> Float[Tensor, "classes classes"]:
    r"""Count how often one class is known to be there where another is.

    $$ P_{ij} = \frac{\lvert\{b : y_{b,i} = 1,\ y_{b,j} = 1\}\rvert}
       {\lvert\{b : y_{b,i} = 1\}\rvert} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $y_{b,i}$ | `labels` | +1, -1 or 0 |
    | $P_{ij}$ | the result | how often j is known to be there where i is; 0 where i never is |

    Source: the statistics of [SSGRL](https://arxiv.org/abs/1908.07325) (Chen et al., ICCV 2019),
    taken of known labels as in [SST](https://arxiv.org/abs/2112.10941) (Chen et al., AAAI 2022).
    Differs from the paper: nothing; where labels are missing, all but the diagonal is too small.

    Args:
        labels: Known labels of all training images, in {-1, 0, +1}.

    Examples:
        >>> co_occurrence(torch.tensor([[1, 1, 0], [1, -1, 0]]))
        tensor([[1.0000, 0.5000, 0.0000],
                [1.0000, 1.0000, 0.0000],
                [0.0000, 0.0000, 0.0000]])
    """
    there = (labels == POSITIVE).float()
    return there.T @ there / there.sum(dim=0).clamp_min(1)[:, None]


def reweighted_graph(
    probabilities: Float[Tensor, "classes classes"],
    *,
    threshold: float = 0.4,
    neighbours: float = 0.2,
) -> Float[Tensor, "classes classes"]:
    r"""Keep the likely neighbours of each class, and let them count for a fixed share together.

    $$ A_{ij} = [P_{ij} \ge \tau], \qquad A'_{ij} = \begin{cases} p\, A_{ij} / \sum_{k \ne i} A_{ik}
       & i \ne j \\ 1 - p & i = j \end{cases} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $P$ | `probabilities` | how often j is there where i is |
    | $\tau$ | `threshold` | from where j is a neighbour of i |
    | $p$ | `neighbours` | what all neighbours count together |

    Source: the re-weighted graph of [ML-GCN](https://arxiv.org/abs/1904.03582) (Chen et al., CVPR
    2019).
    Differs from the paper: nothing.

    Args:
        probabilities: Values in [0, 1], as `co_occurrence` gives them.
        threshold: In [0, 1] (paper: 0.4).
        neighbours: In [0, 1] (paper: 0.2). 0 leaves each class to itself.

    Raises:
        ValueError: If a number is outside its range.

    Examples:
        >>> reweighted_graph(torch.tensor([[1.0, 0.5], [0.1, 1.0]]))
        tensor([[0.8000, 0.2000],
                [0.0000, 0.8000]])
    """
    _check_share(threshold, "threshold")
    _check_share(neighbours, "neighbours")
    linked = (probabilities >= threshold).to(probabilities).fill_diagonal_(0)
    return _shared_out(linked, neighbours)


def sparse_text_graph(
    texts: Float[Tensor, "classes dim"], *, top_k: int, neighbours: float = 0.2
) -> Float[Tensor, "classes classes"]:
    r"""Link each class to those whose texts are most like its own.

    $$ A'_{ij} = \begin{cases} p\, s_{ij} / \sum_{k \in N_i} s_{ik} & j \in N_i \\ 1 - p & i = j \\
       0 & \text{else} \end{cases} \qquad s_{ij} = \max(\cos(t_i, t_j), 0) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $t_i$ | `texts` | text feature of class i, any length |
    | $N_i$ | `top_k` | the most similar classes, without i |
    | $p$ | `neighbours` | what all neighbours count together |

    Source: the structured prior of [SCPNet](https://arxiv.org/abs/2303.13223)
    (Ding et al., CVPR 2023).
    Differs from the paper: similarities below 0 count as 0; CLIP's texts have none.

    Args:
        texts: One text feature per class.
        top_k: Neighbours of each class, >= 1 (public code: 62 of 80 for COCO, 20 for VOC, 50 of 81
            for NUS-WIDE, 312 for CUB); all others where there are fewer.
        neighbours: In [0, 1] (public code: 0.2). 0 leaves each class to itself.

    Raises:
        ValueError: If a number is outside its range.

    Examples:
        >>> sparse_text_graph(torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), top_k=1)
        tensor([[0.8000, 0.2000, 0.0000],
                [0.2000, 0.8000, 0.0000],
                [0.0000, 0.2000, 0.8000]])
    """
    if top_k < 1:
        raise ValueError(f"`top_k` must be at least 1, got {top_k}; a graph needs neighbours.")
    _check_share(neighbours, "neighbours")
    unit = torch.nn.functional.normalize(texts, dim=-1)
    similarity = (unit @ unit.T).clamp_min(0).fill_diagonal_(-1)
    best = similarity.topk(min(top_k, max(len(texts) - 1, 1)), dim=1)
    kept = torch.zeros_like(similarity).scatter(1, best.indices, best.values.clamp_min(0))
    return _shared_out(kept, neighbours)


def _shared_out(
    links: Float[Tensor, "classes classes"], neighbours: float
) -> Float[Tensor, "classes classes"]:
    """Scale each row of links to a sum, and give the rest to the class itself."""
    total = links.sum(dim=1, keepdim=True)
    scaled = neighbours * links / total.where(total > 0, torch.ones_like(total))
    return scaled + (1 - neighbours) * torch.eye(len(links)).to(links)


def _check_share(value: float, argument: str) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"`{argument}` must be in [0, 1], got {value}.")
