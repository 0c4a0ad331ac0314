import pytest
import torch
from torch.nn.functional import normalize

from tests.random_clip import DIM, random_clip, random_pair, tokenizer, wrap
from trmml.encoders import ImageFeatures
from trmml.models import zero_shot_scores, zero_shot_text_features


def test_text_features_are_open_clips_own() -> None:
    clip = random_clip()
    found = zero_shot_text_features(wrap(clip).text, ["cat", "traffic light"])
    tokens = tokenizer()(["a photo of a cat.", "a photo of a traffic light."])
    torch.testing.assert_close(found, normalize(clip.encode_text(tokens).detach(), dim=-1))


def test_synonyms_and_templates_are_averaged() -> None:
    clip = random_clip()
    templates = ("a {}.", "the {}.")
    found = zero_shot_text_features(wrap(clip).text, [["dog", "puppy"]], templates=templates)
    tokens = tokenizer()(["a dog.", "the dog.", "a puppy.", "the puppy."])
    features = normalize(clip.encode_text(tokens).detach(), dim=-1)
    torch.testing.assert_close(found, normalize(features.mean(0, keepdim=True), dim=-1))


def test_a_template_without_a_place_for_the_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`templates` must each contain '\{\}', got 'a photo'"):
        zero_shot_text_features(random_pair().text, ["cat"], templates=("a photo",))


def test_scores_are_cosines_of_the_pooled_feature() -> None:
    images = ImageFeatures(torch.randn(4, 6, DIM), torch.randn(4, DIM), (2, 3))
    texts = normalize(torch.randn(3, DIM), dim=-1)
    expected = torch.cosine_similarity(images.pooled[:, None], texts[None], dim=-1)
    torch.testing.assert_close(zero_shot_scores(images, texts), expected)


def test_dense_scores_go_from_the_mean_to_the_best_position() -> None:
    images = ImageFeatures(torch.randn(4, 6, DIM), torch.randn(4, DIM), (2, 3))
    texts = normalize(torch.randn(3, DIM), dim=-1)
    cosines = torch.cosine_similarity(images.dense[:, None], texts[None, :, None], dim=-1)
    for temperature, expected in ((1e6, cosines.mean(dim=-1)), (1e-4, cosines.amax(dim=-1))):
        found = zero_shot_scores(images, texts, dense=True, spatial_temperature=temperature)
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)
