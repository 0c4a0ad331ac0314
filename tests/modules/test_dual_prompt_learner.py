import copy
from collections.abc import Sequence
from typing import Any, cast

import pytest
import torch
from open_clip.model import CLIP
from torch import Tensor, nn
from torch.nn.functional import normalize

from tests._references.dual_prompts import prompt_feature
from tests.encoders.small_models import (
    SIGLIP_TEXT,
    TRANSFORMER,
    WordlessTokenizer,
    custom_text_clip,
)
from tests.random_clip import DIM, random_clip, random_pair, tokenizer, wrap
from trmml.class_names import NameOrSynonyms
from trmml.encoders import EncoderPair
from trmml.encoders.text_transformer import TextTransformerTower
from trmml.modules import DualPromptLearner

NAMES = ["cat", "traffic light", "skateboard"]
LENGTH = 4


@pytest.fixture
def clip() -> CLIP:
    return random_clip().double()


@pytest.fixture
def pair(clip: CLIP) -> EncoderPair:
    return wrap(clip)


def by_hand(clip: CLIP, context: Tensor, names: list[str]) -> Tensor:
    rows = [
        prompt_feature(clip, tokenizer(), context[c if len(context) > 1 else 0], name)
        for c, name in enumerate(names)
    ]
    return torch.stack(rows)


def negative_context(prompts: DualPromptLearner) -> nn.Parameter:
    assert prompts.negative_context is not None
    return prompts.negative_context


def spread(prompts: DualPromptLearner) -> DualPromptLearner:
    """Make contexts so large that each of their entries shows in the features."""
    with torch.no_grad():
        for parameter in prompts.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return prompts


@pytest.mark.parametrize("class_specific", [True, False])
def test_features_are_those_of_the_sentence_written_by_hand(
    clip: CLIP, pair: EncoderPair, class_specific: bool
) -> None:
    prompts = DualPromptLearner(
        pair.text, NAMES, context_length=LENGTH, class_specific=class_specific
    )
    positive, negative = spread(prompts.double())()
    contexts = (prompts.positive_context, negative_context(prompts))
    for found, context in zip((positive, negative), contexts, strict=True):
        expected = by_hand(clip, context, NAMES)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    assert not torch.allclose(positive, negative)


def test_cut_prompts_give_the_features_of_all_77_tokens(pair: EncoderPair) -> None:
    prompts = spread(DualPromptLearner(pair.text, NAMES).double())
    cut = prompts.tokens
    assert cut.shape[1] == 1 + 16 + 2 + 1 + 1  # start, context, "traffic light", full stop, end
    full = nn.functional.pad(cut, (0, pair.text.context_length - cut.shape[1]))
    short = torch.cat(prompts())
    prompts.tokens = full
    torch.testing.assert_close(torch.cat(prompts()), short, rtol=0, atol=1e-10)


def test_features_have_unit_length(pair: EncoderPair) -> None:
    for feature in DualPromptLearner(pair.text, [*NAMES, ["dog", "puppy"]])():
        torch.testing.assert_close(feature.norm(dim=-1), torch.ones(4).to(feature))


def test_class_specific_contexts_are_one_per_class_and_shared_ones_are_one(
    pair: EncoderPair,
) -> None:
    own = DualPromptLearner(pair.text, NAMES, context_length=LENGTH)
    shared = DualPromptLearner(pair.text, NAMES, context_length=LENGTH, class_specific=False)
    assert own.positive_context.shape == (3, LENGTH, pair.text.width)
    assert shared.positive_context.shape == (1, LENGTH, pair.text.width)


def test_a_class_specific_context_speaks_for_its_class_alone(pair: EncoderPair) -> None:
    prompts = DualPromptLearner(pair.text, NAMES)
    before = prompts()[0].detach()
    with torch.no_grad():
        prompts.positive_context[1] += 1
    changed = (prompts()[0] != before).any(dim=-1)
    assert changed.tolist() == [False, True, False]


def test_contexts_start_small_and_normal(pair: EncoderPair) -> None:
    prompts = DualPromptLearner(pair.text, [f"cat {i}" for i in range(150)])
    for context in prompts.parameters():
        assert context.std().item() == pytest.approx(0.02, rel=0.05)
        assert context.mean().item() == pytest.approx(0, abs=1e-3)


def embedded(pair: EncoderPair, words: str) -> Tensor:
    ids = torch.tensor([tokenizer().encode(words)])
    return pair.text.embed_tokens(ids)[0].float()


