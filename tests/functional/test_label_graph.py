import pytest
import torch

from tests._references import label_graph as reference
from trmml.functional import co_occurrence, reweighted_graph, sparse_text_graph

CLASSES = 5


def test_co_occurrence_matches_the_loops() -> None:
    labels = torch.randint(-1, 2, (40, CLASSES))
    labels[:, 3] = 0
    expected = reference.co_occurrence(labels.tolist(), CLASSES)
    torch.testing.assert_close(co_occurrence(labels), torch.tensor(expected))


def test_of_no_images_nothing_is_known() -> None:
    assert co_occurrence(torch.zeros(0, 3, dtype=torch.long)).eq(0).all()


@pytest.mark.parametrize(("tau", "p"), [(0.4, 0.2), (0.0, 0.5), (1.0, 1.0), (0.7, 0.0)])
def test_the_reweighted_graph_matches_the_loops(tau: float, p: float) -> None:
    values = torch.rand(CLASSES, CLASSES, dtype=torch.float64)
    found = reweighted_graph(values, threshold=tau, neighbours=p)
    expected = reference.reweighted_graph(values.tolist(), tau, p)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize(("top_k", "p"), [(1, 0.2), (3, 0.2), (50, 0.7)])
def test_the_graph_of_texts_matches_the_loops(top_k: int, p: float) -> None:
    texts = torch.randn(CLASSES, 4, dtype=torch.float64)
    found = sparse_text_graph(texts, top_k=top_k, neighbours=p)
    expected = reference.sparse_text_graph(texts.tolist(), top_k, p)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_rows_of_linked_classes_have_a_sum_of_one() -> None:
    texts = torch.rand(CLASSES, 4)
    torch.testing.assert_close(sparse_text_graph(texts, top_k=2).sum(1), torch.ones(CLASSES))


def test_a_class_alone_is_linked_to_itself() -> None:
    assert sparse_text_graph(torch.randn(1, 4), top_k=3).tolist() == [[pytest.approx(0.8)]]


def test_numbers_outside_their_range_are_refused() -> None:
    with pytest.raises(ValueError, match="`top_k` must be at least 1, got 0"):
        sparse_text_graph(torch.rand(2, 2), top_k=0)
    with pytest.raises(ValueError, match=r"`neighbours` must be in \[0, 1\], got 1.5"):
        sparse_text_graph(torch.rand(2, 2), top_k=1, neighbours=1.5)
    with pytest.raises(ValueError, match=r"`threshold` must be in \[0, 1\], got -0.1"):
        reweighted_graph(torch.rand(2, 2), threshold=-0.1)
