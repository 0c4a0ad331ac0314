"""No function stretches an axis silently: shapes are those of the annotations, hook or no hook."""

import inspect
import re
from collections.abc import Callable
from typing import Any, NamedTuple, get_args, get_type_hints

import pytest
import torch
from torch import Tensor

from trmml import functional
from trmml.functional.checks import check_axes

SIZES = {
    "batch": 3,
    "classes": 4,
    "positions": 6,
    "dim": 5,
    "capacity": 2,
    "modalities": 2,
    "pairs": 7,
    "*modalities": 2,
    "*shape": 5,
}
OPTIONS = {
    "temperature": 0.1,
    "spatial_temperature": 0.1,
    "positive_temperature": 0.1,
    "negative_temperature": 0.1,
    "top_k": 2,
    "num_means": 2,
    "momentum": 0.9,
    "label": 1,
    "scale": 9.0,
    "bias": -1.0,
}

pytestmark = pytest.mark.usefixtures("no_shape_checks")


class Argument(NamedTuple):
    axes: list[str]
    kind: str


def arguments_of(function: Callable[..., Any]) -> dict[str, Argument]:
    """Read the axes and the kind of number of each tensor argument from the annotations."""
    found = {}
    for name, hint in get_type_hints(function).items():
        options = [kind for kind in (get_args(hint) or (hint,)) if hasattr(kind, "dim_str")]
        if options and name != "return":
            dtypes = options[0].dtypes
            kind = "bool" if "bool" in dtypes else "float" if "float32" in dtypes else "int"
            found[name] = Argument(options[0].dim_str.split(), kind)
    return found


def tensor(argument: Argument) -> Tensor:
    shape = [SIZES[axis] for axis in argument.axes]
    if argument.kind == "float":
        return torch.randn(shape)
    return torch.randint(0, 2, shape).to(torch.bool if argument.kind == "bool" else torch.long)


def call_with(function: Callable[..., Any], **changed: Tensor) -> Any:  # noqa: ANN401
    """Call a function with fitting arguments, apart from those that are given."""
    fitting = {name: tensor(arg) for name, arg in arguments_of(function).items() if arg.axes}
    names = inspect.signature(function).parameters
    options = {name: value for name, value in OPTIONS.items() if name in names}
    return function(**{**fitting, **options, **changed})


FUNCTIONS = {
    name: getattr(functional, name)
    for name in functional.__all__
    if inspect.isroutine(getattr(functional, name))
}
SHARED = [
    (name, argument, axis)
    for name, function in FUNCTIONS.items()
    for argument, (axes, _) in arguments_of(function).items()
    for axis in axes
    if sum(axis in other.axes for other in arguments_of(function).values()) > 1
]
TENSORS = [
    (name, argument)
    for name, function in FUNCTIONS.items()
    for argument, (axes, _) in arguments_of(function).items()
    if axes and sum(len(other.axes) > 0 for other in arguments_of(function).values()) > 1
    if not axes[0].startswith("*")
]
SCALARS = [
    (name, argument)
    for name, function in FUNCTIONS.items()
    for argument, (axes, _) in arguments_of(function).items()
    if not axes
]


def test_every_function_of_several_tensors_is_looked_at() -> None:
    alone = {"agreeing_estimates", "region_mask", "unit_vectors"}
    alone |= {"co_occurrence", "reweighted_graph", "sparse_text_graph"}
    assert {name for name, *_ in SHARED} == FUNCTIONS.keys() - alone
    assert len(SHARED) > 80
    assert len(SCALARS) == 12


@pytest.mark.parametrize("name", FUNCTIONS)
def test_fitting_shapes_are_taken(name: str) -> None:
    call_with(FUNCTIONS[name])


@pytest.mark.parametrize(("name", "argument", "axis"), SHARED)
def test_an_axis_of_one_is_not_stretched(name: str, argument: str, axis: str) -> None:
    function = FUNCTIONS[name]
    wrong = tensor(arguments_of(function)[argument])
    where = arguments_of(function)[argument].axes.index(axis)
    wrong = wrong.narrow(where, 0, 1)
    with pytest.raises(ValueError, match=re.escape(str(tuple(wrong.shape)))) as error:
        call_with(function, **{argument: wrong})
    assert f"as long along `{axis}`" in str(error.value)
    assert len(re.findall(r"\([\d, ]+\)", str(error.value))) == 2  # both shapes


