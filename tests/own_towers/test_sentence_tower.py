import pytest
import torch
from torch import nn
from torch.nn.functional import pad

from examples.own_towers.sentence_layer import SentenceLayer
from tests.own_towers.small import SIZES, random_state, sentence_tower
from trmml.encoders import TextEncoder
from trmml.modules import DualPromptLearner

TEXTS = ["a cat.", "dogs", "a photo of a dog."]


def features(tower, texts, *, more_padding=0):
    tokens = pad(tower.pad(tower.tokenize(texts)), (0, more_padding))
    return tower(tower.embed_tokens(tokens), tokens)


def twin(layer):
    """Return torch's own layer with the same weights."""
    width, inner = SIZES["hidden_size"], SIZES["intermediate_size"]
    same = nn.TransformerEncoderLayer(
        width, SIZES["num_attention_heads"], inner, dropout=0.0, activation="gelu", batch_first=True
    )
    heads = (layer.query, layer.key, layer.value)
    state = {
        "self_attn.in_proj_weight": torch.cat([part.weight for part in heads]),
        "self_attn.in_proj_bias": torch.cat([part.bias for part in heads]),
    }
    names = {
        "self_attn.out_proj": layer.mixed,
        "linear1": layer.wide,
        "linear2": layer.narrow,
        "norm1": layer.mixed_norm,
        "norm2": layer.narrow_norm,
    }
    for name, part in names.items():
        state |= {f"{name}.weight": part.weight, f"{name}.bias": part.bias}
    same.load_state_dict(state)
    for norm in (same.norm1, same.norm2):
        norm.eps = SIZES["layer_norm_eps"]
    return same


def test_a_layer_is_torch_s_own_with_the_norms_behind():
    layer = SentenceLayer(SIZES)
    x, real = torch.randn(3, 5, 16), torch.arange(5) < torch.tensor([[5], [3], [1]])
    expected = twin(layer)(x, src_key_padding_mask=~real)
    found = layer(x, real[:, None, None])
    torch.testing.assert_close(found[real], expected[real], rtol=0, atol=1e-5)


def test_a_feature_is_the_mean_over_the_real_tokens_less_the_centre():
    tower = sentence_tower()
    (numbers,) = tower.tokenize(["a cat."])
    assert numbers == [2, 4, 7, 9, 3]
    x = tower.words.weight[numbers] + tower.positions.weight[:5] + tower.kinds.weight[0]
    x = tower.norm(x)[None]
    for layer in tower.layers:
        x = twin(layer)(x)
    expected = x[0].mean(dim=0)
    torch.testing.assert_close(features(tower, ["a cat."])[0], expected, rtol=0, atol=1e-5)
    tower.centre.copy_(torch.arange(16.0))
    torch.testing.assert_close(
        features(tower, ["a cat."])[0], expected - torch.arange(16.0), rtol=0, atol=1e-5
    )


def test_padding_and_neighbours_change_nothing():
    tower = sentence_tower()
    together = features(tower, TEXTS)
    for text, expected in zip(TEXTS, together, strict=True):
        for more in (0, 4):
            alone = features(tower, [text], more_padding=more)[0]
            torch.testing.assert_close(alone, expected, rtol=0, atol=1e-5)
    assert not torch.allclose(together[0], together[2], atol=1e-2)


def test_it_keeps_the_protocol_and_takes_learnt_prompts():
    tower = sentence_tower()
    assert isinstance(tower, TextEncoder)
    prompts = DualPromptLearner(tower, ["cat", ["dog", "dogs"]], context_length=3)
    positive, negative = prompts()
    assert positive.shape == negative.shape == (2, 16)
    positive[0].sum().backward()
    gradient = prompts.positive_context.grad
    assert gradient is not None
    assert gradient[0].abs().sum() > 0
    assert gradient[1].abs().sum() == 0
    assert all(not parameter.requires_grad for parameter in tower.parameters())


def test_chunks_of_prompts_are_encoded_as_all_at_once():
    tower = sentence_tower()
    generator = torch.Generator()
    both = [
        DualPromptLearner(
            tower,
            ["cat", "photo of a dog"],
            context_length=2,
            chunk_size=size,
            generator=generator.manual_seed(0),
        )()
        for size in (None, 1)
    ]
    torch.testing.assert_close(*both, rtol=0, atol=1e-5)


def test_a_prompt_that_is_too_long_is_refused():
    tower = sentence_tower()
    with pytest.raises(ValueError, match="at most 30 tokens a prompt, got 31; shorten"):
        tower.pad([[2, 3], [2, *[4] * 29, 3]])


def test_no_prompt_at_all_has_no_feature():
    tower = sentence_tower()
    assert tower.pad([]).shape == (0, 0)


def test_no_weight_of_the_file_is_left_unread():
    tower, state = sentence_tower(), random_state()
    assert len(tower.state_dict()) == len(state)
