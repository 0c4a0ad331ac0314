"""Class names of the benchmarks, in the order of their label columns."""

from typing import Final

__all__ = ["COCO_NAMES", "COCO_NAMES_TAI_DPT", "NUS_WIDE_NAMES", "VOC_NAMES"]


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in " ".join(text.split()).split(","))


COCO_NAMES: Final = _names("""
    person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light,
    fire hydrant, stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant,
    bear, zebra, giraffe, backpack, umbrella, handbag, tie, suitcase, frisbee, skis, snowboard,
    sports ball, kite, baseball bat, baseball glove, skateboard, surfboard, tennis racket, bottle,
    wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot,
    hot dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table, toilet, tv, laptop,
    mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink, refrigerator, book, clock,
    vase, scissors, teddy bear, hair drier, toothbrush""")
"""MS-COCO's 80 categories by ascending category id, as in its annotation files and in DualCoOp."""

COCO_NAMES_TAI_DPT: Final = tuple(
    {"motorcycle": "motor bike", "airplane": "aeroplane"}.get(name, name) for name in COCO_NAMES
)
"""MS-COCO's categories in the words of TaI-DPT's prompts: two differ."""

VOC_NAMES: Final = _names("""
    aeroplane, bicycle, bird, boat, bottle, bus, car, cat, chair, cow, diningtable, dog, horse,
    motorbike, person, pottedplant, sheep, sofa, train, tvmonitor""")
"""PASCAL VOC's 20 classes in alphabetical order, in its spelling, which the peers prompt with."""

NUS_WIDE_NAMES: Final = _names("""
    airport, animal, beach, bear, birds, boats, book, bridge, buildings, cars, castle, cat,
    cityscape, clouds, computer, coral, cow, dancing, dog, earthquake, elk, fire, fish, flags,
    flowers, food, fox, frost, garden, glacier, grass, harbor, horses, house, lake, leaf, map,
    military, moon, mountain, nighttime, ocean, person, plane, plants, police, protest, railroad,
    rainbow, reflection, road, rocks, running, sand, sign, sky, snow, soccer, sports, statue,
    street, sun, sunset, surf, swimmers, tattoo, temple, tiger, tower, town, toy, train, tree,
    valley, vehicle, water, waterfall, wedding, whales, window, zebra""")
"""NUS-WIDE's 81 concepts in alphabetical order, the order of `Concepts81.txt`."""
