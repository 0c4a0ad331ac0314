import importlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.benchmark_folders import write_benchmarks
from tests.data.readers.pictures import write_pictures
from tests.markdown_blocks import ROOT
from trmml.data import (
    ImageTable,
    OfficialCounts,
    ReadingOptions,
    check_splits,
    find_splits,
    official_counts,
    open_split,
    splits,
)
from trmml.data.readers.reader import Reader, Splits
from trmml.data.splits import READERS


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


@pytest.mark.parametrize(
    "folder",
    ["COCO", "VOCdevkit/VOC2007", "VOCdevkit/VOC2012", "VG", "NUS-SPML", "NUS-ASL", "CUB_200_2011"],
)
def test_a_folder_is_known_however_the_path_to_it_is_written(
    benchmarks, tmp_path, monkeypatch, folder
):
    def read(path):
        rows = {
            name: (load().names, load().labels.tolist()) for name, load in find_splits(path).items()
        }
        return rows, [(report.name, report.problems) for report in check_splits(path, fast=True)]

    there = benchmarks / folder
    inside = next(path for path in there.iterdir() if path.is_dir())
    (tmp_path / "linked").symlink_to(there, target_is_directory=True)
    expected = read(there)
    assert all(official_counts(name) for name in expected[0])
    for start, path in (
        *((there, way) for way in (".", "./", f"../{there.name}", f"../{there.name}/")),
        *((there.parent, way) for way in (there.name, f"{there.name}/", f"./{there.name}/.")),
        *((inside, way) for way in ("..", "../", "./..")),
        *((tmp_path, way) for way in ("linked", "linked/", f"{tmp_path}/linked")),
    ):
        monkeypatch.chdir(start)
        assert read(path) == expected, path


def test_a_link_may_be_called_as_the_benchmark_and_a_copy_otherwise(
    benchmarks, tmp_path, monkeypatch
):
    copy = tmp_path / "Copy-of-VOC"
    shutil.copytree(benchmarks / "VOCdevkit" / "VOC2007", copy)
    (tmp_path / "VOC2007").symlink_to(copy, target_is_directory=True)
    assert next(iter(find_splits(tmp_path / "VOC2007"))) == "voc2007/trainval"
    assert next(iter(find_splits(copy))) == "copy-of-voc/trainval"
    monkeypatch.chdir(copy)
    assert next(iter(find_splits("."))) == "copy-of-voc/trainval"


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
    names = [report.name for report in check_splits(benchmarks / "COCO")]
    assert names == ["coco2014/train/all", "coco2014/val/all"]


def test_exports_of_labelling_tools(tmp_path):
    write_pictures(tmp_path / "yolo" / "train" / "images", ["a.jpg"])
    write_pictures(tmp_path / "yolo" / "valid" / "images", ["b.jpg"])
    for part, name in (("train", "a"), ("valid", "b")):
        (tmp_path / "yolo" / part / "labels").mkdir()
        (tmp_path / "yolo" / part / "labels" / f"{name}.txt").write_text("1 .5 .5 .1 .1\n")
    (tmp_path / "yolo" / "data.yaml").write_text("names: [cat, dog]\n")
    assert list(find_splits(tmp_path / "yolo")) == ["yolo/train", "yolo/valid"]
    assert all(report.usable for report in check_splits(tmp_path / "yolo"))
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
    assert all(report.usable for report in check_splits(tmp_path))


def test_a_split_must_be_named_where_there_are_several(benchmarks):
    with pytest.raises(
        ValueError, match="2011: `split` must be one of 'cub/train', 'cub/test', got None"
    ):
        open_split(benchmarks / "CUB_200_2011")
    with pytest.raises(ValueError, match="got 'cub/val'; did you mean 'cub/train'"):
        open_split(benchmarks / "CUB_200_2011", "cub/val")
    assert official_counts("labels.csv") is None


def test_every_reader_stands_in_the_table_is_tested_and_described():
    modules = {
        path.stem: importlib.import_module(f"trmml.data.readers.{path.stem}")
        for path in sorted((ROOT / "trmml" / "data" / "readers").glob("[a-z]*.py"))
    }
    readers = {name: module.READER for name, module in modules.items() if hasattr(module, "READER")}
    assert sorted(map(id, readers.values())) == sorted(map(id, READERS))
    page = (ROOT / "docs" / "how-to" / "getting_the_data.md").read_text()
    for name, reader in readers.items():
        assert (ROOT / "tests" / "data" / "readers" / f"test_{name}.py").is_file(), name
        assert f"`trmml.data.readers.{name}`" in page, name
        for split in reader.official_counts:
            assert f"`{split.split('/')[0]}/" in page, split


