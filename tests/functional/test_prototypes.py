import pytest
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from tests._references import prototypes as reference
from tests.functional.finiteness import DTYPES, EXTREMES, assert_finite
from trmml.functional import (
    class_mean_similarity,
    prototype_similarity,
    text_similarity,
    top_pair_features,
    top_region_features,
    unit_vectors,
)

BATCH, CLASSES, POSITIONS, CAPACITY, DIM = 3, 4, 6, 5, 7


def random(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def counts() -> Tensor:
    return torch.tensor([CAPACITY, 0, 1, 3])


def poisoned_bank() -> Tensor:
    """Return a bank whose empty slots would spoil everything that reads them."""
    bank = random(CLASSES, CAPACITY, DIM)
    empty = torch.arange(CAPACITY) >= counts()[:, None]
    return bank.masked_fill(empty[:, :, None], torch.nan)


@pytest.mark.parametrize("top_k", [1, 2, POSITIONS])
def test_top_features_match_eq_7(top_k: int) -> None:
    f, energy = random(BATCH, POSITIONS, DIM), random(BATCH, CLASSES, POSITIONS)
    expected = [
        [
            reference.top_features(f[b].tolist(), energy[b, c].tolist(), top_k)
            for c in range(CLASSES)
        ]
        for b in range(BATCH)
    ]
    result = top_region_features(f, energy, top_k=top_k)
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64))


def test_chosen_pairs_get_the_features_of_their_regions() -> None:
    f, energy = random(BATCH, POSITIONS, DIM), random(BATCH, CLASSES, POSITIONS)
    batch_index, class_index = torch.tensor([2, 0, 2, 1]), torch.tensor([1, 3, 1, 0])
    result = top_pair_features(f, energy, batch_index=batch_index, class_index=class_index, top_k=2)
    everything = top_region_features(f, energy, top_k=2)
    torch.testing.assert_close(result, everything[batch_index, class_index])


def test_no_pairs_give_no_features() -> None:
    none = torch.zeros(0, dtype=torch.long)
    f, energy = random(BATCH, POSITIONS, DIM), random(BATCH, CLASSES, POSITIONS)
    result = top_pair_features(f, energy, batch_index=none, class_index=none, top_k=2)
    assert result.shape == (0, 2, DIM)


def test_squashing_the_energy_picks_the_same_positions() -> None:
    f, energy = random(BATCH, POSITIONS, DIM), random(BATCH, CLASSES, POSITIONS)
    once, again = (top_region_features(f, e, top_k=3) for e in (energy, energy.sigmoid()))
    torch.testing.assert_close(once, again)


@pytest.mark.parametrize("dtype", DTYPES)
def test_extreme_energies_pick_finite_features_of_unit_length(dtype: torch.dtype) -> None:
    energy = torch.tensor(EXTREMES, dtype=dtype).expand(BATCH, CLASSES, len(EXTREMES))
    f = (1e4 * torch.randn(BATCH, len(EXTREMES), DIM)).to(dtype)
    assert_finite(lambda f: top_region_features(f, energy, top_k=2), f)
    lengths = top_region_features(f, energy, top_k=2).norm(dim=-1)
    torch.testing.assert_close(lengths, torch.ones(BATCH, CLASSES, 2))


@pytest.mark.parametrize("top_k", [0, -1, POSITIONS + 1])
def test_taking_no_or_too_many_positions_is_refused(top_k: int) -> None:
    f, energy = random(BATCH, POSITIONS, DIM), random(BATCH, CLASSES, POSITIONS)
    message = rf"`top_k` must be between 1 and the number of positions \(6\), got {top_k}; lower it"
    with pytest.raises(ValueError, match=message):
        top_region_features(f, energy, top_k=top_k)
    none = torch.zeros(0, dtype=torch.long)
    with pytest.raises(ValueError, match=message):
        top_pair_features(f, energy, batch_index=none, class_index=none, top_k=top_k)


def test_prototype_similarity_matches_the_mean_of_eq_8() -> None:
    f, bank = random(BATCH, CLASSES, DIM), poisoned_bank()
    expected = reference.prototype_similarity(f.tolist(), bank.tolist(), counts().tolist())
    result = prototype_similarity(f, bank, counts())
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64), equal_nan=True)
    assert result.isnan().sum() == BATCH


def test_one_prototype_is_a_cosine() -> None:
    f, bank = random(BATCH, CLASSES, DIM), random(CLASSES, 1, DIM)
    expected = cosine_similarity(f, bank[None, :, 0], dim=-1)
    ones = torch.ones(CLASSES, dtype=torch.long)
    torch.testing.assert_close(prototype_similarity(f, bank, ones), expected)
    torch.testing.assert_close(text_similarity(f, bank[:, 0]), expected)


