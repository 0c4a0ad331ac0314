from typing import Any

import pytest
import torch
from torch import Tensor

from tests._references import evidence_matching as reference
from tests.functional.finiteness import DTYPES, HALF
from trmml.functional import evidence_logits, text_pixel_logits

BATCH, CLASSES, POSITIONS, DIM = 3, 4, 6, 5
PLAIN: Any = {"positive_temperature": 0.1, "negative_temperature": 0.1, "spatial_temperature": 0.05}


def inputs(batch: int = BATCH) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    f = torch.randn(batch, POSITIONS, DIM, dtype=torch.float64)
    texts = torch.randn(3, CLASSES, DIM, dtype=torch.float64)
    return f, texts[0], texts[1], texts[2]


@pytest.mark.parametrize("compete", [False, True])
@pytest.mark.parametrize("taus", [(0.05, 0.05, 0.05), (0.1, 0.5, 1.0)])
def test_logits_match_the_loops(taus: tuple[float, float, float], compete: bool) -> None:
    tensors = inputs()
    f, pos, neg, e = (x.tolist() for x in tensors)
    expected = reference.evidence_logits(f, pos, neg, e, *taus, compete=compete)
    options: Any = dict(zip(PLAIN, taus, strict=True))
    found, _ = evidence_logits(*tensors, **options, winner_take_all=compete)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_looking_where_the_positive_text_is_without_competition_is_text_pixel_matching() -> None:
    f, positive, negative, _ = inputs()
    found = evidence_logits(f, positive, negative, positive, **PLAIN)
    expected = text_pixel_logits(f, positive, negative, temperature=0.1, spatial_temperature=0.05)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_a_class_alone_has_won_everywhere() -> None:
    f, positive, negative, evidence = (x[..., :1, :] if x.ndim == 2 else x for x in inputs())
    won, _ = evidence_logits(f, positive, negative, evidence, **PLAIN, winner_take_all=True)
    halved = PLAIN | {"positive_temperature": 0.05}
    doubled, _ = evidence_logits(f, positive, negative, evidence, **halved)
    torch.testing.assert_close(won, doubled)


def test_competition_favours_the_class_that_fits_best() -> None:
    f, positive, negative, evidence = inputs()
    without, _ = evidence_logits(f, positive, negative, evidence, **PLAIN)
    _, energy = evidence_logits(f, positive, negative, evidence, **PLAIN, winner_take_all=True)
    _, before = evidence_logits(f, positive, negative, evidence, **PLAIN)
    best = (energy - before).argmax(dim=1)
    cosines = torch.nn.functional.normalize(positive, dim=-1)
    cosines = cosines @ torch.nn.functional.normalize(f, dim=-1).mT
    assert torch.equal(best, cosines.argmax(dim=1))
    assert without.shape == (BATCH, CLASSES)


def test_gradients() -> None:
    tensors = [x.requires_grad_() for x in inputs(2)]
    torch.autograd.gradcheck(
        lambda *args: evidence_logits(*args, **PLAIN, winner_take_all=True)[0], tensors
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_is_finite_for_lengths_of_any_size(dtype: torch.dtype) -> None:
    f, positive, negative, evidence = (x.to(dtype) for x in inputs())
    for scale in (0.0, 1e-4, 1e4):
        logits, energy = evidence_logits(
            scale * f, positive, negative, evidence, **PLAIN, winner_take_all=True
        )
        assert logits.isfinite().all()
        assert energy.isfinite().all()
        assert logits.dtype == (torch.float32 if dtype in HALF else dtype)


def test_no_images_give_no_logits() -> None:
    logits, energy = evidence_logits(*inputs(0), **PLAIN, winner_take_all=True)
    assert logits.shape == (0, CLASSES)
    assert energy.shape == (0, CLASSES, POSITIONS)


@pytest.mark.usefixtures("no_shape_checks")
def test_what_cannot_be_is_refused() -> None:
    f, positive, negative, evidence = inputs()
    with pytest.raises(ValueError, match="`evidence` must be as long along `classes`"):
        evidence_logits(f, positive, negative, evidence[:2], **PLAIN)
    for name in PLAIN:
        with pytest.raises(ValueError, match=f"`{name}` must be finite and above 0, got 0"):
            evidence_logits(f, positive, negative, evidence, **PLAIN | {name: 0.0})
