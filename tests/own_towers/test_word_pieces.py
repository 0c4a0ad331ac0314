import pytest

from examples.own_towers.word_pieces import LONGEST_WORD, WordPieces, words
from tests.own_towers.installed import needs_weights
from tests.own_towers.small import VOCABULARY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\n ", []),
        ("Café, don't!", ["cafe", ",", "don", "'", "t", "!"]),
        ("snake_case a/b", ["snake", "_", "case", "a", "/", "b"]),
        ("10$ + 5%", ["10", "$", "+", "5", "%"]),
        ("日本 photo", ["日", "本", "photo"]),
        ("zero\u200bwidth \u00ad soft\x85", ["zerowidth", "soft"]),
        ("a\u00a0b\u3000c\td", ["a", "b", "c", "d"]),
        ("ΑΣ. ΑΣ", ["ας"[0] + "σ", ".", "ας"[0] + "σ"]),
        ("İstanbul", ["istanbul"]),
        ("em\u2013dash", ["em", "\u2013", "dash"]),
    ],
)
def test_words(text, expected):
    assert [*words(text)] == expected


def test_the_longest_piece_that_is_known_comes_first():
    pieces = WordPieces(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "ab", "##b", "##bc", "##c"])
    assert pieces("abc") == [2, 5, 8, 3]
    assert pieces("abbc") == [2, 5, 7, 3]


def test_a_word_with_an_unknown_rest_is_unknown_as_a_whole():
    pieces = WordPieces(VOCABULARY)
    assert pieces("cats catx dog") == [2, 7, 10, 1, 8, 3]
    assert pieces("a" * (LONGEST_WORD + 1)) == [2, 1, 3]


def test_special_tokens_in_a_text_are_plain_text():
    pieces = WordPieces(VOCABULARY)
    assert pieces("[SEP]") == [2, 1, 1, 1, 3]


@needs_weights
@pytest.mark.parametrize(
    ("text", "expected"),
    [  # as the tokenizer in the package's own `tokenizer.json` has them
        ("a photo of a tench", [101, 1037, 6302, 1997, 1037, 2702, 2818, 102]),
        ("Café don't!", [101, 7668, 2123, 1005, 1056, 999, 102]),
        ("ΑΣ.", [101, 1155, 29733, 1012, 102]),
        ("", [101, 102]),
    ],
)
def test_the_vocabulary_of_the_package_numbers(text, expected):
    from examples.own_towers.pair import load_pieces

    assert load_pieces()(text) == expected
