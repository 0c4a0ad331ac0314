"""Which super-class the classes of MS-COCO and PASCAL VOC are under, as these datasets say."""

from collections.abc import Sequence
from typing import Final

from trmml.class_names import ClassNames, NameOrSynonyms

__all__ = ["COCO_SUPER_CLASSES", "VOC_SUPER_CLASSES", "published_super_classes"]


def _groups(text: str) -> dict[str, tuple[str, ...]]:
    lines = (line.partition(":") for line in text.strip().splitlines())
    return {
        group.strip(): tuple(name.strip() for name in names.split(",")) for group, _, names in lines
    }


COCO_SUPER_CLASSES: Final = _groups("""
    person: person
    vehicle: bicycle, car, motorcycle, airplane, bus, train, truck, boat, motor bike, aeroplane
    outdoor: traffic light, fire hydrant, stop sign, parking meter, bench
    animal: bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe
    accessory: backpack, umbrella, handbag, tie, suitcase
    sports: frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, \
        skateboard, surfboard, tennis racket
    kitchen: bottle, wine glass, cup, fork, knife, spoon, bowl
    food: banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake
    furniture: chair, couch, potted plant, bed, dining table, toilet
    electronic: tv, laptop, mouse, remote, keyboard, cell phone
    appliance: microwave, oven, toaster, sink, refrigerator
    indoor: book, clock, vase, scissors, teddy bear, hair drier, toothbrush
""")
"""The 12 super-classes of MS-COCO with their classes, under TaI-DPT's names for two of them too."""

VOC_SUPER_CLASSES: Final = _groups("""
    vehicles: aeroplane, bicycle, boat, bus, car, motorbike, train
    household: bottle, chair, diningtable, pottedplant, sofa, tvmonitor
    animals: bird, cat, cow, dog, horse, sheep
    person: person
""")
"""The 4 super-classes of PASCAL VOC with their classes."""


def published_super_classes(
    class_names: Sequence[NameOrSynonyms],
) -> dict[str, list[str]] | None:
    """Return the super-classes of classes that are all of MS-COCO or all of PASCAL VOC.

    Source: the categories of [MS-COCO](https://arxiv.org/abs/1405.0312) (Lin et al., ECCV 2014) and
    the classes of [PASCAL VOC](https://doi.org/10.1007/s11263-009-0275-4) (Everingham et al., IJCV
    2010).
    Differs from the paper: nothing.

    Args:
        class_names: One name per class, or several synonyms for a class.

    Returns:
        The classes under each super-class that has any, by their names; None for other classes.

    Examples:
        >>> published_super_classes(["cat", "couch", "dog"])
        {'animal': ['cat', 'dog'], 'furniture': ['couch']}
        >>> published_super_classes(["cat", "sofa"])
        {'household': ['sofa'], 'animals': ['cat']}
        >>> published_super_classes(["cat", "unicorn"])
    """
    names = ClassNames(class_names).titles
    for published in (COCO_SUPER_CLASSES, VOC_SUPER_CLASSES):
        found = {
            group: [name for name in members if name in names]
            for group, members in published.items()
        }
        if sum(map(len, found.values())) == len(names):
            return {group: members for group, members in found.items() if members}
    return None
