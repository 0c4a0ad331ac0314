import pytest

from trmml.data import COCO_NAMES, COCO_NAMES_TAI_DPT, NUS_WIDE_NAMES, VOC_NAMES


@pytest.mark.parametrize(
    ("names", "size"), [(COCO_NAMES, 80), (COCO_NAMES_TAI_DPT, 80), (NUS_WIDE_NAMES, 81),
                        (VOC_NAMES, 20)],
)  # fmt: skip
def test_sizes_and_no_repetition(names, size):
    assert len(names) == len(set(names)) == size
    assert all(name == name.strip() and name for name in names)


def test_places_that_tell_an_order():
    assert [COCO_NAMES.index(name) for name in ("person", "stop sign", "couch", "toothbrush")] == [
        0, 11, 57, 79,
    ]  # fmt: skip
    assert list(VOC_NAMES) == sorted(VOC_NAMES)
    assert list(NUS_WIDE_NAMES) == sorted(NUS_WIDE_NAMES)


def test_tai_dpt_differs_in_two_words():
    changed = {
        index: name
        for index, (name, official) in enumerate(zip(COCO_NAMES_TAI_DPT, COCO_NAMES, strict=True))
        if name != official
    }
    assert changed == {3: "motor bike", 4: "aeroplane"}
