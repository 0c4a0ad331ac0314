import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import find_splits, load_open_images, open_split

DESCRIPTIONS = "/m/01,Dog\n/m/02,Cat\n/m/03,Sports car\n/m/04,Tree\n"
VERIFIED = """ImageID,Source,LabelName,Confidence
aa,verification,/m/02,1
aa,verification,/m/01,0
bb,crowdsource-verification,/m/03,1.0
bb,verification,/m/01,1
cc,verification,/m/02,0
cc,crowdsource-verification,/m/02,1
cc,verification,/m/01,1
cc,verification,/m/01,1
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "classes.csv").write_text(DESCRIPTIONS)
    (tmp_path / "labels.csv").write_text(VERIFIED)
    write_pictures(tmp_path / "train", ["aa.jpg", "bb.jpg", "cc.jpg"])
    return tmp_path


def read(folder, **options):
    return load_open_images(
        folder / "labels.csv", folder / "classes.csv", folder / "train", **options
    )


def test_verified_positives_and_negatives_and_everything_else_unknown(folder):
    table = read(folder)
    assert table.names == ["aa.jpg", "bb.jpg", "cc.jpg"]
    assert table.class_names == ("Dog", "Cat", "Sports car")
    assert table.labels.tolist() == [[-1, 1, 0], [1, 0, 1], [1, 0, 0]]
    assert table[0][0].size == (8, 6)


def test_chosen_classes_leave_images_without_them_out(folder):
    table = read(folder, class_names=["Tree", "Cat"])
    assert table.names == ["aa.jpg", "cc.jpg"]
    assert table.labels.tolist() == [[0, 1], [0, 0]]
    with pytest.raises(ValueError, match="there is no class 'Horse'"):
        read(folder, class_names=["Horse"])


def test_descriptions_may_have_column_names(folder):
    (folder / "classes.csv").write_text("LabelName,DisplayName\n" + DESCRIPTIONS)
    assert read(folder).num_classes == 3


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("/m/03,1.0", "/m/03", "row 4 has 3 cells, not 4"),
        ("Confidence", "Score", "there is no column 'Confidence', got ImageID, Source"),
        ("/m/03,1.0", "/m/09,1.0", "row 4 names the unknown class '/m/09'"),
        ("/m/03,1.0", "/m/03,0.7", "row 4 must have confidence 0 or 1, got '0.7'; machine-made"),
    ],
)
def test_wrong_tables(folder, old, new, message):
    (folder / "labels.csv").write_text(VERIFIED.replace(old, new))
    with pytest.raises(ValueError, match=f"labels.csv: {message}"):
        read(folder)


def test_another_encoding(folder):
    (folder / "classes.csv").write_bytes("/m/01,Pékinois\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"classes\.csv: no CSV in UTF-8: 'utf-8' codec"):
        read(folder)


HUMAN = "-annotations-human-imagelabels"


def write_twins(folder):
    (folder / "oidv6-class-descriptions.csv").write_text(
        "LabelName,DisplayName\n/m/id1,Bishop\n/m/id2,Bishop\n/m/id3,Castle\n"
    )
    rows = ["i1,/m/id1,1", "i1,/m/id2,0", "i2,/m/id2,1", "i3,/m/id1,0", "i3,/m/id3,0"]
    for name in (f"oidv6-train{HUMAN}.csv", f"train{HUMAN}-boxable.csv"):
        (folder / name).write_text("\n".join(["ImageID,LabelName,Confidence", *rows]))
    return folder


def test_classes_of_one_name_are_kept_apart(tmp_path):
    table = open_split(write_twins(tmp_path), "open-images/train")[1]
    assert table.class_names == ("Bishop", "Bishop (/m/id2)", "Castle")
    assert table.labels.tolist() == [[1, -1, 0], [0, 1, 0], [-1, 0, -1]]
    assert table.notes == ("1 classes share a name with another: Bishop (/m/id2)",)
    files = (tmp_path / f"train{HUMAN}-boxable.csv", tmp_path / "oidv6-class-descriptions.csv")
    table = load_open_images(*files, tmp_path, class_names=["Castle", "Bishop (/m/id2)"])
    assert table.labels.tolist() == [[0, -1], [0, 1], [-1, 0]]


def test_of_several_lists_the_one_that_has_the_ids_is_read(tmp_path):
    write_twins(tmp_path)
    before = open_split(tmp_path, "open-images/train")[1]
    (tmp_path / "class-descriptions-boxable.csv").write_text("/m/zzz,Boat\n")
    (tmp_path / f"._train{HUMAN}.csv").write_bytes(b"\0\1")
    (tmp_path / "._class-descriptions.csv").write_bytes(b"\0\1")
    assert [*find_splits(tmp_path)] == ["open-images/train", "open-images/train-boxable"]
    for load in find_splits(tmp_path).values():
        assert load().class_names == before.class_names
    (tmp_path / "oidv6-class-descriptions.csv").write_text("/m/id1,Bishop\n")
    with pytest.raises(ValueError, match="row 2 names the unknown class '/m/id1'"):
        open_split(tmp_path, "open-images/train")
