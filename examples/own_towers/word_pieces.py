"""BERT's tokens: words, cut greedily into the longest pieces that a vocabulary knows."""

import unicodedata
from collections.abc import Iterable, Iterator

LONGEST_WORD = 100  # letters; the original takes longer ones for unknown
CHINESE = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class WordPieces:
    """From a text to the numbers of its pieces, between a start and an end token.

    Letters are made small and lose their accents; each punctuation mark and each Chinese character
    is a word of its own. Marks of special tokens inside a text ("[SEP]") are plain text.

    Args:
        vocabulary: The pieces in the order of their numbers; those within a word begin with "##".
    """

    def __init__(self, vocabulary: Iterable[str]) -> None:
        """Number the pieces."""
        self.numbers = {piece: number for number, piece in enumerate(vocabulary)}
        self.start, self.end = self.numbers["[CLS]"], self.numbers["[SEP]"]
        self.pad, self.unknown = self.numbers["[PAD]"], self.numbers["[UNK]"]

    def __call__(self, text: str) -> list[int]:
        """Return start token, pieces and end token, however many they are."""
        pieces = (piece for word in words(text) for piece in self._pieces(word))
        return [self.start, *pieces, self.end]

    def _pieces(self, word: str) -> list[int]:
        found, begin = [], 0
        while begin < len(word) <= LONGEST_WORD:
            mark = "##" if begin else ""
            ends = range(len(word), begin, -1)
            end = next((end for end in ends if mark + word[begin:end] in self.numbers), None)
            if end is None:
                break
            found.append(self.numbers[mark + word[begin:end]])
            begin = end
        return found if begin == len(word) else [self.unknown]


def words(text: str) -> Iterator[str]:
    """Yield small words without accents, and every punctuation mark as one."""
    letters = unicodedata.normalize("NFD", "".join(map(_spaced, text)))
    # one by one, for the small form of a Greek letter depends on where in a word it stands
    plain = "".join(c.lower() for c in letters if unicodedata.category(c) != "Mn")
    for run in plain.split():
        word = ""
        for character in run:
            if not _is_punctuation(character):
                word += character
                continue
            if word:
                yield word
            yield character
            word = ""
        if word:
            yield word


def _spaced(character: str) -> str:
    """Drop what cannot be seen, and set Chinese characters apart."""
    if character in "\t\n\r":
        return " "
    if character in "\0\ufffd" or unicodedata.category(character) in ("Cc", "Cf"):
        return ""
    number = ord(character)
    return f" {character} " if any(low <= number <= high for low, high in CHINESE) else character


def _is_punctuation(character: str) -> bool:
    """Count every sign of ASCII among the punctuation, as BERT does."""
    sign = character.isascii() and not character.isalnum() and not character.isspace()
    return sign or unicodedata.category(character).startswith("P")
