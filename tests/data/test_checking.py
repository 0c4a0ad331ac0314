import json

import pytest
import torch
from PIL import Image

from trmml.data import (
    COCO_NAMES,
    OFFICIAL_COUNTS,
    VOC_NAMES,
    ImageTable,
    OfficialCounts,
    check_dataset,
    check_splits,
)


@pytest.fixture
def table(tmp_path):
    for row in range(5):
        noise = torch.randint(0, 256, (40, 40, 3), dtype=torch.uint8).numpy()
        Image.fromarray(noise).save(tmp_path / f"{row}.jpg")
    labels = torch.tensor([[1, -1, -1], [0, 1, -1], [-1, -1, -1], [1, 1, -1], [0, 0, 0]])
    return ImageTable(tmp_path, [f"{r}.jpg" for r in range(5)], labels, ["cat", "dog", "cow"])


def test_a_sound_dataset_is_usable_and_described(table):
    report = check_dataset(table, name="mine")
    assert report.usable
    assert (report.rows, report.classes, report.broken) == (5, 3, [])
    assert report.known == pytest.approx(11 / 15)
    assert report.notes == [
        "1 classes have no known positive label: cow",
        "1 images have no known label at all",
    ]
    assert str(report).startswith("mine: usable; 5 images, 3 classes, 73.3% of the labels known")


@pytest.fixture
def damaged(table):
    (table.root / "0.jpg").unlink()
    (table.root / "1.jpg").write_bytes(b"")
    (table.root / "2.jpg").write_text("<html>")
    data = (table.root / "3.jpg").read_bytes()
    (table.root / "3.jpg").write_bytes(data[: len(data) // 2])
    return table


@pytest.mark.parametrize("workers", [1, 4])
def test_every_broken_file_is_listed_with_its_reason(damaged, workers):
    report = check_dataset(damaged, workers=workers)
    assert not report.usable
    assert [error.path.name for error in report.broken] == [f"{row}.jpg" for row in range(4)]
    reasons = [error.reason.split(":")[0] for error in report.broken]
    assert reasons == [
        "the file does not exist",
        "the file is empty (0 bytes)",
        "not an image, or in a format that is not known",
        "damaged or truncated",
    ]
    assert report.problems == ["4 of 5 files cannot be used"]
    text = str(report)
    assert text.startswith("dataset: NOT usable")
    assert all(f"  broken: {error}" in text for error in report.broken)


def test_fast_mode_reads_headers_only(damaged):
    report = check_dataset(damaged, fast=True)
    assert [error.path.name for error in report.broken] == ["0.jpg", "1.jpg", "2.jpg"]


def test_what_the_reader_noticed_is_noted_first(table):
    noted = table.replace(notes=["two classes are left out"]).select([0, 1])
    assert check_dataset(noted).notes[0] == "two classes are left out"


def test_equal_files_are_found(table):
    (table.root / "4.jpg").write_bytes((table.root / "1.jpg").read_bytes())
    report = check_dataset(table)
    assert report.same_content == [["1.jpg", "4.jpg"]]
    assert "  same content: 1.jpg, 4.jpg" in str(report)
    assert report.usable
    assert check_dataset(table, fast=True).same_content == []


def test_progress_counts_to_the_end(table):
    seen = []
    check_dataset(table, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 5) for done in range(1, 6)]


def test_counts_are_compared(table):
    assert check_dataset(table, expected=OfficialCounts(5, 3, (2, 2, 0))).usable
    report = check_dataset(table, expected=OfficialCounts(6, 3, (2, 3, 0)))
    assert report.problems == [
        "5 images instead of 6",
        "1 classes have another number of positives: dog 2 instead of 3",
    ]
    report = check_dataset(table, expected=OfficialCounts(5, 4))
    assert report.problems == ["3 classes instead of 4"]
    with pytest.raises(ValueError, match="`workers` must be at least 1, got 0"):
        check_dataset(table, workers=0)


def test_official_counts_add_up():
    totals = {name: sum(counts.positives) for name, counts in OFFICIAL_COUNTS.items()}
    assert totals["coco2014/train/annotated"] == totals["coco2014/train/all"] == 241_035
    assert totals["voc2007/trainval"] == 7_306
    assert totals["voc2007/test"] == 7_013
    assert totals["voc2012/val"] == 8_856
    assert all(len(c.positives) in (0, c.classes) for c in OFFICIAL_COUNTS.values())
    assert OFFICIAL_COUNTS["coco2014/train/all"].classes == len(COCO_NAMES)


def test_a_small_coco_is_recognised_and_not_taken_for_the_official_one(tmp_path):
    (tmp_path / "annotations").mkdir()
    content = {
        "images": [{"id": 1, "file_name": "1.jpg"}],
        "categories": [{"id": i, "name": name} for i, name in enumerate(COCO_NAMES)],
        "annotations": [{"image_id": 1, "category_id": 3}],
    }
    for split in ("train", "val"):
        path = tmp_path / "annotations" / f"instances_{split}2014.json"
        path.write_text(json.dumps(content))
    (tmp_path / "train2014").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "train2014" / "1.jpg")
    train, val = check_splits(tmp_path)
    assert (train.name, val.name) == ("coco2014/train/all", "coco2014/val/all")
    assert train.problems[0] == "1 images instead of 82,783"
    assert train.problems[1].startswith("80 classes have another number of positives: person 0")
    assert train.broken == []
    assert val.broken == []
    assert val.problems[0] == f"{tmp_path / 'val2014'}: that folder does not exist; check the path"