def test_given_words_stand_nearest_to_the_name(pair: EncoderPair) -> None:
    prompts = DualPromptLearner(pair.text, NAMES, context_length=6, init="a photo of a")
    for context in (prompts.positive_context, negative_context(prompts)):
        for row in context:
            torch.testing.assert_close(row[2:], embedded(pair, "a photo of a"))
            assert (row[:2].abs() < 0.2).all()
            assert row[:2].any()


def test_words_that_fill_the_context_make_a_plain_sentence(clip: CLIP, pair: EncoderPair) -> None:
    prompts = DualPromptLearner(pair.text, NAMES, context_length=4, init="a photo of a")
    tokens = tokenizer()([f"a photo of a {name}." for name in NAMES])
    expected = normalize(clip.encode_text(tokens), dim=-1)
    torch.testing.assert_close(prompts()[0], expected, rtol=0, atol=1e-6)


def test_a_pair_of_words_starts_the_two_sides(pair: EncoderPair) -> None:
    prompts = DualPromptLearner(pair.text, NAMES, init=("a photo with", "a photo without any"))
    torch.testing.assert_close(prompts.positive_context[0, -3:], embedded(pair, "a photo with"))
    torch.testing.assert_close(
        negative_context(prompts)[2, -4:], embedded(pair, "a photo without any")
    )


def test_synonyms_are_averaged(clip: CLIP, pair: EncoderPair) -> None:
    names: Sequence[NameOrSynonyms] = ["cat", ["dog", "puppy", "hound"], ["car"]]
    prompts = spread(DualPromptLearner(pair.text, names, context_length=LENGTH).double())
    context = prompts.positive_context
    dogs = [
        prompt_feature(clip, tokenizer(), context[1], name) for name in ("dog", "puppy", "hound")
    ]
    positive = prompts()[0]
    assert positive.shape == (3, DIM)
    expected = normalize(torch.stack(dogs).mean(dim=0), dim=-1)
    torch.testing.assert_close(positive[1], expected)
    torch.testing.assert_close(positive[2], prompt_feature(clip, tokenizer(), context[2], "car"))


def test_an_embedding_may_stand_for_the_negative_side(pair: EncoderPair) -> None:
    prompts = DualPromptLearner(pair.text, NAMES, negative="embedding")
    learnt = dict(prompts.named_parameters())
    assert set(learnt) == {"positive_context", "negative_embedding"}
    assert learnt["negative_embedding"].shape == (3, DIM)
    with torch.no_grad():
        learnt["negative_embedding"].mul_(5)
    positive, negative = prompts()
    torch.testing.assert_close(negative.norm(dim=-1), torch.ones(3))
    torch.testing.assert_close(5 * negative, learnt["negative_embedding"].detach())
    assert positive.shape == negative.shape


def test_gradients_reach_the_contexts_and_nothing_else(pair: EncoderPair) -> None:
    prompts = DualPromptLearner(pair.text, NAMES)
    torch.stack(prompts()).square().sum(dim=-1).sum().backward()
    (prompts()[0] - prompts()[1]).square().sum().backward()
    for name, parameter in prompts.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().amax(dim=(1, 2)).all(), name
    assert isinstance(pair.text, nn.Module)
    assert all(weight.grad is None for weight in pair.text.parameters())


def test_only_what_learns_is_saved(pair: EncoderPair) -> None:
    prompts = DualPromptLearner(pair.text, NAMES)
    assert set(prompts.state_dict()) == {"positive_context", "negative_context"}
    assert {name for name, _ in prompts.named_parameters()} == set(prompts.state_dict())
    assert list(prompts.children()) == []


def test_state_survives_a_round_trip(pair: EncoderPair) -> None:
    first, second = (DualPromptLearner(pair.text, NAMES) for _ in range(2))
    second.load_state_dict(first.state_dict())
    assert torch.equal(torch.stack(first()), torch.stack(second()))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_the_text_tower_moves_along(dtype: torch.dtype) -> None:
    text = random_pair().text
    prompts = DualPromptLearner(text, NAMES).to(dtype)
    assert isinstance(text, nn.Module)
    assert {weight.dtype for weight in text.parameters()} == {dtype}
    for feature in prompts():
        assert feature.dtype == dtype
        assert feature.isfinite().all()


def test_a_copy_is_independent(pair: EncoderPair) -> None:
    prompts = DualPromptLearner(pair.text, NAMES)
    before, clone = torch.stack(prompts()), copy.deepcopy(prompts)
    with torch.no_grad():
        clone.positive_context.add_(1)
    assert torch.equal(torch.stack(prompts()), before)
    assert not torch.equal(torch.stack(clone()), before)


