from dataclasses import dataclass
from typing import Literal

import pytest

from trmml.choices import check_choice, check_choices, choice_error

Reduction = Literal["mean", "sum", "none"]


@pytest.mark.parametrize("value", ["mean", "sum", "none"])
def test_every_member_of_the_literal_is_taken(value: str) -> None:
    check_choice(value, Reduction, argument="reduction")


@pytest.mark.parametrize(
    ("value", "ending"),
    [
        ("maen", "got 'maen'; did you mean 'mean'?"),
        ("non", "got 'non'; did you mean 'none'?"),
        ("average", "got 'average'; pick one of these."),
        ("", "got ''; pick one of these."),
        (None, "got None; did you mean 'none'?"),
        (3, "got 3; pick one of these."),
    ],
)
def test_another_value_is_refused_with_the_nearest_name(value: object, ending: str) -> None:
    with pytest.raises(ValueError) as error:
        check_choice(value, Reduction, argument="reduction")
    expected = f"`reduction` must be one of 'mean', 'sum', 'none', {ending}"
    assert str(error.value) == expected


def test_a_member_is_compared_by_value_and_not_by_its_beginning() -> None:
    with pytest.raises(ValueError, match="did you mean 'sum'"):
        check_choice("su", Reduction, argument="reduction")


def test_names_that_only_the_data_know_get_the_same_words() -> None:
    error = choice_error("cub/val", ["cub/train", "cub/test"], argument="split")
    assert str(error).startswith("`split` must be one of 'cub/train', 'cub/test', got 'cub/val'; ")


@dataclass
class Settings:
    reduction: Reduction = "mean"
    share: float = 0.5


@dataclass
class MoreSettings(Settings):
    side: Literal["left", "right"] = "left"


def test_every_literal_field_of_settings_is_checked_inherited_ones_too() -> None:
    check_choices(MoreSettings(side="right", share=2.0))
    with pytest.raises(ValueError, match="`side` must be one of 'left', 'right', got 'up'"):
        check_choices(MoreSettings(side="up"))  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="`reduction` must be one of 'mean', 'sum', 'none', got"):
        check_choices(MoreSettings(reduction="max"))  # pyright: ignore[reportArgumentType]
