import pytest
import torch

from trmml.functional import DistillationForm, region_distillation
from trmml.losses import RegionDistillation

FORMS: list[DistillationForm] = ["bernoulli", "softmax"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("temperature", [1.0, 3])
def test_the_module_is_the_function(form: DistillationForm, temperature: float) -> None:
    region, query = torch.randn(2, 4, 5)
    module = RegionDistillation(form=form, temperature=temperature)
    expected = region_distillation(region, query, form=form, temperature=temperature)
    assert torch.equal(module(region, query), expected)


def test_the_default_is_the_function_s_default() -> None:
    region, query = torch.randn(2, 4, 5)
    assert torch.equal(RegionDistillation()(region, query), region_distillation(region, query))


def test_there_is_nothing_to_learn_or_to_save() -> None:
    assert list(RegionDistillation().parameters()) == []
    assert RegionDistillation().state_dict() == {}


def test_it_shows_its_settings() -> None:
    expected = "RegionDistillation(form='softmax', temperature=2.0)"
    assert repr(RegionDistillation(form="softmax", temperature=2.0)) == expected


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"form": "gauss"}, "`form` must be one of 'bernoulli', 'softmax', got 'gauss'"),
        ({"temperature": 0.0}, "`temperature` must be finite and above 0, got 0.0"),
    ],
)
def test_mistakes_are_refused_at_construction(setting: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RegionDistillation(**setting)


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize("column", [0, 1])
def test_one_column_is_not_stretched_over_all_classes(column: int) -> None:
    logits = [torch.randn(4, 5), torch.randn(4, 5)]
    logits[column] = logits[column][:, :1]
    with pytest.raises(ValueError, match=r"as long along `classes` as `region_logits`, got shapes"):
        RegionDistillation()(*logits)
