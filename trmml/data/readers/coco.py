"""MS-COCO 2014 and 2017, and any file in its format, as labelling tools export it."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from trmml.choices import check_choice
from trmml.data.image_table import ImageTable
from trmml.data.readers.dataset_files import multi_hot, read_json, require, require_rows
from trmml.data.readers.reader import OfficialCounts, Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions

__all__ = ["READER", "CocoRows", "load_coco", "load_coco_file"]

CocoRows = Literal["all", "annotated", "by_id_text"]

_TRAIN_POSITIVES = (
    45174, 2287, 8606, 2442, 2243, 2791, 2464, 4321, 2098, 2893, 1205, 1214, 481, 3844, 2241, 2818,
    3041, 2068, 1105, 1389, 1518, 668, 1324, 1798, 3924, 2749, 4861, 2667, 1631, 1511, 2209, 1170,
    2986, 1625, 1804, 1884, 2511, 2343, 2368, 5968, 1771, 6518, 2537, 3097, 2493, 5028, 1618, 1171,
    1645, 1216, 1340, 1186, 821, 2202, 1062, 2080, 8950, 3170, 3084, 2539, 8378, 2317, 3191, 2475,
    1290, 2180, 1471, 3322, 1089, 2003, 151, 3291, 1671, 3734, 3159, 2530, 673, 1510, 128, 700,
)  # fmt: skip


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
    check_choice(rows, CocoRows, argument="rows")
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


def _find(path: Path, images: Path, _reading: ReadingOptions) -> Splits:
    if path.suffix.lower() == ".json" and path.is_file():
        return {path.name: partial(load_coco_file, path, images)} if _is_coco(path) else {}
    found: Splits = {}
    for file in sorted((path / "annotations").glob("instances_*20[0-9][0-9].json")):
        split = cast("Literal['train', 'val']", file.stem.removeprefix("instances_")[:-4])
        year = int(file.stem[-4:])
        for rows in get_args(CocoRows):
            load = partial(load_coco, path, split, year=year, rows=rows)
            found[f"coco{year}/{split}/{rows}"] = load
    return found


def _is_coco(path: Path) -> bool:
    try:
        content = read_json(path)
    except ValueError:
        return False  # whoever reads the file will say what is wrong with it
    return isinstance(content, dict) and "annotations" in content


READER: Final = Reader(
    _find,
    "annotations/instances_*.json (COCO)",
    {
        "coco2014/train/all": OfficialCounts(82_783, 80, _TRAIN_POSITIVES),
        "coco2014/train/annotated": OfficialCounts(82_081, 80, _TRAIN_POSITIVES),
        "coco2014/train/by_id_text": OfficialCounts(82_081, 80, _TRAIN_POSITIVES),
        "coco2014/val/all": OfficialCounts(40_504, 80),
        "coco2014/val/annotated": OfficialCounts(40_137, 80),
        "coco2014/val/by_id_text": OfficialCounts(40_137, 80),
    },
    reordered=("/annotated", "/by_id_text"),
)
"""COCO's folder, and any file in its format. Positives were counted on published label files;
numbers of rows are those the peers state."""
