"""Build an encoder pair again from where it came from."""

from trmml.encoders.protocol import EncoderPair, EncoderSource

__all__ = ["load_encoders"]


def load_encoders(source: EncoderSource, *, image_size: int | None = None) -> EncoderPair:
    """Load the towers a saved model was trained with.

    Args:
        source: Family, name and weights, as an `EncoderPair` carries them.
        image_size: Side of the images in pixels.

    Raises:
        ValueError: If the pair was made by hand, so that only its maker can build it again.
    """
    if source.family == "tiny":
        from trmml.encoders.tiny import load_tiny

        return load_tiny()
    if source.family == "open_clip":
        from trmml.encoders.open_clip import load_open_clip

        return load_open_clip(
            source.name, pretrained=source.pretrained, image_size=image_size, **source.options
        )
    raise ValueError(
        f"`source` must name a family this library can load ('open_clip' or 'tiny'), got "
        f"{source.family!r}; build the encoders yourself and pass them as `encoders`."
    )
