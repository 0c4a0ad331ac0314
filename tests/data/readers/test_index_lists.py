import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import load_index_list, open_split

IMAGES = ["actor/0001_21.jpg", "actor/0002_17.jpg", "zebra/0003_88.jpg"]
CONCEPTS = ["airport", "sky", "zebra"]


@pytest.fixture
def listed(tmp_path):
    path = tmp_path / "coco_train_singlelabel.txt"
    path.write_text("actor/0001_21.jpg,1\nactor/0002_17.jpg, \nzebra/0003_88.jpg, 2 1\n\n")
    write_pictures(tmp_path, IMAGES)
    return path


def test_the_lists_of_splc(listed):
    table = load_index_list(listed, listed.parent, CONCEPTS, unlisted="negative")
    assert table.names == IMAGES
    assert table.labels.tolist() == [[-1, 1, -1], [-1, -1, -1], [-1, 1, 1]]
    table = load_index_list(listed, listed.parent, CONCEPTS, unlisted="unknown")
    assert table.labels.tolist() == [[0, 1, 0], [0, 0, 0], [0, 1, 1]]


def test_wrong_lists(listed, no_shape_checks):
    with pytest.raises(ValueError, match="entry 3 names class 2, but there are 2 class names"):
        load_index_list(listed, listed.parent, CONCEPTS[:2], unlisted="negative")
    with pytest.raises(
        ValueError, match="`unlisted` must be one of 'negative', 'unknown', got 'auto'"
    ):
        load_index_list(listed, listed.parent, CONCEPTS, unlisted="auto")  # type: ignore[arg-type]
    listed.write_text("a.jpg,1 x\n")
    with pytest.raises(ValueError, match="entry 1 must be a file name, a comma and class indices"):
        load_index_list(listed, listed.parent, CONCEPTS, unlisted="negative")
    listed.write_text("a.jpg 1\n")
    with pytest.raises(ValueError, match="entry 1 must be a file name"):
        load_index_list(listed, listed.parent, CONCEPTS, unlisted="negative")


def test_published_lists_mean_unknown_or_negative_by_their_name(tmp_path):
    for name, elsewhere in (("voc_train", 0), ("voc_val", -1), ("coco_train_full", -1)):
        file = tmp_path / f"{name}.txt"
        file.write_text("a.jpg, 3\n")
        labels = open_split(file)[1].labels[0]
        assert labels[3] == 1
        assert labels[0] == elsewhere
    (tmp_path / "mine.txt").write_text("a.jpg, 3\n")
    with pytest.raises(ValueError, match=r"mine.txt: a list of class indices must be named coco_"):
        open_split(tmp_path / "mine.txt")
