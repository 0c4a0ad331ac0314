import pytest
import torch
from torch import Tensor

from tests._references import view_consistency as reference
from tests.functional.finiteness import DTYPES
from trmml.functional import sure_positives, view_consistency

BATCH, CLASSES = 6, 5


def inputs(batch: int = BATCH) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    logits = torch.randn(batch, CLASSES, dtype=torch.float64)
    probabilities = torch.rand(batch, CLASSES, dtype=torch.float64)
    graph = torch.rand(CLASSES, CLASSES, dtype=torch.float64)
    graph = graph / graph.sum(dim=1, keepdim=True)
    return logits, probabilities, torch.randint(-1, 2, (batch, CLASSES)), graph


@pytest.mark.parametrize("counts", [[0.0] * CLASSES, [3.0, 0.0, 9.0, 1.0, 9.0]])
@pytest.mark.parametrize(("k", "theta"), [(1, 0.95), (3, 0.95), (99, 0.5)])
def test_what_is_sure_matches_the_loops(counts: list[float], k: int, theta: float) -> None:
    _, p, labels, _ = inputs()
    n = torch.tensor(counts, dtype=torch.float64)
    found = sure_positives(p, labels, n, top_k=k, threshold=theta)
    expected = reference.sure_positives(p.tolist(), labels.tolist(), counts, k, theta)
    assert found.tolist() == expected


@pytest.mark.parametrize("weight", [0.0, 1.0, 3.0])
def test_the_consistency_matches_the_loops(weight: float) -> None:
    x, p, labels, graph = inputs()
    chosen = torch.rand(BATCH, CLASSES) < 0.2
    chosen[0] = False
    found = view_consistency(x, p, chosen, labels, graph, graph_weight=weight)
    expected = reference.view_consistency(
        x.tolist(), p.tolist(), chosen.tolist(), labels.tolist(), graph.tolist(), weight
    )
    assert found.item() == pytest.approx(expected)


def test_gradients_flow_into_the_view_that_learns_alone() -> None:
    x, p, labels, graph = inputs()
    chosen = torch.ones(BATCH, CLASSES, dtype=torch.bool)
    x.requires_grad_()
    p.requires_grad_()
    torch.autograd.gradcheck(lambda x: view_consistency(x, p, chosen, labels, graph), [x])
    view_consistency(x, p, chosen, labels, graph).backward()
    assert p.grad is None


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_is_finite_for_extreme_logits(dtype: torch.dtype) -> None:
    x, p, labels, graph = inputs()
    chosen = torch.ones(BATCH, CLASSES, dtype=torch.bool)
    for scale in (0.0, 1e4):
        loss = view_consistency((scale * x).to(dtype), p.to(dtype), chosen, labels, graph.to(dtype))
        assert loss.isfinite()


def test_nothing_chosen_or_no_images_cost_nothing() -> None:
    x, p, labels, graph = inputs()
    assert view_consistency(x, p, torch.zeros_like(labels, dtype=torch.bool), labels, graph) == 0
    x, p, labels, graph = inputs(0)
    chosen = sure_positives(p, labels, torch.zeros(CLASSES), top_k=2)
    assert view_consistency(x, p, chosen, labels, graph) == 0


def test_numbers_outside_their_range_are_refused() -> None:
    x, p, labels, graph = inputs()
    with pytest.raises(ValueError, match="`top_k` must be at least 1, got 0"):
        sure_positives(p, labels, torch.zeros(CLASSES), top_k=0)
    with pytest.raises(ValueError, match=r"`threshold` must be in \(0, 1\], got 0"):
        sure_positives(p, labels, torch.zeros(CLASSES), top_k=1, threshold=0.0)
    with pytest.raises(ValueError, match="`graph_weight` must be at least 0, got -1"):
        view_consistency(x, p, p > 0, labels, graph, graph_weight=-1.0)