def test_the_order_and_length_of_prototypes_do_not_matter() -> None:
    f, bank = random(BATCH, CLASSES, DIM), random(CLASSES, CAPACITY, DIM)
    full = torch.full((CLASSES,), CAPACITY)
    lengths = torch.rand(CLASSES, CAPACITY, 1, dtype=torch.float64) + 0.1
    shuffled = (bank * lengths)[:, torch.randperm(CAPACITY)]
    torch.testing.assert_close(
        prototype_similarity(f, shuffled, full), prototype_similarity(f, bank, full)
    )


def test_empty_categories_and_slots_leave_gradients_finite() -> None:
    f, bank = random(BATCH, CLASSES, DIM).requires_grad_(), poisoned_bank().requires_grad_()
    prototype_similarity(f, bank, counts()).nan_to_num().sum().backward()
    assert f.grad is not None
    assert bank.grad is not None
    assert f.grad.isfinite().all()
    assert bank.grad.isfinite().all()
    assert f.grad[:, 1].eq(0).all()


def test_similarities_have_gradients() -> None:
    f, bank = random(BATCH, CLASSES, DIM), random(CLASSES, CAPACITY, DIM)
    full = torch.full((CLASSES,), CAPACITY)
    inputs = [f.requires_grad_(), bank.requires_grad_()]
    assert torch.autograd.gradcheck(lambda f, v: prototype_similarity(f, v, full), inputs)
    assert torch.autograd.gradcheck(lambda f, v: text_similarity(f, v[:, 0]), inputs)


@pytest.mark.parametrize("dtype", DTYPES)
def test_huge_features_have_similarities_within_one(dtype: torch.dtype) -> None:
    f, bank = (1e4 * random(BATCH, CLASSES, DIM)).to(dtype), poisoned_bank().to(dtype)
    result = prototype_similarity(f, bank, counts())
    assert result.dtype == torch.float32
    assert result[:, counts() > 0].abs().le(1).all()
    assert_finite(text_similarity, f, random(CLASSES, DIM).to(dtype))


@pytest.mark.parametrize("label", [1, -1])
def test_class_means_match_eq_9(label: int) -> None:
    similarities = random(8, CLASSES)
    similarities[torch.rand(8, CLASSES) < 0.2] = torch.nan
    labels = torch.randint(-1, 2, (8, CLASSES))
    labels[:, 2] = 0
    expected = reference.class_mean_similarity(similarities.tolist(), labels.tolist(), label)
    result = class_mean_similarity(similarities, labels, label=1 if label == 1 else -1)
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64), equal_nan=True)
    assert result[2].isnan()


def test_float_labels_count_like_integers() -> None:
    similarities, labels = random(8, CLASSES), torch.randint(-1, 2, (8, CLASSES))
    means = [class_mean_similarity(similarities, y, label=1) for y in (labels, labels.double())]
    torch.testing.assert_close(*means, equal_nan=True)


def test_unknown_labels_do_not_move_the_means() -> None:
    similarities, labels = random(8, CLASSES), torch.randint(-1, 2, (8, CLASSES))
    changed = torch.where(labels == 0, 1e4, similarities)
    means = [class_mean_similarity(s, labels, label=-1) for s in (similarities, changed)]
    torch.testing.assert_close(*means, equal_nan=True)


def test_an_empty_batch() -> None:
    energy, f = torch.zeros(0, CLASSES, POSITIONS), torch.zeros(0, POSITIONS, DIM)
    regions, bank = torch.zeros(0, CLASSES, DIM), torch.zeros(CLASSES, CAPACITY, DIM)
    assert top_region_features(f, energy, top_k=2).shape == (0, CLASSES, 2, DIM)
    assert prototype_similarity(regions, bank, counts()).shape == (0, CLASSES)
    assert text_similarity(regions, bank[:, 0]).shape == (0, CLASSES)
    nothing = torch.zeros(0, CLASSES)
    assert class_mean_similarity(nothing, nothing.long(), label=1).isnan().all()


def test_prototypes_of_a_region_come_back_as_its_own_similarity() -> None:
    f = random(1, POSITIONS, DIM)
    bank = top_region_features(f, random(1, CLASSES, POSITIONS), top_k=1)[0]
    ones = torch.ones(CLASSES, dtype=torch.long)
    result = prototype_similarity(bank.transpose(0, 1), bank, ones)
    torch.testing.assert_close(result, torch.ones(1, CLASSES, dtype=torch.float64))
    torch.testing.assert_close(unit_vectors(bank), bank)


def test_any_other_label_counts_as_unlabelled() -> None:
    similarities, labels = random(8, CLASSES), torch.randint(-1, 2, (8, CLASSES))
    strays = torch.where(labels == 0, 2, labels)
    for label in (1, -1, 0):
        means = [class_mean_similarity(similarities, y, label=label) for y in (labels, strays)]
        torch.testing.assert_close(*means, equal_nan=True)
