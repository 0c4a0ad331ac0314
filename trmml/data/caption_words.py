"""By which words people name the classes of MS-COCO and PASCAL VOC when they describe a picture."""

from collections.abc import Sequence
from typing import Final

from trmml.class_names import ClassNames, NameOrSynonyms

__all__ = ["COMMON_SYNONYMS", "common_synonyms"]


def _words(text: str) -> dict[str, tuple[str, ...]]:
    lines = (line.partition(":") for line in text.strip().splitlines())
    return {
        name.strip(): tuple(word.strip() for word in words.split(",")) for name, _, words in lines
    }


COMMON_SYNONYMS: Final = _words("""
    person: man, woman, boy, girl, child, kid, baby, lady, guy, adult, player, skier, surfer, rider
    bicycle: bike, cycle
    car: automobile, sedan, taxi, cab, suv
    motorcycle: motorbike, motor bike, scooter, moped
    motorbike: motorcycle, motor bike, scooter, moped
    airplane: aeroplane, plane, aircraft, jet, airliner
    aeroplane: airplane, plane, aircraft, jet, airliner
    bus: minibus, double decker, coach
    train: locomotive, railcar, tram
    truck: lorry, pickup, van
    boat: ship, canoe, sailboat, yacht, ferry, kayak
    traffic light: traffic signal, stoplight, stop light
    fire hydrant: hydrant
    parking meter: meter
    bird: seagull, duck, pigeon, parrot, goose, owl
    cat: kitten, kitty
    dog: puppy, pup
    horse: pony, foal
    sheep: lamb, ram, ewe
    cow: cattle, calf, bull, ox
    bear: polar bear, grizzly, cub
    backpack: rucksack, knapsack
    umbrella: parasol
    handbag: purse, hand bag
    tie: necktie, bow tie
    suitcase: luggage, baggage
    frisbee: flying disc
    skis: cross country ski
    snowboard: snow board
    sports ball: ball, baseball, basketball, football, soccer ball, tennis ball, volleyball
    baseball glove: mitt
    skateboard: skate board
    surfboard: surf board
    tennis racket: racket, racquet, tennis racquet
    wine glass: wineglass, glass of wine
    cup: mug
    bowl: dish
    sandwich: burger, hamburger, sub
    hot dog: hotdog
    donut: doughnut
    couch: sofa
    sofa: couch
    chair: armchair, stool, seat
    potted plant: houseplant, house plant, pot plant
    pottedplant: potted plant, houseplant, house plant, pot plant
    dining table: table, dinner table, kitchen table
    diningtable: dining table, table, dinner table, kitchen table
    tv: television, monitor, television set
    tvmonitor: tv, television, monitor, tv monitor, television set, screen
    laptop: notebook computer, laptop computer
    mouse: computer mouse
    remote: remote control, controller
    cell phone: phone, cellphone, smartphone, mobile phone, telephone
    microwave: microwave oven
    oven: stove
    refrigerator: fridge
    teddy bear: teddy, stuffed animal, stuffed bear
    hair drier: hair dryer, hairdryer, blow dryer
    toothbrush: tooth brush
""")
"""Further words for classes of MS-COCO and PASCAL VOC, by the class's name; others have none."""


def common_synonyms(class_names: Sequence[NameOrSynonyms]) -> dict[str, tuple[str, ...]]:
    """Return the `COMMON_SYNONYMS` of some classes, without those that name another one of them.

    Source: that [TaI-DPT](https://arxiv.org/abs/2211.12739) (Guo et al., CVPR 2023) matches nouns
    with a table of synonyms.
    Differs from the paper: the words are ours, and fewer.

    Args:
        class_names: One name per class, or several synonyms for a class.

    Examples:
        >>> common_synonyms(["couch", "zebra"]), common_synonyms(["couch", "sofa"])
        ({'couch': ('sofa',)}, {'couch': (), 'sofa': ()})
    """
    names = ClassNames(class_names)
    named = {name.casefold() for group in names.synonyms for name in group}
    return {
        name: tuple(word for word in COMMON_SYNONYMS[name] if word not in named)
        for name in names
        if name in COMMON_SYNONYMS
    }
