from collections.abc import Sequence

import pytest

from trmml.data import (
    COCO_NAMES,
    COCO_NAMES_TAI_DPT,
    COCO_SUPER_CLASSES,
    VOC_NAMES,
    VOC_SUPER_CLASSES,
    published_super_classes,
)


@pytest.mark.parametrize(
    ("names", "groups"),
    [(COCO_NAMES, 12), (COCO_NAMES_TAI_DPT, 12), (VOC_NAMES, 4)],
)
def test_every_class_of_a_dataset_is_under_one_super_class(
    names: Sequence[str], groups: int
) -> None:
    found = published_super_classes(names)
    assert found is not None
    assert len(found) == groups
    assert sorted(name for members in found.values() for name in members) == sorted(names)


def test_no_class_is_listed_that_a_dataset_has_not() -> None:
    listed = {name for members in COCO_SUPER_CLASSES.values() for name in members}
    assert listed == {*COCO_NAMES, *COCO_NAMES_TAI_DPT}
    assert {name for members in VOC_SUPER_CLASSES.values() for name in members} == {*VOC_NAMES}


def test_the_first_name_of_a_class_counts() -> None:
    assert published_super_classes([["dog", "puppy"]]) == {"animal": ["dog"]}
    assert published_super_classes([["puppy", "dog"]]) is None
