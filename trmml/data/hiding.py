r"""Hide labels of a fully labelled dataset, the way the field's benchmarks do, bit for bit."""

import math
from collections.abc import Callable, Iterator
from typing import Final, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped

from trmml.choices import check_choice
from trmml.data.label_matrix import LabelMatrix, Signs, check_full_labels, keep_where, signs

__all__ = ["HidingProtocol", "hide_labels", "keep_per_class", "known_entries"]

HidingProtocol = Literal["hcp", "dualcoop", "rps", "exact", "stratified"]
BlindProtocol = Literal["hcp", "dualcoop", "rps"]  # the labels play no part

DRAWN_AT_ONCE: Final = 2**20
"""Most draws held at a time, 8 MiB: those of MS-COCO with 500 classes would be 320 MiB."""

BUCKETS: Final = 2**16
"""Parts of [0, 1) in which draws are counted; a power of two, so that telling them is exact."""


def hide_labels(
    labels: LabelMatrix,
    keep: float = 0.1,
    *,
    protocol: HidingProtocol = "hcp",
    seed: int = 0,
) -> LabelMatrix:
    r"""Keep a share of the labels and make the others unknown, as partial-label benchmarks do.

    $$ \tilde y_{ij} = y_{ij} \, [u_{ij} < p], \qquad u_{ij} \sim U[0, 1) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $y_{ij}$ | `labels` | full label of row i and class j |
    | $p$ | `keep` | share of entries that stay known |
    | $u_{ij}$ | draw number `i * classes + j` | one uniform number per entry, row by row |

    Protocols:

    - `"hcp"`: NumPy's legacy generator, `RandomState(seed).random_sample((rows, classes))`. With
      seed 0 the very masks of SST, SARB, HST (HCP-MLR-PL) and of the VOC 2007 files that TaI-DPT
      ships; with seed 1 TaI-DPT's on COCO. Masks are nested: known at 0.1 stays known at 0.2.
    - `"dualcoop"`: the same rule on `torch.rand`. DualCoOp never seeded it, so its own masks
      exist only as saved files; this draws new ones of the same law.
    - `"rps"`: CSL's random per sample. An entry is hidden if its draw is below the removed share
      `1 - keep`. CSL did not seed it either.
    - `"exact"`: exactly `round(keep * known)` entries stay, chosen uniformly. Nested.
    - `"stratified"`: of each class, `round(keep * n)` of its positives and as many of its
      negatives by the same rule stay, at least one of each there is. Nested.

    The masks of a benchmark depend on the number and order of its rows: COCO 2014 has 82,783 rows
    in the HCP protocol, not 82,081.

    Args:
        labels: Full labels, +1 and -1, as a NumPy array or a tensor; entries that are already
            unknown, 0, stay so.
        keep: Share in [0, 1] that stays known; 1 hides nothing.
        protocol: Which law and generator, see above.
        seed: Of the generator.

    Returns:
        A copy of the same kind, dtype and device.

    Raises:
        ValueError: If `keep` is no share, the protocol is unknown, or labels have another coding.

    Examples:
        >>> full = -torch.ones(2, 20, dtype=torch.int8)
        >>> hide_labels(full, keep=0.1)[0].nonzero().flatten().tolist()
        [14, 15, 16]
    """
    _check_keep(keep)
    found = signs(labels)
    check_full_labels(found)
    check_choice(protocol, HidingProtocol, argument="protocol")
    if protocol == "exact":
        kept = _exact(found.positive | found.negative, seed, keep)
    elif protocol == "stratified":
        kept = _strata(found, _numpy_draws(found.positive.shape, seed), keep)
    else:
        rows, classes = found.positive.shape
        kept = known_entries(rows, classes, keep, protocol=protocol, seed=seed)
    return keep_where(labels, kept)


def known_entries(
    num_rows: int,
    num_classes: int,
    keep: float,
    *,
    protocol: BlindProtocol = "hcp",
    seed: int = 0,
) -> Bool[np.ndarray, "rows classes"]:
    """Draw the mask alone, for the protocols that do not look at the labels.

    Args:
        num_rows: Rows of the dataset, in the protocol's enumeration.
        num_classes: Its classes.
        keep: Share in [0, 1] that stays known.
        protocol: As in `hide_labels`.
        seed: As in `hide_labels`.

    Raises:
        ValueError: If `keep` is no share, or the protocol needs the labels or is unknown.

    Examples:
        >>> int(known_entries(5011, 20, 0.1).sum())  # VOC 2007
        10108
    """
    _check_keep(keep)
    check_choice(protocol, BlindProtocol, argument="protocol")
    shape = (num_rows, num_classes)
    if protocol == "hcp":
        return _where_drawn(shape, seed, lambda draws: draws < keep)
    if protocol == "dualcoop":
        draws = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
        return (draws < keep).numpy() if keep < 1 else np.ones(shape, dtype=bool)
    return _where_drawn(shape, seed, lambda draws: draws >= 1 - keep)


