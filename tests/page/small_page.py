"""A model and a photograph for the page's tests."""

from pathlib import Path

import torch
from PIL import Image

from trmml.encoders import load_tiny
from trmml.models import TRMML
from trmml.world import make_scenes

NAMES = ["tree", ("house", "home"), "car <b>", *(f"thing {i}" for i in range(9))]


def small_model() -> TRMML:
    """Build a model on the tiny encoder, untrained but calibrated."""
    model = TRMML(
        load_tiny(), NAMES, image_size=128, generator=torch.Generator().manual_seed(0)
    ).eval()
    features, _ = model.image_encoder.encode_dense(torch.randn(2, 3, 128, 128))
    model.calibrate(features)
    return model


def write_scene(path: Path) -> Path:
    """Write a generated scene, wider than high."""
    pixels = make_scenes(1, seed=1, regime="pretraining").images[0]
    Image.fromarray(pixels.transpose(1, 2, 0)).resize((180, 120)).save(path)
    return path
