import pytest
import torch
from torch import Tensor

from tests.models.fixed_features import NAMES, batch, matched
from tests.random_clip import random_pair
from trmml.models import ABLATIONS, TRMML, sample_classes


def labels_with_positives(*classes: int, num_classes: int = 50) -> Tensor:
    labels = torch.randint(-1, 1, (4, num_classes))
    labels[torch.arange(len(classes)) % 4, list(classes)] = 1
    return labels


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_categories_with_a_positive_come_first() -> None:
    labels, drawn = labels_with_positives(3, 41, 17), set()
    for seed in range(40):
        classes = sample_classes(labels, 10, generator=seeded(seed)).tolist()
        assert classes == sorted(set(classes))
        assert len(classes) == 10
        assert {3, 17, 41} <= {*classes}
        drawn |= {*classes}
    assert drawn == {*range(50)}


def test_where_too_many_have_a_positive_chance_picks_among_them() -> None:
    labels, drawn = labels_with_positives(*range(20)), set()
    for seed in range(40):
        classes = sample_classes(labels, 5, generator=seeded(seed)).tolist()
        assert len(classes) == 5
        drawn |= {*classes}
    assert drawn == {*range(20)}


def test_a_draw_depends_on_its_generator_alone() -> None:
    labels = labels_with_positives(3)
    first, second = (sample_classes(labels, 10, generator=seeded(1)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, sample_classes(labels, 10, generator=seeded(2)))


@pytest.mark.parametrize("num_sampled", [50, 51])
def test_more_than_there_are_draws_all(num_sampled: int) -> None:
    assert sample_classes(labels_with_positives(), num_sampled).tolist() == [*range(50)]


def test_a_batch_without_images_draws_at_random() -> None:
    assert len(sample_classes(torch.zeros(0, 50), 10)) == 10


def test_a_draw_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="`num_sampled` must be at least 1, got 0"):
        sample_classes(labels_with_positives(), 0)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ["all", "baseline", "dualcoop"])
def test_scores_of_a_sample_are_columns_of_all_scores(name: str, *, training: bool) -> None:
    model = TRMML(random_pair(), NAMES, config=ABLATIONS[name]).double().train(training)
    f, _ = batch()
    classes = torch.tensor([0, 2])
    with torch.set_grad_enabled(training):
        full, sampled = matched(model, f), model.match(f, (2, 3), classes=classes)
    assert full.classes is None
    assert sampled.classes is classes
    for field in ("logits", "query_logits", "energy", "region_features"):
        found, expected = getattr(sampled, field), getattr(full, field)
        if expected is not None:
            torch.testing.assert_close(found, expected[:, classes], msg=field)
    torch.testing.assert_close(sampled.positive, full.positive[classes])
    torch.testing.assert_close(sampled.negative, full.negative[classes])


def test_images_are_scored_for_a_sample_too() -> None:
    model, images = TRMML(random_pair(), NAMES).eval(), torch.randn(2, 3, 64, 64)
    classes = torch.tensor([1])
    torch.testing.assert_close(model(images, classes=classes).logits, model(images).logits[:, [1]])
