import json
import sys
from pathlib import Path
from typing import TypedDict

import pytest
import torch

from tests.data.readers.pictures import write_pictures
from trmml.data import COCO_NAMES, find_splits, load_coco, load_coco_file, open_split
from trmml.data.readers.json_parts import read_json_parts, skim_json

COCO256 = Path(__file__).parents[4] / "shared" / "data" / "coco256"


class IdAlone(TypedDict, total=False):
    id: int


class Annotations(TypedDict, total=False):
    annotations: list[IdAlone]


def annotation(identity, image, category, *, crowd=0, box=(0, 0, 50, 40)):
    return {
        "id": identity, "image_id": image, "category_id": category, "iscrowd": crowd,
        "bbox": list(box), "area": box[2] * box[3], "segmentation": [],
    }  # fmt: skip


@pytest.fixture
def content():
    images = [(9, 4), (57, 1), (100, 2), (8, 3)]
    return {
        "info": {}, "licenses": [],
        "images": [
            {"id": i, "file_name": f"COCO_train2014_{i:012d}.jpg", "width": 8, "height": 6}
            for i, _ in images
        ],
        "categories": [
            {"id": 90, "name": "toothbrush", "supercategory": "indoor"},
            {"id": 1, "name": "person", "supercategory": "person"},
            {"id": 13, "name": "stop sign", "supercategory": "outdoor"},
        ],
        "annotations": [
            annotation(5, 100, 13), annotation(6, 9, 1, crowd=1), annotation(7, 100, 1),
            annotation(8, 9, 90, box=(0, 0, 0.5, 30)), annotation(9, 57, 90),
            annotation(10, 57, 90),
        ],
    }  # fmt: skip


@pytest.fixture
def root(tmp_path, content):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_train2014.json").write_text(json.dumps(content))
    write_pictures(tmp_path / "train2014", [image["file_name"] for image in content["images"]])
    return tmp_path


def ids(table):
    return [int(name[-16:-4]) for name in table.names]


def test_annotated_rows_follow_the_first_annotation(root):
    table = load_coco(root, "train")
    assert ids(table) == [100, 9, 57]
    assert table.labels.tolist() == [[1, 1, -1], [1, -1, 1], [-1, -1, 1]]
    assert table[0][0].size == (8, 6)


def test_all_rows_follow_the_images_with_empty_ones(root):
    table = load_coco(root, "train", rows="all")
    assert ids(table) == [9, 57, 100, 8]
    assert table.labels[3].tolist() == [-1, -1, -1]


def test_rows_by_id_are_sorted_as_text(root):
    assert ids(load_coco(root, "train", rows="by_id_text")) == [100, 57, 9]


def test_classes_are_in_the_order_of_their_ids_whatever_the_file(root):
    assert load_coco(root, "train").class_names == ("person", "stop sign", "toothbrush")
    table = load_coco(root, "train", class_names=["human", "sign", "brush"])
    assert table.class_names == ("human", "sign", "brush")
    with pytest.raises(ValueError, match="`class_names` must have 3 names, one a category, got 80"):
        load_coco(root, "train", class_names=COCO_NAMES)


def test_crowds_and_thin_boxes_can_be_left_out_without_changing_rows(root):
    table = load_coco(root, "train", crowd=False)
    assert ids(table) == [100, 9, 57]
    assert table.labels[1].tolist() == [-1, -1, 1]
    table = load_coco(root, "train", rows="all", crowd=False, min_box_side=1)
    assert table.labels[0].tolist() == [-1, -1, -1]


def test_another_tool_may_leave_fields_out(tmp_path):
    content = {
        "images": [{"id": "a", "file_name": "x/1.jpg"}, {"id": "b", "file_name": "2.jpg"}],
        "annotations": [{"image_id": "b", "category_id": 0}],
        "categories": [{"id": 0, "name": "cat"}],
    }
    (tmp_path / "export.json").write_bytes(json.dumps(content).encode("utf-8-sig"))
    write_pictures(tmp_path, ["x/1.jpg", "2.jpg"])
    table = load_coco_file(tmp_path / "export.json", tmp_path)
    assert table.names == ["x/1.jpg", "2.jpg"]
    assert table.labels.tolist() == [[-1], [1]]


def test_labels_need_no_images(root):
    for path in (root / "train2014").iterdir():
        path.unlink()
    assert load_coco(root, "train").labels.shape == (3, 3)


