"""Whatever is damaged in an export ends in a table or in one line, never in a traceback."""

import copy
import json
import random
from pathlib import Path
from typing import Any

from trmml.data import find_splits


def choices(*values: str) -> dict[str, Any]:
    return {"from_name": "seen", "type": "choices", "value": {"choices": [*values]}}


EXPORTS: dict[str, Any] = {
    "studio.json": [
        {"data": {"image": "a.jpg"}, "annotations": [{"result": [choices("cat", "dog")]}]},
        {"data": {"image": "b.jpg"}, "annotations": [{"result": [], "was_cancelled": True}]},
    ],
    "short.json": [
        {"image": "a.jpg", "seen": {"choices": ["cat"]}, "annotation_id": 1, "lead_time": 2},
        {"image": "b.jpg", "seen": "dog", "annotation_id": 2, "lead_time": 2},
    ],
    "labels.json": {"classes": ["cat", "dog"], "labels": {"a": [0, 1], "b": 1, "c": None}},
    "samples.json": {
        "samples": [
            {"filepath": "a.jpg", "seen": {"_cls": "Classifications", "classifications": []}},
            {"filepath": "b.jpg", "seen": {"_cls": "Classification", "label": "cat"}},
        ]
    },
    "coco.json": {
        "images": [
            {"id": 1, "file_name": "a.jpg", "neg_category_ids": [2]},
            {"id": 2, "coco_url": "http://x.org/y/b.jpg", "neg_category_ids": [1]},
        ],
        "categories": [{"id": 1, "name": "cat", "supercategory": "pet"}, {"id": 2, "name": "pet"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}],
    },
}
TEXTS = {
    "cvat.xml": '<annotations><image name="a.jpg"><tag label="cat"><attribute name="there">no'
    '</attribute></tag></image><image name="b.jpg"><box label="dog"/></image></annotations>',
    "data.yaml": "path: .\ntrain: images\nval: [images]\nnc: 2\nnames:\n  0: cat\n  1: dog\n",
}
JUNK: list[Any] = [
    None,
    True,
    -1,
    1.5,
    "",
    "x",
    "a.jpg",
    [],
    {},
    [[]],
    {"a": 1},
    10**30,
    "\0",
    ["x"],
]


def places(value: object, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = [*value.items()] if isinstance(value, dict) else []
    inside += enumerate(value) if isinstance(value, list) else []
    below = [place for key, part in inside for place in places(part, (*here, key))]
    return [here, *below] if here else below


def damaged(value: object, rng: random.Random) -> object:
    value = copy.deepcopy(value)
    *above, last = rng.choice(places(value))
    part: Any = value
    for key in above:
        part = part[key]
    if rng.random() < 0.3:
        del part[last]
    else:
        part[last] = rng.choice(JUNK)
    return value


def spoilt(text: str, rng: random.Random) -> str:
    place = rng.randrange(len(text))
    return text[:place] + rng.choice(["", *'<>"&{}[]:,-*!\t\n\0%@`0a']) + text[place + 1 :]


def outcome(path: Path) -> str:
    try:
        for load in find_splits(path).values():
            load()
    except ValueError as error:
        return "refused" if "\n" not in str(error) else f"refused in several lines: {error}"
    return "read"


def test_damaged_exports_are_read_or_refused_in_one_line(tmp_path):
    rng = random.Random(0)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").touch()
    (tmp_path / "images" / "a.txt").write_text("1 .5 .5 .1 .1\n")
    seen = {}
    for name in [*EXPORTS, *TEXTS]:
        whole = json.dumps(EXPORTS[name]) if name in EXPORTS else TEXTS[name]
        (tmp_path / name).write_text(whole)
        seen[name] = {f"whole: {outcome(tmp_path / name)}"}
        for _ in range(60):
            text = (
                json.dumps(damaged(EXPORTS[name], rng)) if name in EXPORTS else spoilt(whole, rng)
            )
            (tmp_path / name).write_text(text)
            seen[name].add(outcome(tmp_path / name))
    assert seen == {name: {"whole: read", "read", "refused"} for name in seen}
