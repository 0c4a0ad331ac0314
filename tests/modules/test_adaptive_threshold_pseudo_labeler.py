import pytest
import torch
from torch import Tensor

from tests._references.pseudo_labeler import PseudoLabeler
from trmml.modules import AdaptiveThresholdPseudoLabeler

CLASSES = 4


def batch(modalities: int, size: int) -> tuple[Tensor, Tensor]:
    # Few distinct values, so that similarities meet thresholds exactly now and then.
    similarities = torch.randint(0, 5, (modalities, size, CLASSES)).double() / 4
    similarities[torch.rand(similarities.shape) < 0.1] = torch.nan
    return similarities, torch.randint(-1, 2, (size, CLASSES))


@pytest.mark.parametrize("modalities", [1, 2, 3])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize(("negatives_from", "as_negative"), [("known", -1), ("unknown", 0)])
def test_a_sequence_of_batches_matches_the_loops(
    modalities: int, momentum: float, negatives_from: str, as_negative: int
) -> None:
    labeler = AdaptiveThresholdPseudoLabeler(
        CLASSES,
        num_modalities=modalities,
        momentum=momentum,
        negatives_from=negatives_from,  # pyright: ignore[reportArgumentType]
    ).double()
    reference = PseudoLabeler(CLASSES, modalities, momentum, as_negative)
    completed = 0
    for size in (1, 0, 5, 30, 8, 30):
        similarities, labels = batch(modalities, size)
        labeler.update(similarities, labels)
        reference.update(similarities.tolist(), labels.tolist())
        for found, wanted in (
            (labeler.positive_threshold, reference.theta_pos),
            (labeler.negative_threshold, reference.theta_neg),
        ):
            expected = torch.tensor(wanted, dtype=torch.float64)
            torch.testing.assert_close(found, expected, equal_nan=True)
        result = labeler(similarities, labels)
        assert result.tolist() == reference.complete(similarities.tolist(), labels.tolist())
        completed += int((result != labels).sum())
    assert completed > 0


def fitted(modalities: int = 2) -> AdaptiveThresholdPseudoLabeler:
    labeler = AdaptiveThresholdPseudoLabeler(CLASSES, num_modalities=modalities)
    labeler.positive_threshold.fill_(0.7)
    labeler.negative_threshold.fill_(0.3)
    return labeler


def test_known_labels_are_never_touched() -> None:
    similarities, labels = torch.rand(2, 50, CLASSES), torch.randint(-1, 2, (50, CLASSES))
    completed = fitted()(similarities, labels)
    known = labels != 0
    assert torch.equal(completed[known], labels[known])
    assert completed[~known].any()


def test_the_given_labels_are_not_changed_in_place() -> None:
    labels = torch.zeros(5, CLASSES)
    completed = fitted()(torch.ones(2, 5, CLASSES), labels)
    assert completed.all()
    assert not labels.any()


@pytest.mark.parametrize(
    ("image", "text", "expected"),
    [(0.9, 0.9, 1), (0.1, 0.1, -1), (0.9, 0.1, 0), (0.9, 0.5, 0), (0.5, 0.1, 0), (0.5, 0.5, 0)],
)
def test_both_modalities_must_say_the_same(image: float, text: float, expected: int) -> None:
    similarities = torch.tensor([image, text])[:, None, None].expand(2, 1, CLASSES)
    assert fitted()(similarities, torch.zeros(1, CLASSES)).tolist() == [[expected] * CLASSES]


def test_one_modality_decides_alone() -> None:
    similarities = torch.tensor([[[0.9, 0.1, 0.5, torch.nan]]])
    completed = fitted(1)(similarities, torch.zeros(1, CLASSES, dtype=torch.long))
    assert completed.tolist() == [[1, -1, 0, 0]]


def test_without_thresholds_there_are_no_labels() -> None:
    labeler = AdaptiveThresholdPseudoLabeler(CLASSES)
    labels = torch.randint(-1, 2, (9, CLASSES))
    assert torch.equal(labeler(torch.rand(2, 9, CLASSES), labels), labels)


