"""Word vectors from a text file, such as GloVe's."""

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.class_names import ClassNames, NameOrSynonyms
from trmml.regular_files import require_regular_file

__all__ = ["read_word_vectors"]


def read_word_vectors(
    path: str | Path, class_names: Sequence[NameOrSynonyms]
) -> Float[Tensor, "classes word_dim"]:
    """Read the vector of each class: the mean over the words of its first name.

    The file has a word and its numbers on each line, as those of GloVe do, and is read line by
    line; words are compared without regard to case.

    Args:
        path: The file, text in UTF-8.
        class_names: One name per class, or several synonyms for a class.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line does not end in numbers, lines have different lengths, or words of the
            class names are missing.
    """
    names = [synonyms[0].lower().split() for synonyms in ClassNames(class_names).synonyms]
    wanted = {word for words in names for word in words}
    found: dict[str, list[float]] = {}
    with require_regular_file(Path(path)).open(encoding="utf-8", errors="strict") as lines:
        for number, line in enumerate(lines, start=1):
            word, *values = line.split()
            if word.lower() in wanted and word.lower() not in found:
                found[word.lower()] = _numbers(values, f"{path}, line {number}")
    missing = sorted(wanted - {*found})
    if missing:
        raise ValueError(
            f"{path} must have a vector for every word of the class names, but has none for "
            f"{', '.join(map(repr, missing))}; name such classes otherwise, or take the text tower "
            "(`word_vectors: null`)."
        )
    sizes = {len(vector) for vector in found.values()}
    if len(sizes) != 1:
        raise ValueError(f"{path} must have vectors of one length, got {sorted(sizes)}.")
    return torch.stack([torch.tensor([found[word] for word in words]).mean(0) for words in names])


def _numbers(values: list[str], place: str) -> list[float]:
    try:
        return [float(value) for value in values]
    except ValueError as error:
        raise ValueError(f"{place}: a word must be followed by numbers alone ({error}).") from None
