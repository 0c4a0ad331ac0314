import numpy as np
import pytest

from trmml.data import match_nouns


def named(caption: str, *class_names: str | list[str]) -> list[int]:
    return (match_nouns([caption], class_names)[0] > 0).nonzero()[0].tolist()


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("dog", "dogs"), ("bus", "buses"), ("box", "boxes"), ("bench", "benches"),
        ("city", "cities"), ("boy", "boys"), ("knife", "knives"), ("leaf", "leaves"),
        ("shelf", "shelves"), ("giraffe", "giraffes"), ("vase", "vases"), ("horse", "horses"),
        ("mouse", "mice"), ("person", "people"), ("fireman", "firemen"),
        ("human", "humans"), ("tomato", "tomatoes"), ("photo", "photos"), ("scarf", "scarves"),
        ("child", "children"),
        ("glass", "glasses"), ("ski", "skis"), ("house", "houses"), ("axe", "axes"),
        ("sheep", "sheep"), ("wine glass", "wine glasses"), ("traffic light", "traffic-lights"),
    ],
)  # fmt: skip
def test_singular_and_plural_find_each_other(name: str, other: str) -> None:
    assert named(f"Two {other} in a row", name) == [0]
    assert named(f"one {name}.", other) == [0]


@pytest.mark.parametrize(
    ("caption", "name"),
    [
        ("a category of its own", "cat"), ("scarf", "car"), ("the boss", "bos"),
        ("a green lawn", "grass"), ("light for traffic", "traffic light"),
        ("a hot, dog", "hotdog"), ("the princess", "princes"),
    ],
)  # fmt: skip
def test_other_words_are_not_found(caption: str, name: str) -> None:
    assert named(caption, name) == []


def test_a_word_that_only_looks_like_a_plural_finds_its_singular_too() -> None:
    """The price of finding "bird" for NUS-WIDE's "birds": there is no dictionary."""
    assert named("a new day", "news") == [0]


def test_the_longest_name_wins_and_uses_its_words_up() -> None:
    classes = ("dog", "hot dog", "bear", "teddy bear", "hot dog stand")
    assert named("a hot dog", *classes) == [1]
    assert named("a dog eats hot dogs", *classes) == [0, 1]
    assert named("a hot dog stand beside a teddy bear", *classes) == [3, 4]
    assert named("teddy, the bear", *classes) == [2]
    assert named("teddy bears and a bear", *classes) == [2, 3]


def test_a_longer_name_that_begins_later_does_not_win() -> None:
    assert named("a hot dog house", "hot dog", "dog house") == [0]


@pytest.mark.parametrize(
    "caption", ["A CAFÉ", "a cafe\u0301", "the café's door", "the café\u2019s", "«café»", "ｃafé"]
)
def test_capitals_accents_and_marks_make_no_difference(caption: str) -> None:
    assert named(caption, "Café") == [0]


def test_a_caption_with_a_name_of_two_classes_shows_both() -> None:
    assert named("a bat flies", ["bat", "animal"], ["baseball bat", "bat"]) == [0, 1]


def test_synonyms_are_one_class_and_the_rest_is_negative() -> None:
    found = match_nouns(
        ["a puppy", "a ship and dogs", "nothing"], [["dog", "puppy"], "ship", "cat"]
    )
    np.testing.assert_array_equal(found, [[1, -1, -1], [1, 1, -1], [-1, -1, -1]])
    assert found.dtype == np.int8


def test_no_captions_and_no_words() -> None:
    assert match_nouns([], ["dog"]).shape == (0, 1)
    assert named("", "dog") == named("!? ...", "dog") == []


def test_a_name_without_a_word_is_refused() -> None:
    with pytest.raises(ValueError, match=r"letter or a digit in each name .* got '\?' for class 1"):
        match_nouns(["a dog"], ["dog", "?"])


@pytest.mark.parametrize("spelt", ["t-shirt", "T shirt", "t_shirt"])
def test_hyphens_and_underscores_are_blanks(spelt: str) -> None:
    assert named("a man in a t-shirt", spelt) == [0]
