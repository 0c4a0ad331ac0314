"""MS-COCO 2014 and 2017, and any file in its format, as labelling tools export it."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

import numpy as np
from jaxtyping import Int

from trmml.choices import check_choice
from trmml.data.image_table import ImageTable
from trmml.data.readers.coco_content import CocoContent, read_coco_content
from trmml.data.readers.dataset_files import require, require_rows
from trmml.data.readers.image_addresses import files_of_addresses
from trmml.data.readers.json_shape import json_shape
from trmml.data.readers.reader import OfficialCounts, Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.visible_files import visible_files

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

    In the federated form of LVIS, where images list `neg_category_ids`, only those are absent, and
    what an image does not mention is unknown. A category that only groups others, without an
    annotation of its own, is left out.

    Args:
        annotations: A JSON file with `images`, `annotations` and `categories`.
        images: Folder that the images' `file_name` is relative to; of an address, the last folder
            and the file name, or the file name alone, are looked up there.
        rows: As in `load_coco`; an image without annotation shows none of the categories.
        crowd: As in `load_coco`.
        min_box_side: As in `load_coco`.
        class_names: As in `load_coco`.
        transform: Callable on a decoded image.

    Returns:
        A dataset with +1, -1 or 0, and notes on what was left out or has no annotation.

    Raises:
        ValueError: If the file is malformed: a part missing, ids or names repeated, an annotation
            of an unknown image or category.
    """
    path = Path(annotations)
    check_choice(rows, CocoRows, argument="rows")
    content = read_coco_content(path, crowd=crowd, min_box_side=min_box_side)
    column = {identity: index for index, (identity, _) in enumerate(content.categories)}
    classes = _class_names(content, class_names, source=str(annotations))
    chosen = list(content.names if rows == "all" else content.found)
    if rows == "by_id_text":
        chosen.sort(key=str)
    addresses = [content.names[image] for image in chosen]
    require_rows(addresses, source=str(annotations))
    labels, disputed = _labels(content, chosen, column)
    files = files_of_addresses(addresses, images)
    notes = _notes(content, chosen, disputed)
    return ImageTable(images, files, labels, classes, transform=transform, notes=notes)


def _class_names(
    content: CocoContent, given: Sequence[str] | None, *, source: str
) -> tuple[str, ...]:
    if given is not None:
        if len(given) != len(content.categories):
            raise ValueError(
                f"`class_names` must have {len(content.categories)} names, one a category, got "
                f"{len(given)}."
            )
        return tuple(given)
    names = tuple(name for _, name in content.categories)
    for name, count in Counter(names).most_common(1):
        if count > 1:
            ids = ", ".join(
                str(identity) for identity, other in content.categories if other == name
            )
            raise ValueError(
                f"{source}: the categories {ids} are all called {name!r}; give each a name of its "
                "own in the file, or pass `class_names`."
            )
    return names


def _labels(
    content: CocoContent, images: list[Any], column: dict[int, int]
) -> tuple[Int[np.ndarray, "rows classes"], int]:
    """Return the labels, and how many pairs are annotated and verified as absent at once."""
    absent = content.negatives
    labels = np.full((len(images), len(column)), -1 if absent is None else 0, dtype=np.int8)
    disputed = 0
    for row, image in enumerate(images):
        shown = {column[c] for c, counts in content.found.get(image, {}).items() if counts}
        labels[row, sorted(shown)] = 1
        if absent is not None:
            hidden = {column[c] for c in absent.get(image, ())}
            labels[row, sorted(hidden - shown)] = -1
            labels[row, sorted(hidden & shown)] = 0
            disputed += len(hidden & shown)
    return labels, disputed


def _notes(content: CocoContent, images: list[Any], disputed: int) -> list[str]:
    notes = []
    if content.parents:
        names = ", ".join(content.parents)
        notes.append(
            f"left out, since they only group other categories and no image has one: {names}"
        )
    if content.negatives is not None:
        notes.append(
            "only verified negatives are absent; a category that an image does not mention is "
            "unknown"
        )
    else:
        empty = sum(image not in content.found for image in images)
        if empty:
            notes.append(
                f"{empty:,} of {len(images):,} images have no annotation and count as showing "
                "nothing"
            )
    if disputed:
        notes.append(
            f"{disputed:,} labels are annotated and verified as absent at once, and so unknown"
        )
    return notes


def _find(path: Path, images: Path, _reading: ReadingOptions) -> Splits:
    if "annotations" in json_shape(path).keys:
        return {path.name: partial(load_coco_file, path, images)}
    found: Splits = {}
    for file in visible_files(path / "annotations", "instances_*.json"):
        name = file.stem.removeprefix("instances_")
        official = re.fullmatch(r"(.*)(20[0-9][0-9])", name)
        if official is None:
            places = (path / "images" / name, path / "images", path / name)
            folder = next((place for place in places if place.is_dir()), path)
            found[f"coco/{name}"] = partial(load_coco_file, file, folder)
            continue
        split, year = cast("Literal['train', 'val']", official[1]), int(official[2])
        for rows in get_args(CocoRows):
            load = partial(load_coco, path, split, year=year, rows=rows)
            found[f"coco{year}/{split}/{rows}"] = load
    for part in ("", "train", "valid", "val", "test"):
        file = path / part / "_annotations.coco.json"
        if file.is_file():
            found[f"coco/{part}".removesuffix("/")] = partial(load_coco_file, file, file.parent)
    return found


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
