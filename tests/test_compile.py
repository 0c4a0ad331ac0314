"""Every function and loss becomes one graph, whose values and gradients are those of eager mode."""

from collections.abc import Callable, Iterable
from functools import partial

import pytest
import torch
from torch import Tensor
from torch._dynamo.exc import TorchDynamoException

from trmml import functional, losses

BATCH, CLASSES, POSITIONS, CAPACITY, DIM = 3, 4, 6, 2, 5

Function = Callable[..., Tensor | tuple[Tensor, ...]]


def logits() -> Tensor:
    return torch.randn(BATCH, CLASSES)


def features() -> Tensor:
    return torch.randn(BATCH, POSITIONS, DIM)


def regions() -> Tensor:
    return torch.randn(BATCH, CLASSES, DIM)


def energy() -> Tensor:
    return torch.randn(BATCH, CLASSES, POSITIONS)


def texts() -> Tensor:
    return torch.randn(CLASSES, DIM)


def labels() -> Tensor:
    return torch.randint(-1, 2, (BATCH, CLASSES))


def bank() -> Tensor:
    return torch.randn(CLASSES, CAPACITY, DIM)


def counts() -> Tensor:
    return torch.randint(0, CAPACITY + 1, (CLASSES,))


def similarities() -> Tensor:
    return torch.randn(2, BATCH, CLASSES)


def thresholds() -> Tensor:
    return torch.randn(2, CLASSES)


def indices() -> Tensor:
    return torch.randint(0, BATCH, (7,))


def estimates() -> Tensor:
    return torch.randint(-1, 2, (2, BATCH, CLASSES), dtype=torch.int8)


def pair_features(features: Tensor, energy: Tensor, batch: Tensor, classes: Tensor) -> Tensor:
    return functional.top_pair_features(
        features, energy, batch_index=batch, class_index=classes, top_k=2
    )


def completed(labels: Tensor, estimates: Tensor) -> Tensor:
    return functional.complete_labels(labels, functional.agreeing_estimates(estimates))


CASES: list[tuple[str, Function, list[Callable[[], Tensor]]]] = [
    ("unit_vectors", functional.unit_vectors, [features]),
    ("matching", partial(functional.matching_scores, temperature=0.1), [regions, texts]),
    (
        "local_matching",
        partial(functional.local_matching_scores, temperature=0.25, spatial_temperature=0.02),
        [features, texts],
    ),
    (
        "dual_matching",
        partial(functional.dual_matching_logits, temperature=0.1),
        [regions, texts, texts],
    ),
    ("dot_energy", functional.dot_energy, [texts, features]),
    ("aligned", partial(functional.aligned_energy, scale=9.0, bias=-1.0), [texts, features]),
    ("calibration", functional.aligned_calibration, [texts, features]),
    ("region_features", functional.region_features, [features, energy]),
    (
        "region_features-softmax",
        partial(functional.region_features, normalization="softmax"),
        [features, energy],
    ),
    ("attended_features", functional.attended_features, [features, energy]),
    ("distillation", functional.region_distillation, [logits, logits]),
    (
        "distillation-softmax",
        partial(functional.region_distillation, form="softmax"),
        [logits, logits],
    ),
    ("top_features", partial(functional.top_region_features, top_k=2), [features, energy]),
    ("top_pair_features", pair_features, [features, energy, indices, indices]),
    ("prototype_similarity", functional.prototype_similarity, [regions, bank, counts]),
    ("text_similarity", functional.text_similarity, [regions, texts]),
    ("class_means", partial(functional.class_mean_similarity, label=1), [logits, labels]),
    (
        "update_thresholds",
        partial(functional.update_thresholds, momentum=0.9),
        [thresholds, thresholds],
    ),
    ("estimate", functional.estimate_labels, [similarities, thresholds, thresholds]),
    ("complete", completed, [labels, estimates]),
    ("info_nce", functional.multimodal_info_nce, [regions, texts, labels]),
    ("info_nce-bank", functional.multimodal_info_nce, [regions, texts, labels, bank, counts]),
    ("asymmetric", functional.asymmetric_loss, [logits, labels]),
    (
        "asymmetric-plain",
        partial(functional.asymmetric_loss, gamma_pos=0, gamma_neg=0, margin=0, reduction="mean"),
        [logits, labels],
    ),
    ("AsymmetricLoss", losses.AsymmetricLoss(reduction="none"), [logits, labels]),
    ("RegionDistillation", losses.RegionDistillation(), [logits, logits]),
    (
        "MultimodalInfoNCE",
        losses.MultimodalInfoNCE(DIM, learn_temperature=True),
        [regions, texts, labels, bank, counts],
    ),
]


def gradients(function: Function, inputs: Iterable[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Return the outputs of a function, and the gradients of the floating-point inputs."""
    leaves = [x.detach().requires_grad_(x.is_floating_point()) for x in inputs]
    result = function(*leaves)
    outputs = list(result) if isinstance(result, tuple) else [result]
    differentiable = [output.nan_to_num().sum() for output in outputs if output.requires_grad]
    if differentiable:
        torch.stack(differentiable).sum().backward()
    return outputs, [leaf.grad for leaf in leaves if leaf.grad is not None]


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize(
    ("function", "makers"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_one_graph_computes_the_same(
    function: Function, makers: list[Callable[[], Tensor]]
) -> None:
    inputs = [make() for make in makers]
    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(
        gradients(compiled, inputs), gradients(function, inputs), equal_nan=True
    )


@pytest.mark.usefixtures("no_shape_checks")
def test_batches_of_any_size_share_one_graph() -> None:
    graphs = []

    def backend(graph: torch.fx.GraphModule, _: list[Tensor]) -> torch.fx.GraphModule:
        graphs.append(graph)
        return graph

    compiled = torch.compile(
        functional.asymmetric_loss, fullgraph=True, dynamic=True, backend=backend
    )
    for batch in (2, 3, 8):
        compiled(torch.randn(batch, CLASSES), torch.ones(batch, CLASSES))
    assert len(graphs) == 1


@pytest.mark.usefixtures("no_shape_checks")
def test_a_graph_break_would_be_noticed() -> None:
    def loses_the_graph(x: Tensor) -> Tensor:
        return x[x > 0] if x.sum().item() > 0 else x

    with pytest.raises(TorchDynamoException):
        torch.compile(loses_the_graph, fullgraph=True, backend="eager")(torch.ones(3))
