import json
from pathlib import Path

import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import COCO_NAMES, load_coco, load_coco_file

COCO256 = Path(__file__).parents[4] / "shared" / "data" / "coco256"


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
