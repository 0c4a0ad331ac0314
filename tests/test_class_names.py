import logging

import pytest

from tests.prediction.photographs import small_model
from trmml.class_names import ClassNames, name_key


@pytest.mark.parametrize(
    "name",
    [
        "hot dog",
        " hot  dog ",
        "hot\u00a0dog",
        "hot\u200b dog",
        "\ufeffhot dog",
        "hot\tdog",
        "h\u00adot dog",
    ],
)
def test_names_that_look_alike_are_one(name):
    assert name_key(name) == "hot dog"
    with pytest.raises(ValueError, match=r"`class_names` must be distinct, but .* \(class 2\)"):
        ClassNames(["hot dog", "cat", name])


def test_unicode_forms_are_one():
    with pytest.raises(ValueError, match=r"'cafe\\u0301' \(class 1\) looks like 'caf\\xe9'"):
        ClassNames(["caf\u00e9", "cafe\u0301"])


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["Hot Dog", "hot dog"], "'hot dog' and 'Hot Dog' are nearly the same name"),
        (["hot_dog", "hot-dog"], "'hot-dog' and 'hot_dog' are nearly the same name"),
        (["\uff43at", "cat"], "'cat' and '\uff43at' are nearly the same name"),
        ([["ship", "vessel"], ["bowl", "vessel"]], "'vessel' names two classes, 'ship' and 'bowl'"),
        ([["ship", "Bowl"], "bowl"], "'bowl' and 'Bowl' are nearly the same name"),
    ],
)
def test_near_twins_are_told(names, sentence):
    assert ClassNames(names).twins == [sentence]


def test_a_class_is_no_twin_of_itself():
    assert ClassNames([["cat", "Cat"], ["dog", "hound"]]).twins == []


def test_a_model_says_which_of_its_classes_are_twins(caplog):
    with caplog.at_level(logging.WARNING):
        small_model(["cat", "Cat"])
    assert "'Cat' and 'cat' are nearly the same name" in caplog.text
