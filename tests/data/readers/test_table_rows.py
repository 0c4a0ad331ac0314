import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tests.data.readers.pictures import write_pictures
from trmml.data import load_table, open_split
from trmml.extras import install_line

COLUMNS = {
    "image": ["a.png", "b.png", "c.png"],
    "cat": [True, False, None],
    "dog": [0.0, float("nan"), 1.0],
}
LABELS = [[1, -1], [-1, 0], [0, 1]]


class Frame:
    """As little of a table as is asked for."""

    def __init__(self, columns, **attributes) -> None:
        columns = list(columns.items()) if isinstance(columns, dict) else columns
        self.columns, self._columns = [name for name, _ in columns], dict(columns)
        self.__dict__.update(attributes)

    def __getitem__(self, name) -> object:
        return self._columns[name]


@pytest.fixture
def photos(tmp_path):
    write_pictures(tmp_path / "photos", COLUMNS["image"])
    return tmp_path / "photos"


@pytest.mark.parametrize(
    "table",
    [
        COLUMNS,
        Frame(COLUMNS),
        Frame({"image": COLUMNS["image"], "cat": np.array([1, 0, 2]) % 2, "dog": ["no", "", "1"]}),
        [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)],
    ],
    ids=["mapping", "frame", "arrays", "records"],
)
def test_a_table_in_memory_is_read_as_its_file_would_be(photos, table):
    found = load_table(table, photos)
    assert found.class_names == ("cat", "dog")
    assert found.labels[:, 1].tolist() == [-1, 0, 1]
    assert found.labels[:2, 0].tolist() == [1, -1]


def test_lists_and_splits_in_memory(photos):
    table = {
        "image": COLUMNS["image"],
        "split": ["train", "train", "test"],
        "tags": [["a; b", "c"], np.array(["c"]), {"a; b"}],
    }
    found = load_table(table, photos, split="train", unlisted="negative")
    assert found.class_names == ("a; b", "c")
    assert found.labels.tolist() == [[1, 1], [-1, 1]]


def test_file_names_as_the_index_of_a_frame(photos):
    index = SimpleNamespace(tolist=lambda: COLUMNS["image"], name=None)
    table = Frame({"cat": [1, 0, 1]}, index=index)
    assert load_table(table, photos).names == COLUMNS["image"]


def test_numbers_of_classes_become_their_names(photos):
    names = SimpleNamespace(names=["cat", "dog"])
    features = {"tags": SimpleNamespace(feature=names), "label": names}
    several = Frame({"image": COLUMNS["image"], "tags": [[0, 1], [1], None]}, features=features)
    found = load_table(several, photos, unlisted="unknown")
    assert found.labels.tolist() == [[1, 1], [0, 1], [0, 0]]
    one = Frame({"image": COLUMNS["image"], "label": [0, 1, -1]}, features=features)
    assert load_table(one, photos, unlisted="unknown").labels.tolist() == [[1, 0], [0, 1], [0, 0]]


def test_pictures_that_come_from_files(photos):
    undecoded = [{"bytes": None, "path": str(photos / name)} for name in COLUMNS["image"]]
    assert load_table({"image": undecoded, "cat": [1, 0, 1]}, photos).paths[0].is_file()
    opened = [Image.open(photos / name) for name in COLUMNS["image"]]
    assert load_table({"image": opened, "cat": [1, 0, 1]}, photos).paths[0].is_file()
    for picture in opened:
        picture.close()
    with pytest.raises(ValueError, match=r"`table`: holds pictures, where file names.*cast_column"):
        load_table({"image": [Image.new("RGB", (2, 2))], "cat": [1]}, photos)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (5, "`table` must be a path, a table of pandas.*got int"),
        ({"train": Frame(COLUMNS, column_names=["image"])}, "holds several splits; give one"),
        (Frame([("image", ["a.png"]), ("cat", [1]), ("cat", [0])]), "column 'cat' is there twice"),
        ([5], "row 1 must be an object with named values, got 5"),
        ({"image": ["a.png", "a.png"], "cat": [1, 0]}, "'a.png' is in row 1 and again in row 2"),
        ({"image": ["a.png", "b.png"], "cat": [1, 2]}, "row 2, column 'cat': a label must be"),
        ({"image": [], "cat": []}, "there is no row below the column names"),
    ],
)
def test_what_is_refused(photos, table, message):
    with pytest.raises(ValueError, match=message):
        load_table(table, photos)


def test_pandas(photos):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(COLUMNS)
    assert load_table(frame, photos).labels.tolist() == LABELS
    assert load_table(frame.set_index("image"), photos).labels.tolist() == LABELS
    typed = frame.astype({"cat": "boolean", "dog": "Int64"})
    assert load_table(typed[typed["image"] != "b.png"], photos).labels.tolist() == [
        LABELS[0],
        LABELS[2],
    ]


def test_pandas_by_way_of_a_file(photos, tmp_path):
    pandas = pytest.importorskip("pandas")
    pandas.DataFrame(COLUMNS).to_csv(tmp_path / "labels.csv")
    assert load_table(tmp_path / "labels.csv", photos).labels.tolist() == LABELS
    pandas.DataFrame(COLUMNS).to_json(tmp_path / "labels.jsonl", orient="records", lines=True)
    assert load_table(tmp_path / "labels.jsonl", photos).labels.tolist() == LABELS


def test_polars(photos):
    polars = pytest.importorskip("polars")
    assert load_table(polars.DataFrame(COLUMNS), photos).labels.tolist() == LABELS


def test_datasets(photos):
    datasets = pytest.importorskip("datasets")
    tags = datasets.Sequence(datasets.ClassLabel(names=["cat", "dog"]))
    features = datasets.Features({"image": datasets.Value("string"), "tags": tags})
    content = {"image": COLUMNS["image"], "tags": [[0], [1], []]}
    table = datasets.Dataset.from_dict(content, features=features)
    found = load_table(table, photos, unlisted="negative")
    assert found.labels.tolist() == [[1, -1], [-1, 1], [-1, -1]]
    with pytest.raises(ValueError, match="holds several splits"):
        load_table(datasets.DatasetDict(train=table), photos)


def test_parquet(photos, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet  # pyright: ignore[reportMissingImports]

    pictures = [{"bytes": b"1234", "path": name} for name in COLUMNS["image"]]
    table = pyarrow.table({**COLUMNS, "image": pictures, "split": ["train", "train", "test"]})
    parquet.write_table(table, tmp_path / "labels.parquet")
    assert load_table(tmp_path / "labels.parquet", photos).labels.tolist() == LABELS
    _, train = open_split(tmp_path / "labels.parquet", "labels.parquet/train", images=photos)
    assert len(train) == 2
    (tmp_path / "labels.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ValueError, match=r"labels\.parquet: no Parquet file that can be read"):
        load_table(tmp_path / "labels.parquet", photos)


def test_parquet_says_what_to_install(photos, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match=re.escape(install_line("parquet"))):
        load_table(tmp_path / "labels.parquet", photos)
