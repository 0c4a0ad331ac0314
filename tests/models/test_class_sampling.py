import pytest
import torch
from torch import Tensor

from tests.models.fixed_features import NAMES, batch, matched
from tests.random_clip import random_pair
from trmml.models import ABLATIONS, TRMML, TRMMLConfig, sample_classes


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


PER_CLASS = {  # names of what has an entry per class, and the axis it lies on
    "prompts.positive_context": 0,
    "prompts.negative_context": 0,
    "decoder.queries": 0,
    "prototypes.text_prototypes": 0,
    "prototypes.bank.prototypes": 0,
    "prototypes.bank.counts": 0,
    "prototypes.bank.pointers": 0,
    "prototypes.labeler.positive_threshold": 1,
    "prototypes.labeler.negative_threshold": 1,
}
CLASSES, LEFT_OUT = torch.tensor([0, 2]), torch.tensor([1])


def trained(config: TRMMLConfig, stage: int) -> TRMML:
    model = TRMML(random_pair(), NAMES, config=config, generator=seeded(0)).double().train()
    for step in range(4):
        f, y = batch(20)
        model.loss(matched(model, f), y)
        if step == 1 and stage == 2:
            model.begin_second_stage()
    return model


def model_of_the_sample(model: TRMML) -> TRMML:
    """Build a model of the sampled classes alone, in the same state."""
    names = [NAMES[c] for c in CLASSES]
    small = TRMML(random_pair(), names, config=model.config).double().train()
    state = model.state_dict()
    small.load_state_dict(
        {
            name: value.index_select(PER_CLASS[name], CLASSES) if name in PER_CLASS else value
            for name, value in state.items()
        }
    )
    return small


@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize(
    "options", [{}, {"live_text_prototypes": True}, {"unknown_as_negative": True}]
)
def test_a_step_on_a_sample_is_a_step_of_a_model_of_these_classes(
    stage: int, options: dict[str, object]
) -> None:
    model = trained(TRMMLConfig.from_dict({"bank_capacity": 5, **options}), stage)
    small = model_of_the_sample(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    f, y = batch(20)
    output = model.match(f, (2, 3), classes=CLASSES)
    losses, expected = model.loss(output, y), small.loss(matched(small, f), y[:, CLASSES])
    torch.testing.assert_close(losses, expected)
    losses.total.backward()
    expected.total.backward()
    small_gradients = {name: p.grad for name, p in small.named_parameters()}
    for name, parameter in model.named_parameters():
        gradient = parameter.grad
        assert gradient is not None
        if name in PER_CLASS:
            assert not gradient[LEFT_OUT].any(), name
            gradient = gradient[CLASSES]
        torch.testing.assert_close(gradient, small_gradients[name], msg=f"{name} differs")
    for name, value in small.state_dict().items():
        found = model.state_dict()[name]
        if name in PER_CLASS:
            left = found.index_select(PER_CLASS[name], LEFT_OUT)
            kept = before[name].index_select(PER_CLASS[name], LEFT_OUT)
            torch.testing.assert_close(left, kept, rtol=0, atol=0, equal_nan=True)
            found = found.index_select(PER_CLASS[name], CLASSES)
        torch.testing.assert_close(found, value, equal_nan=True, msg=f"{name} differs")


def test_labels_of_classes_left_out_are_not_completed() -> None:
    model = trained(TRMMLConfig(), stage=2)
    f, y = batch(100)
    completed = model.complete(model.match(f, (2, 3), classes=CLASSES), y)
    full = model.complete(matched(model, f), y)
    assert torch.equal(completed[:, CLASSES], full[:, CLASSES])
    assert torch.equal(completed[:, LEFT_OUT], y[:, LEFT_OUT])
    assert not torch.equal(completed, y)
    assert not torch.equal(full[:, LEFT_OUT], y[:, LEFT_OUT])
