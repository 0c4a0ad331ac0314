# ruff: noqa: ANN401 - open_clip and timm ship no stubs
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.encoders.small_models import (
    SIGLIP_TEXT,
    TEXT,
    TRANSFORMER,
    LetterTokenizer,
    WordlessTokenizer,
    clip,
    custom_text_clip,
)
from trmml.encoders import TextEncoder, TokenEncoder
from trmml.encoders.text_transformer import TextTransformerTower

TEXTS = ["a cat", "ox", "a red fire hydrant"]
EOS_TEXT = {**TEXT, "pool_type": "eos", "eos_id": 99}
CAUSAL = {
    "CLIP": lambda: clip(TRANSFORMER),
    "CLIP with its text tower apart": lambda: custom_text_clip(TRANSFORMER),
    "pooled at the end token": lambda: clip(TRANSFORMER, EOS_TEXT),
    "without a projection": lambda: custom_text_clip(
        TRANSFORMER, {**TEXT, "proj_type": "none"}, dim=32
    ),
    "with scaled layers": lambda: clip(TRANSFORMER, {**TEXT, "ls_init_value": 0.3}),
    "of one block": lambda: clip(TRANSFORMER, {**TEXT, "layers": 1}),
    "with attention of its own": lambda: clip(TRANSFORMER, {**TEXT, "scale_attn_inner": True}),
}
WHOLE = {
    "SigLIP": lambda: custom_text_clip(TRANSFORMER, SIGLIP_TEXT),
    "CLIPA": lambda: clip(TRANSFORMER, {**TEXT, "no_causal_mask": True, "pool_type": "last"}),
    "pooled at the first token": lambda: clip(TRANSFORMER, {**TEXT, "pool_type": "first"}),
    "both ways, pooled at the end token": lambda: clip(
        TRANSFORMER, {**TEXT, "no_causal_mask": True}
    ),
}


def tower(model: Any, tokenizer: Any = None) -> TextTransformerTower:
    return TextTransformerTower(getattr(model, "text", model), tokenizer or LetterTokenizer())


def in_full(tokens: Tensor, length: int = 20, fill: int = 0) -> Tensor:
    return nn.functional.pad(tokens, (0, length - tokens.shape[1]), value=fill)


@pytest.mark.parametrize("kind", CAUSAL)
def test_cut_prompts_give_what_the_model_gives_whole_ones(kind: str):
    model = CAUSAL[kind]()
    encoder = tower(model)
    tokens = encoder.pad(encoder.tokenize(TEXTS))
    assert encoder.causal
    assert tokens.shape == (3, 17)  # the longest: 15 letters between two special tokens
    features = encoder(encoder.embed_tokens(tokens), tokens)
    expected = model.encode_text(in_full(tokens))
    torch.testing.assert_close(features, expected, atol=1e-6, rtol=0)
    assert features.shape == (3, encoder.dim)


@pytest.mark.parametrize("kind", CAUSAL)
def test_whole_prompts_give_the_same(kind: str):
    model = CAUSAL[kind]()
    encoder = tower(model)
    tokens = in_full(encoder.pad(encoder.tokenize(TEXTS)))
    features = encoder(encoder.embed_tokens(tokens), tokens)
    torch.testing.assert_close(features, model.encode_text(tokens))


@pytest.mark.parametrize("kind", CAUSAL)
@pytest.mark.parametrize("shared", [0, 1, 5])
def test_tokens_that_open_all_prompts_may_be_computed_once(kind: str, shared: int):
    encoder = tower(CAUSAL[kind]())
    tokens = encoder.pad(encoder.tokenize(["abcdef", "abcdxyz", "abcdd"]))
    found, expected = encoder.embed_tokens(tokens), encoder.embed_tokens(tokens)
    for embeddings in (found, expected):
        embeddings.requires_grad_()
    features = [encoder(found, tokens, shared), encoder(expected, tokens)]
    torch.testing.assert_close(*features)
    for feature in features:
        (feature * torch.arange(feature.numel()).reshape(feature.shape).sin()).sum().backward()
    assert found.grad is not None
    assert expected.grad is not None
    torch.testing.assert_close(found.grad[:, shared:], expected.grad[:, shared:])
    # whatever all prompts have in common has the gradients of all
    torch.testing.assert_close(found.grad[:, :shared].sum(0), expected.grad[:, :shared].sum(0))


def test_the_last_block_is_computed_for_end_tokens_alone():
    encoder = tower(clip(TRANSFORMER))
    seen = []
    for block in encoder.transformer.resblocks:
        block.mlp.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape[:2]))
    tokens = encoder.pad(encoder.tokenize(TEXTS))
    encoder(encoder.embed_tokens(tokens), tokens, 1)
    assert seen == [(1, 1), (3, 16), (3, 1)]


@pytest.mark.parametrize("kind", WHOLE)
def test_a_tower_that_looks_at_the_whole_window_gets_it(kind: str):
    model = WHOLE[kind]()
    encoder = tower(model, WordlessTokenizer())
    tokens = encoder.pad(encoder.tokenize(TEXTS))
    assert not encoder.causal
    assert tokens.shape == (3, 20)
    assert (tokens[:, -1] == WordlessTokenizer.pad_token_id).all()
    features = encoder(encoder.embed_tokens(tokens), tokens)
    torch.testing.assert_close(features, model.encode_text(tokens))


@pytest.mark.parametrize("kind", [*CAUSAL, *WHOLE])
def test_every_token_has_a_feature_and_one_of_them_is_the_texts_own(kind: str):
    model = (CAUSAL | WHOLE)[kind]()
    encoder = tower(model, None if kind in CAUSAL else WordlessTokenizer())
    assert isinstance(encoder, TokenEncoder)
    tokens = encoder.pad(encoder.tokenize(TEXTS))
    every, pooled = encoder.encode_tokens(encoder.embed_tokens(tokens), tokens)
    assert every.shape == (*tokens.shape, encoder.dim)
    torch.testing.assert_close(pooled, encoder(encoder.embed_tokens(tokens), tokens))
    assert (every == pooled[:, None]).all(dim=-1).any(dim=-1).all()


