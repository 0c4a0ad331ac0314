import pytest

from trmml.training import Recipe


def test_the_defaults_are_the_papers() -> None:
    recipe = Recipe()
    assert (recipe.epochs, recipe.batch_size, recipe.max_lr) == (40, 128, 5e-4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "`epochs` must be at least 1, got 0"),
        ({"batch_size": -1}, "`batch_size` must be at least 1, got -1"),
        ({"max_lr": 0.0}, "`max_lr` must be above 0, got 0.0"),
        ({"max_lr": float("nan")}, "`max_lr` must be above 0, got nan"),
        ({"max_grad_norm": -1.0}, "`max_grad_norm` must be above 0, got -1.0"),
        ({"weight_decay": -0.1}, "`weight_decay` must be at least 0, got -0.1"),
        ({"weight_decay": float("nan")}, "`weight_decay` must be at least 0, got nan"),
        ({"warmup_share": 1.0}, r"`warmup_share` must be in \[0, 1\), got 1.0"),
        ({"warmup_share": -0.1}, r"`warmup_share` must be in \[0, 1\), got -0.1"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe(**values)  # pyright: ignore[reportArgumentType]
