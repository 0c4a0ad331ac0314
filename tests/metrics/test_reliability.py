import math

import pytest
import torch

from tests._references.reliability import reliability as reference
from trmml.metrics import reliability

NAN = math.nan


@pytest.mark.parametrize("bins", [1, 4, 10, 300])
def test_every_bin_is_the_reference_s(bins: int) -> None:
    generator = torch.Generator().manual_seed(bins)
    probabilities = torch.rand(40, 5, generator=generator, dtype=torch.float64)
    probabilities[0] = torch.tensor([0.0, 1.0, 0.5, 0.25, 0.1])  # the ends, and edges of bins
    labels = torch.randint(-1, 2, (40, 5), generator=generator)
    found = reliability(probabilities, labels, bins=bins)
    counts, means, shares = reference(probabilities.tolist(), labels.tolist(), bins)
    assert found.counts.tolist() == counts
    assert found.mean_probability.tolist() == pytest.approx(means, nan_ok=True)
    assert found.share_right.tolist() == pytest.approx(shares, nan_ok=True)


def test_labels_drawn_by_their_probabilities_lie_on_the_diagonal() -> None:
    generator = torch.Generator().manual_seed(0)
    probabilities = torch.rand(20_000, 4, generator=generator)
    labels = torch.where(torch.rand(20_000, 4, generator=generator) < probabilities, 1, -1)
    found = reliability(probabilities, labels)
    assert found.share_right.tolist() == pytest.approx(found.mean_probability.tolist(), abs=0.03)
    assert int(found.counts.sum()) == labels.numel()


def test_unknown_labels_count_nowhere() -> None:
    probabilities = torch.tensor([[0.9, 0.1]])
    found = reliability(probabilities, torch.tensor([[0, -1]]), bins=2)
    assert found.counts.tolist() == [1, 0]
    assert found.share_right.tolist() == pytest.approx([0.0, NAN], nan_ok=True)
    empty = reliability(torch.zeros(0, 2), torch.zeros(0, 2, dtype=torch.long), bins=3)
    assert empty.counts.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("probabilities", "labels", "bins", "message"),
    [
        ([[0.5]], [[1]], 0, "`bins` must be at least 1, got 0"),
        ([[1.5]], [[1]], 10, r"`probabilities` must be in \[0, 1\]"),
        ([[NAN]], [[0]], 10, r"`probabilities` must be in \[0, 1\]"),
        ([[0.5]], [[2]], 10, "`labels`|labels"),
        ([[0.5], [0.5]], [[1]], 10, "`labels`|samples"),
    ],
)
def test_what_is_no_probability_or_label_is_refused(
    probabilities: list[list[float]], labels: list[list[int]], bins: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        reliability(torch.tensor(probabilities), torch.tensor(labels), bins=bins)
