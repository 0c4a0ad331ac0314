import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import attribute_phrases, load_cub

IMAGES = ["001.Albatross/A_1.jpg", "001.Albatross/A_2.jpg", "002.Auklet/B_1.jpg"]
ATTRIBUTES = ["has_bill_shape::curved_(up_or_down)", "has_wing_color::blue", "has_size::small"]


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "CUB_200_2011"
    (root / "attributes").mkdir(parents=True)
    (root / "images.txt").write_text("".join(f"{i} {n}\n" for i, n in enumerate(IMAGES, 1)))
    (root / "train_test_split.txt").write_text("1 0\n2 1\n3 1\n")
    (tmp_path / "attributes.txt").write_text(
        "".join(f"{i} {name}\n" for i, name in enumerate(ATTRIBUTES, 1))
    )
    present = {(1, 1), (2, 2), (3, 1), (3, 3)}
    lines = [
        f"{i} {a} {int((i, a) in present)} {3 if a > 1 else 1} 12.3"
        for i in range(1, 4)
        for a in range(1, 4)
    ]
    lines[3] = "2 1 0 1 0 7.4 1"  # surplus columns, as in the public file
    (root / "attributes" / "image_attribute_labels.txt").write_text("\n".join(lines) + "\n")
    write_pictures(root / "images", IMAGES)
    return root


def test_splits_rows_and_columns(root):
    train, test = load_cub(root, "train"), load_cub(root, "test")
    assert train.names == IMAGES[1:]
    assert train.labels.tolist() == [[-1, 1, -1], [1, -1, 1]]
    assert test.names == IMAGES[:1]
    assert test.labels.tolist() == [[1, -1, -1]]
    assert train.class_names == ("curved bill", "blue wing", "small size")
    assert train[0][0].size == (8, 6)


@pytest.mark.parametrize("place", ["attributes", "."])
def test_the_attribute_list_may_lie_in_other_places(root, place):
    (root.parent / "attributes.txt").rename(root / place / "attributes.txt")
    assert load_cub(root, "train").num_classes == 3


@pytest.mark.parametrize("way", [".", "./", "../CUB_200_2011", "../CUB_200_2011/."])
def test_the_attribute_list_beside_the_folder_is_found_from_inside_it(root, monkeypatch, way):
    monkeypatch.chdir(root)
    assert load_cub(way, "train").num_classes == 3


def test_phrases():
    assert attribute_phrases(
        [
            "has_upperparts_color::iridescent",
            "has_tail_shape::pointed_tail",
            "has_primary_color::buff",
            "has_shape::perching-like",
            "has_bill_length::about_the_same_as_head",
            "has_size::medium_(9_-_16_in)",
        ]
    ) == [
        "iridescent upperparts",
        "pointed tail",
        "buff primary color",
        "perching-like shape",
        "about the same as head bill",
        "medium size",
    ]


def test_phrases_that_would_be_equal_keep_their_kind():
    assert attribute_phrases(["has_wing_color::solid", "has_wing_pattern::solid"]) == [
        "solid wing color",
        "solid wing pattern",
    ]
    with pytest.raises(ValueError, match="must look like has_wing_color::blue, got 'wings'"):
        attribute_phrases(["wings"])


def test_what_is_wrong_is_named(root, no_shape_checks):
    with pytest.raises(ValueError, match="`split` must be one of 'train', 'test', got 'val'"):
        load_cub(root, "val")  # type: ignore[arg-type]
    labels = root / "attributes" / "image_attribute_labels.txt"
    text = labels.read_text()
    labels.write_text(text + "9 1 1 1 1\n")
    with pytest.raises(ValueError, match="line 10 is no known image, attribute and 0 or 1"):
        load_cub(root, "train")
    labels.write_text(text + "1 1\n")
    with pytest.raises(ValueError, match="line 10 is no known image"):
        load_cub(root, "train")
    (root.parent / "attributes.txt").unlink()
    with pytest.raises(ValueError, match="the list of attributes is not there"):
        load_cub(root, "train")
    (root / "images.txt").write_text("1\n")
    with pytest.raises(ValueError, match=r"images.txt: a line must be a number and a value"):
        load_cub(root, "train")
