"""How many rows and positives the benchmarks have, to notice a wrong or incomplete copy."""

from typing import Final, NamedTuple

__all__ = ["OFFICIAL_COUNTS", "OfficialCounts", "official_counts"]


class OfficialCounts(NamedTuple):
    """What a complete copy of a benchmark split has.

    Attributes:
        rows: Images.
        classes: Label columns.
        positives: Positive labels of each class, or empty where they are not known here.
    """

    rows: int
    classes: int
    positives: tuple[int, ...] = ()


_COCO_TRAIN = (
    45174, 2287, 8606, 2442, 2243, 2791, 2464, 4321, 2098, 2893, 1205, 1214, 481, 3844, 2241, 2818,
    3041, 2068, 1105, 1389, 1518, 668, 1324, 1798, 3924, 2749, 4861, 2667, 1631, 1511, 2209, 1170,
    2986, 1625, 1804, 1884, 2511, 2343, 2368, 5968, 1771, 6518, 2537, 3097, 2493, 5028, 1618, 1171,
    1645, 1216, 1340, 1186, 821, 2202, 1062, 2080, 8950, 3170, 3084, 2539, 8378, 2317, 3191, 2475,
    1290, 2180, 1471, 3322, 1089, 2003, 151, 3291, 1671, 3734, 3159, 2530, 673, 1510, 128, 700,
)  # fmt: skip
_VOC07_TRAINVAL = (
    238, 243, 330, 181, 244, 186, 713, 337, 445, 141, 200, 421, 287, 245, 2008, 245, 96, 229, 261,
    256,
)  # fmt: skip
_VOC07_TEST = (
    204, 239, 282, 172, 212, 174, 721, 322, 417, 127, 190, 418, 274, 222, 2007, 224, 97, 223, 259,
    229,
)  # fmt: skip
_VOC12_VAL = (
    348, 290, 374, 252, 369, 211, 608, 544, 642, 154, 323, 661, 245, 262, 2232, 279, 155, 336, 275,
    296,
)  # fmt: skip

OFFICIAL_COUNTS: Final[dict[str, OfficialCounts]] = {
    "coco2014/train/annotated": OfficialCounts(82_081, 80, _COCO_TRAIN),
    "coco2014/val/annotated": OfficialCounts(40_137, 80),
    "coco2014/train/all": OfficialCounts(82_783, 80, _COCO_TRAIN),
    "coco2014/val/all": OfficialCounts(40_504, 80),
    "voc2007/trainval": OfficialCounts(5_011, 20, _VOC07_TRAINVAL),
    "voc2007/test": OfficialCounts(4_952, 20, _VOC07_TEST),
    "voc2012/train": OfficialCounts(5_717, 20),
    "voc2012/val": OfficialCounts(5_823, 20, _VOC12_VAL),
    "cub/train": OfficialCounts(5_994, 312),
    "cub/test": OfficialCounts(5_794, 312),
    "nus-wide/train": OfficialCounts(161_789, 81),
    "nus-wide/test": OfficialCounts(107_859, 81),
    "nus-wide-spml/train": OfficialCounts(150_000, 81),
    "nus-wide-spml/val": OfficialCounts(60_260, 81),
    "nus-wide-asl/train": OfficialCounts(119_103, 81),
    "nus-wide-asl/val": OfficialCounts(50_720, 81),
    "vg200/train": OfficialCounts(98_249, 200),
    "vg200/test": OfficialCounts(10_000, 200),
}
"""Counts by benchmark and split. Positives were counted on published label files; numbers of rows
are those the peers state, for `nus-wide` and `vg200` from the literature alone."""


def official_counts(split: str) -> OfficialCounts | None:
    """Return what a complete copy of a split has, in whatever order, or None if not known here.

    Args:
        split: A name of `find_splits`.

    Examples:
        >>> official_counts("coco2014/train/by_id_text").rows
        82081
    """
    name = split.replace("/by_id_text", "/annotated").removesuffix("/by_name")
    return OFFICIAL_COUNTS.get(name)