def test_what_a_reader_refuses_is_a_problem_of_its_split(tmp_path):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val2017.json").write_text("{}")
    (report,) = check_splits(tmp_path)
    assert report.name == "coco2017/val/all"
    assert "must hold `images`, `annotations` and `categories`" in report.problems[0]


def test_voc_cub_and_nus_wide_are_recognised(tmp_path):
    voc = tmp_path / "VOC2007"
    (voc / "ImageSets" / "Main").mkdir(parents=True)
    (voc / "ImageSets" / "Main" / "test.txt").write_text("000001\n")
    (voc / "Annotations").mkdir()
    (voc / "Annotations" / "000001.xml").write_text(
        f"<a><object><name>{VOC_NAMES[0]}</name></object></a>"
    )
    (report,) = check_splits(voc)
    assert report.name == "voc2007/test"
    assert report.problems[0].endswith("JPEGImages: that folder does not exist; check the path")
    assert report.problems[1] == "1 images instead of 4,952"
    cub = tmp_path / "cub"
    cub.mkdir()
    (cub / "train_test_split.txt").write_text("1 1\n")
    assert [r.name for r in check_splits(cub)] == ["cub/train", "cub/test"]
    nus = tmp_path / "nus"
    (nus / "ImageList").mkdir(parents=True)
    (nus / "ImageList" / "TestImagelist.txt").write_text("a\\b.jpg\n")
    (report,) = check_splits(nus)
    assert report.name == "nus-wide/test"
    assert "NUS-WIDE's list of concepts is not there" in report.problems[0]


def test_ones_own_table(tmp_path):
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "photos" / "a.jpg")
    table = tmp_path / "labels.csv"
    table.write_text("image,cat\na.jpg,1\nb.jpg,0\n")
    (report,) = check_splits(table)
    assert (report.name, report.rows) == ("labels.csv", 2)
    assert [error.path.name for error in report.broken] == ["b.jpg"]
    (report,) = check_splits(table, images=tmp_path)
    assert report.broken == []
    assert report.problems == [
        f"not one of its 2 images is in {tmp_path}, first a.jpg; say where they are, by "
        "`--images` on the command line or `images` in Python, or correct the names"
    ]
    for content, problem in [
        ("image,cat\na.jpg,1\na.jpg,0\n", "'a.jpg' is in line 2 and again in line 3"),
        ("image,cat\na.jpg,perhaps\nb.jpg,1\n", "must be 1, 0, -1, yes, no or empty"),
    ]:
        table.write_text(content)
        (report,) = check_splits(table)
        assert problem in report.problems[0]
    table.write_bytes("image,café\na.jpg,1\n".encode("cp1252"))
    assert "is not utf-8" in check_splits(table)[0].problems[0]


def test_nothing_to_check(tmp_path):
    with pytest.raises(ValueError, match="nowhere: there is nothing; check the path"):
        check_splits(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="no dataset is recognised; expected annotations/"):
        check_splits(tmp_path)


def test_names_that_may_be_one_class_are_noted(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    table = ImageTable(
        tmp_path, ["a.png"], torch.ones(1, 3), ["Traffic light", "traffic_light", "c"]
    )
    assert "'traffic_light' and 'Traffic light' are nearly the same name" in str(
        check_dataset(table)
    )


def test_findings_that_repeat_are_counted_after_the_first_ones(tmp_path):
    names = [f"{row}.jpg" for row in range(1_245)]
    Image.new("RGB", (4, 4)).save(tmp_path / names[0])
    table = ImageTable(tmp_path, names, torch.ones(len(names), 1), ["cat"])
    report = check_dataset(table, fast=True)
    assert len(report.broken) == len(report.as_dict()["broken"]) == 1_244  # pyright: ignore[reportArgumentType]
    lines = str(report).splitlines()
    assert len([line for line in lines if line.startswith("  broken: ")]) == 11
    assert lines[-1] == "  broken: and 1,234 more"


def test_a_folder_that_is_not_there_is_the_only_problem(tmp_path):
    seen = []
    table = ImageTable(tmp_path / "gone", ["a.jpg", "b.jpg"], torch.ones(2, 1), ["cat"])
    report = check_dataset(table, progress=lambda *counts: seen.append(counts))
    assert report.problems == [f"{tmp_path / 'gone'}: that folder does not exist; check the path"]
    assert report.broken == []
    assert seen == []
    assert not report.usable


def test_names_with_a_folder_that_is_not_there_are_told_apart(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg")
    table = ImageTable(tmp_path, ["train/a.jpg"], torch.ones(1, 1), ["cat"])
    (problem,) = check_dataset(table).problems
    assert "first train/a.jpg (there is a.jpg); say where" in problem
