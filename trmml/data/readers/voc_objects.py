"""The objects that an annotation file of PASCAL VOC lists."""

from pathlib import Path

from trmml.data.readers.xml_files import read_xml

__all__ = ["objects_in"]


def objects_in(path: Path) -> list[tuple[str, bool]]:
    """Return the class of each object, and whether it is marked difficult.

    Args:
        path: The XML file of an image.

    Raises:
        ValueError: If it is no XML, or an object has no name.
    """
    found = []
    for item in read_xml(path).findall("object"):
        kind = (item.findtext("name") or "").strip()
        if not kind:
            raise ValueError(f"{path}: an object has no name.")
        found.append((kind, (item.findtext("difficult") or "0").strip() == "1"))
    return found
