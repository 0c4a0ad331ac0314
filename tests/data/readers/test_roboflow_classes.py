from tests.data.readers.pictures import write_pictures
from trmml.data import check_splits, find_splits, open_split


def test_tables_of_splits(tmp_path):
    for split in ("train", "valid"):
        write_pictures(tmp_path / split, [f"{split} 1.jpg", f"{split}2.jpg"])
        text = f"filename, cat, traffic light\n{split} 1.jpg, 1, 0\n{split}2.jpg, 0, 0\n"
        (tmp_path / split / "_classes.csv").write_text(text)
    assert [*find_splits(tmp_path)] == ["roboflow/train", "roboflow/valid"]
    table = open_split(tmp_path, "roboflow/valid")[1]
    assert table.class_names == ("cat", "traffic light")
    assert table.names == ["valid 1.jpg", "valid2.jpg"]
    assert table.labels.tolist() == [[1, -1], [-1, -1]]
    assert all(report.usable for report in check_splits(tmp_path))
    assert [*find_splits(tmp_path / "train")] == ["roboflow"]
