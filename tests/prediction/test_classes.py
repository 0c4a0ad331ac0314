import pytest
import torch

from trmml.data import ImageTable
from trmml.prediction import align_classes


def table(names):
    labels = torch.arange(len(names)).remainder(3)[None] - 1
    return ImageTable(".", ["a.jpg"], labels, names)


def test_columns_follow_the_model_and_synonyms_count():
    found = align_classes(table(["dog", "kitten", "sea"]), ["sea", ["cat", "kitten"], "dog"])
    assert found.class_names == ("sea", "cat", "dog")
    assert found.labels.tolist() == [[1, 0, -1]]


def test_what_differs_is_named_on_both_sides():
    with pytest.raises(ValueError, match=r"the 2 classes.*it lacks 'cat'; the model does not know"):
        align_classes(table(["dog", "sea"]), ["cat", "dog"])
    with pytest.raises(ValueError, match=r"but it lacks 'cat'\.$"):
        align_classes(table(["dog"]), ["cat", "dog"])
    many = [f"class {number}" for number in range(14)]
    with pytest.raises(ValueError, match=r"'class 9' and 4 more\.$"):
        align_classes(table([*many, "dog"]), ["dog"])


def test_spellings_that_look_alike_are_one_class():
    table = ImageTable(".", ["a.jpg"], torch.tensor([[1, -1]]), ["hot\u00a0dog", "caf\u00e9\u200b"])
    assert align_classes(table, ["cafe\u0301", "hot dog"]).labels.tolist() == [[-1, 1]]
