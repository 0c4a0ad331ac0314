from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests._references import mixed_scores as reference
from tests.prediction.photographs import NAMES, own_model, small_model, table_of, write_pictures
from trmml.prediction import ensemble_scores, mixed_scores, score_images


def scores() -> tuple[Tensor, Tensor]:
    return torch.randn(9, 4).double(), 0.01 * torch.randn(9, 4).double() + 3


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.9, 1.0])
def test_scores_match_the_loops(weight: float) -> None:
    first, second = scores()
    expected = reference.mixed_scores(first.tolist(), second.tolist(), weight)
    found = mixed_scores(first, second, weight=weight)
    torch.testing.assert_close(found, torch.tensor(expected))


def test_all_weight_on_one_is_that_one() -> None:
    first, second = scores()
    torch.testing.assert_close(mixed_scores(first, second, weight=1), first.float())
    ranks = mixed_scores(first, second, weight=0).argsort(dim=0)
    assert torch.equal(ranks, second.argsort(dim=0))


def test_the_seconds_temperature_and_offset_make_no_difference() -> None:
    first, second = scores()
    torch.testing.assert_close(
        mixed_scores(first, 50 * second - 7), mixed_scores(first, second), rtol=1e-5, atol=1e-6
    )


def test_a_model_beside_itself_says_the_same() -> None:
    first, _ = scores()
    torch.testing.assert_close(mixed_scores(first, first, weight=0.4), first.float())


def test_images_without_scores_stay_out_of_it() -> None:
    first, second = scores()
    without = mixed_scores(first[1:], second[1:])
    first[0] = second[0] = torch.nan
    found = mixed_scores(first, second)
    assert found[0].isnan().all()
    torch.testing.assert_close(found[1:], without)


def test_a_second_one_that_scores_all_alike_changes_no_order() -> None:
    first, second = scores()
    second[:, 1] = 0.1
    found = mixed_scores(first, second)
    assert torch.equal(found[:, 1].argsort(), first[:, 1].argsort())
    assert found.isfinite().all()
    assert mixed_scores(first[:1], second[:1]).isfinite().all()
    assert mixed_scores(first[:0], second[:0]).shape == (0, 4)


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_a_weight_that_is_no_share_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match=r"`weight` must be in \[0, 1\], got"):
        mixed_scores(*scores(), weight=weight)


def test_models_of_two_methods_score_the_same_images(tmp_path: Path) -> None:
    """The second one knows the classes in another order."""
    names = write_pictures(tmp_path, damaged=(2,))
    table = table_of(tmp_path, names, broken="skip")
    first, second = small_model(), own_model([NAMES[2], *NAMES[:2]])
    seen: list[int] = []
    found = ensemble_scores(first, second, table, weight=0.6, batch_size=3, progress=seen.append)
    columns = score_images(second, table)[:, [1, 2, 0]]
    expected = mixed_scores(score_images(first, table), columns, weight=0.6)
    torch.testing.assert_close(found, expected, equal_nan=True)
    assert found[2].isnan().all()
    assert sum(seen) == 2 * len(table)


def test_models_of_other_classes_are_refused(tmp_path: Path) -> None:
    table = table_of(tmp_path, write_pictures(tmp_path, 1))
    with pytest.raises(ValueError, match=r"`second` must have the classes .* 'sea', 'sun'"):
        ensemble_scores(small_model(), own_model(["sun", *NAMES[1:]]), table)
