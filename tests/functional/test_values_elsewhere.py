"""What works on fixed sizes where the host may not look, against the same where it may."""

import copy
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.other_device import other_device
from tests.waits import Waits
from trmml.functional import multimodal_info_nce
from trmml.functional.cell_numbers import cell_numbers
from trmml.functional.multimodal_info_nce import positive_regions, stored_prototypes
from trmml.functional.positive_pairs import NOBODY, most_positives_of, positive_pairs
from trmml.functional.values_at_hand import values_are_at_hand
from trmml.losses import MultimodalInfoNCE
from trmml.modules import PrototypeMemoryBank

CLASSES, POSITIONS, DIM, CAPACITY = 4, 6, 3, 5


def some_labels(size: int, *, seed: int = 0) -> Tensor:
    return torch.randint(-1, 2, (size, CLASSES), generator=torch.Generator().manual_seed(seed))


def test_values_are_at_hand_on_the_cpu_alone() -> None:
    assert values_are_at_hand(torch.ones(1))
    assert not values_are_at_hand(torch.ones(1, device="meta"))
    with other_device() as device:
        assert not values_are_at_hand(torch.ones(1, device=device))


@pytest.mark.parametrize("size", [0, 1, 7])
@pytest.mark.parametrize("room", [None, 0, 2])
def test_the_pairs_are_those_of_the_cpu_among_others_that_nobody_owns(
    size: int, room: int | None
) -> None:
    labels = some_labels(size)
    most = None if room is None else most_positives_of(labels) + room
    expected = set(zip(*(one.tolist() for one in positive_pairs(labels)), strict=True))
    with other_device() as device, Waits() as waits:
        found = positive_pairs(labels.to(device, non_blocking=True), most=most)
        assert waits.total == 0, waits.table()
        images, columns, owners = (one.tolist() for one in found)
    assert len(images) == size * (CLASSES if most is None else min(most, CLASSES))
    there = [pair for pair in zip(images, columns, owners, strict=True) if pair[2] != NOBODY]
    assert len(there) == len(expected)
    assert set(there) == expected
    assert {c for c in columns if not 0 <= c < CLASSES} == set()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.integers(0, 9), min_size=1, max_size=5),
    capacity=st.integers(1, 9),
    top_k=st.integers(1, 3),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    sampled=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_a_bank_fills_as_on_the_cpu(
    sizes: list[int], capacity: int, top_k: int, share: float, sampled: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    bank = PrototypeMemoryBank(CLASSES, DIM, capacity=capacity, top_k=min(top_k, capacity))
    there = copy.deepcopy(bank)
    classes = torch.tensor([3, 1]) if sampled else torch.arange(CLASSES)
    with other_device() as device:
        there = there.to(device)
        for size in sizes:
            features = torch.randn(size, POSITIONS, DIM, generator=generator)
            energy = torch.randn(size, len(classes), POSITIONS, generator=generator)
            positive = torch.rand(size, len(classes), generator=generator) < share
            labels = torch.where(positive, 1, -1)
            bank.update(features, energy, labels, classes=classes)
            arguments = [one.to(device) for one in (features, energy, labels)]
            with Waits() as waits:
                there.update(
                    *arguments,
                    classes=classes.to(device, non_blocking=True) if sampled else None,
                    most_positives=most_positives_of(labels),
                )
            assert waits.total == 0, waits.table()
        found = {name: value.cpu() for name, value in there.state_dict().items()}
    torch.testing.assert_close(found, bank.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("size", [0, 3, 30])
@pytest.mark.parametrize("filled", [[0, 0, 0, 0], [1, 5, 0, 2], [5, 5, 5, 5]])
def test_loss_and_gradients_are_those_of_the_cpu(size: int, filled: list[int]) -> None:
    labels = some_labels(size)
    module = MultimodalInfoNCE(DIM, temperature=0.3)
    regions, texts = torch.randn(size, CLASSES, DIM), torch.randn(CLASSES, DIM)
    regions[labels != 1] = torch.nan  # which nobody looks at
    bank, counts = torch.randn(CLASSES, CAPACITY, DIM), torch.tensor(filled)

    def found(device: str | torch.device, **options: int) -> list[Tensor]:
        inputs = [one.to(device).requires_grad_() for one in (regions, texts, bank)]
        region, text, stored = inputs
        loss = module(region, text, labels.to(device), stored, counts.to(device), **options)
        wanted = [text, *module.parameters()]
        return [one.cpu() for one in (loss, *torch.autograd.grad(loss, wanted, allow_unused=False))]

    expected = found("cpu")
    with other_device() as device:
        module.to(device)
        for options in ({}, {"most_positives": most_positives_of(labels)}):
            there = found(device, **options)
            torch.testing.assert_close(there, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("filled", [[2, 3, 0, 1], [5, 1, 4, 3]])
def test_few_prototypes_are_all_drawn(filled: list[int]) -> None:
    regions, texts, labels = torch.randn(3, CLASSES, DIM), torch.randn(CLASSES, DIM), some_labels(3)
    bank, counts = torch.randn(CLASSES, CAPACITY, DIM), torch.tensor(filled)
    arguments = (regions, texts, labels, bank, counts)
    expected = multimodal_info_nce(*arguments)
    with other_device() as device:
        there = [one.to(device) for one in arguments]
        found = multimodal_info_nce(*there, num_sampled=sum(filled)).cpu()
    torch.testing.assert_close(found, expected)


def test_every_filled_slot_is_drawn_as_often_as_the_others() -> None:
    counts, num_sampled, draws = torch.tensor([1, 5, 0, 2]), 3, 2000
    bank = torch.arange(CLASSES * CAPACITY).float()[:, None].reshape(CLASSES, CAPACITY, 1)
    drawn: Counter[float] = Counter()
    with other_device() as device:
        bank, counts = bank.to(device), counts.to(device)
        for number in range(draws):
            found = stored_prototypes(
                bank, counts, num_sampled, number=torch.tensor(number, device=device)
            )
            slots = found.features.flatten().tolist()
            assert [slot // CAPACITY for slot in slots] == found.owners.tolist()
            assert len(set(slots)) == num_sampled
            assert isinstance(found.stand_for, Tensor)
            assert found.stand_for.cpu() == pytest.approx(8 / 3)
            drawn.update(slots)
    assert sorted(drawn) == [0, *range(5, 10), 15, 16]
    expected = draws * num_sampled / 8
    # Four standard deviations of a binomial number.
    assert all(abs(n - expected) < 4 * (draws * 3 / 8 * 5 / 8) ** 0.5 for n in drawn.values())


def test_draws_differ_from_step_to_step_and_go_on_after_a_resumption() -> None:
    module = MultimodalInfoNCE(DIM, projection=False, num_sampled=4).train()
    regions, texts, labels = torch.randn(3, CLASSES, DIM), torch.randn(CLASSES, DIM), some_labels(3)
    bank, counts = torch.randn(CLASSES, CAPACITY, DIM), torch.full((CLASSES,), CAPACITY)
    with other_device() as device:
        arguments = [one.to(device) for one in (regions, texts, labels, bank, counts)]
        module.to(device)
        losses = [float(module(*arguments)) for _ in range(4)]
        module.draws.fill_(2)
        assert [float(module(*arguments)) for _ in range(2)] == losses[2:]
    assert len(set(losses)) == 4


def test_a_seed_that_is_a_tensor_gives_the_numbers_of_the_same_number() -> None:
    rows = torch.arange(50)
    for seed in (0, 1, 12_345_678, 2**62 - 1):
        one, other = (cell_numbers(rows, 7, seed=given) for given in (seed, torch.tensor(seed)))
        assert torch.equal(one, other)


def test_regions_that_are_not_there_are_nothing() -> None:
    labels = some_labels(5)
    with other_device() as device:
        regions = torch.full((5, CLASSES, DIM), torch.nan, device=device)
        found = positive_regions(regions, torch.zeros_like(labels).to(device), most_positives=2)
        assert found.owners.tolist() == [NOBODY] * 10
        assert not found.features.cpu().any()
