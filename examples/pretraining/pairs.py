"""Scenes, and ever new captions of them."""

import numpy as np
import torch
from torch import Tensor

from pretraining.augmentation import augment, normalise, roughen
from trmml.encoders.tiny import TINY_CONFIG
from trmml.world import WORLD_CLASS_NAMES, Scenes, write_caption
from trmml.world.palette import COLOURS

__all__ = ["Pairs"]

NUM_CLASSES = len(WORLD_CLASS_NAMES)
FACTS = NUM_CLASSES * (1 + len(COLOURS))
"""What a caption can say: there is a car; there is a red car."""


def facts_of(things: list[tuple[str, str]], *, with_colour: bool) -> np.ndarray:
    """Return which facts a list of (colour, name) states, as zeros and ones."""
    stated = np.zeros(FACTS, dtype=np.float32)
    for colour, name in things:
        index = WORLD_CLASS_NAMES.index(name)
        stated[index] = 1.0
        if with_colour:
            stated[NUM_CLASSES * (1 + list(COLOURS).index(colour)) + index] = 1.0
    return stated


class Pairs:
    """Scenes, and ever new captions of them."""

    def __init__(self, scenes: Scenes) -> None:
        """Note what is true of each scene; those without an object are left out."""
        self.images = scenes.images
        self.things = [
            [
                (colour, WORLD_CLASS_NAMES[int(row[0])])
                for colour, row in zip(names, rows, strict=True)
            ]
            for names, rows in zip(scenes.colours, scenes.boxes, strict=True)
        ]
        self.usable = np.array([i for i, things in enumerate(self.things) if things])
        self.truth = np.stack([facts_of(things, with_colour=True) for things in self.things])

    def batch(
        self, step: int, *, size: int, seed: int, rough: bool
    ) -> tuple[Tensor, list[str], Tensor, Tensor]:
        """Return augmented images, captions, what the captions state and what is true."""
        per_epoch = len(self.usable) // size
        order = np.random.RandomState([seed, step // per_epoch]).permutation(self.usable)
        chosen = order[(step % per_epoch) * size :][:size]
        random = np.random.RandomState([seed, 1 + step // per_epoch, step])
        captions, stated = [], []
        for index in chosen:
            things = self.things[index]
            if len(things) > 1 and random.random_sample() < 0.35:
                things = [things[random.randint(len(things))]]
            colours = float(random.random_sample() < 0.3)
            captions.append(write_caption(things, random, colours=colours))
            stated.append(facts_of(things, with_colour=bool(colours)))
        pixels = augment(self.images[chosen], random, size=TINY_CONFIG["vision_cfg"]["image_size"])
        stated, truth = np.stack(stated), self.truth[chosen]
        if rough:
            recoloured = (random.random_sample(size) < 0.3) & ~stated[:, NUM_CLASSES:].any(axis=1)
            truth[recoloured, NUM_CLASSES:] = 0.0
            pixels = roughen(pixels, random, recoloured=recoloured)
        return normalise(pixels), captions, torch.from_numpy(stated), torch.from_numpy(truth)
