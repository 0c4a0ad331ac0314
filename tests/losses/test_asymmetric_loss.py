import pytest
import torch

from trmml.functional import asymmetric_loss
from trmml.losses import AsymmetricLoss


def test_the_module_is_the_function() -> None:
    logits, labels = torch.randn(4, 5), torch.randint(-1, 2, (4, 5))
    assert torch.equal(AsymmetricLoss()(logits, labels), asymmetric_loss(logits, labels))
    module = AsymmetricLoss(
        gamma_pos=0.5, gamma_neg=4, margin=0.1, reduction="none", detach_focal=True
    )
    expected = asymmetric_loss(
        logits, labels, gamma_pos=0.5, gamma_neg=4, margin=0.1, reduction="none"
    )
    assert torch.equal(module(logits, labels), expected)


def test_a_detached_focus_reaches_the_function() -> None:
    logits, labels = torch.randn(4, 5, requires_grad=True), torch.ones(4, 5)
    followed, stopped = (
        torch.autograd.grad(AsymmetricLoss(detach_focal=detach)(logits, labels), logits)[0]
        for detach in (False, True)
    )
    assert not torch.allclose(followed, stopped)


def test_there_is_nothing_to_learn_or_to_save() -> None:
    module = AsymmetricLoss()
    assert list(module.parameters()) == []
    assert module.state_dict() == {}


def test_it_shows_its_settings() -> None:
    assert repr(AsymmetricLoss(gamma_neg=4.0)) == (
        "AsymmetricLoss(gamma_pos=1.0, gamma_neg=4.0, margin=0.05, reduction='batch_mean', "
        "detach_focal=False)"
    )


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"gamma_pos": -1}, "`gamma_pos` must be finite and at least 0, got -1"),
        ({"gamma_neg": -0.5}, "`gamma_neg` must be finite and at least 0, got -0.5"),
        ({"margin": 1.0}, r"`margin` must be in \[0, 1\), got 1.0"),
        ({"reduction": "avg"}, "`reduction` must be one of 'batch_mean', .*, got 'avg'"),
    ],
)
def test_mistakes_are_refused_at_construction(setting: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AsymmetricLoss(**setting)