def test_no_two_readers_have_a_split_or_a_layout_in_common():
    splits = [split for reader in READERS for split in reader.official_counts]
    layouts = [reader.layout for reader in READERS if reader.layout]
    assert len({*splits}) == len(splits)
    assert len({*layouts}) == len(layouts)


class NumpyFolder:
    """What a reader of a new format has to bring."""

    @staticmethod
    def find(path: Path, images: Path, _reading: ReadingOptions) -> Splits:
        if not (path / "labels.npy").is_file():
            return {}
        return {
            "mine/all": lambda: ImageTable(images, ["a.jpg"], np.load(path / "labels.npy"), "x")
        }


def test_a_new_reader_is_found_and_checked_by_its_line_in_the_table(tmp_path, monkeypatch):
    reader = Reader(NumpyFolder.find, "labels.npy (mine)", {"mine/all": OfficialCounts(2, 1)})
    monkeypatch.setattr(splits, "READERS", (*READERS, reader))
    with pytest.raises(ValueError, match=r"no dataset is recognised; .*labels\.npy \(mine\), or"):
        find_splits(tmp_path)
    np.save(tmp_path / "labels.npy", np.ones((1, 1)))
    write_pictures(tmp_path, ["a.jpg"])
    monkeypatch.setattr(
        splits, "OFFICIAL_COUNTS", {**splits.OFFICIAL_COUNTS, **reader.official_counts}
    )
    (report,) = check_splits(tmp_path, fast=True)
    assert (report.name, report.problems[0]) == ("mine/all", "1 images instead of 2")


def test_of_several_tables_in_a_folder_one_must_be_named(tmp_path):
    for name in ("labels.csv", "review.csv"):
        (tmp_path / name).write_text("image,cat\n1.jpg,1\n")
    with pytest.raises(ValueError, match=r"holds 2 tables; .*: labels\.csv, review\.csv\."):
        find_splits(tmp_path)


def test_a_run_beside_the_table_does_not_hide_the_photographs(tmp_path):
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "photos" / "a.png")
    (tmp_path / "labels.csv").write_text("image,cat\na.png,1\n")
    for other in ("runs/tiny/best", "feature-cache", ".git", ".ipynb_checkpoints"):
        (tmp_path / other).mkdir(parents=True)
        (tmp_path / other / "config.json").touch()
    _, table = open_split(tmp_path / "labels.csv")
    assert table.root == tmp_path / "photos"


def test_what_is_not_recognised_says_what_is_there(tmp_path):
    with pytest.raises(ValueError, match=r"_classes.csv \(Roboflow\), .*; there is nothing\.$"):
        find_splits(tmp_path)
    (tmp_path / "photos").mkdir()
    for name in ("notes.txt", ".hidden", "._notes.txt", *map(str, range(8))):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"; there are 0, 1, 2, 3, 4, 5, 6, 7 and 2 more\.$"):
        find_splits(tmp_path)


@pytest.mark.parametrize("name", ["a.xml", "a.zip"])
def test_a_file_that_is_certainly_no_sheet_is_not_read_as_one(tmp_path, name):
    (tmp_path / name).write_text("<a/>, <b/>")
    with pytest.raises(ValueError, match=r"no dataset is recognised; .*; there is this one file\."):
        find_splits(tmp_path / name)


def test_what_is_hidden_is_no_table_and_no_folder_of_images(tmp_path):
    write_pictures(
        tmp_path, ["photos/a.jpg", ".ipynb_checkpoints/a-checkpoint.jpg", "__MACOSX/b.jpg"]
    )
    (tmp_path / "labels.csv").write_text("image,cat\na.jpg,1\n")
    (tmp_path / "._labels.csv").write_bytes(b"\0\1")
    (tmp_path / "._a.jpg").write_bytes(b"\0\1")
    name, table = open_split(tmp_path / "labels.csv")
    assert open_split(tmp_path)[0] == name == "labels.csv"
    assert table.root == tmp_path / "photos"
