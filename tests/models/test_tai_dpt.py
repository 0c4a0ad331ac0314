import pytest
import torch
from torch import Tensor

from tests._references import local_matching as local
from tests._references import pairwise_hinge_loss as ranking
from tests._references.matching import cosine
from tests.random_clip import DIM, random_pair
from trmml.losses import PairwiseHingeLoss
from trmml.models import Batch
from trmml.models.tai_dpt import TaIDPT, TaIDPTConfig, TaIDPTTask

NAMES = ["tree", ["boat", "ship"], "car"]
LABELS = torch.tensor([[1, -1, -1], [1, 1, -1], [-1, -1, 1]])
TAU, TAU_OF_WORDS, TAU_OF_PLACES = 0.3, 0.05, 0.4


def model() -> TaIDPT:
    config = TaIDPTConfig(
        temperature=TAU,
        caption_spatial_temperature=TAU_OF_WORDS,
        spatial_temperature=TAU_OF_PLACES,
        global_weight=0.2,
    )
    generator = torch.Generator().manual_seed(0)
    return TaIDPT(random_pair(), NAMES, config=config, generator=generator).double()


def captions() -> Tensor:
    features = torch.randn(3, 6, DIM, dtype=torch.float64)
    features[1, 3:] = 0  # the second one is shorter
    return features


def scores(whole: Tensor, parts: Tensor, texts: list[list[list[float]]], tau_s: float) -> Tensor:
    """Return global and local scores of the third of Figure 1, by loops."""
    g, h = texts
    of_whole = [[cosine(f, g_c) / TAU for g_c in g] for f in whole.tolist()]
    of_parts = local.local_matching_scores(parts.tolist(), h, TAU, tau_s)
    return torch.tensor([of_whole, of_parts], dtype=torch.float64)


def texts_of(found: TaIDPT) -> list[list[list[float]]]:
    return [text.tolist() for text in found.prompts()]


def test_an_image_scores_by_its_mean_and_its_positions() -> None:
    found, features = model(), torch.randn(3, 6, DIM, dtype=torch.float64)
    output = found.match(features, (2, 3))
    expected = scores(features.mean(dim=1), features, texts_of(found), TAU_OF_PLACES)
    torch.testing.assert_close(output.global_scores, expected[0])
    torch.testing.assert_close(output.local_scores, expected[1])
    torch.testing.assert_close(output.logits, 0.2 * expected[0] + 0.8 * expected[1])


def test_a_caption_scores_by_its_own_feature_and_its_words() -> None:
    found, features = model(), captions()
    output = found.match_captions(features, (1, 6))
    expected = scores(features[:, 0], features[:, 1:], texts_of(found), TAU_OF_WORDS)
    torch.testing.assert_close(output.global_scores, expected[0])
    torch.testing.assert_close(output.local_scores, expected[1])


def test_the_loss_ranks_by_both_scores() -> None:
    found, features = model(), captions()
    losses = TaIDPTTask(found)(Batch(features, LABELS, (1, 6)))
    both = scores(features[:, 0], features[:, 1:], texts_of(found), TAU_OF_WORDS)
    expected = [ranking.loss_of_labels(x.tolist(), LABELS.tolist()) for x in both]
    assert losses["global"].item() == pytest.approx(expected[0])
    assert losses["local"].item() == pytest.approx(expected[1])
    assert losses["total"].item() == pytest.approx(sum(expected))


def test_both_prompts_learn_and_neither_learns_from_the_others_score() -> None:
    task = TaIDPTTask(model())
    prompts = task.model.prompts
    losses = task(Batch(captions(), LABELS, (1, 6)))
    parameters = [prompts.global_context, prompts.local_context]
    for name, own in (("global", 0), ("local", 1)):
        gradients = torch.autograd.grad(
            losses[name], parameters, retain_graph=True, allow_unused=True
        )
        moved = [g is not None and bool(g.abs().sum() > 0) for g in gradients]
        assert moved == [own == 0, own == 1]


def test_mixed_precision_leaves_cosines_in_full() -> None:
    found, features = model().float().eval(), captions().float()
    with torch.no_grad():
        expected = found.match_captions(features, (1, 6))  # the texts are kept
        with torch.autocast("cpu", torch.bfloat16):
            output = found.match_captions(features, (1, 6))
    for one, other in zip(output, expected, strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one, other)


def test_training_goes_in_half_precision() -> None:
    task = TaIDPTTask(model().float()).train()
    with torch.autocast("cpu", torch.bfloat16):
        losses = task(Batch(captions().float(), LABELS, (1, 6)))
    losses["total"].backward()
    assert losses["total"].isfinite()
    assert task.model.prompts.global_context.grad.isfinite().all()


def test_images_are_refused_in_training() -> None:
    with pytest.raises(ValueError, match="`batch` must hold features of captions"):
        TaIDPTTask(model())(Batch(torch.randn(3, 3, 64, 64).double(), LABELS))


def test_it_learns_from_captions_by_the_published_loss() -> None:
    config = TaIDPTConfig()
    assert config.learns_from == "captions"
    assert config.global_weight == 0.5
    assert isinstance(config.loss.build(), PairwiseHingeLoss)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": 0.0}, "`temperature` must be finite and above 0"),
        ({"caption_spatial_temperature": -1.0}, "`caption_spatial_temperature` must be finite"),
        ({"spatial_temperature": float("nan")}, "`spatial_temperature` must be finite"),
        ({"global_weight": 1.1}, r"`global_weight` must be in \[0, 1\], got 1.1"),
        ({"context_length": 0}, "`context_length` must be at least 1, got 0"),
        ({"text_chunk_size": 0}, "`text_chunk_size` must be at least 1, got 0"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TaIDPTConfig.from_dict(wrong)
