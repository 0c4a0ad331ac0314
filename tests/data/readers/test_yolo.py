import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import load_yolo

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
    ],
)
def test_names_in_every_spelling_of_a_data_file(folder, text):
    yaml = pytest.importorskip("yaml")
    assert {*yaml.safe_load(text)["names"]} in ({*NAMES}, {0, 1, 2})
    (folder / "data.yaml").write_text(text)
    assert read(folder, folder / "data.yaml").class_names == tuple(NAMES)


def test_names_in_a_text_file(folder):
    (folder / "classes.txt").write_text("cat\ndog\ntraffic light\n")
    assert read(folder, folder / "classes.txt").class_names == tuple(NAMES)


@pytest.mark.parametrize("text", ["nc: 3\n", "names:\n  1: cat\n  2: dog\n", "names: 3\n"])
def test_a_data_file_without_names(folder, text):
    (folder / "data.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"data.yaml: must list the class names as `names`"):
        read(folder, folder / "data.yaml")


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
