"""What a file in COCO's format says: names, categories, what is there and what is not."""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from trmml.data.readers.json_parts import read_json_parts

__all__ = ["CocoContent", "read_coco_content"]


class CocoContent(NamedTuple):
    """The parts of a file that say which image shows which categories.

    Attributes:
        names: File name or address of each image id, in the order of the file.
        categories: Ids and names by ascending id, without `parents`.
        parents: Names of categories that only group others: another's `supercategory`, and no
            image has one.
        found: Category ids of each annotated image, and whether each of them counts.
        negatives: Category ids that each image verifiably does not show; None where the file
            does not say so, and an annotation that is missing means that.
    """

    names: dict[Any, str]
    categories: list[tuple[int, str]]
    parents: list[str]
    found: dict[Any, dict[int, bool]]
    negatives: dict[Any, set[int]] | None


class _Image(TypedDict, total=False):
    id: Any
    file_name: Any
    coco_url: Any
    neg_category_ids: Any


class _Annotation(TypedDict, total=False):
    image_id: Any
    category_id: Any
    iscrowd: Any


class _BoxedAnnotation(_Annotation, total=False):
    bbox: Any


class _File(TypedDict, total=False):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[Any]


class _BoxedFile(TypedDict, total=False):
    images: list[_Image]
    annotations: list[_BoxedAnnotation]
    categories: list[Any]


def read_coco_content(path: Path, *, crowd: bool, min_box_side: float) -> CocoContent:
    """Read a file in COCO's format, or in its federated form (LVIS).

    Args:
        path: A JSON file with `images`, `annotations` and `categories`.
        crowd: Whether a region of many objects counts as its category.
        min_box_side: Boxes narrower or lower than this do not count.

    Raises:
        ValueError: If a part is missing or malformed, ids or file names repeat, or something names
            an image or a category that is not there.
    """
    data = read_json_parts(path, _BoxedFile if min_box_side > 0 else _File)
    try:
        categories = sorted((int(entry["id"]), str(entry["name"])) for entry in data["categories"])
        above = [(int(x["id"]), str(x.get("supercategory", ""))) for x in data["categories"]]
        images = [(entry["id"], _name(entry)) for entry in data["images"]]
        names = dict(images)
        regions = [
            (
                entry["image_id"],
                entry["category_id"],
                entry["image_id"] in names,
                (crowd or not entry.get("iscrowd", 0)) and _is_wide(entry, min_box_side),
            )
            for entry in data["annotations"]
        ]
        absent = {
            entry["id"]: [*(entry["neg_category_ids"] or [])]
            for entry in data["images"]
            if "neg_category_ids" in entry
        }
        known = dict(categories)
        strange = [
            f"an annotation names the unknown image {image!r}"
            if not is_there
            else f"an annotation names the unknown category {category!r}"
            for image, category, is_there, _ in regions
            if not is_there or category not in known
        ]
        strange += [
            f"the image {image!r} names the unknown category {category!r} as absent"
            for image, ids in absent.items()
            for category in ids
            if category not in known
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{path}: must hold `images`, `annotations` and `categories` as in COCO, got "
            f"something else at {error}."
        ) from None
    if len(known) < len(categories) or len(names) < len(images):
        raise ValueError(f"{path}: ids of images and categories must not repeat.")
    if strange:
        more = f", and {len(strange) - 1:,} more do" if len(strange) > 1 else ""
        raise ValueError(f"{path}: {strange[0]}{more}; correct the ids.")
    _check_distinct(images, path=path)
    found: dict[Any, dict[int, bool]] = {}
    for image, category, _, counts in regions:
        here = found.setdefault(image, {})
        here[category] = here.get(category, False) or counts
    used = {category for _, category, _, _ in regions} | {c for ids in absent.values() for c in ids}
    parents = [
        identity
        for identity, name in categories
        if identity not in used and any(name == up and own != identity for own, up in above)
    ]
    return CocoContent(
        names,
        [(identity, name) for identity, name in categories if identity not in parents],
        [known[identity] for identity in parents],
        found,
        {image: {*ids} for image, ids in absent.items()} if absent else None,
    )


def _name(image: dict[str, Any]) -> str:
    """Return an image's file name; LVIS has an address instead, some tools one as the name."""
    name = image.get("file_name") or image.get("coco_url")
    if name is None:
        raise KeyError("file_name")
    return str(name)


def _is_wide(annotation: dict[str, Any], least: float) -> bool:
    if least <= 0 or not annotation.get("bbox"):
        return True
    _, _, width, height = annotation["bbox"]
    return width >= least and height >= least


def _check_distinct(images: list[tuple[Any, str]], *, path: Path) -> None:
    (name, count), *_ = Counter(name for _, name in images).most_common(1) or [("", 0)]
    if count > 1:
        ids = ", ".join(repr(identity) for identity, other in images if other == name)
        raise ValueError(f"{path}: the images {ids} are all called {name!r}; keep one.")