def test_shared_contexts_serve_another_list_of_classes(clip: CLIP, pair: EncoderPair) -> None:
    source = DualPromptLearner(pair.text, NAMES, context_length=LENGTH, class_specific=False)
    others = ["tree", "house"]
    target = DualPromptLearner(pair.text, others, context_length=LENGTH, class_specific=False)
    target.double().load_state_dict(spread(source.double()).state_dict())
    expected = by_hand(clip, source.positive_context, others)
    torch.testing.assert_close(target()[0], expected)


def test_class_specific_contexts_do_not(pair: EncoderPair) -> None:
    source = DualPromptLearner(pair.text, NAMES)
    with pytest.raises(RuntimeError, match="size mismatch for positive_context"):
        DualPromptLearner(pair.text, ["tree", "house"]).load_state_dict(source.state_dict())


@pytest.mark.parametrize("negative", ["prompt", "embedding"])
def test_a_generator_makes_the_start_reproducible(pair: EncoderPair, negative: str) -> None:
    first, second, third = (
        DualPromptLearner(
            pair.text,
            NAMES,
            negative=negative,  # pyright: ignore[reportArgumentType]
            generator=torch.Generator().manual_seed(seed),
        ).state_dict()
        for seed in (7, 7, 8)
    )
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
        assert not torch.equal(value, third[name]), name


def test_with_a_generator_the_global_state_is_left_alone(pair: EncoderPair) -> None:
    before = torch.get_rng_state()
    DualPromptLearner(pair.text, NAMES, generator=torch.Generator())
    assert torch.equal(torch.get_rng_state(), before)


LONG_AND_SHORT = ["skateboard", "a very long name of a cat", ["dog", "little puppy"], "ox"]


def features_and_gradients(prompts: DualPromptLearner, classes: Tensor | None) -> list[Tensor]:
    features = prompts(classes)
    weights = torch.arange(features[0].numel()).reshape(features[0].shape).to(features[0])
    ((features[0] - 2 * features[1]) * weights.sin()).sum().backward()
    gradients = [parameter.grad for parameter in prompts.parameters()]
    return [*features, *(gradient for gradient in gradients if gradient is not None)]


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 100])
@pytest.mark.parametrize("classes", [None, [2, 0], [3, 1, 0]])
@pytest.mark.parametrize(
    "options", [{}, {"class_specific": False}, {"negative": "embedding"}], ids=str
)
def test_chunks_change_neither_features_nor_gradients(
    pair: EncoderPair, options: dict[str, Any], classes: list[int] | None, chunk_size: int
) -> None:
    chosen = None if classes is None else torch.tensor(classes)
    whole, chunked = (
        DualPromptLearner(
            pair.text, LONG_AND_SHORT, context_length=LENGTH, chunk_size=size, **options
        ).double()
        for size in (None, chunk_size)
    )
    chunked.load_state_dict(spread(whole).state_dict())
    expected = features_and_gradients(whole, chosen)
    found = features_and_gradients(chunked, chosen)
    assert len(expected) == 4
    assert all(gradient.any() for gradient in expected[2:])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


def test_a_tower_that_sees_the_whole_window_takes_chunks_too() -> None:
    text = TextTransformerTower(
        custom_text_clip(TRANSFORMER, SIGLIP_TEXT).text, WordlessTokenizer()
    )
    whole, chunked = (
        DualPromptLearner(text, ["cat", "ox", "horse"], context_length=LENGTH, chunk_size=size)
        for size in (None, 2)
    )
    chunked.load_state_dict(whole.state_dict())
    torch.testing.assert_close(torch.stack(chunked()), torch.stack(whole()))


