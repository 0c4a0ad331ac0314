"""Which classes a sentence names, by their words alone."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import Int

from trmml.class_names import ClassNames, NameOrSynonyms

__all__ = ["match_nouns"]

_IRREGULAR: Final = {
    "child": "children",
    "foot": "feet",
    "goose": "geese",
    "mouse": "mice",
    "ox": "oxen",
    "person": "people",
    "tooth": "teeth",
}
_HISSES: Final = ("s", "x", "z", "ch", "sh")
_WORDS: Final = re.compile(r"[^\W_]+")


def match_nouns(
    captions: Sequence[str], class_names: Sequence[NameOrSynonyms]
) -> Int[np.ndarray, "rows classes"]:
    """Label captions by the classes that they name: +1 for each of these, -1 for the others.

    A name is found as whole words, in singular and plural, whatever its capitals, accents' Unicode
    form, hyphens and possessives. The longest name wins and uses its words up: "a hot dog" shows no
    dog, "a teddy bear" no bear.

    Source: the noun matching of [TaI-DPT](https://arxiv.org/abs/2211.12739) (Guo et al., CVPR
    2023).
    Differs from the paper: synonyms are those that the class names have, not WordNet's; words are
    not told apart by their kind, so that "they park" names a park.

    Args:
        captions: Sentences.
        class_names: One name per class, or several synonyms for a class. Where two classes share a
            name, a caption with it shows both.

    Raises:
        ValueError: As for `ClassNames`, or if a name has no letter or digit.

    Examples:
        >>> match_nouns(["Two dogs eat a hot dog.", "A woman's boat."], ["dog", ["boat", "ship"]])
        array([[ 1, -1],
               [-1,  1]], dtype=int8)
    """
    classes = _classes_by_words(ClassNames(class_names).synonyms)
    longest = max(map(len, classes))
    labels = np.full((len(captions), len(class_names)), -1, dtype=np.int8)
    for row, caption in enumerate(captions):
        for found in _names_in(_words(caption), classes, longest):
            labels[row, classes[found]] = 1
    return labels


def _classes_by_words(synonyms: Sequence[Sequence[str]]) -> dict[tuple[str, ...], list[int]]:
    """Return the classes that each form of a name stands for."""
    classes: dict[tuple[str, ...], list[int]] = {}
    for index, names in enumerate(synonyms):
        for name in names:
            *front, last = _words(name) or [""]
            if not last:
                raise ValueError(
                    f"`class_names` must have a letter or a digit in each name to be found in "
                    f"captions, got {name!r} for class {index}."
                )
            for form in _forms(last):
                of_form = classes.setdefault((*front, form), [])
                if index not in of_form:
                    of_form.append(index)
    return classes


def _names_in(
    words: Sequence[str], classes: Mapping[tuple[str, ...], list[int]], longest: int
) -> Iterator[tuple[str, ...]]:
    """Yield the names in a sentence, of those that begin at one word the longest."""
    place = 0
    while place < len(words):
        for count in range(min(longest, len(words) - place), 0, -1):
            name = tuple(words[place : place + count])
            if name in classes:
                yield name
                place += count
                break
        else:
            place += 1


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _WORDS.findall(re.sub(r"['\u2019]s?\b", " ", plain))


def _forms(word: str) -> set[str]:
    """Return a noun with what may be its plurals or its singulars."""
    shorter = [word[:-1], word[:-2], f"{word[:-3]}y", f"{word[:-3]}f", f"{word[:-3]}fe"]
    shorter += [f"{word[:-2]}an", *_IRREGULAR]
    return {word, *_plurals(word), *(one for one in shorter if word in _plurals(one))}


def _plurals(word: str) -> set[str]:
    """Return what may be a noun's plural: "men" of "man", but "humans" of "human"."""
    if word in _IRREGULAR:
        return {_IRREGULAR[word]}
    found = {f"{word}es" if word.endswith(_HISSES) else f"{word}s"}
    if word.endswith("man"):
        found.add(f"{word[:-2]}en")
    elif word.endswith("o"):
        found.add(f"{word}es")
    elif word.endswith(("af", "lf", "rf")):
        found.add(f"{word[:-1]}ves")
    elif word.endswith("ife"):
        found.add(f"{word[:-2]}ves")
    elif re.search(r"[^aeiou]y$", word):
        found = {f"{word[:-1]}ies"}
    return found