@pytest.mark.parametrize("kind", CAUSAL)
def test_a_tokens_feature_is_that_of_the_text_which_ends_there(kind: str):
    """An end token in the place of the next one: in a causal tower, nothing before it sees it."""
    encoder = tower(CAUSAL[kind]())
    tokens = encoder.pad(encoder.tokenize(["a cat"]))
    every, _ = encoder.encode_tokens(encoder.embed_tokens(tokens), tokens)
    for place in range(1, tokens.shape[1]):
        cut = tokens[:, : place + 1].clone()
        embeddings = encoder.embed_tokens(cut)
        cut[:, place] = 99
        torch.testing.assert_close(encoder(embeddings, cut), every[:, place])


def test_a_cut_window_is_refused_where_it_would_change_the_feature():
    encoder = tower(WHOLE["SigLIP"]())
    tokens = encoder.pad(encoder.tokenize(["a cat"]))[:, :10]
    with pytest.raises(ValueError, match="must have exactly 20 tokens a prompt, got 10"):
        encoder(encoder.embed_tokens(tokens), tokens)


def test_gradients_flow_to_the_prompts_and_not_to_the_tower():
    encoder = tower(clip(TRANSFORMER))
    tokens = encoder.pad(encoder.tokenize(TEXTS))
    embeddings = encoder.embed_tokens(tokens).requires_grad_()
    encoder(embeddings, tokens).square().sum().backward()
    gradient = embeddings.grad
    assert isinstance(gradient, Tensor)
    lengths = [len(prompt) for prompt in encoder.tokenize(TEXTS)]
    for row, length in zip(gradient, lengths, strict=True):
        assert (row[:length].abs().sum(dim=-1) > 0).all()
        assert (row[length:] == 0).all()  # what follows the end token has no part
    assert all(p.grad is None and not p.requires_grad for p in encoder.parameters())


def test_the_gradient_is_right():
    encoder = tower(clip(TRANSFORMER))
    tokens = encoder.pad(encoder.tokenize(["ox"]))
    embeddings = encoder.embed_tokens(tokens).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: encoder(x, tokens), embeddings)


def test_training_mode_changes_nothing():
    encoder = tower(clip(TRANSFORMER))
    nn.ModuleList([encoder]).train()
    assert not any(module.training for module in encoder.modules())


@pytest.mark.parametrize(
    ("model", "tokenizer", "prefix"),
    [(clip(TRANSFORMER), LetterTokenizer(), 1), (WHOLE["SigLIP"](), WordlessTokenizer(), 0)],
)
def test_it_keeps_the_protocol(model: Any, tokenizer: Any, prefix: int):
    encoder = tower(model, tokenizer)
    assert isinstance(encoder, TextEncoder)
    assert (encoder.dim, encoder.width, encoder.context_length) == (24, 32, 20)
    assert encoder.num_prefix_tokens == prefix


def test_float_prompts_through_half_precision_weights():
    encoder = tower(clip(TRANSFORMER)).to(torch.bfloat16)
    tokens = encoder.pad(encoder.tokenize(TEXTS))
    features = encoder(encoder.embed_tokens(tokens).float(), tokens)
    assert features.dtype == torch.float32
    assert features.isfinite().all()


def test_long_texts_are_tokenised_in_full_and_refused_by_pad():
    encoder = tower(clip(TRANSFORMER))
    tokens = encoder.tokenize(["ox", "abcdefghijklmnopqrs"])
    assert len(tokens[1]) == 21
    with pytest.raises(ValueError, match="at most 20 tokens a prompt, got 21 in prompt 1"):
        encoder.pad(tokens)


def test_too_many_embeddings_are_refused():
    encoder = tower(clip(TRANSFORMER))
    tokens = torch.zeros(1, 21, dtype=torch.long)
    with pytest.raises(ValueError, match="must have at most 20 tokens a prompt, got 21"):
        encoder(encoder.embed_tokens(tokens), tokens)


def test_no_prompts():
    encoder = tower(clip(TRANSFORMER))
    assert encoder.tokenize([]) == []
    assert encoder.pad([]).shape == (0, 0)
    tokens = torch.zeros(0, 5, dtype=torch.long)
    assert encoder(encoder.embed_tokens(tokens), tokens).shape == (0, 24)


def test_a_hugging_face_tower_is_refused():
    class HFTextEncoder(nn.Module):
        pass

    with pytest.raises(ValueError, match="got HFTextEncoder; Hugging Face text towers"):
        TextTransformerTower(HFTextEncoder(), LetterTokenizer())


def test_a_class_embedding_is_refused():
    model = custom_text_clip(TRANSFORMER, {**TEXT, "embed_cls": True})
    with pytest.raises(ValueError, match="CoCa"):
        tower(model)


def test_a_tower_that_does_not_pool_is_refused():
    with pytest.raises(ValueError, match=r"must pool by .* got 'none'"):
        tower(clip(TRANSFORMER, {**TEXT, "pool_type": "none"}))


@pytest.mark.usefixtures("no_shape_checks")
def test_it_compiles_without_a_graph_break():
    encoder = tower(clip(TRANSFORMER))
    tokens = encoder.pad(encoder.tokenize(TEXTS))
    embeddings = encoder.embed_tokens(tokens).requires_grad_()
    compiled = torch.compile(encoder, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(embeddings, tokens), encoder(embeddings, tokens))
