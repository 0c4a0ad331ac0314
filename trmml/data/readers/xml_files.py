"""Read XML from elsewhere: without a document type, which could define entities that never end."""

from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from trmml.regular_files import require_regular_file

__all__ = ["read_xml", "root_tag"]


class _Plain(ElementTree.TreeBuilder):
    """Refuse a document type at its first sign, before anything in it is read."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:  # noqa: ARG002
        raise ValueError("it has a document type (DOCTYPE), which is not read; remove it")


def read_xml(path: Path) -> ElementTree.Element:
    """Return the root of an XML file.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If it is not there.
        ValueError: If it is no plain file, no XML, or has a document type.
    """
    require_regular_file(path)
    try:
        return ElementTree.parse(path, ElementTree.XMLParser(target=_Plain())).getroot()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ValueError(f"{path}: no XML: {error}.") from None


def root_tag(path: Path) -> str | None:
    """Return the name of a file's outermost element, reading no further, or None if it has none.

    Args:
        path: The file.
    """
    found: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, _: found.append(name)
    try:
        with require_regular_file(path).open("rb") as file:
            while not found and (block := file.read(1 << 12)) and b"<!DOCTYPE" not in block:
                parser.Parse(block)
    except (OSError, ValueError, LookupError, expat.ExpatError):
        pass  # whoever reads the file will say what is wrong with it
    return found[0] if found else None
