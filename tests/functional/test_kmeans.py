import pytest
import torch

from tests._references import semantic_graph as reference
from trmml.functional import kmeans


@pytest.mark.parametrize(("num_means", "rounds"), [(1, 3), (3, 0), (3, 10), (9, 5)])
def test_each_class_matches_the_loops(num_means: int, rounds: int) -> None:
    vectors = torch.randn(4, 7, 3, dtype=torch.float64)
    counts = torch.tensor([7, 4, 1, 0])
    means, found = kmeans(vectors, counts, num_means=num_means, iterations=rounds)
    assert found.tolist() == [min(num_means, count) for count in counts.tolist()]
    for c, count in enumerate(counts.tolist()):
        if not count:
            continue
        expected = reference.kmeans(vectors[c, :count].tolist(), num_means, rounds)
        torch.testing.assert_close(means[c, : found[c]].tolist(), expected)


def test_what_lies_beyond_the_count_does_not_matter() -> None:
    vectors = torch.randn(1, 6, 3)
    changed = vectors.clone()
    changed[:, 4:] = 1e6
    counts = torch.tensor([4])
    one, other = (kmeans(v, counts, num_means=2)[0] for v in (vectors, changed))
    torch.testing.assert_close(one, other)


def test_numbers_outside_their_range_are_refused() -> None:
    with pytest.raises(ValueError, match="`num_means` must be at least 1, got 0"):
        kmeans(torch.randn(1, 2, 3), torch.tensor([2]), num_means=0)
    with pytest.raises(ValueError, match="`iterations` must be at least 0, got -1"):
        kmeans(torch.randn(1, 2, 3), torch.tensor([2]), num_means=1, iterations=-1)
