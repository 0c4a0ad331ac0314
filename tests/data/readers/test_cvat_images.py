import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import ReadingOptions, open_split
from trmml.data.readers.cvat_images import load_cvat_images

META = "<meta><task><labels>{}</labels></task></meta>".format(
    "".join(f"<label><name>{name}</name></label>" for name in ("cat", "dog", "owl"))
)
IMAGES = """
<image id="0" name="a.jpg"><tag label="dog" source="manual"/><tag label="dog"/>
  <box label="cat" xtl="1"><attribute name="hidden">false</attribute></box></image>
<image id="1" name="in\\b.jpg"></image>
"""


def write(folder, images, start="<annotations><version>1.1</version>"):
    (folder / "annotations.xml").write_text(f"{start}{META}{images}</annotations>")
    return folder


def test_tags_and_shapes_are_present(tmp_path):
    write_pictures(write(tmp_path, IMAGES) / "images", ["a.jpg", "in/b.jpg"])
    for path, images in ((tmp_path, None), (tmp_path / "annotations.xml", tmp_path / "images")):
        name, table = open_split(path, images=images)
        assert name == ("cvat" if path.is_dir() else "annotations.xml")
        assert table.names == ["a.jpg", "in/b.jpg"]
        assert table.class_names == ("cat", "dog", "owl")
        assert table.labels.tolist() == [[1, 1, -1], [-1, -1, -1]]
        assert table[1][0].size == (8, 6)
    assert "1 images were answered with no choice at all" in table.notes
    table = open_split(tmp_path, reading=ReadingOptions(unlisted="unknown"))[1]
    assert table.labels.tolist() == [[1, 1, 0], [0, 0, 0]]


def test_attributes_that_say_yes_or_no_decide(tmp_path):
    def image(name, *tags: tuple):
        inside = "".join(
            f'<tag label="{label}">'
            + "".join(f'<attribute name="{n}">{v}</attribute>' for n, v in attributes.items())
            + "</tag>"
            for label, attributes in tags
        )
        return f'<image name="{name}">{inside}</image>'

    images = [
        image("a.jpg", ("cat", {"there": "no"}), ("scene", {"rain": "true", "sun": "false"})),
        image("b.jpg", ("cat", {"there": "unsure", "note": "far"}), ("dog", {"note": "near"})),
    ]
    table = open_split(write(tmp_path, "".join(images)))[1]
    assert table.class_names == ("dog", "owl", "cat", "rain", "sun")
    assert table.labels.tolist() == [[-1, -1, -1, 1, -1], [1, -1, 0, 0, 0]]


def test_entities_are_not_expanded(tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;">]><annotations>'
    file = write(tmp_path, "<image name='&b;'/>", bomb) / "annotations.xml"
    with pytest.raises(ValueError, match="no dataset is recognised"):
        open_split(tmp_path)
    with pytest.raises(ValueError, match=r"annotations.xml: no XML: it has a document type"):
        load_cvat_images(file, tmp_path)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ("<track id='0' label='cat'/>", "must be exported as CVAT for images"),
        ("<image name='a.jpg'/><image name='a.jpg'/>", "names the image 'a.jpg' twice"),
        ("<image/>", "has an image without a name"),
        ("", "there is no image"),
        ("<image name='a.jpg'>", "no XML: mismatched tag"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, images, message):
    with pytest.raises(ValueError, match=f"annotations.xml: {message}"):
        open_split(write(tmp_path, images))
