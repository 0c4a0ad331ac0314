from typing import Any

import pytest
import torch
from torch import Tensor

from tests.functional.finiteness import HALF, assert_finite
from trmml.functional import multimodal_info_nce, unit_vectors
from trmml.losses import MultimodalInfoNCE

BATCH, CLASSES, CAPACITY, DIM = 4, 3, 2, 6


def inputs() -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    return (
        20 * torch.randn(BATCH, CLASSES, DIM),
        torch.randn(CLASSES, DIM),
        torch.tensor([[1, 0, -1], [0, 1, 0], [1, -1, 1], [0, 0, 0]]),
        unit_vectors(torch.randn(CLASSES, CAPACITY, DIM)),
        torch.tensor([1, 0, 2]),
    )


@pytest.mark.parametrize("used", [3, 5])
def test_without_projection_the_module_is_the_function(used: int) -> None:
    module = MultimodalInfoNCE(DIM, temperature=0.2, projection=False)
    arguments = inputs()[:used]
    assert torch.equal(module(*arguments), multimodal_info_nce(*arguments, temperature=0.2))
    assert list(module.parameters()) == []


def test_with_projection_it_is_the_function_of_what_the_mlps_give() -> None:
    module = MultimodalInfoNCE(DIM)
    region, text, labels, prototypes, counts = inputs()
    text_mlp, region_mlp = module.text_projection, module.region_projection
    assert text_mlp is not None
    assert region_mlp is not None

    def level(x: Tensor) -> Tensor:
        return x / x.square().mean(dim=-1, keepdim=True).sqrt()

    expected = multimodal_info_nce(
        region_mlp(level(region)),
        text_mlp(level(text)),
        labels,
        region_mlp(level(prototypes)),
        counts,
    )
    torch.testing.assert_close(module(region, text, labels, prototypes, counts), expected)


def test_projecting_in_blocks_changes_neither_loss_nor_gradients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = MultimodalInfoNCE(DIM).double()
    arguments = [x.double() if x.is_floating_point() else x for x in inputs()]
    whole = module(*arguments)
    expected = torch.autograd.grad(whole, list(module.parameters()))
    monkeypatch.setattr("trmml.losses.multimodal_info_nce.PROJECTED_AT_ONCE", 2)
    blocked = module(*arguments)
    torch.testing.assert_close(blocked, whole)
    gradients = torch.autograd.grad(blocked, list(module.parameters()))
    torch.testing.assert_close(gradients, expected)


def test_the_default_size_is_the_papers_two_mlps() -> None:
    count = sum(parameter.numel() for parameter in MultimodalInfoNCE(512).parameters())
    assert count == 2 * (512 * 1536 + 1536 + 1536 * 512 + 512)


def test_the_hidden_size_can_be_chosen() -> None:
    count = sum(p.numel() for p in MultimodalInfoNCE(DIM, hidden_dim=2).parameters())
    assert count == 2 * (DIM * 2 + 2 + 2 * DIM + DIM)


def test_lengths_do_not_matter() -> None:
    module = MultimodalInfoNCE(DIM)
    region, text, labels, prototypes, counts = inputs()
    once = module(region, text, labels, prototypes, counts)
    again = module(region / 50, 9 * text, labels, 7 * prototypes, counts)
    torch.testing.assert_close(again, once)


def test_every_parameter_learns() -> None:
    module = MultimodalInfoNCE(DIM, learn_temperature=True)
    module(*inputs()).backward()
    for parameter in module.parameters():
        assert parameter.grad is not None
        assert parameter.grad.ne(0).any()


def test_the_projection_can_be_trained() -> None:
    module = MultimodalInfoNCE(DIM)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    arguments = inputs()
    first = module(*arguments).item()
    for _ in range(30):
        optimizer.zero_grad()
        module(*arguments).backward()
        optimizer.step()
    assert module(*arguments).item() < first / 2


