"""MS-COCO 2014 and 2017, and any file in its format, as labelling tools export it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from trmml.data.image_table import ImageTable
from trmml.data.readers.layout import multi_hot, read_json, require, require_rows

__all__ = ["CocoRows", "load_coco", "load_coco_file"]

CocoRows = Literal["annotated", "all", "by_id_text"]


def load_coco(
    root: str | os.PathLike[str],
    split: Literal["train", "val"],
    *,
    year: int = 2014,
    rows: CocoRows = "annotated",
    crowd: bool = True,
    min_box_side: float = 0,
    class_names: Sequence[str] | None = None,
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read MS-COCO in its official layout: `annotations/` beside `train2014/` and `val2014/`.

    | `rows` | COCO 2014 | order | peers |
    |---|---|---|---|
    | `"annotated"` | 82,081 / 40,137 | first annotation in the file | DualCoOp, ASL, CSL, SPLC |
    | `"all"` | 82,783 / 40,504 | `images` in the file | HCP, TaI-DPT, L-DualCoop |
    | `"by_id_text"` | 82,081 / 40,137 | image id as text | SPML, LargeLoss |

    Masks and single positives belong to one enumeration: the HCP protocol to `"all"`, SPML's to
    `"by_id_text"`.

    Args:
        root: Folder with `annotations/instances_<split><year>.json` and `<split><year>/`.
        split: "train" or "val".
        year: 2014 or 2017.
        rows: Which images, in which order, see above.
        crowd: Whether a region of many objects counts as its category (TaI-DPT: not).
        min_box_side: Boxes narrower or lower than this do not count (TaI-DPT's training: 1).
        class_names: Names to use instead of the file's, in the order of ascending category id.
        transform: Callable on a decoded image.

    Returns:
        A dataset with +1 for every category annotated in the image and -1 for the others.

    Raises:
        ValueError: If a file is missing or malformed, or the number of names is wrong.
    """
    root = Path(root)
    file = require(
        root / "annotations" / f"instances_{split}{year}.json", what="COCO's annotation file"
    )
    return load_coco_file(
        file,
        root / f"{split}{year}",
        rows=rows,
        crowd=crowd,
        min_box_side=min_box_side,
        class_names=class_names,
        transform=transform,
    )


def load_coco_file(
    annotations: str | os.PathLike[str],
    images: str | os.PathLike[str],
    *,
    rows: CocoRows = "all",
    crowd: bool = True,
    min_box_side: float = 0,
    class_names: Sequence[str] | None = None,
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read one annotation file in COCO's format, for example of CVAT, Label Studio or Roboflow.

    Args:
        annotations: A JSON file with `images`, `annotations` and `categories`.
        images: Folder that the images' `file_name` is relative to.
        rows: As in `load_coco`; an image without annotation shows none of the categories.
        crowd: As in `load_coco`.
        min_box_side: As in `load_coco`.
        class_names: As in `load_coco`.
        transform: Callable on a decoded image.

    Raises:
        ValueError: If the file is malformed: a part missing, ids repeated, an annotation of an
            unknown image or category.
    """
    source = str(annotations)
    data = read_json(Path(annotations))
    try:
        categories = sorted((int(entry["id"]), str(entry["name"])) for entry in data["categories"])
        names = {entry["id"]: str(entry["file_name"]) for entry in data["images"]}
        num_images = len(data["images"])
        column = {identity: index for index, (identity, _) in enumerate(categories)}
        found = [
            (
                entry["image_id"],
                entry["category_id"],
                entry["image_id"] in names,
                column.get(entry["category_id"]),
                (crowd or not entry.get("iscrowd", 0)) and _is_wide(entry, min_box_side),
            )
            for entry in data["annotations"]
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{source}: must hold `images`, `annotations` and `categories` as in COCO, got "
            f"something else at {error}."
        ) from None
    if len(column) < len(categories) or len(names) < num_images:
        raise ValueError(f"{source}: ids of images and categories must not repeat.")
    positives: dict[Any, set[int]] = {}
    for image, category, is_known, index, counts in found:
        if not is_known or index is None:
            kind = f"category {category!r}" if is_known else f"image {image!r}"
            raise ValueError(f"{source}: an annotation names the unknown {kind}.")
        positives.setdefault(image, set()).update([index] if counts else [])
    classes = tuple(class_names or (name for _, name in categories))
    if len(classes) != len(categories):
        raise ValueError(
            f"`class_names` must have {len(categories)} names, one a category, got {len(classes)}."
        )
    if rows not in ("annotated", "all", "by_id_text"):
        raise ValueError(f"`rows` must be annotated, all or by_id_text, got {rows!r}.")
    chosen = list(names if rows == "all" else positives)
    if rows == "by_id_text":
        chosen.sort(key=str)
    labels = multi_hot([sorted(positives.get(image, ())) for image in chosen], len(classes))
    files = [names[image] for image in chosen]
    require_rows(files, source=source)
    return ImageTable(images, files, labels, classes, transform=transform)


def _is_wide(annotation: dict[str, Any], least: float) -> bool:
    if least <= 0 or not annotation.get("bbox"):
        return True
    _, _, width, height = annotation["bbox"]
    return width >= least and height >= least
