import json

import pytest

from tests.data.benchmark_folders import write_benchmarks
from tests.data.readers.pictures import write_pictures
from trmml.data import check_path, find_splits, official_counts, open_split


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory):
    root = tmp_path_factory.mktemp("benchmarks")
    write_benchmarks(root)
    return root


@pytest.mark.parametrize(
    ("folder", "splits"),
    [
        ("COCO", "coco2014/train/all coco2014/train/annotated coco2014/train/by_id_text "
         "coco2014/val/all coco2014/val/annotated coco2014/val/by_id_text"),
        ("VOCdevkit/VOC2007", "voc2007/trainval voc2007/trainval/by_name voc2007/test "
         "voc2007/test/by_name"),
        ("VG", "vg200/train vg200/test"),
        ("NUS-SPML", "nus-wide-spml/train nus-wide-spml/val"),
        ("NUS-ASL", "nus-wide-asl/train nus-wide-asl/val"),
        ("CUB_200_2011", "cub/train cub/test"),
    ],
)  # fmt: skip
def test_benchmarks_are_recognised_and_every_name_has_official_counts(benchmarks, folder, splits):
    found = find_splits(benchmarks / folder)
    assert list(found) == splits.split()
    for name in found:
        expected = official_counts(name)
        assert expected is not None
        assert open_split(benchmarks / folder, name)[1].num_classes == expected.classes


def test_rows_come_in_the_order_that_the_name_says(benchmarks):
    def identities(rows):
        _, table = open_split(benchmarks / "COCO", f"coco2014/train/{rows}")
        return [int(name[-16:-4]) for name in table.names]

    assert identities("all") == [57, 9, 100, 8, 30]
    assert identities("annotated") == [8, 100, 9, 57]
    assert identities("by_id_text") == [100, 57, 8, 9]
    voc = benchmarks / "VOCdevkit" / "VOC2012"
    assert open_split(voc, "voc2012/train")[1].names[0] == "2008_000003.jpg"
    assert open_split(voc, "voc2012/train/by_name")[1].names[0] == "2008_000000.jpg"


def test_rows_in_another_order_are_checked_once(benchmarks):
    names = [report.name for report in check_path(benchmarks / "COCO")]
    assert names == ["coco2014/train/all", "coco2014/val/all"]


def test_exports_of_labelling_tools(tmp_path):
    write_pictures(tmp_path / "yolo" / "train" / "images", ["a.jpg"])
    write_pictures(tmp_path / "yolo" / "valid" / "images", ["b.jpg"])
    for part, name in (("train", "a"), ("valid", "b")):
        (tmp_path / "yolo" / part / "labels").mkdir()
        (tmp_path / "yolo" / part / "labels" / f"{name}.txt").write_text("1 .5 .5 .1 .1\n")
    (tmp_path / "yolo" / "data.yaml").write_text("names: [cat, dog]\n")
    assert list(find_splits(tmp_path / "yolo")) == ["yolo/train", "yolo/valid"]
    assert all(report.usable for report in check_path(tmp_path / "yolo"))
    assert open_split(tmp_path / "yolo", "yolo/valid")[1].labels.tolist() == [[-1, 1]]

    content = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [{"image_id": 1, "category_id": 2}],
    }
    (tmp_path / "export.json").write_text(json.dumps(content))
    images = tmp_path / "yolo" / "train" / "images"
    name, table = open_split(tmp_path / "export.json", images=images)
    assert (name, table.labels.tolist(), table[0][0].size) == ("export.json", [[-1, 1]], (8, 6))
    records = [{"image": "a.jpg", "positives": ["cat"], "negatives": ["dog"]}]
    (tmp_path / "records.json").write_text(json.dumps(records))
    assert open_split(tmp_path / "records.json")[1].labels.tolist() == [[1, -1]]


def test_open_images(tmp_path):
    (tmp_path / "oidv6-class-descriptions.csv").write_text("LabelName,DisplayName\n/m/1,Dog\n")
    text = "ImageID,Source,LabelName,Confidence\naa,verification,/m/1,0\n"
    (tmp_path / "oidv6-train-annotations-human-imagelabels.csv").write_text(text)
    (tmp_path / "test-annotations-human-imagelabels.csv").write_text(text)
    write_pictures(tmp_path / "train", ["aa.jpg"])
    write_pictures(tmp_path / "test", ["aa.jpg"])
    assert list(find_splits(tmp_path)) == ["open-images/train", "open-images/test"]
    assert all(report.usable for report in check_path(tmp_path))


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


def test_a_split_must_be_named_where_there_are_several(benchmarks):
    with pytest.raises(ValueError, match="`split` must be one of cub/train, cub/test, got None"):
        open_split(benchmarks / "CUB_200_2011")
    with pytest.raises(ValueError, match="must be one of cub/train, cub/test, got cub/val"):
        open_split(benchmarks / "CUB_200_2011", "cub/val")
    assert official_counts("labels.csv") is None


def test_of_several_tables_in_a_folder_one_must_be_named(tmp_path):
    for name in ("labels.csv", "review.csv"):
        (tmp_path / name).write_text("image,cat\n1.jpg,1\n")
    with pytest.raises(ValueError, match=r"holds 2 tables; .*: labels\.csv, review\.csv\."):
        find_splits(tmp_path)
