import pytest
import torch

from tests._references import evidence_matching as reference
from tests.random_clip import DIM, random_pair
from trmml.models.dualcoop_plus_plus import DualCoOpPlusPlus, DualCoOpPlusPlusConfig

NAMES = ["tree", ["boat", "ship"], "car"]


def model_of(**settings: object) -> DualCoOpPlusPlus:
    config = DualCoOpPlusPlusConfig.from_dict({"pooling_token": False, **settings})
    generator = torch.Generator().manual_seed(0)
    return DualCoOpPlusPlus(random_pair(), NAMES, config=config, generator=generator).double()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("competes", [True, False])
def test_the_score_is_that_of_the_loops(competes: bool, training: bool) -> None:
    features = torch.randn(2, 6, DIM, dtype=torch.float64)
    model = model_of(winner_take_all=competes).train(training)
    with torch.no_grad():
        found = model.match(features, (2, 3)).logits
        positive, negative, evidence = (text.tolist() for text in model.text_features())
    expected = reference.evidence_logits(
        features.tolist(), positive, negative, evidence, 0.05, 0.05, 0.05, compete=competes
    )
    torch.testing.assert_close(found, torch.tensor(expected).double(), rtol=1e-5, atol=1e-5)


def test_classes_that_a_step_draws_compete_alone_and_in_prediction_all_do() -> None:
    features, classes = torch.randn(2, 6, DIM, dtype=torch.float64), torch.tensor([2, 0])
    model = model_of()
    for training in (True, False):
        model.train(training)
        whole = model.match(features, (2, 3)).logits[:, classes]
        part = model.match(features, (2, 3), classes=classes).logits
        assert torch.allclose(part, whole) == (not training)


def test_all_three_prompts_and_temperatures_learn() -> None:
    model = model_of().train()
    model.match(torch.randn(2, 6, DIM, dtype=torch.float64), (2, 3)).logits.sum().backward()
    names = dict(model.named_parameters())
    assert {*names} == {
        "log_temperatures",
        "prompts.pair.positive_context",
        "prompts.pair.negative_context",
        "prompts.evidence.context",
    }
    assert all(bool(value.grad is not None and value.grad.any()) for value in names.values())
