"""What the demo's towers can take, and what its figures are worth with them."""

from typing import Any

from trmml.demo.images import IMAGE_SIZE
from trmml.encoders.protocol import EncoderPair, EncoderSource

__all__ = ["fast_caution", "photograph_caution", "photograph_size"]


def photograph_size(encoders: EncoderPair) -> int:
    """Return the side in pixels that photographs should have for a pair of towers.

    Real towers get the size that they were trained on, which costs least. The tiny ones get twice
    theirs, as generated scenes do, and so do towers that name no size.

    Args:
        encoders: Towers of any family.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> photograph_size(load_tiny())
        256
    """
    own = getattr(encoders.image, "image_size", None)
    return IMAGE_SIZE if own is None or encoders.source.family == "tiny" else own[0]


def photograph_caution(source: EncoderSource) -> str | None:
    """Return why figures on photographs mean nothing with these towers; None if they do.

    Args:
        source: Where the towers come from.
    """
    if source.family != "tiny":
        return None
    return (
        "The numbers below mean nothing: the tiny towers of the package know drawn scenes and have "
        "never seen a photograph. Name towers that have, such as --encoder RN50 (CLIP; its weights "
        "are downloaded), or your own by --encoder FILE.py:FUNCTION."
    )


def fast_caution(report: dict[str, Any]) -> str | None:
    """Return why training came out under zero-shot recognition in a short run; None if it did not.

    Args:
        report: Of `run_experiment`.
    """
    found = report["map"]
    if found["trmml"] >= max(found["zero_shot"], found["zero_shot_dense"]):
        return None
    known = round(report["known_share"] * report["num_train"] * len(report["class_names"]))
    return (
        f"TRM-ML is under zero-shot, which needs no training: its prompts start from noise, and "
        f"--fast gives them {report['recipe']['epochs']} epochs of {report['num_train']} images "
        f"with {known:,} known labels. It shows that the command runs; leave out --fast to compare."
    )
