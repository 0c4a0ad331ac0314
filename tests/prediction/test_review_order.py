import pytest
import torch

from tests._references.answer_value import answer_value as reference
from tests.prediction.photographs import NAMES
from trmml.data import ImageTable
from trmml.prediction import Proposal, answer_value, order_for_review


def test_the_value_is_that_of_the_equation():
    generator = torch.Generator().manual_seed(0)
    probability = torch.rand(200, generator=generator, dtype=torch.float64)
    probability[:3] = torch.tensor([0.0, 0.5, 1.0])
    positives = torch.randint(0, 50, (200,), generator=generator)
    expected = [
        reference(p, n) for p, n in zip(probability.tolist(), positives.tolist(), strict=True)
    ]
    assert answer_value(probability, positives).tolist() == pytest.approx(expected)


def proposal(image, column, probability):
    label = 1 if probability >= 0.5 else -1
    return Proposal(image, NAMES[column], label, probability, "calibrated")


def test_what_is_unsure_and_rare_comes_first():
    labels = torch.zeros(9, 3, dtype=torch.int64)
    labels[:8, 0] = 1
    table = ImageTable(".", [f"{row}.png" for row in range(9)], labels, NAMES)
    sure, common, rare = (proposal("8.png", c, p) for c, p in [(1, 0.99), (0, 0.5), (2, 0.4)])
    found = [sure, common, rare]
    assert order_for_review(found, table, order="usefulness") == [rare, common, sure]
    assert order_for_review(found, table, order="confidence") == [sure, rare, common]
    assert order_for_review([], table, order="usefulness") == []
