"""Every open_clip CLIP as an encoder pair."""

from typing import Any

import torch
from torch import nn

from trmml.encoders.image_tower import ImageTower
from trmml.encoders.modified_resnet import ModifiedResNetTower
from trmml.encoders.protocol import EncoderPair, EncoderSource
from trmml.encoders.text_transformer import TextTransformerTower
from trmml.encoders.vision_transformer import DensePath, VisionTransformerTower

__all__ = ["wrap_open_clip"]


def wrap_open_clip(
    model: nn.Module,
    tokenizer: Any,  # noqa: ANN401 - open_clip's tokenizers have no common base class
    *,
    source: EncoderSource,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    dense_path: DensePath | None = None,
    channels_last: bool = False,
    autocast_dtype: torch.dtype | None = None,
) -> EncoderPair:
    """Put an open_clip model behind the encoder protocol, frozen in place.

    Args:
        model: An `open_clip.model.CLIP` or `CustomTextCLIP`; its own `encode_image` and
            `encode_text` keep working.
        tokenizer: open_clip's tokenizer for it, or any object with `encode(text)`,
            `sot_token_id` (None for no start token) and `eot_token_id`.
        source: Where the model came from.
        mean: Channel means of its images, of pixels in [0, 1].
        std: Channel standard deviations, likewise.
        dense_path: How vision transformers give dense features, see `VisionTransformerTower`;
            None takes the tower's default.
        channels_last: Whether to keep the image tower's weights and images channels-last.
        autocast_dtype: Precision of the image tower's matrix products, or None for that of its
            weights.

    Raises:
        ValueError: If a tower cannot give dense features or take learnt prompts; the message
            names its family.
    """
    text = TextTransformerTower(getattr(model, "text", model), tokenizer)
    image = _image_tower(
        model.visual,
        dense_path,
        mean=mean,
        std=std,
        channels_last=channels_last,
        autocast_dtype=autocast_dtype,
    )
    return EncoderPair(image, text, source)


def _image_tower(
    visual: Any,  # noqa: ANN401 - open_clip ships no stubs
    dense_path: DensePath | None,
    **options: Any,  # noqa: ANN401 - passed on, checked there
) -> ImageTower:
    from open_clip.modified_resnet import ModifiedResNet
    from open_clip.transformer import VisionTransformer

    if isinstance(visual, VisionTransformer):
        return VisionTransformerTower(visual, dense_path=dense_path, **options)
    if dense_path is not None:
        raise ValueError(
            f"`dense_path` must be None for {type(visual).__name__}, got {dense_path!r}; only "
            "vision transformers have several."
        )
    if isinstance(visual, ModifiedResNet):
        return ModifiedResNetTower(visual, **options)
    raise ValueError(
        f"`model.visual` must be a tower with dense features, got {type(visual).__name__}; see "
        "the documentation's page on encoders for the families that have them."
    )
