"""One page on which a person goes through proposed labels by keyboard."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from html import escape
from pathlib import Path
from typing import Any, Final

import torch
from PIL import Image

from trmml.atomic_write import atomic_write
from trmml.data import BrokenImageError, ImageTable, decode_image
from trmml.models import MultiLabelModel
from trmml.prediction.drawing import overlay
from trmml.prediction.embedded_pictures import LONGEST_SIDE, embedded_picture
from trmml.prediction.proposal import Proposal
from trmml.prediction.review_file import COLUMNS
from trmml.prediction.scoring import eval_mode

__all__ = ["MOST_ITEMS", "write_review_page"]

MOST_ITEMS: Final = 2000


def write_review_page(
    proposals: Sequence[Proposal],
    path: str | Path,
    *,
    table: ImageTable,
    model: MultiLabelModel | None = None,
    items: int = 500,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write an HTML file that asks of each proposal whether the class is in the picture.

    The file holds everything it shows and asks nobody for anything, so that it can be sent to
    whoever knows the answers. They are given by keyboard, stay in the browser, and are saved as a
    table for `merge_review`: yes as the label +1, no as -1, a question that was skipped as a label
    that stays unknown.

    Args:
        proposals: The first of them are asked about, in this order.
        path: File to write. The answers are saved as its name with `-answers.csv`.
        table: The images that the proposals were made for.
        model: Shows where it looks, if it has regions; None shows the photographs alone.
        items: How many are asked about at most, in 1 to 2000. One takes up to 86 kB, 35 as a
            rule.
        progress: Called with 1 after each photograph.

    Returns:
        How many proposals are asked about.

    Raises:
        ValueError: If `items` is out of range, or the file cannot be written.
    """
    if not 1 <= items <= MOST_ITEMS:
        raise ValueError(
            f"`items` must be in 1 to {MOST_ITEMS}, got {items}; a browser has to hold them all, "
            "so write several pages."
        )
    path, asked = Path(path), list(proposals[:items])
    pictures: list[str | None] = []
    regions: dict[Proposal, str] = {}
    place_of: dict[str, int] = {}
    with nullcontext() if model is None else eval_mode(model):
        for image, picture, drawn in _drawn(asked, table, model):
            place_of[image] = len(pictures)
            pictures.append(picture)
            regions |= drawn
            if progress is not None:
                progress(1)
    plain = [
        {
            "image": one.image,
            "class": one.class_name,
            "label": one.label,
            "probability": f"{one.probability:.4f}",
            "source": one.source,
        }
        for one in asked
    ]
    for question, one in zip(plain, asked, strict=True):
        question |= {"picture": place_of[one.image], "region": regions.get(one)}
    names = [[one.image, one.class_name] for one in asked]
    content = {
        "key": f"trmml-review-{hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]}",
        "answers": f"{path.stem}-answers.csv",
        "columns": COLUMNS,
        "pictures": pictures,
        "items": plain,
    }
    with atomic_write(path) as file:
        file.write(_page(content, title=f"Labels to review: {path.stem}"))
    return len(asked)


def _drawn(
    asked: Sequence[Proposal], table: ImageTable, model: MultiLabelModel | None
) -> Iterator[tuple[str, str | None, dict[Proposal, str]]]:
    """Yield each image once, with its picture and those of its regions."""
    of_image: dict[str, list[Proposal]] = {}
    for one in asked:
        of_image.setdefault(one.image, []).append(one)
    row_of = {name: row for row, name in enumerate(table.names)}
    column_of = {name: column for column, name in enumerate(table.class_names)}
    for image, ones in of_image.items():
        try:
            photograph = decode_image(table.paths[row_of[image]])
        except BrokenImageError:  # it was there when the labels were proposed
            yield image, None, {}
            continue
        columns = [column_of[one.class_name] for one in ones]
        shown = _region_pictures(model, photograph, columns)
        yield image, embedded_picture(photograph), dict(zip(ones, shown, strict=False))


def _region_pictures(
    model: MultiLabelModel | None, photograph: Image.Image, columns: list[int]
) -> list[str]:
    if model is None or not model.has_regions:
        return []
    with torch.no_grad():
        maps = model.region_maps(model(model.preprocess(photograph)))
    if maps is None:
        return []
    small = photograph.copy()
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return [embedded_picture(overlay(small, maps[0, column])) for column in columns]


def _page(content: dict[str, Any], *, title: str) -> str:
    style, script = (_part(ending) for ending in ("css", "js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src {_digest(style)}; "
        f"script-src {_digest(script)}; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": escape(title.encode("utf-8", "replace").decode()),
        "style": style,
        "script": script,
        # In ASCII, and with no `<`: whatever a name holds, it neither ends the element nor a text.
        "data": json.dumps(content, allow_nan=False).replace("<", "\\u003c"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _part("html"))


def _part(ending: str) -> str:
    return Path(__file__).with_name(f"review_page.{ending}").read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Return what lets a browser run this text and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
