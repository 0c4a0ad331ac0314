"""Make scenes from a seed: the same bytes on every machine."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Int8, UInt8

from trmml.choices import check_choice
from trmml.world.captions import write_caption
from trmml.world.categories import WORLD_CLASS_NAMES
from trmml.world.composition import compose
from trmml.world.regimes import REGIMES, RegimeName

__all__ = ["Scenes", "World", "make_scenes", "make_world"]

_STREAMS: Final = {"free": 0, "train": 1, "validation": 2, "test": 3}
_INDEX = {name: index for index, name in enumerate(WORLD_CLASS_NAMES)}


@dataclass(frozen=True)
class Scenes:
    """Pictures with complete labels.

    Attributes:
        images: Pixels.
        labels: +1 where a category can be seen, else -1.
        class_names: The categories' names.
        boxes: Per scene one row (category, left, top, right, bottom) per object that counts, around
            its visible pixels; right and bottom are exclusive.
        visible: Per scene the visible share of each of those objects.
        colours: Per scene the name of each of those objects' main colour.
        captions: A caption per scene, where the regime has them.
    """

    images: UInt8[np.ndarray, "batch 3 height width"]
    labels: Int8[np.ndarray, "batch classes"]
    class_names: tuple[str, ...]
    boxes: list[Float32[np.ndarray, "_ 5"]]
    visible: list[Float32[np.ndarray, " _"]]
    colours: list[tuple[str, ...]]
    captions: tuple[str, ...] | None

    def __len__(self) -> int:
        """Return the number of scenes."""
        return len(self.images)


@dataclass(frozen=True)
class World:
    """Scenes to learn from, to choose by and to report on, no scene in two of them.

    Attributes:
        train: To learn from.
        validation: To choose by.
        test: To report on.
    """

    train: Scenes
    validation: Scenes
    test: Scenes


def _make(
    num_scenes: int,
    *,
    seed: int,
    stream: str,
    regime: RegimeName,
    image_size: int | None,
    progress: Callable[[int], None] | None,
) -> Scenes:
    """Make scenes of one stream of a seed."""
    if num_scenes < 0:
        raise ValueError(
            f"`num_scenes` must be at least 0, got {num_scenes}; ask for as many as are needed."
        )
    if not 0 <= seed < 2**32:
        raise ValueError(f"`seed` must be in [0, 2**32), got {seed}; take a smaller number.")
    check_choice(regime, RegimeName, argument="regime")
    rules = REGIMES[regime]
    size = rules.image_size if image_size is None else image_size
    if size < 32:
        raise ValueError(
            f"`image_size` must be at least 32, got {size}; objects cannot be told apart below."
        )
    images = np.empty((num_scenes, 3, size, size), dtype=np.uint8)
    labels = np.full((num_scenes, len(WORLD_CLASS_NAMES)), -1, dtype=np.int8)
    boxes, visible, colours, captions = [], [], [], []
    for index in range(num_scenes):
        code = list(REGIMES).index(regime)
        random = np.random.RandomState([seed, _STREAMS[stream], code, index])
        images[index], seen = compose(random, rules, size)
        for thing in seen:
            labels[index, _INDEX[thing.name]] = 1
        rows = [(_INDEX[thing.name], *thing.box) for thing in seen]
        boxes.append(np.array(rows, dtype=np.float32).reshape(-1, 5))
        visible.append(np.array([thing.visible for thing in seen], dtype=np.float32))
        colours.append(tuple(thing.colour for thing in seen))
        captions.append(write_caption([(thing.colour, thing.name) for thing in seen], random))
        if progress is not None:
            progress(index + 1)
    return Scenes(
        images=images,
        labels=labels,
        class_names=WORLD_CLASS_NAMES,
        boxes=boxes,
        visible=visible,
        colours=colours,
        captions=None if rules.natural else tuple(captions),
    )


def make_scenes(
    num_scenes: int,
    *,
    seed: int,
    regime: RegimeName = "scenes",
    image_size: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Scenes:
    """Draw multi-label scenes from a seed; scene i depends on the seed, the regime and i alone.

    Args:
        num_scenes: How many.
        seed: Any number in [0, 2**32).
        regime: "scenes": 2 to 8 objects at 256 x 256, many small, covered or cut off, between
            clutter, in changing light; what is met together depends on the place.
            "pretraining": 1 to 3 larger objects at 128 x 128 on plain ground, with captions; all
            categories are equally common.
        image_size: Height and width in pixels; None takes the regime's own.
        progress: Called after each scene with the number of scenes made.

    Returns:
        The scenes. An object of which less than a quarter can be seen (behind others or beyond the
        border) does not count as a label.

    Raises:
        ValueError: If an argument is out of range.

    Examples:
        >>> scenes = make_scenes(2, seed=0)
        >>> scenes.images.shape, scenes.labels.shape
        ((2, 3, 256, 256), (2, 30))
        >>> [scenes.class_names[index] for index in (scenes.labels[0] > 0).nonzero()[0]]
        ['heart', 'key', 'ladder', 'lamp']
    """
    return _make(
        num_scenes,
        seed=seed,
        stream="free",
        regime=regime,
        image_size=image_size,
        progress=progress,
    )


def make_world(
    *,
    seed: int,
    num_train: int = 2000,
    num_validation: int = 500,
    num_test: int = 1000,
    image_size: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> World:
    """Draw the scenes of an experiment, each part from a stream of chance of its own.

    Args:
        seed: Any number in [0, 2**32).
        num_train: Scenes to learn from.
        num_validation: Scenes to choose by.
        num_test: Scenes to report on.
        image_size: Height and width in pixels; None takes 256.
        progress: Called after each scene with the number of scenes made so far, over all parts.

    Returns:
        The three parts. A part's scenes do not change with the size of the others.

    Raises:
        ValueError: If an argument is out of range.
    """
    parts: dict[str, Scenes] = {}
    done = 0
    for name, count in (("train", num_train), ("validation", num_validation), ("test", num_test)):
        start = done
        parts[name] = _make(
            count,
            seed=seed,
            stream=name,
            regime="scenes",
            image_size=image_size,
            progress=None if progress is None else lambda made, start=start: progress(start + made),
        )
        done += count
    return World(**parts)