def test_one_threshold_alone_gives_no_labels() -> None:
    labeler = AdaptiveThresholdPseudoLabeler(CLASSES)
    labeler.update(torch.full((2, 1, CLASSES), 0.5), torch.ones(1, CLASSES))
    assert labeler.positive_threshold.isfinite().all()
    assert labeler.negative_threshold.isnan().all()
    assert not labeler(torch.rand(2, 50, CLASSES), torch.zeros(50, CLASSES)).any()


def test_single_positive_labels_set_negative_thresholds_only_if_asked() -> None:
    labels = torch.eye(CLASSES)
    similarities = torch.rand(2, CLASSES, CLASSES)
    known, unknown = (
        AdaptiveThresholdPseudoLabeler(CLASSES, negatives_from=source)
        for source in ("known", "unknown")
    )
    for labeler in (known, unknown):
        labeler.update(similarities, labels)
    assert known.negative_threshold.isnan().all()
    assert unknown.negative_threshold.isfinite().all()
    assert torch.equal(known.positive_threshold, unknown.positive_threshold)


def test_a_class_without_an_observation_keeps_its_threshold() -> None:
    labeler = fitted()
    labeler.update(torch.rand(2, 1, CLASSES), torch.tensor([[1, -1, 0, 0]]))
    assert (labeler.positive_threshold[:, 1:] == 0.7).all()
    assert (labeler.positive_threshold[:, 0] != 0.7).all()
    assert (labeler.negative_threshold[:, [0, 2, 3]] == 0.3).all()
    assert (labeler.negative_threshold[:, 1] != 0.3).all()


def test_the_first_observation_sets_a_threshold_and_the_second_moves_it() -> None:
    labeler = AdaptiveThresholdPseudoLabeler(1, num_modalities=1, momentum=0.75)
    for similarity, expected in ((0.8, 0.8), (0.4, 0.7)):
        labeler.update(torch.tensor([[[similarity]]]), torch.ones(1, 1))
        assert labeler.positive_threshold.item() == pytest.approx(expected)


def test_a_batch_without_known_labels_or_images_changes_nothing() -> None:
    labeler = fitted()
    before = {name: value.clone() for name, value in labeler.state_dict().items()}
    labeler.update(torch.rand(2, 3, CLASSES), torch.zeros(3, CLASSES))
    labeler.update(torch.rand(2, 0, CLASSES), torch.zeros(0, CLASSES))
    labeler(torch.rand(2, 3, CLASSES), torch.zeros(3, CLASSES))
    for name, value in labeler.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert labeler(torch.rand(2, 0, CLASSES), torch.zeros(0, CLASSES)).shape == (0, CLASSES)


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.float32, torch.float16])
def test_labels_keep_their_type(dtype: torch.dtype) -> None:
    labels = torch.zeros(3, CLASSES, dtype=dtype)
    completed = fitted()(torch.ones(2, 3, CLASSES), labels)
    assert completed.dtype == dtype
    assert (completed == 1).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_thresholds_work(dtype: torch.dtype) -> None:
    labeler = AdaptiveThresholdPseudoLabeler(CLASSES).to(dtype)
    labels = torch.tensor([[1] * CLASSES, [-1] * CLASSES, [0] * CLASSES])
    similarities = torch.tensor([0.75, 0.25, 0.75]).expand(2, CLASSES, 3).mT.to(dtype)
    labeler.update(similarities, labels)
    assert labeler(similarities, labels)[2].tolist() == [1] * CLASSES


def test_no_gradient_passes_through() -> None:
    similarities = torch.rand(2, 3, CLASSES, requires_grad=True)
    labeler = fitted()
    labeler.update(similarities, torch.ones(3, CLASSES))
    assert not labeler.positive_threshold.requires_grad
    assert not labeler(similarities, torch.zeros(3, CLASSES)).requires_grad


