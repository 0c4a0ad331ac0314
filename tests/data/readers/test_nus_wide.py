import numpy as np
import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import (
    NUS_WIDE_NAMES,
    load_nus_wide,
    load_nus_wide_csv,
)

IMAGES = ["actor/0001_21.jpg", "actor/0002_17.jpg", "zebra/0003_88.jpg"]
CONCEPTS = ["airport", "sky", "zebra"]
TRUTH = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1]])


@pytest.fixture
def official(tmp_path):
    (tmp_path / "ImageList").mkdir()
    (tmp_path / "TrainTestLabels").mkdir()
    lines = "".join(name.replace("/", "\\") + "\r\n" for name in IMAGES)
    (tmp_path / "ImageList" / "TrainImagelist.txt").write_text(lines, newline="")
    (tmp_path / "Concepts81.txt").write_text("\n".join(CONCEPTS) + "\n")
    for column, concept in enumerate(CONCEPTS):
        text = "".join(f"{value} \n" for value in TRUTH[:, column])
        (tmp_path / "TrainTestLabels" / f"Labels_{concept}_Train.txt").write_text(text)
    write_pictures(tmp_path / "Flickr", IMAGES)
    return tmp_path


def test_the_official_lists(official):
    table = load_nus_wide(official, "train")
    assert table.names == IMAGES
    assert table.class_names == tuple(CONCEPTS)
    assert np.array_equal(table.labels.numpy(), TRUTH * 2 - 1)
    assert table[2][0].size == (8, 6)


def test_rows_without_a_concept_can_be_dropped(official):
    table = load_nus_wide(official, "train", unlabelled="drop")
    assert table.names == [IMAGES[0], IMAGES[2]]
    assert np.array_equal(table.labels.numpy(), TRUTH[[0, 2]] * 2 - 1)


def test_the_folders_as_the_archives_unpack(official):
    (official / "Groundtruth").mkdir()
    (official / "TrainTestLabels").rename(official / "Groundtruth" / "TrainTestLabels")
    (official / "ConceptsList").mkdir()
    (official / "Concepts81.txt").rename(official / "ConceptsList" / "Concepts81.txt")
    assert len(load_nus_wide(official, "train")) == 3


def test_wrong_official_lists(official, no_shape_checks):
    file = official / "TrainTestLabels" / "Labels_sky_Train.txt"
    file.write_text("1\n0\n")
    with pytest.raises(ValueError, match=r"Labels_sky_Train.txt: must have 3 lines of 0 or 1"):
        load_nus_wide(official, "train")
    file.unlink()
    with pytest.raises(ValueError, match="the labels of sky is not there"):
        load_nus_wide(official, "train")
    with pytest.raises(ValueError, match="`split` must be one of 'train', 'test', got 'val'"):
        load_nus_wide(official, "val")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"TestImagelist.txt: NUS-WIDE's list of images is not"):
        load_nus_wide(official, "test")


CSV = """filepath,label,split_name
images/1_2_a_m.jpg,"['person', 'sky']",train
images/3_4_b_m.jpg,['zebra'],val
images/5_6_c_m.jpg,"['airport', 'clouds', 'sky']",train
"""


def test_the_split_of_asl(tmp_path):
    (tmp_path / "nus_wid_data.csv").write_text(CSV)
    write_pictures(tmp_path / "images", ["1_2_a_m.jpg", "3_4_b_m.jpg", "5_6_c_m.jpg"])
    train = load_nus_wide_csv(tmp_path / "nus_wid_data.csv", tmp_path, "train")
    assert train.names == ["images/1_2_a_m.jpg", "images/5_6_c_m.jpg"]
    assert train.class_names == NUS_WIDE_NAMES
    found = [[NUS_WIDE_NAMES[c] for c in np.flatnonzero(row > 0)] for row in train.labels.numpy()]
    assert found == [["person", "sky"], ["airport", "clouds", "sky"]]
    assert bool((train.labels != 0).all())
    assert len(load_nus_wide_csv(tmp_path / "nus_wid_data.csv", tmp_path, "val")) == 1


def test_wrong_asl_tables(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(CSV.replace("'zebra'", "'zebras'"))
    with pytest.raises(ValueError, match="row 3 names the unknown concept 'zebras'"):
        load_nus_wide_csv(path, tmp_path, "val")
    path.write_text("filepath,label\na.jpg,['sky']\n")
    with pytest.raises(ValueError, match="row 2 must have file, labels and split"):
        load_nus_wide_csv(path, tmp_path, "val")
    path.write_text(CSV.replace(",val", ",test"))
    with pytest.raises(ValueError, match="split val: there is no row"):
        load_nus_wide_csv(path, tmp_path, "val")
