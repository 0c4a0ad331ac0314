import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests._references.prototype_bank import PrototypeBank
from trmml.modules import PrototypeMemoryBank

CLASSES, POSITIONS, DIM = 3, 6, 4


def batch(size: int, classes: int = CLASSES) -> tuple[Tensor, Tensor, Tensor]:
    features = torch.randn(size, POSITIONS, DIM, dtype=torch.float64)
    energy = torch.randn(size, classes, POSITIONS, dtype=torch.float64)
    return features, energy, torch.randint(-1, 2, (size, classes))


def double_bank(
    *, capacity: int = 5, top_k: int = 2, classes: int = CLASSES
) -> PrototypeMemoryBank:
    return PrototypeMemoryBank(classes, DIM, capacity=capacity, top_k=top_k).double()


def oldest_first(bank: PrototypeMemoryBank, c: int) -> Tensor:
    count, pointer = int(bank.counts[c]), int(bank.pointers[c])
    slots = [(pointer - count + i) % bank.capacity for i in range(count)]
    return bank.prototypes[c, slots]


def assert_same(bank: PrototypeMemoryBank, reference: PrototypeBank) -> None:
    for c, queue in enumerate(reference.V):
        expected = torch.tensor([*queue], dtype=torch.float64).reshape(-1, DIM)
        torch.testing.assert_close(oldest_first(bank, c), expected)
        # Filled slots come first: whoever reads `prototypes` needs `counts` alone.
        assert not bank.prototypes[c, len(queue) :].any()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.integers(0, 7), max_size=8),
    capacity=st.integers(1, 9),
    top_k=st.integers(1, 4),
    classes=st.integers(1, 3),
    share=st.sampled_from([0.1, 0.5, 1.0]),
    seed=st.integers(0, 2**16),
)
def test_any_sequence_of_batches_fills_it_as_queues_would(
    sizes: list[int], capacity: int, top_k: int, classes: int, share: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    top_k = min(top_k, capacity)
    bank = double_bank(capacity=capacity, top_k=top_k, classes=classes)
    reference = PrototypeBank(classes, capacity, top_k)
    for size in sizes:
        features = torch.randn(size, POSITIONS, DIM, generator=generator, dtype=torch.float64)
        energy = torch.randn(size, classes, POSITIONS, generator=generator, dtype=torch.float64)
        positive = torch.rand(size, classes, generator=generator) < share
        labels = torch.where(positive, 1, torch.randint(-1, 1, (size, classes)))
        bank.update(features, energy, labels)
        reference.update(features.tolist(), energy.tolist(), labels.tolist())
        assert_same(bank, reference)
    regions = torch.randn(2, classes, DIM, generator=generator, dtype=torch.float64)
    expected = torch.tensor(reference.similarity(regions.tolist()), dtype=torch.float64)
    torch.testing.assert_close(bank.similarity(regions), expected, equal_nan=True)


def test_one_batch_of_a_single_class_may_overflow_it_many_times() -> None:
    bank, reference = double_bank(capacity=5, top_k=2, classes=1), PrototypeBank(1, 5, 2)
    features, energy, _ = batch(50, classes=1)
    labels = torch.ones(50, 1, dtype=torch.long)
    bank.update(features, energy, labels)
    reference.update(features.tolist(), energy.tolist(), labels.tolist())
    assert_same(bank, reference)
    assert bank.counts.tolist() == [5]


def test_the_first_in_is_the_first_out() -> None:
    bank = double_bank(capacity=2, top_k=1, classes=1)
    energy, label = torch.zeros(1, 1, 1, dtype=torch.float64), torch.ones(1, 1)
    axes = torch.eye(DIM, dtype=torch.float64)
    for axis in axes[:3]:
        bank.update(axis[None, None], energy, label)
    torch.testing.assert_close(oldest_first(bank, 0), axes[1:3])


def test_what_is_stored_has_unit_length_and_comes_from_the_strongest_positions() -> None:
    bank = double_bank(capacity=2, top_k=2, classes=1)
    features, energy, _ = batch(1, classes=1)
    bank.update(100 * features, energy, torch.ones(1, 1))
    order = energy[0, 0].argsort(descending=True)[:2]
    expected = features[0, order] / features[0, order].norm(dim=-1, keepdim=True)
    torch.testing.assert_close(bank.prototypes[0], expected)


@pytest.mark.parametrize("label", [0, -1])
def test_only_known_positives_are_remembered(label: int) -> None:
    bank = double_bank()
    features, energy, _ = batch(4)
    bank.update(features, energy, torch.full((4, CLASSES), label))
    assert not bank.counts.any()
    assert not bank.prototypes.any()


def test_integer_and_float_labels_mean_the_same() -> None:
    features, energy, labels = batch(6)
    banks = [double_bank() for _ in range(3)]
    for bank, dtype in zip(banks, (torch.int8, torch.long, torch.float32), strict=True):
        bank.update(features, energy, labels.to(dtype))
        assert torch.equal(bank.prototypes, banks[0].prototypes)
        assert torch.equal(bank.counts, banks[0].counts)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_features_are_stored_in_the_banks_own_precision(dtype: torch.dtype) -> None:
    bank = PrototypeMemoryBank(CLASSES, DIM, capacity=4, top_k=2)
    features, energy, _ = batch(2)
    bank.update(features.to(dtype), energy.to(dtype), torch.ones(2, CLASSES))
    assert bank.prototypes.dtype == torch.float32
    torch.testing.assert_close(bank.prototypes.norm(dim=-1), torch.ones(CLASSES, 4))
    regions = torch.randn(2, CLASSES, DIM).to(dtype)
    assert bank.similarity(regions).isfinite().all()


def test_nothing_in_it_has_a_gradient_but_similarity_passes_one_to_the_regions() -> None:
    bank = double_bank()
    features, energy, labels = batch(6)
    bank.update(features.requires_grad_(), energy.requires_grad_(), labels.fill_(1))
    assert not bank.prototypes.requires_grad
    assert not list(bank.parameters())
    regions = torch.randn(2, CLASSES, DIM, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(bank.similarity, [regions])


def test_a_stored_prototype_is_as_similar_as_can_be() -> None:
    bank = double_bank(capacity=1, top_k=1)
    features, energy, _ = batch(1)
    bank.update(features, energy, torch.ones(1, CLASSES))
    ones = torch.ones(1, CLASSES, dtype=torch.float64)
    torch.testing.assert_close(bank.similarity(7 * bank.prototypes[:, 0][None]), ones)


def test_a_class_without_prototypes_has_no_similarity() -> None:
    bank = double_bank()
    features, energy, _ = batch(2)
    bank.update(features, energy, torch.tensor([[1, 0, -1], [1, 1, 0]]))
    similarity = bank.similarity(torch.randn(5, CLASSES, DIM, dtype=torch.float64))
    assert similarity.isnan().tolist() == [[False, False, True]] * 5


def test_images_in_another_order_are_forgotten_in_another_order_only() -> None:
    features, energy, labels = batch(2)
    first, second = double_bank(), double_bank()
    first.update(features, energy, labels)
    second.update(features.flip(0), energy.flip(0), labels.flip(0))
    for c in range(CLASSES):
        found, other = oldest_first(first, c).unflatten(0, (-1, 2)), oldest_first(second, c)
        torch.testing.assert_close(other.unflatten(0, (-1, 2)).flip(0), found)


def test_reset_forgets_everything() -> None:
    bank, fresh = double_bank(), double_bank()
    bank.update(*batch(6))
    bank.reset()
    for name, value in fresh.state_dict().items():
        assert torch.equal(bank.state_dict()[name], value), name


def test_a_bank_loaded_in_mid_stream_goes_on_alike() -> None:
    bank, other = double_bank(), double_bank()
    bank.update(*batch(4))
    other.load_state_dict(bank.state_dict())
    for size in (3, 0, 7):
        news = batch(size)
        bank.update(*news)
        other.update(*news)
    for name, value in bank.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


def test_an_update_does_not_change_what_it_is_given() -> None:
    features, energy, labels = batch(3)
    before = [t.clone() for t in (features, energy, labels)]
    double_bank().update(features, energy, labels)
    for found, wanted in zip((features, energy, labels), before, strict=True):
        assert torch.equal(found, wanted)


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1, got 0"),
        ({"dim": 0}, "`dim` must be at least 1, got 0"),
        ({"capacity": 0}, "`capacity` must be at least 1, got 0"),
        ({"top_k": 0}, "`top_k` must be at least 1, got 0"),
        ({"top_k": 9}, "`top_k` must not exceed `capacity` = 8, got 9; one image would push out"),
    ],
)
def test_wrong_sizes_are_refused(arguments: dict[str, int], message: str) -> None:
    sizes = {"num_classes": CLASSES, "dim": DIM, "capacity": 8, "top_k": 2} | arguments
    with pytest.raises(ValueError, match=message):
        PrototypeMemoryBank(
            sizes["num_classes"], sizes["dim"], capacity=sizes["capacity"], top_k=sizes["top_k"]
        )


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize(
    ("features", "energy", "labels", "message"),
    [
        ((2, 6, 5), (2, 3, 6), (2, 3), r"`features` must have shape \(batch, positions, 4\)"),
        ((2, 6, 4), (2, 4, 6), (2, 3), r"`energy` must have shape .* = \(2, 3, 6\), got \(2, 4, 6"),
        ((2, 6, 4), (1, 3, 6), (2, 3), r"`energy` must have shape .* = \(2, 3, 6\), got \(1, 3, 6"),
        ((2, 6, 4), (2, 3, 5), (2, 3), r"`energy` must have shape .* = \(2, 3, 6\), got \(2, 3, 5"),
        ((2, 6, 4), (2, 3, 6), (3, 3), r"`labels` must have shape .* = \(2, 3\), got \(3, 3\)"),
        (
            (2, 1, 4),
            (2, 3, 1),
            (2, 3),
            "`features` must have at least `top_k` = 2 positions, got 1",
        ),
    ],
)
def test_shapes_that_disagree_are_refused(
    features: tuple[int, ...], energy: tuple[int, ...], labels: tuple[int, ...], message: str
) -> None:
    bank = PrototypeMemoryBank(CLASSES, DIM, capacity=4, top_k=2)
    with pytest.raises(ValueError, match=message):
        bank.update(torch.zeros(features), torch.zeros(energy), torch.zeros(labels))
    assert not bank.counts.any()


