import re
import sys

import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import ReadingOptions, check_splits, find_splits, load_yolo, open_split
from trmml.data.readers.yolo import load_yolo_split
from trmml.extras import install_line

NAMES = ["cat", "dog", "traffic light"]


@pytest.fixture
def folder(tmp_path):
    write_pictures(tmp_path / "images", ["b.png", "a.jpg", "sub/c.JPG", "d.jpg"])
    (tmp_path / "images" / "notes.txt").write_text("no image")
    (tmp_path / "labels" / "sub").mkdir(parents=True)
    (tmp_path / "labels" / "a.txt").write_text("1 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.2 0.2\n\n")
    (tmp_path / "labels" / "b.txt").write_text("")
    (tmp_path / "labels" / "sub" / "c.txt").write_text("0 .5 .5 .2 .2\n2 .5 .5 .2 .2 .3 .3\n")
    return tmp_path


def read(folder, names=NAMES, **options):
    return load_yolo(folder / "images", folder / "labels", names, **options)


def test_an_image_shows_the_classes_of_its_boxes(folder):
    table = read(folder)
    assert table.names == ["a.jpg", "b.png", "d.jpg", "sub/c.JPG"]
    assert table.labels.tolist() == [[-1, 1, -1], [-1, -1, -1], [-1, -1, -1], [1, -1, 1]]
    assert table[3][0].size == (8, 6)


def test_an_image_without_a_file(folder):
    assert read(folder, without_file="unknown").labels[:3].tolist() == [
        [-1, 1, -1], [-1, -1, -1], [0, 0, 0],
    ]  # fmt: skip
    assert read(folder, without_file="drop").names == ["a.jpg", "b.png", "sub/c.JPG"]


@pytest.mark.parametrize(
    "text",
    [
        "train: images/train\nnc: 3\nnames: ['cat', 'dog', 'traffic light']\n",
        'names: ["cat", "dog",\n  "traffic light"]  # ours\nnc: 3\n',
        "names: [cat, dog, traffic light]\n",
        "nc: 3\nnames:\n  - cat\n  - 'dog'\n  - traffic light # red\nval: x\n",
        "names:\n- cat\n- dog\n- traffic light\n",
        'names:\n  0: cat\n  1: "dog"\n\n  2: traffic light\nnc: 3\n',
        "names: {0: cat, 2: traffic light, 1: dog}\n",
        "nc: 3\r\nnames:\r\n- cat\r\n- dog\r\n- traffic light\r\n",
        "names:\n  0: cat\n  # two more\n  1: dog\n  2: traffic light\n",
        "a: &a [cat, dog, traffic light]\nnames: *a\n",
    ],
)
def test_names_in_every_spelling_of_a_data_file(folder, text):
    yaml = pytest.importorskip("yaml")
    assert {*yaml.safe_load(text)["names"]} in ({*NAMES}, {0, 1, 2})
    (folder / "data.yaml").write_text(text)
    assert read(folder, folder / "data.yaml").class_names == tuple(NAMES)


def test_names_are_text_whatever_they_look_like(folder):
    text = "names: ['driver''s cab', no, 1.10]\nnc: 3"
    (folder / "data.yaml").write_text(text)
    assert read(folder, folder / "data.yaml").class_names == ("driver's cab", "no", "1.10")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names: [cat, dog]\nnc: 3", r"`nc` is 3, but `names` lists 2 classes"),
        ("a: &a [x, x]\nnc: [*a, *a]\nnames: [cat]", r"`nc` is no number, but"),
        ("names: [cat, dog, cat]", r"`names` must be distinct, got 'cat' more than once"),
        ("x: 1\nnames: [cat, dog", r"line \d: no valid YAML; "),
        ("names: " + "[" * 5000, r"no valid YAML; nested too deeply"),
        ("names: [cat]\ntrain: {a: b}", r"`train` must be a folder, a list of images, or sev"),
        ("names: [cat]\nx: " + "a" * (1 << 20), r"must be of at most 1,048,576 bytes, got"),
    ],
)
def test_a_malformed_data_file_is_named_in_one_line(tmp_path, text, message):
    (tmp_path / "data.yaml").write_text(text)
    (report,) = check_splits(tmp_path)
    (problem,) = report.problems
    assert re.search(message, problem)
    assert "\n" not in problem
    assert str(tmp_path / "data.yaml") in problem


