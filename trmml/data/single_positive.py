r"""Keep a single positive label of each image, and the validation split that belongs to it."""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Int

from trmml.choices import check_choice
from trmml.data.label_matrix import LabelMatrix, keep_where, signs

__all__ = [
    "SinglePositiveProtocol",
    "keep_single_positive",
    "keep_some_positives",
    "split_train_validation",
]

SinglePositiveProtocol = Literal["spml", "splc"]


def keep_single_positive(
    labels: LabelMatrix, *, protocol: SinglePositiveProtocol = "spml", seed: int = 1200
) -> LabelMatrix:
    """Keep one positive label of each row and make everything else unknown.

    Protocols:

    - `"spml"`: bit for bit the observed labels of single-positive-multi-label (ROLE), which
      LargeLoss and others use: `RandomState(seed)` shuffles each row's positives and keeps the
      first, then shuffles its negatives too, although none is kept, which moves the generator on.
      Made anew for each split. Rows must be in SPML's order: COCO's annotated images sorted by
      image id as strings, VOC 2012 by name, CUB as in `images.txt`.
    - `"splc"`: one positive of each row, uniformly: the law of SPLC's and SCPNet's `singlelabel`
      lists, **not those lists**. Their seed was never published, so they can only be read.

    Args:
        labels: Full labels; 1 is positive, anything else (-1 or 0) is not. A row without
            positives becomes all unknown.
        protocol: Which law, see above.
        seed: Of NumPy's legacy generator.

    Returns:
        A copy of the same kind, dtype and device, with at most one 1 in a row and 0 elsewhere.

    Raises:
        ValueError: If the protocol is unknown or labels have another coding.

    Examples:
        >>> import torch
        >>> full = torch.tensor([[1, 1, -1, 1], [-1, 1, -1, -1]])
        >>> keep_single_positive(full)
        tensor([[1, 0, 0, 0],
                [0, 1, 0, 0]])
    """
    check_choice(protocol, SinglePositiveProtocol, argument="protocol")
    positive = signs(labels).positive
    if protocol == "spml":
        return keep_where(labels, _spml(positive, np.random.RandomState(seed)))
    return keep_where(labels, _fewest_drawn(positive, positive.any(1).astype(int), seed))


def keep_some_positives(labels: LabelMatrix, divisor: int, *, seed: int = 0) -> LabelMatrix:
    """Keep some positives of each row, by the law of SPLC's "left" lists.

    Of n positives exactly `n // divisor + 1` stay, chosen uniformly, never more than there are.
    SPLC's own lists were drawn with an unpublished seed and can only be read, not made again.

    Args:
        labels: Full labels; 1 is positive, anything else (-1 or 0) is not.
        divisor: 2 is SPLC's "0.75left" on COCO, 5 its "0.4left"; at least 1, which keeps all.
        seed: Of NumPy's legacy generator.

    Returns:
        A copy of the same kind, dtype and device, with 1 where kept and 0 elsewhere.

    Raises:
        ValueError: If `divisor` is below 1 or labels have another coding.

    Examples:
        >>> import torch
        >>> keep_some_positives(torch.ones(1, 10), 5).sum(1).tolist()
        [3.0]
    """
    if divisor < 1:
        raise ValueError(f"`divisor` must be at least 1, got {divisor}.")
    positive = signs(labels).positive
    total = positive.sum(1)
    return keep_where(
        labels, _fewest_drawn(positive, np.minimum(total // divisor + 1, total), seed)
    )


def split_train_validation(
    num_rows: int, *, share: float = 0.2, seed: int = 1200
) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " validation"]]:
    """Split rows into training and validation as single-positive-multi-label does.

    The last `round(share * num_rows)` entries of `RandomState(seed).permutation(num_rows)` are
    the validation rows; both parts are returned in ascending order.

    Args:
        num_rows: Rows of the official training set.
        share: Share in [0, 1] that becomes validation (SPML: 0.2).
        seed: Of NumPy's legacy generator (SPML: 1200).

    Raises:
        ValueError: If `share` is no share.

    Examples:
        >>> train, validation = split_train_validation(5717)  # VOC 2012
        >>> len(train), len(validation), validation[:3].tolist()
        (4574, 1143, [5, 6, 11])
    """
    if not 0 <= share <= 1:
        raise ValueError(f"`share` must be in [0, 1], got {share}.")
    order = np.random.RandomState(seed).permutation(num_rows)
    cut = num_rows - round(share * num_rows)
    return np.sort(order[:cut]), np.sort(order[cut:])


def _spml(
    positive: Bool[np.ndarray, "rows classes"], generator: np.random.RandomState
) -> Bool[np.ndarray, "rows classes"]:
    kept = np.zeros_like(positive)
    for row, is_positive in enumerate(positive):
        candidates = np.flatnonzero(is_positive)
        generator.shuffle(candidates)
        kept[row, candidates[:1]] = True
        generator.shuffle(np.flatnonzero(~is_positive))
    return kept


def _fewest_drawn(
    positive: Bool[np.ndarray, "rows classes"], counts: Int[np.ndarray, " rows"], seed: int
) -> Bool[np.ndarray, "rows classes"]:
    draws = np.random.RandomState(seed).random_sample(positive.shape)
    ranks = np.where(positive, draws, 2.0).argsort(1, kind="stable").argsort(1, kind="stable")
    return positive & (ranks < counts[:, None])