def test_classes_and_images_may_be_reordered() -> None:
    similarities, labels = batch(2, 12)
    first, second = (AdaptiveThresholdPseudoLabeler(CLASSES).double() for _ in range(2))
    classes, images = torch.randperm(CLASSES), torch.randperm(12)
    first.update(similarities, labels)
    second.update(similarities[:, images][..., classes], labels[images][:, classes])
    moved = second(similarities[:, images][..., classes], labels[images][:, classes])
    assert torch.equal(moved, first(similarities, labels)[images][:, classes])


def test_state_survives_a_round_trip_and_reset_forgets_it() -> None:
    labeler, other = (AdaptiveThresholdPseudoLabeler(CLASSES).double() for _ in range(2))
    labeler.update(*batch(2, 8))
    other.load_state_dict(labeler.state_dict())
    news = batch(2, 8)
    labeler.update(*news)
    other.update(*news)
    for name, value in labeler.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], value, rtol=0, atol=0, equal_nan=True)
    labeler.reset()
    assert all(value.isnan().all() for value in labeler.state_dict().values())


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "must be at least 1, got 0 and 2"),
        ({"num_modalities": 0}, "must be at least 1, got 4 and 0"),
        ({"momentum": 1.1}, r"`momentum` must be in \[0, 1\], got 1.1"),
        ({"momentum": -0.1}, r"`momentum` must be in \[0, 1\], got -0.1"),
        ({"momentum": float("nan")}, r"`momentum` must be in \[0, 1\], got nan"),
        ({"negatives_from": "all"}, "`negatives_from` must be .*'known'.*'unknown', got 'all'"),
    ],
)
def test_wrong_settings_are_refused(arguments: dict[str, object], message: str) -> None:
    num_classes = arguments.pop("num_classes", CLASSES)
    with pytest.raises(ValueError, match=message):
        AdaptiveThresholdPseudoLabeler(num_classes, **arguments)  # pyright: ignore[reportArgumentType]


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize(
    ("similarities", "labels"),
    [((1, 3, 4), (3, 4)), ((2, 3, 5), (3, 5)), ((2, 2, 4), (3, 4)), ((2, 3, 4), (3, 5))],
)
def test_shapes_that_disagree_are_refused(
    similarities: tuple[int, ...], labels: tuple[int, ...]
) -> None:
    labeler = fitted()
    for call in (labeler.update, labeler):
        with pytest.raises(ValueError, match=r"`similarities` must have shape .* = \(2, 3, 4\)"):
            call(torch.zeros(similarities), torch.zeros(labels))


def test_columns_may_stand_for_some_of_the_categories() -> None:
    labeler, small = fitted(), AdaptiveThresholdPseudoLabeler(2)
    classes = torch.tensor([2, 0])  # in any order
    labeler.positive_threshold[:, classes] = small.positive_threshold
    labeler.negative_threshold[:, classes] = small.negative_threshold
    for _ in range(3):
        similarities, labels = torch.rand(2, 20, 2), torch.randint(-1, 2, (20, 2))
        labeler.update(similarities, labels, classes=classes)
        small.update(similarities, labels)
        found = labeler(similarities, labels, classes=classes)
        assert torch.equal(found, small(similarities, labels))
    assert torch.equal(labeler.positive_threshold[:, classes], small.positive_threshold)
    assert torch.equal(labeler.negative_threshold[:, classes], small.negative_threshold)
    assert labeler.positive_threshold[:, 1].eq(0.7).all()
    assert labeler.negative_threshold[:, 1].eq(0.3).all()


def test_a_label_of_two_is_refused_on_the_cpu() -> None:
    labeler, labels = fitted(), torch.full((3, CLASSES), 2)
    for call in (labeler.update, labeler):
        with pytest.raises(ValueError, match=r"`labels` must contain only -1 .*, got also \[2.0\]"):
            call(torch.rand(2, 3, CLASSES), labels)
