"""A CLIP of a few thousand weights, random, in milliseconds."""

from functools import cache

import torch
from open_clip import SimpleTokenizer
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

from trmml.encoders import EncoderPair, EncoderSource, wrap_open_clip

DIM = 16

tokenizer = cache(SimpleTokenizer)


def random_clip(seed: int = 0) -> CLIP:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        vision = CLIPVisionCfg(layers=(1, 1, 1, 1), width=8, image_size=64)
        return CLIP(DIM, vision, CLIPTextCfg(width=16, heads=2, layers=2)).eval()


def wrap(clip: CLIP) -> EncoderPair:
    half = (0.5, 0.5, 0.5)
    source = EncoderSource("custom", "random", None)
    return wrap_open_clip(clip, tokenizer(), source=source, mean=half, std=half)


def random_pair(seed: int = 0) -> EncoderPair:
    return wrap(random_clip(seed))