def test_the_temperature_starts_as_given_and_stays_positive() -> None:
    module = MultimodalInfoNCE(DIM, temperature=0.2, projection=False, learn_temperature=True)
    assert [name for name, _ in module.named_parameters()] == ["log_temperature"]
    assert torch.as_tensor(module.temperature).item() == pytest.approx(0.2)
    assert module.log_temperature is not None
    with torch.no_grad():
        module.log_temperature.sub_(10)
    assert torch.as_tensor(module.temperature) > 0


def test_without_positives_the_loss_is_zero_with_zero_gradient() -> None:
    module = MultimodalInfoNCE(DIM)
    region, text, labels, *_ = inputs()
    loss = module(region, text, labels.clamp_max(0))
    loss.backward()
    assert loss == 0
    for parameter in module.parameters():
        assert parameter.grad is not None
        assert parameter.grad.eq(0).all()


def test_each_step_of_training_draws_by_its_number() -> None:
    module, arguments = MultimodalInfoNCE(DIM, projection=False, num_sampled=2), inputs()
    found = []
    for step in range(6):
        generator = torch.Generator().manual_seed(step)
        expected = multimodal_info_nce(*arguments, num_sampled=2, generator=generator)
        found.append(module(*arguments))
        assert torch.equal(found[-1], expected)
    different = {round(float(loss), 4) for loss in found}
    assert len(different) == 3  # as of three prototypes one is left out


def test_draws_go_on_where_a_saved_state_stopped_whatever_else_is_drawn() -> None:
    module, arguments = MultimodalInfoNCE(DIM, num_sampled=2), inputs()
    other = MultimodalInfoNCE(DIM, num_sampled=2)
    for _ in range(3):
        module(*arguments)
    other.load_state_dict(module.state_dict())
    for _ in range(6):
        expected = module(*arguments)
        torch.rand(1)
        assert torch.equal(other(*arguments), expected)


@pytest.mark.usefixtures("no_shape_checks")
def test_a_draw_in_one_graph_follows_from_the_number_of_the_step() -> None:
    arguments, runs = inputs(), []
    for _ in range(2):
        module = MultimodalInfoNCE(DIM, projection=False, num_sampled=2)
        step = torch.compile(module, fullgraph=True, backend="eager")
        runs.append([float(step(*arguments)) for _ in range(12)])
        assert module.draws == 12
    assert runs[0] == runs[1]
    by_hand = (multimodal_info_nce(*arguments, num_sampled=2) for _ in range(40))
    assert {round(loss, 4) for loss in runs[0]} == {round(float(loss), 4) for loss in by_hand}


def test_eval_mode_looks_at_all_prototypes_and_draws_nothing() -> None:
    module, arguments = MultimodalInfoNCE(DIM, projection=False, num_sampled=2).eval(), inputs()
    expected = multimodal_info_nce(*arguments)
    assert [torch.equal(module(*arguments), expected) for _ in range(3)] == [True] * 3
    assert module.draws == 0


def test_only_what_is_drawn_is_projected() -> None:
    module, (region, text, labels, prototypes, counts) = (
        MultimodalInfoNCE(DIM, num_sampled=2),
        inputs(),
    )
    assert module.region_projection is not None
    projected: list[int] = []
    module.region_projection.register_forward_hook(
        lambda _module, features, _result: projected.append(len(features[0]))
    )
    module(region, text, labels, prototypes, counts)
    assert projected == [int((labels == 1).sum()), 2]


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_modules_stay_finite(dtype: torch.dtype) -> None:
    module = MultimodalInfoNCE(DIM, learn_temperature=True).to(dtype)
    region, text, labels, prototypes, counts = inputs()

    def loss(region: Tensor, text: Tensor, prototypes: Tensor) -> Tensor:
        return module(region, text, labels, prototypes, counts)

    floats = [tensor.to(dtype) for tensor in (100 * region, text, prototypes)]
    assert loss(*floats).dtype == torch.float32
    assert_finite(loss, *floats)


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_inputs_meet_float32_parameters(dtype: torch.dtype) -> None:
    module = MultimodalInfoNCE(DIM)
    region, text, labels, prototypes, counts = inputs()
    result = module(region.to(dtype), text.to(dtype), labels, prototypes, counts)
    expected = module(region.to(dtype).float(), text.to(dtype).float(), labels, prototypes, counts)
    torch.testing.assert_close(result, expected)


