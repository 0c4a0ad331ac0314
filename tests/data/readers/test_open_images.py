import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import load_open_images

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
