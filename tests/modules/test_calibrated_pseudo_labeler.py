"""What is added is right as often as promised, and nothing is added where that cannot be said."""

import pytest
import torch
from torch import Tensor

from trmml import CalibratedPseudoLabeler

IMAGES, CLASSES = 1500, 8


def world(
    *, noise: float = 1.0, share: float = 0.2, images: int = IMAGES, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Return truth, two kinds of evidence on scales of their own, and a part of the truth."""
    generator = torch.Generator().manual_seed(seed)
    often = torch.rand(CLASSES, generator=generator) * 0.3 + 0.05
    truth = torch.where(torch.rand(images, CLASSES, generator=generator) < often, 1, -1)
    evidence = truth + noise * torch.randn(2, images, CLASSES, generator=generator)
    evidence = evidence * torch.tensor([1.0, 50.0])[:, None, None] + torch.randn(
        2, 1, CLASSES, generator=generator
    )
    withheld = torch.where(torch.rand(images, CLASSES, generator=generator) < share, truth, 0)
    return truth, evidence, withheld


def fitted(evidence: Tensor, withheld: Tensor) -> CalibratedPseudoLabeler:
    return CalibratedPseudoLabeler(CLASSES, num_evidence=len(evidence)).fit(evidence, withheld)


@pytest.mark.parametrize(("present", "absent"), [(0.7, 0.95), (0.9, 0.98)])
def test_the_promise_is_kept_on_what_was_hidden(present: float, absent: float) -> None:
    for seed in range(3):
        truth, evidence, withheld = world(seed=seed)
        completed = fitted(evidence, withheld)(evidence, withheld, present=present, absent=absent)
        for sign, promise in ((1, present), (-1, absent)):
            added = (completed == sign) & (withheld == 0)
            assert int(added.sum()) > 100
            assert float((truth == sign)[added].double().mean()) > promise - 0.03


def test_probabilities_are_right_as_often_as_they_say() -> None:
    truth, evidence, withheld = world()
    hidden = withheld == 0
    probability = fitted(evidence, withheld).probability(evidence)[hidden]
    for lowest in (0.0, 0.2, 0.4, 0.6, 0.8):
        inside = (probability >= lowest) & (probability < lowest + 0.2)
        share = float((truth[hidden] > 0)[inside].double().mean())
        assert share == pytest.approx(float(probability[inside].mean()), abs=0.08)


def test_known_labels_stay_whatever_the_evidence_says() -> None:
    truth, evidence, withheld = world(noise=0.3)
    wrong = -truth
    labels = torch.where(withheld != 0, wrong, 0)
    completed = fitted(evidence, withheld)(evidence, labels)
    assert torch.equal(completed[withheld != 0], wrong[withheld != 0])
    assert completed[withheld == 0].any()
    assert completed.dtype == labels.dtype


def test_evidence_that_says_nothing_adds_no_positive_and_says_why() -> None:
    _, _, withheld = world()
    evidence = torch.randn(2, IMAGES, CLASSES)
    labeler = fitted(evidence, withheld)
    assert not (labeler(evidence, withheld) - withheld > 0).any()
    assert "No positives are added" in str(labeler.report())


@pytest.mark.parametrize("left", [1, -1, None])
def test_withheld_labels_of_one_kind_or_none_add_nothing_and_say_why(left: int | None) -> None:
    _, evidence, withheld = world()
    some = withheld if left is None else torch.where(withheld == left, withheld, 0)
    some = torch.zeros_like(some) if left is None else some
    labeler = fitted(evidence, some)
    assert torch.equal(labeler(evidence, some), some)
    assert "nothing is added" in str(labeler.report())
    assert bool(labeler.probability(evidence).isnan().all())


def test_a_few_withheld_labels_add_nothing() -> None:
    _, evidence, withheld = world()
    few = torch.zeros_like(withheld)
    few[0], few[1] = 1, -1
    labeler = fitted(evidence, few)
    assert torch.equal(labeler(evidence, few), few)
    assert labeler.report().reasons


def test_a_class_without_withheld_labels_gets_none_and_is_counted() -> None:
    _, evidence, withheld = world(noise=0.3)
    withheld[:, 0] = 0  # nothing is known
    withheld[:, 1] = withheld[:, 1].clamp(min=0)  # no negative: positives were chosen, not found
    withheld[:, 2] = withheld[:, 2].clamp(max=0)  # no positive was seen
    labeler = fitted(evidence, withheld)
    added = labeler(evidence, withheld) - withheld
    assert not added[:, :2].any()
    assert not (added[:, 2] > 0).any()
    assert (added[:, 2] < 0).any()
    assert "3 classes get no positives" in str(labeler.report())
    assert "2 classes get no negatives" in str(labeler.report())


def test_some_classes_are_completed_as_among_all() -> None:
    _, evidence, withheld = world()
    labeler, some = fitted(evidence, withheld), torch.tensor([5, 1])
    among_all = labeler(evidence, withheld)
    alone = labeler(evidence[..., some], withheld[:, some], classes=some)
    assert torch.equal(alone, among_all[:, some])
    probability = labeler.probability(evidence[..., some], classes=some)
    assert torch.equal(probability, labeler.probability(evidence)[:, some])


def test_a_batch_is_completed_as_in_the_whole() -> None:
    _, evidence, withheld = world()
    labeler = fitted(evidence, withheld)
    whole = labeler(evidence, withheld)
    for rows in (slice(0, 1), slice(1, 40), slice(0, 0)):
        assert torch.equal(labeler(evidence[:, rows], withheld[rows]), whole[rows])


def test_scale_and_place_of_evidence_do_not_matter() -> None:
    _, evidence, withheld = world()
    other = evidence.double() * 1e6 - 3e6
    first = fitted(evidence.double(), withheld).probability(evidence.double())
    torch.testing.assert_close(
        fitted(other, withheld).probability(other), first, rtol=1e-4, atol=1e-5
    )


def test_a_saved_fit_completes_the_same() -> None:
    _, evidence, withheld = world()
    labeler = fitted(evidence, withheld)
    again = CalibratedPseudoLabeler(CLASSES, num_evidence=2)
    again.load_state_dict(labeler.state_dict())
    assert torch.equal(again(evidence, withheld), labeler(evidence, withheld))
    assert again.report() == labeler.report()


def test_fitting_again_forgets_the_first_fit() -> None:
    _, evidence, withheld = world()
    _, other, other_withheld = world(seed=5)
    labeler = fitted(other, other_withheld).fit(evidence, withheld)
    fresh = fitted(evidence, withheld).state_dict()
    assert all(torch.equal(value, fresh[name]) for name, value in labeler.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_half_precision_evidence_is_judged_in_full(dtype: torch.dtype) -> None:
    _, evidence, withheld = world()
    evidence = evidence.to(dtype)
    labeler = fitted(evidence, withheld)
    assert labeler.probability(evidence).dtype == dtype
    wide = fitted(evidence.double(), withheld)
    assert torch.equal(labeler(evidence, withheld), wide(evidence.double(), withheld))


def test_constant_evidence_is_worth_nothing_and_does_no_harm() -> None:
    _, evidence, withheld = world()
    flat = torch.cat([evidence, torch.full_like(evidence[:1], 7.0)])
    with_it, without = fitted(flat, withheld), fitted(evidence, withheld)
    torch.testing.assert_close(with_it.probability(flat), without.probability(evidence))


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_evidence_that_is_no_number_is_refused(value: float) -> None:
    _, evidence, withheld = world()
    labeler = fitted(evidence, withheld)
    broken = evidence.clone()
    broken[1, 2, 3] = value
    for call in (labeler.fit, labeler):
        with pytest.raises(ValueError, match="`evidence` must be finite"):
            call(broken, withheld)
    with pytest.raises(ValueError, match="`evidence` must be finite"):
        labeler.probability(broken)


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize("shape", [(1, 4, CLASSES), (2, 4, CLASSES + 1), (2, 4), (2, 5, CLASSES)])
def test_evidence_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    labeler = CalibratedPseudoLabeler(CLASSES, num_evidence=2)
    with pytest.raises(ValueError, match=r"`evidence`|`labels`"):
        labeler.fit(torch.zeros(shape), torch.zeros(4, CLASSES))


@pytest.mark.parametrize("name", ["present", "absent"])
@pytest.mark.parametrize("precision", [0.0, 1.0, 95, -0.1, float("nan")])
def test_a_precision_outside_its_range_is_refused(name: str, precision: float) -> None:
    _, evidence, withheld = world(images=100)
    labeler = fitted(evidence, withheld)
    with pytest.raises(ValueError, match=rf"`{name}` must be in \(0, 1\) or None"):
        labeler(evidence, withheld, **{name: precision})  # pyright: ignore[reportArgumentType]


def test_one_kind_alone_can_be_added() -> None:
    _, evidence, withheld = world(noise=0.3)
    labeler = fitted(evidence, withheld)
    assert (labeler(evidence, withheld, present=None) - withheld).max() <= 0
    assert (labeler(evidence, withheld, absent=None) - withheld).min() >= 0


def test_labels_of_another_coding_are_refused() -> None:
    _, evidence, withheld = world(images=10)
    with pytest.raises(ValueError, match="must contain only -1"):
        CalibratedPseudoLabeler(CLASSES, num_evidence=2).fit(evidence, withheld + 1)


@pytest.mark.parametrize(
    ("sizes", "options"), [((0,), {"num_evidence": 1}), ((2,), {"num_evidence": 0})]
)
def test_sizes_below_one_are_refused(sizes: tuple[int], options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        CalibratedPseudoLabeler(*sizes, **options)


@pytest.mark.parametrize("deviations", [-1.0, float("inf"), float("nan")])
def test_impossible_caution_is_refused(deviations: float) -> None:
    with pytest.raises(ValueError, match="`deviations` must be finite and at least 0"):
        CalibratedPseudoLabeler(2, num_evidence=1, deviations=deviations)
