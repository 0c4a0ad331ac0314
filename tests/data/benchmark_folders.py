"""Every benchmark in miniature, in its official layout and where the docs expect it."""

import json
from pathlib import Path

import numpy as np

from tests.data.readers.pictures import write_pictures
from trmml.data import COCO_NAMES, NUS_WIDE_NAMES, VOC_NAMES

COUNT = 4


def labels_of(classes: int) -> np.ndarray:
    """Return random full labels of 0 and 1 with at least one positive a row."""
    labels = np.random.RandomState(classes).random_sample((COUNT, classes)) < 0.2
    labels[np.arange(COUNT), np.arange(COUNT)] = True
    return labels.astype(int)


def write_benchmarks(root: Path) -> None:
    write_coco(root / "COCO")
    write_voc(root / "VOCdevkit" / "VOC2007", {"trainval": "00000", "test": "00001"})
    write_voc(root / "VOCdevkit" / "VOC2012", {"train": "2008_00000", "val": "2009_00000"})
    write_visual_genome(root / "VG")
    write_nus_spml(root / "NUS-SPML")
    write_nus_asl(root / "NUS-ASL")
    write_cub(root / "CUB_200_2011")
    write_lists(root)


def write_coco(root: Path) -> None:
    (root / "annotations").mkdir(parents=True)
    categories = [{"id": index + 1, "name": name} for index, name in enumerate(COCO_NAMES)]
    for split in ("train", "val"):
        ids = [57, 9, 100, 8, 30][: COUNT + 1]  # the last one has no annotation
        names = [f"COCO_{split}2014_{identity:012d}.jpg" for identity in ids]
        content = {
            "images": [{"id": i, "file_name": n} for i, n in zip(ids, names, strict=True)],
            "categories": categories,
            "annotations": [
                {"image_id": ids[row], "category_id": int(column) + 1, "iscrowd": 0}
                for row, column in np.argwhere(labels_of(80))[::-1]
            ],
        }
        file = root / "annotations" / f"instances_{split}2014.json"
        file.write_text(json.dumps(content))
        write_pictures(root / f"{split}2014", names)


def write_voc(root: Path, splits: dict[str, str]) -> None:
    (root / "ImageSets" / "Main").mkdir(parents=True)
    (root / "Annotations").mkdir()
    for split, stem in splits.items():
        names = [f"{stem}{row}" for row in (3, 0, 2, 1)]
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(names) + "\n")
        for name, row in zip(names, labels_of(20), strict=True):
            shown = [VOC_NAMES[column] for column in row.nonzero()[0]]
            objects = "".join(f"<object><name>{kind}</name></object>" for kind in shown)
            file = root / "Annotations" / f"{name}.xml"
            file.write_text(f"<annotation>{objects}</annotation>")
        write_pictures(root / "JPEGImages", [f"{name}.jpg" for name in names])


def write_visual_genome(root: Path) -> None:
    root.mkdir(parents=True)
    labels = {
        f"{row}.jpg": values.nonzero()[0].tolist() for row, values in enumerate(labels_of(200))
    }
    (root / "train_list_500.txt").write_text("3.jpg\n0.jpg\n1.jpg\n")
    (root / "test_list_500.txt").write_text("2.jpg\n")
    (root / "vg_category_200_labels_index.json").write_text(json.dumps(labels))
    (root / "class_names.txt").write_text("\n".join(map(str, range(200))) + "\n")
    write_pictures(root, ["VG_100K/0.jpg", "VG_100K/1.jpg", "VG_100K_2/2.jpg", "VG_100K_2/3.jpg"])


def write_nus_spml(root: Path) -> None:
    root.mkdir(parents=True)
    for split in ("train", "val"):
        names = [f"{split}/{row}.jpg" for row in range(COUNT)]
        np.save(root / f"formatted_{split}_images.npy", np.array(names))
        np.save(root / f"formatted_{split}_labels.npy", labels_of(81).astype(float))
        write_pictures(root, names)


def write_nus_asl(root: Path) -> None:
    lines = ["filepath,label,split_name"]
    for split in ("train", "val"):
        for row, values in enumerate(labels_of(81)):
            concepts = [NUS_WIDE_NAMES[column] for column in values.nonzero()[0]]
            lines.append(f'images/{split}_{row}_m.jpg,"{concepts}",{split}')
    write_pictures(root, [line.partition(",")[0] for line in lines[1:]])
    (root / "nus_wid_data.csv").write_text("\n".join(lines) + "\n")


def write_cub(root: Path) -> None:
    (root / "attributes").mkdir(parents=True)
    names = [f"00{row}.Bird/Bird_{row}.jpg" for row in range(2 * COUNT)]
    labels = np.concatenate([labels_of(312)] * 2)
    (root / "images.txt").write_text("".join(f"{i} {n}\n" for i, n in enumerate(names, 1)))
    splits = "".join(f"{i} {int(i <= COUNT)}\n" for i in range(1, len(names) + 1))
    (root / "train_test_split.txt").write_text(splits)
    attributes = "".join(f"{i} has_part_color::shade{i}\n" for i in range(1, 313))
    (root / "attributes.txt").write_text(attributes)
    lines = [
        f"{row + 1} {column + 1} {value} 1 0.5" for (row, column), value in np.ndenumerate(labels)
    ]
    (root / "attributes" / "image_attribute_labels.txt").write_text("\n".join(lines) + "\n")
    write_pictures(root / "images", names)


def write_lists(root: Path) -> None:
    """Write lists as SPLC and SCPNet publish them: rows in another order, one label each."""
    from trmml.data import open_split

    (root / "lists").mkdir()
    for path, split, file in (
        ("COCO", "coco2014/train/annotated", "coco_train_singlelabel.txt"),
        ("VOCdevkit/VOC2012", "voc2012/train", "voc_train.txt"),
        ("NUS-ASL", "nus-wide-asl/train", "nus_train_singlelabel.txt"),
        ("CUB_200_2011", "cub/train", "cub_train.txt"),
    ):
        _, table = open_split(root / path, split)
        rows = zip(table.names, table.labels, strict=True)
        lines = [
            f"{name.split('/')[-1]}, {int((row > 0).nonzero()[-1, 0])}\n" for name, row in rows
        ]
        (root / "lists" / file).write_text("".join(reversed(lines)))
