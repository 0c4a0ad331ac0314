from collections.abc import Sequence

import pytest

from trmml.data import (
    COCO_NAMES,
    COMMON_SYNONYMS,
    VOC_NAMES,
    common_synonyms,
    match_nouns,
    with_synonyms,
)

NAMES = {"coco": COCO_NAMES, "voc": VOC_NAMES}


def test_they_are_words_for_classes_there_are() -> None:
    assert set(COMMON_SYNONYMS) <= {*COCO_NAMES, *VOC_NAMES}
    assert all(words and all(words) for words in COMMON_SYNONYMS.values())


@pytest.mark.parametrize("dataset", NAMES)
def test_each_word_names_its_class_and_no_other(dataset: str) -> None:
    names = NAMES[dataset]
    words = common_synonyms(names)
    said = [(name, word) for name, group in words.items() for word in group]
    captions = [f"There is a {word} in the picture." for _, word in said]
    for (name, word), row in zip(
        said, match_nouns(captions, with_synonyms(names, words)), strict=True
    ):
        found = [names[column] for column in (row > 0).nonzero()[0]]
        assert found == [name], word


@pytest.mark.parametrize(
    ("caption", "dataset", "expected"),
    [
        ("Two women walk their puppies past a fridge.", "coco", ["person", "dog", "refrigerator"]),
        ("A polar bear and a teddy.", "coco", ["bear", "teddy bear"]),
        ("He talks on the phone at a table.", "coco", ["dining table", "cell phone"]),
        ("Motorbikes stand by an airplane.", "voc", ["aeroplane", "motorbike"]),
        ("a TV above the dining table", "voc", ["diningtable", "tvmonitor"]),
    ],
)
def test_captions_as_people_write_them(caption: str, dataset: str, expected: list[str]) -> None:
    names = NAMES[dataset]
    (row,) = match_nouns([caption], with_synonyms(names, common_synonyms(names)))
    assert [names[column] for column in (row > 0).nonzero()[0]] == expected


@pytest.mark.parametrize("names", [["person", "girl"], ["person", ["teenager", "Girl"]]])
def test_a_word_that_is_a_class_of_its_own_stays_with_it(names: Sequence[str]) -> None:
    assert "girl" not in common_synonyms(names)["person"]
    assert "boy" in common_synonyms(names)["person"]
