"""Small models of each kind that is exported, and pixels for them."""

import torch
from torch import Tensor

from tests.encoders.small_models import TRANSFORMER, LetterTokenizer, clip
from tests.random_clip import random_pair
from trmml.encoders import (
    EncoderPair,
    EncoderSource,
    TimmImageEncoder,
    normalize_pixels,
    wrap_open_clip,
)
from trmml.models import ABLATIONS, TRMML, TRMMLConfig

NAMES = ["tree", ["boat", "ship"], "sun"]
SOURCE = EncoderSource("custom", "random", None)


def resnet() -> TRMML:
    """Build a model whose tower was made for images of another size.

    Its regions are almost closed, as those of absent classes are after training.
    """
    model = opinionated(TRMML(random_pair(), NAMES, image_size=96))
    assert model.decoder is not None
    with torch.no_grad():
        model.decoder.bias.sub_(14)
    return model


def transformer() -> TRMML:
    """Build a model whose position table must be interpolated."""
    small = clip(TRANSFORMER).float()
    pair = wrap_open_clip(
        small, LetterTokenizer(), source=SOURCE, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.25)
    )
    return opinionated(TRMML(pair, NAMES, image_size=48, config=TRMMLConfig(context_length=4)))


def without_regions() -> TRMML:
    model = TRMML(random_pair(), NAMES, image_size=64, config=ABLATIONS["dualcoop"])
    return opinionated(model)


def softmax_regions() -> TRMML:
    config = TRMMLConfig(energy="dot", normalization="softmax")
    return opinionated(TRMML(random_pair(), NAMES, image_size=64, config=config))


def learned_projection() -> TRMML:
    pair = EncoderPair(TimmImageEncoder("test_vit", dim=16), random_pair().text, SOURCE)
    return opinionated(TRMML(pair, NAMES, image_size=64))


def opinionated(model: TRMML) -> TRMML:
    """Make probabilities differ, and let regions start as training would."""
    with torch.no_grad():
        for parameter in model.prompts.parameters():
            parameter.normal_()
        images = normalize_pixels(noise(8, model.image_size), model.image_encoder)
        model.calibrate(model.image_encoder.encode_dense(images)[0])
    return model.eval()


def noise(batch: int, size: int) -> Tensor:
    return torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8)


def expected(model: TRMML, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the model's own probabilities and maps at full resolution."""
    images = normalize_pixels(pixels, model.image_encoder)
    return model.predict(images), model.heatmap(images)
