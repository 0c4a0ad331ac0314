import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import VOC_NAMES, find_splits, load_voc

NAMES = ["000012", "000005", "000007"]
OBJECTS = {
    "000005": [("chair", 0), ("chair", 1), ("person", 1)],
    "000007": [("car", 0)],
    "000012": [("sofa", 1), ("sofa", 0), ("tvmonitor", 0), ("person", 1), ("person", 1)],
}


def xml(name):
    objects = "".join(
        f"<object><name>{kind}</name><pose>Left</pose><difficult>{difficult}</difficult>"
        "<bndbox><xmin>1</xmin></bndbox></object>"
        for kind, difficult in OBJECTS[name]
    )
    return f"<annotation><filename>{name}.jpg</filename>{objects}</annotation>"


def value(name, kind):
    found = [difficult for object_kind, difficult in OBJECTS[name] if object_kind == kind]
    return -1 if not found else int(0 in found)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "VOCdevkit" / "VOC2007"
    sets = root / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    (root / "Annotations").mkdir()
    (sets / "trainval.txt").write_text("".join(f"{name}\n" for name in NAMES))
    for kind in VOC_NAMES:
        lines = "".join(f"{name} {value(name, kind):2d}\n" for name in NAMES)
        (sets / f"{kind}_trainval.txt").write_text(lines)
    for name in NAMES:
        (root / "Annotations" / f"{name}.xml").write_text(xml(name))
    write_pictures(root / "JPEGImages", [f"{name}.jpg" for name in NAMES])
    return root


def shown(table, sign=1):
    return [
        [table.class_names[c] for c in row.nonzero().flatten().tolist()]
        for row in table.labels == sign
    ]


@pytest.mark.parametrize("labels_from", ["annotations", "lists"])
def test_difficult_alone_is_negative_by_default(root, labels_from):
    table = load_voc(root, "trainval", labels_from=labels_from)
    assert table.names == [f"{name}.jpg" for name in NAMES]
    assert table.class_names == VOC_NAMES
    assert shown(table) == [["sofa", "tvmonitor"], ["chair"], ["car"]]
    assert bool((table.labels != 0).all())
    assert table[2][0].size == (8, 6)


@pytest.mark.parametrize("labels_from", ["annotations", "lists"])
def test_difficult_alone_can_be_unknown(root, labels_from):
    table = load_voc(root, "trainval", difficult="unknown", labels_from=labels_from)
    assert shown(table) == [["sofa", "tvmonitor"], ["chair"], ["car"]]
    assert shown(table, 0) == [["person"], ["person"], []]


def test_rows_can_be_sorted_by_name(root):
    table = load_voc(root, "trainval", sort_by_name=True)
    assert table.names == ["000005.jpg", "000007.jpg", "000012.jpg"]
    assert shown(table) == [["chair"], ["car"], ["sofa", "tvmonitor"]]


def test_names_can_be_overridden(root):
    spoken = ["tv monitor" if name == "tvmonitor" else name for name in VOC_NAMES]
    assert load_voc(root, "trainval", class_names=spoken).class_names[19] == "tv monitor"


def test_what_is_wrong_is_named(root, no_shape_checks):
    with pytest.raises(ValueError, match=r"test.txt: a list is not there"):
        load_voc(root, "test")
    with pytest.raises(ValueError, match="Main: VOC's folder of lists is not there"):
        load_voc(root.parent, "trainval")
    with pytest.raises(
        ValueError, match="`difficult` must be one of 'negative', 'unknown', got 'drop'"
    ):
        load_voc(root, "trainval", difficult="drop")  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match="`labels_from` must be one of 'annotations', 'lists', got"
    ):
        load_voc(root, "trainval", labels_from="xml")  # type: ignore[arg-type]
    annotations = root / "Annotations"
    (annotations / "000007.xml").write_text(xml("000007").replace("car", "cart"))
    with pytest.raises(ValueError, match=r"000007.xml: an object of the unknown class 'cart'"):
        load_voc(root, "trainval")
    (annotations / "000007.xml").write_text("<annotation>")
    with pytest.raises(ValueError, match=r"000007.xml: no XML"):
        load_voc(root, "trainval")
    (annotations / "000007.xml").unlink()
    with pytest.raises(ValueError, match=r"000007.xml: an image of trainval has no annotation"):
        load_voc(root, "trainval")
    (root / "ImageSets" / "Main" / "cat_trainval.txt").write_text("000012 -1\n000005 -1\n")
    with pytest.raises(ValueError, match=r"cat_trainval.txt: 1 images of trainval .*: 000007"):
        load_voc(root, "trainval", labels_from="lists")
    (root / "ImageSets" / "Main" / "cat_trainval.txt").write_text("000012 yes\n")
    with pytest.raises(ValueError, match=r"must hold a name and -1, 0 or 1 a line, got '000012 y"):
        load_voc(root, "trainval", labels_from="lists")


def write_own(root, *, lists):
    sets = root / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    (sets / "default.txt").write_bytes(b"my cup\r\nb\r\n")
    (root / "Annotations").mkdir()
    for name, kind in (("my cup", "Tea cup"), ("b", "saucer"), ("elsewhere", "spoon")):
        text = f"<annotation><object><name>{kind}</name></object></annotation>"
        (root / "Annotations" / f"{name}.xml").write_text(text)
    write_pictures(root / "JPEGImages", ["my cup.png", "b.jpg"])
    for kind, values in (("Tea cup", "1 0"), ("saucer", "-1 1")) if lists else ():
        lines = zip(("my cup", "b"), values.split(), strict=True)
        text = "".join(f"{name}  {value}\n" for name, value in lines)
        (sets / f"{kind}_default.txt").write_text(text)


@pytest.mark.parametrize("lists", [False, True])
def test_other_classes_names_with_blanks_and_other_lists(tmp_path, lists):
    root = tmp_path / "mugs"
    write_own(root, lists=lists)
    assert [*find_splits(root)] == ["mugs/default", "mugs/default/by_name"]
    table = load_voc(root, "default")
    assert table.names == ["my cup.png", "b.jpg"]
    assert table.class_names == (("Tea cup", "saucer") if lists else ("Tea cup", "saucer", "spoon"))
    assert table.labels.tolist() == ([[1, -1], [-1, 1]] if lists else [[1, -1, -1], [-1, 1, -1]])
    if lists:
        table = load_voc(root, "default", labels_from="lists", difficult="unknown")
        assert table.labels.tolist() == [[1, -1], [0, 1]]
