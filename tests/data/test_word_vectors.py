from pathlib import Path

import pytest
import torch

from trmml.data import read_word_vectors

LINES = "the 9 9\nTraffic 1 2\nlight 3 6\ncat 0.5 -1\ncat 7 7\n"


def written(folder: Path, text: str = LINES) -> Path:
    path = folder / "vectors.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_name_is_the_mean_of_its_words_and_the_first_line_counts(tmp_path: Path) -> None:
    found = read_word_vectors(written(tmp_path), ["traffic light", ["Cat", "kitten"]])
    torch.testing.assert_close(found, torch.tensor([[2.0, 4.0], [0.5, -1.0]]))


@pytest.mark.parametrize(
    ("text", "names", "message"),
    [
        (LINES, ["cat", "sea horse"], "has none for 'horse', 'sea'"),
        ("cat 1 2\ndog 1\n", ["cat", "dog"], r"vectors of one length, got \[1, 2\]"),
        ("cat 1 x\n", ["cat"], "line 1: a word must be followed by numbers alone"),
    ],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, text: str, names: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read_word_vectors(written(tmp_path, text), names)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.txt"):
        read_word_vectors(tmp_path / "gone.txt", ["cat"])
