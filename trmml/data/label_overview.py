"""What labels there are: of each class, of each image, and which classes occur together."""

from collections.abc import Sequence
from typing import Any, Final

import torch

from trmml.labels import NEGATIVE, POSITIVE, Labels, known_mask

__all__ = ["label_overview"]

MOST_TOGETHER: Final = 30  # classes whose pairs are counted: more are no picture any more


def label_overview(labels: Labels, class_names: Sequence[str]) -> dict[str, Any]:
    r"""Count labels by class and by image, and pairs of classes in one image.

    $$ n_{c,d} = \sum_i [y_{i,c} = +1] \, [y_{i,d} = +1] $$

    | symbol | in code | meaning |
    |---|---|---|
    | $y$ | `labels` | +1, -1, or 0 where nothing is known |
    | $n_{c,d}$ | `counts` | images where both $c$ and $d$ are known to be |

    Args:
        labels: Of all images.
        class_names: One name a class.

    Returns:
        What JSON can hold: "images"; "without_labels", the images of which nothing is known;
        "positives_by_image", at place k the images with k known positives; "classes", for each
        "name", "positives", "negatives", "unknown"; and "together", for the 30 classes with the
        most positives, in that order, their "names" and "counts" $n$.

    Raises:
        ValueError: If the number of names is wrong.

    Examples:
        >>> found = label_overview(torch.tensor([[1, 1], [0, 1]]), ["sea", "boat"])
        >>> found["classes"][0]
        {'name': 'sea', 'positives': 1, 'negatives': 0, 'unknown': 1}
        >>> found["together"]
        {'names': ['boat', 'sea'], 'counts': [[2, 1], [1, 1]]}
    """
    images, classes = labels.shape
    if len(class_names) != classes:
        raise ValueError(
            f"`class_names` must have {classes} names, one a class, got {len(class_names)}."
        )
    positive = labels == POSITIVE
    positives, negatives = positive.sum(0), (labels == NEGATIVE).sum(0)
    order = positives.argsort(descending=True, stable=True)[:MOST_TOGETHER]
    ones = positive[:, order].double()
    return {
        "images": images,
        "without_labels": int((~known_mask(labels).any(1)).sum()),
        "positives_by_image": torch.bincount(positive.sum(1)).tolist(),
        "classes": [
            {"name": name, "positives": yes, "negatives": no, "unknown": images - yes - no}
            for name, yes, no in zip(
                class_names, positives.tolist(), negatives.tolist(), strict=True
            )
        ],
        "together": {
            "names": [class_names[column] for column in order.tolist()],
            "counts": (ones.T @ ones).long().tolist(),
        },
    }
