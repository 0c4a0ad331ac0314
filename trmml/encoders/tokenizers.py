"""Tokenizers of every CLIP family behind one call: text in, all its tokens out."""

from collections.abc import Callable
from typing import Any

from trmml.extras import install_line

__all__ = ["HuggingFaceTokenizer", "PairTokenizer", "as_tokenizer"]


class PairTokenizer:
    """Wrap a tokenizer with one start and one end token, such as open_clip's `SimpleTokenizer`.

    Args:
        tokenizer: Anything with `encode(text)`, `sot_token_id` (None for no start token) and
            `eot_token_id`; `pad_token_id` is used where it has one, else 0.

    Attributes:
        num_prefix_tokens: Special tokens before the first word.
        pad_id: The token that fills a prompt up to the tower's length.
    """

    def __init__(self, tokenizer: Any) -> None:  # noqa: ANN401 - no common base class
        """Keep the tokenizer and its special tokens."""
        self._tokenizer = tokenizer
        self._start = [] if tokenizer.sot_token_id is None else [int(tokenizer.sot_token_id)]
        self.num_prefix_tokens = len(self._start)
        self.pad_id = int(getattr(tokenizer, "pad_token_id", None) or 0)

    def __call__(self, text: str) -> list[int]:
        """Return start token, words and end token."""
        return [*self._start, *self._tokenizer.encode(text), int(self._tokenizer.eot_token_id)]


class HuggingFaceTokenizer:
    """Wrap open_clip's `HFTokenizer`, made on first use: its files may need a download.

    Args:
        load: Makes the `HFTokenizer`.
        num_prefix_tokens: Special tokens before the first word; asked for here so that a tower
            can be built without the tokenizer's files.
    """

    def __init__(self, load: Callable[[], Any], *, num_prefix_tokens: int) -> None:
        """Load nothing yet."""
        self._load = load
        self._loaded: Any = None
        self.num_prefix_tokens = num_prefix_tokens

    @property
    def pad_id(self) -> int:
        """The token that fills a prompt up."""
        return int(self._open_clip_tokenizer().tokenizer.pad_token_id)

    def __call__(self, text: str) -> list[int]:
        """Return the words with the special tokens of this tokenizer's family."""
        wrapper = self._open_clip_tokenizer()
        tokens = list(wrapper.tokenizer(wrapper.clean_fn(text), truncation=False)["input_ids"])
        if wrapper.strip_sep_token:  # as open_clip does for CLIPA: the separator becomes 0
            return [0 if token == wrapper.tokenizer.sep_token_id else token for token in tokens]
        return tokens

    def _open_clip_tokenizer(self) -> Any:  # noqa: ANN401 - open_clip ships no stubs
        if self._loaded is None:
            try:
                loaded = self._load()
            except ImportError as error:
                raise ImportError(
                    f"this tower's tokenizer needs transformers; {install_line('siglip')}"
                ) from error
            if (found := _count_prefix_tokens(loaded)) != self.num_prefix_tokens:
                raise ValueError(
                    "`num_prefix_tokens` must be what the tokenizer puts before the first word, "
                    f"got {self.num_prefix_tokens}, but it puts {found}."
                )
            self._loaded = loaded
        return self._loaded


def as_tokenizer(
    tokenizer: Any,  # noqa: ANN401 - no common base class
) -> PairTokenizer | HuggingFaceTokenizer:
    """Adapt a tokenizer object to the one call that text towers need.

    Args:
        tokenizer: One of this module, open_clip's `SimpleTokenizer` or `HFTokenizer`, or any
            object with `encode`, `sot_token_id` and `eot_token_id`.

    Raises:
        TypeError: If it is none of these.
    """
    if isinstance(tokenizer, PairTokenizer | HuggingFaceTokenizer):
        return tokenizer
    if all(hasattr(tokenizer, name) for name in ("encode", "sot_token_id", "eot_token_id")):
        return PairTokenizer(tokenizer)
    if hasattr(tokenizer, "tokenizer") and hasattr(tokenizer, "clean_fn"):
        prefix = _count_prefix_tokens(tokenizer)
        return HuggingFaceTokenizer(lambda: tokenizer, num_prefix_tokens=prefix)
    raise TypeError(
        "`tokenizer` must have `encode`, `sot_token_id` and `eot_token_id`, or be open_clip's "
        f"HFTokenizer, got {type(tokenizer).__name__}; pass `open_clip.get_tokenizer(name)`."
    )


def _count_prefix_tokens(tokenizer: Any) -> int:  # noqa: ANN401 - open_clip ships no stubs
    special = tokenizer.tokenizer("a", return_special_tokens_mask=True)["special_tokens_mask"]
    return list(special).index(0)