def test_a_data_file_without_the_library_says_what_to_install(folder, monkeypatch):
    (folder / "data.yaml").write_text("names: [cat, dog, bird]")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ModuleNotFoundError, match=re.escape(install_line("train"))):
        open_split(folder)


def test_names_in_a_text_file(folder):
    (folder / "classes.txt").write_text("cat\ndog\ntraffic light\n")
    assert read(folder, folder / "classes.txt").class_names == tuple(NAMES)


@pytest.mark.parametrize("text", ["nc: 3\n", "names:\n  1: cat\n  2: dog\n", "names: 3\n"])
def test_a_data_file_without_names(folder, text):
    (folder / "data.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"data.yaml: must list the class names as `names`"):
        read(folder, folder / "data.yaml")


def test_what_is_hidden_is_passed_over(folder):
    images = folder / "images"
    write_pictures(images, [".ipynb_checkpoints/a-checkpoint.png", "__MACOSX/a.jpg", "._a.jpg"])
    assert read(folder).names == ["a.jpg", "b.png", "d.jpg", "sub/c.JPG"]


def test_images_without_a_text_file_are_counted_and_may_be_unknown(folder):
    (folder / "labels" / "d.TXT").write_text("0 .5 .5 .2 .2\n")
    (note,) = read(folder).notes
    assert note.startswith("1 of 4 images have no text file and count as showing nothing (`with")
    assert "1 of them have one that is spelt otherwise, such as d.TXT, which is not read" in note
    (folder / "classes.txt").write_text("\n".join(NAMES))
    for choice, values in (("unknown", [0, 0, 0]), ("negative", [-1, -1, -1])):
        reading = ReadingOptions.parse([f"without_file={choice}"])
        assert open_split(folder, reading=reading)[1].labels[2].tolist() == values
    assert len(open_split(folder, reading=ReadingOptions(without_file="drop"))[1]) == 3
    (folder / "labels" / "d.txt").write_text("")
    assert read(folder).notes == ()


def test_classes_may_be_written_with_a_point(folder):
    (folder / "labels" / "a.txt").write_text("1.0 .5 .5 .2 .2\n2.000 .1 .1 .2 .1 .3 .3\n")
    assert read(folder).labels[0].tolist() == [-1, 1, 1]
    for wrong in ("1.5", "-1", "nan", "1.", "1e0", "\u0661", "1" * 5000):
        (folder / "labels" / "a.txt").write_text(f"{wrong} .5 .5 .2 .2\n", encoding="utf-8")
        with pytest.raises(ValueError, match=r"a.txt: line 1 must start with a class from 0 to 2"):
            read(folder)


def write_export(root, description, places):
    """Write a `data.yaml`, and an image with a text file in each place, of classes 0, 1, ..."""
    root.mkdir(exist_ok=True)
    (root / "data.yaml").write_text(f"names: [cat, dog, bird]\n{description}")
    for number, place in enumerate(places):
        write_pictures(root, [place])
        file = root / place.replace("images/", "labels/").replace(".png", ".txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{number} .5 .5 .2 .2\n")


def shown(path):
    tables = {name: load() for name, load in find_splits(path).items()}
    return {
        name.removeprefix("yolo/"): [
            f"{table.paths[row].name} {table.class_names[column]}"
            for row, column in (table.labels > 0).nonzero().tolist()
        ]
        for name, table in tables.items()
    }


@pytest.mark.parametrize(
    ("description", "places"),
    [
        ("path: .\ntrain: images/train\nval: images/val", "images/train/{} images/val/{}"),
        ("path: /gone/set\ntrain: images/train\nval: images/val", "images/train/{} images/val/{}"),
        ("train: ../train/images\nval: ../valid/images\ntest: ../test/images",
         "train/images/{} valid/images/{}"),
        ("train: /content/set/train/images\nval: C:\\set\\val\\images",
         "train/images/{} val/images/{}"),
        ("path: set\ntrain: images\nval: more/images", "set/images/{} set/more/images/{}"),
        ("train: train\nval: val\ntest: ~", "train/{} val/{}"),
    ],
)  # fmt: skip
def test_splits_are_those_that_the_data_file_names(tmp_path, description, places):
    first, second = places.split()
    write_export(tmp_path, description, [first.format("a.png"), second.format("b.png")])
    expected = {"train": ["a.png cat"], "val": ["b.png dog"]}
    assert shown(tmp_path) == expected
    assert shown(tmp_path / "data.yaml") == expected
    notes = open_split(tmp_path, "yolo/train")[1].notes
    assert len(notes) == ("test: .." in description)


def test_a_split_may_be_several_folders_or_a_list(tmp_path):
    images = ["one/images/a.png", "two/images/b.png", "three/images/c.png"]
    write_export(tmp_path, "train: [one/images, two/images]\nval: val.txt", images)
    (tmp_path / "val.txt").write_text("./three/images/c.png\n/gone/three/images/c.png\n")
    assert shown(tmp_path) == {"train": ["a.png cat", "b.png dog"], "val": ["c.png bird"]}
    (tmp_path / "data.yaml").rename(tmp_path / "birds.yaml")
    assert len(shown(tmp_path)) == 2
    with pytest.raises(ValueError, match=r"birds.yaml: names no split 'test'; .*: train, val"):
        load_yolo_split(tmp_path / "birds.yaml", "test")
    (tmp_path / "birds.yaml").write_text("names: [cat, dog, bird]\ntrain: [one/images, gone/far]")
    with pytest.raises(ValueError, match=r"birds.yaml: `train` names gone/far, which is not there"):
        open_split(tmp_path)


def test_the_form_of_darknet(tmp_path):
    write_export(tmp_path, "", ["obj_train_data/a.png", "obj_valid_data/b.png"])
    (tmp_path / "data.yaml").unlink()
    (tmp_path / "obj.names").write_text("cat\ndog\n")
    (tmp_path / "obj.data").write_text(
        "classes = 2\nnames = data/obj.names\ntrain = data/train.txt\nvalid = valid.txt\n"
    )
    (tmp_path / "train.txt").write_text("data/obj_train_data/a.png\n")
    (tmp_path / "valid.txt").write_text("obj_valid_data/b.png\n")
    assert shown(tmp_path) == {"train": ["a.png cat"], "val": ["b.png dog"]}
    assert shown(tmp_path / "obj.data") == shown(tmp_path)
    (tmp_path / "obj_train_data" / "a.png").unlink()  # exported without its images
    assert shown(tmp_path)["train"] == ["a.png cat"]
    (tmp_path / "obj.names").write_text("cat\n")
    with pytest.raises(ValueError, match=r"obj.data: `nc` is 2, but `names` lists 1 classes"):
        open_split(tmp_path)


def test_what_is_wrong_is_named(folder, tmp_path, no_shape_checks):
    with pytest.raises(ValueError, match=r"line 2 must start with a class from 0 to 1, got '2 .5"):
        read(folder, NAMES[:2])
    (folder / "labels" / "a.txt").write_text("cat .5 .5 .2 .2\n")
    with pytest.raises(ValueError, match=r"a.txt: line 1 must start with a class"):
        read(folder)
    with pytest.raises(
        ValueError, match="`without_file` must be one of 'negative', 'unknown', 'drop'"
    ):
        read(folder, without_file="skip")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the label folder is not there"):
        load_yolo(folder / "images", folder / "nothing", NAMES)
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match="empty: there is no image"):
        load_yolo(folder / "empty", folder / "labels", NAMES)
    with pytest.raises(ValueError, match="not one of the 4 images has a text file there"):
        load_yolo(folder / "images", folder / "empty", NAMES)
