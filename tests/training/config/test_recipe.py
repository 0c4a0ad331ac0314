import pytest

from trmml.training import Recipe


def test_the_defaults_are_the_papers() -> None:
    recipe = Recipe()
    assert (recipe.epochs, recipe.batch_size, recipe.max_lr) == (40, 128, 5e-4)


@pytest.mark.parametrize(
    ("epochs", "share", "expected"), [(40, 0.25, 10), (4, 0.25, 1), (30, 0.0, 0), (3, 1.0, 3)]
)
def test_the_warm_up_is_a_share_of_the_epochs(epochs: int, share: float, expected: int) -> None:
    assert Recipe(epochs=epochs, first_stage_share=share).first_stage_epochs == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "`epochs` must be at least 1, got 0"),
        ({"batch_size": -1}, "`batch_size` must be at least 1, got -1"),
        ({"max_lr": 0.0}, "`max_lr` must be above 0, got 0.0"),
        ({"max_lr": float("nan")}, "`max_lr` must be above 0, got nan"),
        ({"decoder_lr_ratio": 0.0}, "`decoder_lr_ratio` must be above 0, got 0.0"),
        ({"max_grad_norm": -1.0}, "`max_grad_norm` must be above 0, got -1.0"),
        ({"weight_decay": -0.1}, "`weight_decay` must be at least 0, got -0.1"),
        ({"weight_decay": float("nan")}, "`weight_decay` must be at least 0, got nan"),
        ({"first_stage_share": 1.1}, r"`first_stage_share` must be in \[0, 1\], got 1.1"),
        ({"warmup_share": 1.0}, r"`warmup_share` must be in \[0, 1\), got 1.0"),
        ({"warmup_share": -0.1}, r"`warmup_share` must be in \[0, 1\), got -0.1"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe(**values)  # pyright: ignore[reportArgumentType]