def test_state_survives_a_round_trip() -> None:
    module, other = (MultimodalInfoNCE(DIM, learn_temperature=True) for _ in range(2))
    arguments = inputs()
    assert not torch.allclose(module(*arguments), other(*arguments))
    other.load_state_dict(module.state_dict())
    assert torch.equal(module(*arguments), other(*arguments))


def test_it_shows_its_settings() -> None:
    expected = (
        "MultimodalInfoNCE(dim=6, temperature=0.07, projection=False, learn_temperature=False, "
        "gather_distributed=False, num_sampled=None)"
    )
    assert repr(MultimodalInfoNCE(DIM, projection=False)) == expected


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize("wrong", ["region_features", "text_features", "prototypes"])
def test_features_of_another_size_are_refused(wrong: str) -> None:
    names = ["region_features", "text_features", "labels", "prototypes", "counts"]
    arguments: dict[str, Any] = dict(zip(names, inputs(), strict=True))
    arguments[wrong] = arguments[wrong][..., :-1]
    message = f"`{wrong}` must have features of size 6, got 5; build the loss with the size"
    with pytest.raises(ValueError, match=message):
        MultimodalInfoNCE(DIM)(**arguments)


def test_half_of_a_bank_is_refused() -> None:
    region, text, labels, prototypes, counts = inputs()
    message = "`prototypes` and `counts` must be given together"
    with pytest.raises(ValueError, match=message):
        MultimodalInfoNCE(DIM)(region, text, labels, prototypes)
    with pytest.raises(ValueError, match=message):
        MultimodalInfoNCE(DIM)(region, text, labels, counts=counts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dim": 0}, "`dim` and `hidden_dim` must be at least 1, got 0 and 0"),
        ({"dim": 4, "hidden_dim": 0}, "`dim` and `hidden_dim` must be at least 1, got 4 and 0"),
        ({"dim": 4, "temperature": 0.0}, "`temperature` must be finite and above 0, got 0.0"),
        ({"dim": 4, "num_sampled": 0}, "`num_sampled` must be at least 1, or None for all, got 0"),
    ],
)
def test_mistakes_are_refused_at_construction(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MultimodalInfoNCE(**arguments)


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize("projection", [True, False])
def test_swapped_regions_and_texts_are_refused(projection: bool) -> None:
    region, text, labels, *_ = inputs()
    message = r"`region_features` must have the axes \(batch, classes, dim\), got shape \(3, 6\)"
    with pytest.raises(ValueError, match=message):
        MultimodalInfoNCE(DIM, projection=projection)(text, region, labels)


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize("wrong", ["region_features", "text_features", "labels", "counts"])
def test_one_class_is_not_stretched_over_all(wrong: str) -> None:
    names = ["region_features", "text_features", "labels", "prototypes", "counts"]
    arguments: dict[str, Any] = dict(zip(names, inputs(), strict=True))
    axis = 0 if wrong in ("text_features", "counts") else 1
    arguments[wrong] = arguments[wrong].narrow(axis, 0, 1)
    with pytest.raises(ValueError, match="as long along `classes` as `region_features`"):
        MultimodalInfoNCE(DIM)(**arguments)


def test_a_label_of_two_is_refused_on_the_cpu() -> None:
    region, text, labels, *_ = inputs()
    with pytest.raises(ValueError, match=r"`labels` must contain only -1 .*, got also \[2.0\]"):
        MultimodalInfoNCE(DIM)(region, text, 2 * labels.abs())
