import math

import pytest
import torch

from tests.losses.every_loss import gradient, logits_and_labels
from trmml.losses import EntropyMaximizationLoss, KnownBCELoss


def test_unknown_labels_are_drawn_to_one_half() -> None:
    logits = torch.tensor([[-2.0, 0.0, 2.0]])
    slope = gradient(EntropyMaximizationLoss(), logits, torch.zeros(1, 3))
    assert slope.sign().tolist() == [[-1, 0, 1]]


def test_the_least_value_is_that_of_full_doubt() -> None:
    value = EntropyMaximizationLoss(entropy_weight=0.2)(torch.zeros(2, 3), torch.zeros(2, 3))
    torch.testing.assert_close(value, torch.tensor(-0.2 * 3 * math.log(2)))


def test_without_weight_it_is_cross_entropy() -> None:
    logits, labels = logits_and_labels()
    loss = EntropyMaximizationLoss(entropy_weight=0.0)
    torch.testing.assert_close(loss(logits, labels), KnownBCELoss()(logits, labels))


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="`entropy_weight` must be finite and at least 0, got -1"):
        EntropyMaximizationLoss(entropy_weight=-1)