def keep_per_class(labels: LabelMatrix, count: int, *, seed: int = 0) -> LabelMatrix:
    """Keep a fixed number of positives and of negatives of each class: CSL's fpc.

    A class with fewer keeps all it has. CSL did not seed its draw; this one has the same law.

    Args:
        labels: Full labels, +1 and -1, as a NumPy array or a tensor.
        count: Positives kept of each class, and negatives kept of each class (CSL: 1000).
        seed: Of NumPy's legacy generator.

    Returns:
        A copy of the same kind, dtype and device.

    Raises:
        ValueError: If `count` is negative or labels have another coding.

    Examples:
        >>> full = torch.tensor([[1, -1], [1, -1], [-1, -1], [-1, 1]])
        >>> (keep_per_class(full, 1) != 0).sum(0).tolist()
        [2, 2]
    """
    if count < 0:
        raise ValueError(f"`count` must be at least 0, got {count}.")
    found = signs(labels)
    check_full_labels(found)
    draws = _numpy_draws(found.positive.shape, seed)
    kept = np.zeros_like(found.positive)
    for column in range(kept.shape[1]):
        for sign in found:
            kept[_smallest(draws[:, column], sign[:, column], count), column] = True
    return keep_where(labels, kept)


def _exact(
    known: Bool[np.ndarray, "rows classes"], seed: int, keep: float
) -> Bool[np.ndarray, "rows classes"]:
    """Keep the entries with the smallest draws, without sorting or holding all of these.

    A first pass counts the draws in buckets, a second one repeats them: what is below the bucket in
    which the last entry lies stays, and only within that bucket draws are ordered.
    """
    flat, count = known.ravel(), _rounded(keep * known.sum())
    sizes = np.zeros(BUCKETS, dtype=np.int64)
    for start, draws in _draw_blocks(flat.size, seed):
        bucket = _bucket(draws[flat[start : start + len(draws)]])
        sizes += np.bincount(bucket, minlength=BUCKETS)
    up_to = sizes.cumsum()
    last = int(
        np.searchsorted(up_to, count)
    )  # BUCKETS - 1 at most, as `count` is at most their sum
    kept = np.zeros_like(flat)
    places, values = [], []
    for start, draws in _draw_blocks(flat.size, seed):
        among, bucket = flat[start : start + len(draws)], _bucket(draws)
        kept[start : start + len(draws)] = among & (bucket < last)
        within = np.flatnonzero(among & (bucket == last))
        places.append(start + within)
        values.append(draws[within])
    if places:
        room = count - int(up_to[last] - sizes[last])
        order = np.argsort(np.concatenate(values), kind="stable")[:room]
        kept[np.concatenate(places)[order]] = True
    return kept.reshape(known.shape)


def _strata(
    found: Signs, draws: Float[np.ndarray, "rows classes"], keep: float
) -> Bool[np.ndarray, "rows classes"]:
    kept = np.zeros_like(found.positive)
    for column in range(kept.shape[1]):
        for sign in found:
            share = _rounded(keep * sign[:, column].sum())
            count = max(share, 1) if keep > 0 else 0
            kept[_smallest(draws[:, column], sign[:, column], count), column] = True
    return kept


def _smallest(
    draws: Float[np.ndarray, " entries"], among: Bool[np.ndarray, " entries"], count: int
) -> Shaped[np.ndarray, " chosen"]:
    places = np.flatnonzero(among)
    return places[np.argsort(draws[places], kind="stable")[:count]]


def _rounded(value: float) -> int:
    return math.floor(value + 0.5)


def _where_drawn(
    shape: tuple[int, int],
    seed: int,
    stays: Callable[[Float[np.ndarray, " draws"]], Bool[np.ndarray, " draws"]],
) -> Bool[np.ndarray, "rows classes"]:
    kept = np.empty(math.prod(shape), dtype=bool)
    for start, draws in _draw_blocks(kept.size, seed):
        kept[start : start + len(draws)] = stays(draws)
    return kept.reshape(shape)


def _draw_blocks(count: int, seed: int) -> Iterator[tuple[int, Float[np.ndarray, " draws"]]]:
    """Give the numbers of `_numpy_draws`, row by row, a block at a time, each with its start."""
    state = np.random.RandomState(seed)
    for start in range(0, count, DRAWN_AT_ONCE):
        yield start, state.random_sample(min(DRAWN_AT_ONCE, count - start))


def _bucket(draws: Float[np.ndarray, " draws"]) -> Shaped[np.ndarray, " draws"]:
    return (draws * BUCKETS).astype(np.int64)


def _numpy_draws(shape: tuple[int, int], seed: int) -> Float[np.ndarray, "rows classes"]:
    return np.random.RandomState(seed).random_sample(shape)


def _check_keep(keep: float) -> None:
    if not 0 <= keep <= 1:
        raise ValueError(f"`keep` must be a share in [0, 1], got {keep}; 10 percent is 0.1.")
