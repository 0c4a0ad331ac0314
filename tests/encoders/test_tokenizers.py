import re
import sys
from typing import Any

import open_clip
import pytest

from tests.encoders.small_models import LetterTokenizer, WordlessTokenizer
from trmml.encoders.tokenizers import HuggingFaceTokenizer, PairTokenizer, as_tokenizer
from trmml.extras import install_line

TEXTS = ["a photo of a cat", "Fire Hydrant!", ""]


class Words:
    """As a tokenizer of `transformers`: letters between special tokens that a mask marks."""

    pad_token_id = 7
    sep_token_id = 5

    def __init__(self, prefix: list[int]) -> None:
        self.prefix = prefix

    def __call__(
        self, text: str, *, truncation: bool = False, return_special_tokens_mask: bool = False
    ) -> dict[str, list[int]]:
        if truncation:
            raise AssertionError("nothing may be cut off")
        letters = [ord(letter) for letter in text]
        mask = [1] * len(self.prefix) + [0] * len(letters) + [1]
        tokens = {"input_ids": [*self.prefix, *letters, self.sep_token_id]}
        return {**tokens, "special_tokens_mask": mask} if return_special_tokens_mask else tokens


class Wrapper:
    """As open_clip's HFTokenizer."""

    def __init__(self, prefix: list[int], *, strip_sep_token: bool = False) -> None:
        self.tokenizer = Words(prefix)
        self.strip_sep_token = strip_sep_token

    def clean_fn(self, text: str) -> str:
        return text.strip().lower()


def test_open_clips_own_tokenizer_gives_the_same_tokens():
    tokenizer = as_tokenizer(open_clip.SimpleTokenizer())
    assert tokenizer.num_prefix_tokens == 1
    for text in TEXTS:
        tokens = tokenizer(text)
        padded = tokens + [tokenizer.pad_id] * (77 - len(tokens))
        assert padded == open_clip.tokenize(text)[0].tolist()


def test_nothing_is_cut_off():
    tokens = as_tokenizer(open_clip.SimpleTokenizer())("cat " * 200)
    assert len(tokens) == 202


def test_a_tokenizer_without_a_start_token():
    tokenizer = as_tokenizer(WordlessTokenizer())
    assert tokenizer("abc") == [1, 2, 3, 99]
    assert tokenizer.num_prefix_tokens == 0
    assert tokenizer.pad_id == 99


def test_padding_is_0_where_nothing_else_is_said():
    assert as_tokenizer(LetterTokenizer()).pad_id == 0


@pytest.mark.parametrize("prefix", [[], [4]])
def test_a_hugging_face_tokenizer(prefix: list[int]):
    tokenizer = as_tokenizer(Wrapper(prefix))
    assert tokenizer(" AB ") == [*prefix, ord("a"), ord("b"), 5]
    assert tokenizer.num_prefix_tokens == len(prefix)
    assert tokenizer.pad_id == 7


def test_a_stripped_separator_becomes_0():
    assert as_tokenizer(Wrapper([4], strip_sep_token=True))("a") == [4, ord("a"), 0]


def test_an_adapted_tokenizer_is_left_as_it_is():
    tokenizer = PairTokenizer(LetterTokenizer())
    assert as_tokenizer(tokenizer) is tokenizer


def test_loading_waits_for_the_first_text_and_happens_once():
    loads = []

    def load() -> Wrapper:
        loads.append(1)
        return Wrapper([4])

    tokenizer = HuggingFaceTokenizer(load, num_prefix_tokens=1)
    assert tokenizer.num_prefix_tokens == 1
    assert not loads
    tokenizer("a")
    tokenizer("b")
    assert len(loads) == 1


def test_a_wrong_number_of_prefix_tokens_is_noticed():
    tokenizer = HuggingFaceTokenizer(lambda: Wrapper([4]), num_prefix_tokens=0)
    with pytest.raises(ValueError, match=r"`num_prefix_tokens` must .* got 0, but it puts 1"):
        tokenizer("a")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    tokenizer = HuggingFaceTokenizer(
        lambda: open_clip.get_tokenizer("ViT-B-16-SigLIP"), num_prefix_tokens=0
    )
    with pytest.raises(ImportError, match=re.escape(install_line("siglip"))):
        tokenizer("a cat")


def test_anything_else_is_refused():
    stranger: Any = object()
    with pytest.raises(TypeError, match=r"`tokenizer` must have `encode`.* got object"):
        as_tokenizer(stranger)