def kept_for_the_gradient(prompts: DualPromptLearner) -> int:
    """Count the activations, in numbers, that encoding leaves in memory."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes() // tensor.itemsize
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        features = prompts()
    assert features[0].requires_grad
    return sum(kept.values())


def test_chunks_keep_no_activations_of_the_tower(pair: EncoderPair) -> None:
    names = [f"cat {i} {'x' * (i % 7)}" for i in range(60)]
    whole, chunked = (DualPromptLearner(pair.text, names, chunk_size=n) for n in (None, 10))
    contexts = sum(parameter.numel() for parameter in chunked.parameters())
    assert kept_for_the_gradient(chunked) < 3 * contexts
    assert kept_for_the_gradient(whole) > 20 * contexts


def test_no_chunk_is_larger_or_longer_than_it_need_be(
    pair: EncoderPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = []
    encode = cast(nn.Module, pair.text).forward

    def record(embeddings: Tensor, tokens: Tensor, shared: int = 0) -> Tensor:
        shapes.append(tuple(tokens.shape))
        return encode(embeddings, tokens, shared)

    monkeypatch.setattr(pair.text, "forward", record)
    prompts = DualPromptLearner(
        pair.text, LONG_AND_SHORT, chunk_size=2, context_length=LENGTH, negative="embedding"
    )
    prompts()
    lengths = sorted(prompts.lengths.tolist())
    assert shapes == [(2, lengths[1]), (2, lengths[3]), (1, lengths[4])]
    assert lengths[1] < lengths[3] < lengths[4]


@pytest.mark.parametrize("chunk_size", [0, -1])
def test_chunks_of_nothing_are_refused(pair: EncoderPair, chunk_size: int) -> None:
    with pytest.raises(ValueError, match=f"`chunk_size` must be at least 1 .* got {chunk_size}"):
        DualPromptLearner(pair.text, NAMES, chunk_size=chunk_size)


@pytest.mark.usefixtures("no_shape_checks")
def test_it_compiles_to_one_graph(pair: EncoderPair) -> None:
    prompts = DualPromptLearner(pair.text, [*NAMES, ["dog", "puppy"]])
    compiled = torch.compile(prompts, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(), prompts())


def test_a_name_that_fits_exactly_is_accepted(pair: EncoderPair) -> None:
    # start + 72 + "cat" + "." + end = 76; one more token of context is the most there is room for
    for length in (72, 73):
        prompts = DualPromptLearner(pair.text, ["cat"], context_length=length)
        assert prompts.tokens.shape[1] == length + 4
        assert prompts()[0].isfinite().all()


def test_a_name_that_is_too_long_is_named_with_its_length(pair: EncoderPair) -> None:
    name = " ".join(["very"] * 70 + ["long"])
    message = (
        rf"must fit the text tower's 77 tokens, but '{name}' needs 90 with `context_length` = 16; "
        "shorten the name, or use a `context_length` of at most 3"
    )
    with pytest.raises(ValueError, match=message):
        DualPromptLearner(pair.text, ["cat", name])
    DualPromptLearner(pair.text, ["cat", name], context_length=3)


def test_a_name_that_fits_with_no_context_says_so(pair: EncoderPair) -> None:
    name = " ".join(["very"] * 80)
    with pytest.raises(
        ValueError, match=r"needs 99 with `context_length` = 16; shorten the name\.$"
    ):
        DualPromptLearner(pair.text, [name])


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        ([], {}, r"`class_names` must be a list with one name per class, got \[\]"),
        ("cat", {}, "`class_names` must be a list with one name per class, got 'cat'"),
        (["cat", " "], {}, "`class_names` must hold non-empty names, got ' ' for class 1"),
        (["cat", []], {}, r"`class_names` must hold non-empty names, got \[\] for class 1"),
        (
            [["cat", ""]],
            {},
            r"`class_names` must hold non-empty names, got \['cat', ''\] for class",
        ),
        (["cat", 3], {}, "`class_names` must hold non-empty names, got 3 for class 1"),
        (NAMES, {"context_length": 0}, "`context_length` must be at least 1, got 0; 16 is the"),
        (NAMES, {"init": "a b c d e"}, "`init` must have between 1 and .* = 4 tokens, got 5 in"),
        (NAMES, {"init": ""}, "`init` must have between 1 and .* = 4 tokens, got 0 in ''"),
        (NAMES, {"init": ("a", "")}, "`init` must have between 1 and .* = 4 tokens, got 0 in ''"),
        (NAMES, {"negative": "none"}, "`negative` must be .*'prompt'.*'embedding', got 'none'"),
    ],
)
def test_wrong_settings_are_refused(
    pair: EncoderPair, names: Sequence[NameOrSynonyms], options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        DualPromptLearner(pair.text, names, **({"context_length": 4} | options))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("names", [NAMES, [["cat", "kitten"], "traffic light", ["dog", "puppy"]]])
@pytest.mark.parametrize("options", [{}, {"class_specific": False}, {"negative": "embedding"}])
def test_a_sample_of_the_classes_gives_their_rows(
    pair: EncoderPair, names: list, options: dict
) -> None:
    prompts = spread(DualPromptLearner(pair.text, names, **options).double())
    for classes in (torch.tensor([0, 2]), torch.tensor([2, 1]), torch.tensor([1])):
        for sampled, full in zip(prompts(classes), prompts(), strict=True):
            torch.testing.assert_close(sampled, full[classes], rtol=0, atol=1e-10)


def test_classes_left_out_of_a_sample_get_no_gradient(pair: EncoderPair) -> None:
    prompts = DualPromptLearner(pair.text, NAMES)
    torch.stack(prompts(torch.tensor([0, 2]))).sum().backward()
    for parameter in prompts.parameters():
        assert parameter.grad is not None
        assert not parameter.grad[1].any()
        assert parameter.grad[[0, 2]].flatten(1).any(dim=1).all()