@pytest.mark.parametrize(("name", "argument"), TENSORS)
def test_an_axis_too_few_or_too_many_is_refused(name: str, argument: str) -> None:
    function = FUNCTIONS[name]
    right = tensor(arguments_of(function)[argument])
    axes = re.escape(
        f"`{argument}` must have the axes ({', '.join(arguments_of(function)[argument].axes)})"
    )
    for wrong in (right[0], right[None]):
        with pytest.raises(ValueError, match=axes + ", got shape .*; the order of arguments is "):
            call_with(function, **{argument: wrong})


@pytest.mark.parametrize(("name", "argument"), SCALARS)
def test_a_row_is_no_number(name: str, argument: str) -> None:
    with pytest.raises(
        ValueError, match=rf"`{argument}` must have the axes \(\), got shape \(4,\)"
    ):
        call_with(FUNCTIONS[name], **{argument: torch.full((4,), 0.1)})


def test_swapped_regions_and_texts_are_refused_with_their_order() -> None:
    regions, texts, labels = torch.randn(3, 4, 5), torch.randn(4, 5), torch.ones(3, 4)
    message = (
        r"`region_features` must have the axes \(batch, classes, dim\), got shape \(4, 5\); the "
        "order of arguments is region_features, text_features, labels"
    )
    with pytest.raises(ValueError, match=message):
        functional.multimodal_info_nce(texts, regions, labels)


def test_the_message_says_what_to_do() -> None:
    message = (
        "`labels` must be as long along `classes` as `logits`, got shapes (2, 1) and (2, 3); "
        "nothing is stretched silently, use `.expand` if one is meant for all."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        functional.asymmetric_loss(torch.zeros(2, 3), torch.zeros(2, 1))


def test_leading_axes_are_compared_as_one() -> None:
    pair = (torch.zeros(2, 3, 4), "*leading classes")
    check_axes(first=pair, second=(torch.ones(2, 3, 4), "*leading classes"))
    check_axes(first=pair, second=(torch.ones(4), "classes"))
    with pytest.raises(ValueError, match=r"along `\*leading` as `first`, got shapes \(3, 4\)"):
        check_axes(first=pair, second=(torch.ones(3, 4), "*leading classes"))
    with pytest.raises(ValueError, match=r"`third` must have the axes \(\*leading, a, b\)"):
        check_axes(third=(torch.ones(4), "*leading a b"))


@pytest.mark.parametrize("dynamic", [None, True])
def test_a_compiled_function_refuses_as_well(dynamic: bool | None) -> None:
    compiled = torch.compile(functional.asymmetric_loss, backend="eager", dynamic=dynamic)
    assert compiled(torch.zeros(2, 3), torch.ones(2, 3)) > 0
    with pytest.raises(ValueError, match=r"as long along `classes` as `logits`, got shapes \(2, 1"):
        compiled(torch.zeros(2, 3), torch.zeros(2, 1))


class Match(torch.nn.Module):
    def forward(self, features: Tensor, texts: Tensor, dense: Tensor, labels: Tensor) -> Tensor:
        logits = functional.dual_matching_logits(features, texts, -texts, temperature=0.1)
        pixels, energy = functional.text_pixel_logits(
            dense, texts, -texts, temperature=0.1, spatial_temperature=0.1
        )
        regions = functional.region_features(dense, energy)
        other = functional.matching_scores(regions, texts, temperature=0.1)
        return functional.asymmetric_loss(logits + pixels + other, labels)


def test_an_export_keeps_a_batch_of_any_size() -> None:
    def inputs(batch: int) -> tuple[Tensor, ...]:
        labels = torch.randint(-1, 2, (batch, 4))
        return torch.randn(batch, 4, 5), torch.randn(4, 5), torch.randn(batch, 6, 5), labels

    batch = torch.export.Dim("batch")
    shapes = ({0: batch}, None, {0: batch}, {0: batch})
    program = torch.export.export(Match(), inputs(3), dynamic_shapes=shapes).module()
    for size in (2, 7):
        given = inputs(size)
        torch.testing.assert_close(program(*given), Match()(*given))