def test_a_file_without_annotations_has_no_annotated_rows(root, content):
    content["annotations"] = []
    (root / "annotations" / "instances_train2014.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="there is no row"):
        load_coco(root, "train")
    assert len(load_coco(root, "train", rows="all")) == 4


def change(content, part, entry):
    content[part].append(entry)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda c: c.pop("categories"), "must hold `images`, `annotations` and `categories`"),
        (lambda c: c.update(images=5), "as in COCO, got something else at"),
        (lambda c: c["annotations"][0].update(image_id=[1]), "as in COCO, got something else at"),
        (lambda c: change(c, "annotations", annotation(1, 7, 1)), "names the unknown image 7"),
        (lambda c: change(c, "annotations", annotation(1, 9, 2)), "the unknown category 2"),
        (lambda c: change(c, "images", c["images"][0]), "ids of images and categories must not"),
        (lambda c: change(c, "categories", {"id": 1, "name": "x"}), "ids of images and categories"),
    ],
)
def test_malformed_files(root, content, damage, message):
    damage(content)
    (root / "annotations" / "instances_train2014.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"instances_train2014.json: .*{message}"):
        load_coco(root, "train")


@pytest.mark.parametrize("box", [5, {"x": 1}, ["x"], [0, 0, None, 1]], ids=str)
def test_malformed_boxes_matter_only_where_they_are_read(root, content, box):
    content["annotations"][0]["bbox"] = box
    (root / "annotations" / "instances_train2014.json").write_text(json.dumps(content))
    assert len(load_coco(root, "train")) == 3
    with pytest.raises(ValueError, match=r"instances_train2014.json: "):
        load_coco(root, "train", min_box_side=1)


def test_what_is_not_there_is_named(root, no_shape_checks):
    with pytest.raises(ValueError, match=r"instances_val2014.json: COCO's annotation file is not"):
        load_coco(root, "val")
    with pytest.raises(ValueError, match=r"`rows` must be one of 'all', .*, got 'some'"):
        load_coco(root, "train", rows="some")  # type: ignore[arg-type]
    (root / "annotations" / "instances_train2014.json").write_text('{\n"images": [')
    with pytest.raises(ValueError, match="line 2 is no JSON"):
        load_coco(root, "train")


def write(folder, categories, images, pairs):
    content = {
        "categories": [{"id": 1 + i, **entry} for i, entry in enumerate(categories)],
        "images": [{"id": 1 + i, **entry} for i, entry in enumerate(images)],
        "annotations": [{"image_id": image, "category_id": kind} for image, kind in pairs],
    }
    (folder / "export.json").write_text(json.dumps(content))
    return folder / "export.json"


FEDERATED = [{"neg_category_ids": [2]}, {"neg_category_ids": [1, 3]}, {"neg_category_ids": None}]


@pytest.mark.parametrize(
    "names",
    [
        [{"file_name": f"{name}.png"} for name in "abc"],
        [{"coco_url": f"http://images.example.org/val2017/{name}.png"} for name in "abc"],
        [{"file_name": f"s3://bucket/deep/er/{name}.png"} for name in "abc"],
    ],
)
def test_in_federated_files_only_verified_negatives_are_absent(tmp_path, names):
    images = [
        {**name, **absent, "not_exhaustive_category_ids": [2]}
        for name, absent in zip(names, FEDERATED, strict=True)
    ]
    file = write(
        tmp_path, [{"name": n} for n in ("apple", "bus", "cup", "drum")], images, [(1, 1), (2, 2)]
    )
    write_pictures(tmp_path / "photos", ["a.png", "b.png", "c.png"])
    table = load_coco_file(file, tmp_path / "photos")
    assert table.names == ["a.png", "b.png", "c.png"]
    assert table.labels.tolist() == [[1, -1, 0, 0], [-1, 1, -1, 0], [0, 0, 0, 0]]
    assert "only verified negatives are absent" in table.notes[0]


def test_of_an_address_the_folder_is_looked_up_too(tmp_path):
    images = [{"coco_url": f"http://x.org/{s}2017/1.png"} for s in ("train", "val")]
    file = write(tmp_path, [{"name": "cat"}], images, [])
    assert load_coco_file(file, tmp_path / "none").names == ["train2017/1.png", "val2017/1.png"]
    write_pictures(tmp_path, ["train2017/1.png", "val2017/1.png"])
    assert load_coco_file(file, tmp_path).names == ["train2017/1.png", "val2017/1.png"]


def test_what_is_annotated_and_verified_as_absent_is_unknown(tmp_path):
    images = [{"file_name": "a.png", "neg_category_ids": [1]}]
    table = load_coco_file(write(tmp_path, [{"name": "cat"}], images, [(1, 1)]), tmp_path)
    assert table.labels.tolist() == [[0]]
    assert "1 labels are annotated and verified as absent" in table.notes[1]
    with pytest.raises(ValueError, match="the image 1 names the unknown category 9 as absent"):
        load_coco_file(
            write(tmp_path, [{"name": "cat"}], [{**images[0], "neg_category_ids": [9]}], []),
            tmp_path,
        )


def test_a_category_that_only_groups_others_is_left_out(tmp_path):
    images = [{"file_name": "a.png"}, {"file_name": "b.png"}]
    fruit = {"name": "fruit", "supercategory": "none"}
    own = [{"name": "apple", "supercategory": "fruit"}, {"name": "pear", "supercategory": "fruit"}]
    table = load_coco_file(write(tmp_path, [fruit, *own], images, [(1, 2)]), tmp_path)
    assert table.class_names == ("apple", "pear")
    assert table.labels.tolist() == [[1, -1], [-1, -1]]
    assert "no image has one: fruit" in table.notes[0]
    assert "1 of 2 images have no annotation and count as showing nothing" in table.notes[1]
    with_boxes = load_coco_file(write(tmp_path, [fruit, *own], images, [(1, 1)]), tmp_path)
    assert with_boxes.class_names == ("fruit", "apple", "pear")
    itself = [{"name": "person", "supercategory": "person"}]
    assert load_coco_file(write(tmp_path, itself, images, []), tmp_path).class_names == ("person",)
    same = [{"name": "car", "supercategory": "none"}, {"name": "car", "supercategory": "car"}]
    assert load_coco_file(write(tmp_path, same, images, [(1, 2)]), tmp_path).labels.sum() == 0


def test_equal_names_are_refused_with_their_ids(tmp_path):
    file = write(tmp_path, [{"name": "cat"}, {"name": "cat"}], [{"file_name": "a.png"}], [(1, 2)])
    with pytest.raises(ValueError, match=r"export.json: the categories 1, 2 are all called 'cat'"):
        load_coco_file(file, tmp_path)
    names = load_coco_file(file, tmp_path, class_names=["cat", "lynx"]).class_names
    assert names == ("cat", "lynx")
    file = write(tmp_path, [{"name": "cat"}], [{"file_name": "a.png"}] * 2, [])
    with pytest.raises(ValueError, match=r"export.json: the images 1, 2 are all called 'a.png'"):
        load_coco_file(file, tmp_path)


def test_names_of_files_may_be_spelt_as_on_another_system(tmp_path):
    write_pictures(tmp_path, ["images/a.png", "images/caf\u00e9.png"])
    images = [{"file_name": "images\\a.png"}, {"file_name": ".\\images\\cafe\u0301.png"}]
    table = load_coco_file(write(tmp_path, [{"name": "cat"}], images, []), tmp_path)
    assert table.names == ["images/a.png", "images/caf\u00e9.png"]


def test_names_may_begin_with_the_folder_itself(tmp_path):
    write_pictures(tmp_path, ["images/a.png", "images/images/b.png"])
    images = [{"file_name": f"images/{name}.png"} for name in "abc"]
    file = write(tmp_path, [{"name": "cat"}], images, [])
    table = load_coco_file(file, tmp_path / "images")
    assert table.names == ["a.png", "images/b.png", "images/c.png"]
    assert open_split(file)[1].names == table.names
    assert [*find_splits(tmp_path)] == ["export.json"]


def test_exports_in_folders(tmp_path):
    for place, images in (("train", "train"), ("valid", "valid"), ("annotations", "images/mine")):
        write_pictures(tmp_path / images, ["a.png"])
        (tmp_path / place).mkdir(exist_ok=True)
        file = write(tmp_path / place, [{"name": "cat"}], [{"file_name": "a.png"}], [(1, 1)])
        is_roboflow = place == images
        file.rename(
            file.parent / ("_annotations.coco.json" if is_roboflow else "instances_mine.json")
        )
    found = find_splits(tmp_path)
    assert [*found] == ["coco/mine", "coco/train", "coco/valid"]
    assert all(load()[0][0].size == (8, 6) for load in found.values())


@pytest.mark.skipif(not COCO256.is_dir(), reason="the shared photographs are not here")
def test_real_coco_2017_files():
    for split in ("train", "val"):
        table = load_coco(COCO256, split, year=2017, rows="all")
        assert table.class_names == COCO_NAMES
        assert len(table) == 128
        image, labels = table[5]
        assert image.mode == "RGB"
        assert int((labels > 0).sum()) >= 1
    both = [load_coco(COCO256, s, year=2017, rows="all").labels for s in ("train", "val")]
    assert int(((both[0] > 0).any(0) | (both[1] > 0).any(0)).sum()) == 76


@pytest.mark.parametrize("thin", [0, 1])
def test_a_table_is_the_same_with_msgspec_and_without(root, monkeypatch, thin):
    quick = load_coco(root, "train", rows="all", crowd=False, min_box_side=thin)
    monkeypatch.setitem(sys.modules, "msgspec", None)
    slow = load_coco(root, "train", rows="all", crowd=False, min_box_side=thin)
    assert quick.names == slow.names
    assert quick.class_names == slow.class_names
    assert torch.equal(quick.labels, slow.labels)


def test_only_what_is_taken_is_kept_of_a_file(root):
    path = root / "annotations" / "instances_train2014.json"
    assert read_json_parts(path, Annotations)["annotations"][0] == {"id": 5}
    assert set(skim_json(path)) == {"info", "licenses", "images", "categories", "annotations"}
    path.write_text('{"annotations": [[1]]}')  # another shape is read whole
    assert read_json_parts(path, Annotations) == {"annotations": [[1]]}
    path.write_text('{"annotations": [{"id": 1}}')
    with pytest.raises(ValueError, match="line 1 is no JSON"):
        read_json_parts(path, Annotations)
