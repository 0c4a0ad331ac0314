import pytest
import torch

from tests._references.dual_prompts import prompt_feature
from tests.random_clip import random_clip, tokenizer, wrap
from trmml.encoders import EncoderPair
from trmml.modules import DualPromptLearner, PromptLearner

NAMES = ["cat", "traffic light", ["dog", "puppy"]]
LENGTH = 4


@pytest.fixture
def pair() -> EncoderPair:
    return wrap(random_clip().double())


@pytest.mark.parametrize("class_specific", [True, False])
def test_features_are_those_of_the_sentence_written_by_hand(class_specific: bool) -> None:
    clip, names = random_clip().double(), ["cat", "traffic light"]
    prompts = PromptLearner(
        wrap(clip).text, names, context_length=LENGTH, class_specific=class_specific
    ).double()
    with torch.no_grad():
        prompts.context.normal_(generator=torch.Generator().manual_seed(0))
    rows = [prompts.context[c if class_specific else 0] for c in range(2)]
    by_hand = [prompt_feature(clip, tokenizer(), *both) for both in zip(rows, names, strict=True)]
    torch.testing.assert_close(prompts(), torch.stack(by_hand), rtol=0, atol=1e-10)


def test_it_says_what_the_positive_side_of_two_says(pair: EncoderPair) -> None:
    both = DualPromptLearner(pair.text, NAMES, context_length=LENGTH)
    one = PromptLearner(pair.text, NAMES, context_length=LENGTH, chunk_size=2)
    one.load_state_dict({"context": both.positive_context.detach()})
    torch.testing.assert_close(one(), both()[0])
    classes = torch.tensor([2, 0])
    torch.testing.assert_close(one(classes), both()[0][classes])


def test_given_words_start_it(pair: EncoderPair) -> None:
    prompts = PromptLearner(pair.text, NAMES, context_length=6, init="a photo of a")
    words = torch.tensor([tokenizer().encode("a photo of a")])
    torch.testing.assert_close(
        prompts.context[1, -4:], pair.text.embed_tokens(words)[0].float(), rtol=0, atol=1e-6
    )


def test_one_seed_gives_one_start(pair: EncoderPair) -> None:
    seeds = (torch.Generator().manual_seed(seed) for seed in (0, 0, 1))
    first, same, other = (PromptLearner(pair.text, NAMES, generator=seed) for seed in seeds)
    assert torch.equal(first.context, same.context)
    assert not torch.equal(first.context, other.context)


def test_what_is_impossible_is_refused(pair: EncoderPair) -> None:
    with pytest.raises(ValueError, match="`context_length` must be at least 1, got 0"):
        PromptLearner(pair.text, NAMES, context_length=0)
    with pytest.raises(ValueError, match="`init` must have between 1 and `context_length` = 2"):
        PromptLearner(pair.text, NAMES, context_length=2, init="a photo of a")
    with pytest.raises(ValueError, match="`chunk_size` must be at least 1 or None, got 0"):
        PromptLearner(pair.text, NAMES, chunk_size=0)
