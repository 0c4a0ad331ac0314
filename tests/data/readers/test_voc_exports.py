import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import ReadingOptions, check_splits, find_splits, open_split
from trmml.data.readers.voc_exports import load_voc_export


def xml(*kinds: str):
    objects = "".join(f"<object><name>{kind}</name></object>" for kind in kinds)
    return f"<annotation><filename>x</filename>{objects}</annotation>"


def write(folder, annotations=".", images="."):
    write_pictures(folder / images, ["a b.png", "c.jpg", "d.jpeg"])
    (folder / annotations).mkdir(exist_ok=True)
    (folder / annotations / "a b.xml").write_bytes(xml("mug", "mug", "Tea pot").encode("utf-8-sig"))
    (folder / annotations / "c.xml").write_text(xml())
    return folder


@pytest.mark.parametrize(
    ("annotations", "images"),
    [(".", "."), ("Annotations", "JPEGImages"), ("annotations", "images")],
)
def test_objects_are_present_and_all_else_is_absent(tmp_path, annotations, images):
    table = open_split(write(tmp_path, annotations, images), "voc-export")[1]
    assert table.names == ["a b.png", "c.jpg"]
    assert table.class_names == ("Tea pot", "mug")
    assert table.labels.tolist() == [[1, 1], [-1, -1]]
    assert table.notes == ("1 of 3 images have no XML file and are left out (`without_file`)",)
    assert table[0][0].size == (8, 6)


def test_images_without_a_file_may_be_kept(tmp_path):
    write(tmp_path)
    for choice, value in (("unknown", 0), ("negative", -1)):
        reading = ReadingOptions.parse([f"without_file={choice}"])
        assert open_split(tmp_path, reading=reading)[1].labels[2].tolist() == [value, value]


def test_folders_of_splits(tmp_path):
    for split in ("train", "valid"):
        (tmp_path / split).mkdir()
        write(tmp_path / split)
    assert [*find_splits(tmp_path)] == ["voc-export/train", "voc-export/valid"]
    assert all(report.usable for report in check_splits(tmp_path))


def test_what_is_hidden_or_has_no_image_is_no_data(tmp_path):
    write(tmp_path)
    (tmp_path / "._c.xml").write_bytes(b"\0\1")
    (tmp_path / "lost.xml").write_text(xml("mug"))
    assert "1 XML files have no image, such as lost.xml" in open_split(tmp_path)[1].notes[1]


def test_what_is_wrong_is_named(tmp_path):
    write(tmp_path)
    with pytest.raises(ValueError, match="an object of the unknown class 'Tea pot'"):
        load_voc_export(tmp_path, tmp_path, class_names=["mug"])
    for text, message in (
        ("<annotation><object/></annotation>", r"c.xml: an object has no name"),
        ("<annotation>", r"c.xml: no XML: no element found"),
        (
            '<!DOCTYPE a [<!ENTITY b "x">]><annotation>&b;</annotation>',
            r"no XML: it has a document",
        ),
        ('<?xml version="1.0" encoding="none"?><annotation/>', "no XML: unknown encoding"),
    ):
        (tmp_path / "c.xml").write_text(text)
        with pytest.raises(ValueError, match=message):
            load_voc_export(tmp_path, tmp_path)
    (tmp_path / "c.xml").write_text(xml())
    write_pictures(tmp_path / "more", ["c.png"])
    with pytest.raises(ValueError, match=r"c.xml: several images .* meant: c.jpg, more/c.png"):
        load_voc_export(tmp_path, tmp_path)
    (tmp_path / "more" / "c.png").unlink()
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="none: there is no XML file"):
        load_voc_export(tmp_path / "none", tmp_path)
    (tmp_path / "c.xml").write_text(xml())
    with pytest.raises(ValueError, match=r"not one of the 2 XML files has an image in .*none"):
        load_voc_export(tmp_path, tmp_path / "none")