def test_columns_may_stand_for_some_of_the_categories() -> None:
    bank, small = double_bank(classes=5), double_bank(classes=3)
    classes = torch.tensor([4, 0, 2])  # in any order
    for size in (4, 6):
        features, energy, labels = batch(size)
        bank.update(features, energy, labels, classes=classes)
        small.update(features, energy, labels)
    for name, state in small.named_buffers():
        assert torch.equal(bank.get_buffer(name)[classes], state), name
        assert not bank.get_buffer(name)[[1, 3]].any(), name
    regions = torch.randn(2, 3, DIM, dtype=torch.float64)
    found = bank.similarity(regions, classes=classes)
    torch.testing.assert_close(found, small.similarity(regions), equal_nan=True)
    assert torch.equal(bank.stored(classes)[0], small.prototypes)
    assert bank.stored()[0] is bank.prototypes


def test_columns_must_be_as_many_as_the_categories_they_stand_for() -> None:
    with pytest.raises(ValueError, match=r"`energy` must have shape .* = \(4, 2, 6\)"):
        double_bank().update(*batch(4), classes=torch.tensor([0, 2]))


@pytest.mark.usefixtures("no_shape_checks")
def test_regions_of_one_category_are_not_stretched_over_all() -> None:
    bank = double_bank()
    with pytest.raises(ValueError, match=r"along `classes` as `region_features`.*\(2, 1, 4\)"):
        bank.similarity(torch.randn(2, 1, DIM, dtype=torch.float64))


def test_a_label_of_two_is_refused_on_the_cpu() -> None:
    features, energy, labels = batch(2)
    bank = double_bank()
    with pytest.raises(ValueError, match=r"`labels` must contain only -1 .*, got also \[2.0\]"):
        bank.update(features, energy, torch.full_like(labels, 2))
    assert not bank.counts.any()
