"""What the Hub's open_clip_config.json says of the weights that it lies beside."""

from pathlib import Path
from typing import Any, Final, NamedTuple

from trmml.stored_files import read_json, require_kinds

__all__ = ["BesideConfig", "read_config_beside"]

NAME: Final = "open_clip_config.json"
WHAT: Final = "a configuration of open_clip"
# What decides the shapes of the weights; position tables of another size are interpolated.
SETTINGS: Final = {
    "vision_cfg": ("layers", "width", "head_width", "patch_size", "timm_model_name"),
    "text_cfg": ("layers", "width", "heads", "vocab_size"),
}


class BesideConfig(NamedTuple):
    """What a configuration says that weights alone do not.

    Attributes:
        quick_gelu: Whether the towers use OpenAI's approximation of the GELU.
        mean: Channel means of the images, of pixels in [0, 1]; None where it is silent.
        std: Channel standard deviations, likewise.
    """

    quick_gelu: bool
    mean: tuple[float, float, float] | None
    std: tuple[float, float, float] | None


def read_config_beside(weights: Path, config: dict[str, Any], *, name: str) -> BesideConfig | None:
    """Return what the file beside some weights says, or None where there is none.

    Args:
        weights: The file of weights.
        config: open_clip's configuration of the architecture that was asked for.
        name: The architecture, for the message.

    Raises:
        ValueError: If the file is damaged, or describes another architecture.
    """
    path = weights.with_name(NAME)
    if not path.exists():
        return None
    content = read_json(path, what=WHAT)
    kinds = {"model_cfg": dict, "preprocess_cfg": dict}
    require_kinds(content, kinds, where=path, what=WHAT, optional=("preprocess_cfg",))
    model, images = content["model_cfg"], content.get("preprocess_cfg", {})
    kinds = {"quick_gelu": bool, "vision_cfg": dict, "text_cfg": dict}
    require_kinds(model, kinds, where=path, what=WHAT, optional=(*kinds,))
    difference = _difference(model, config)
    if difference is not None:
        key, there, asked = difference
        raise ValueError(
            f"{path} says that the weights beside it are of another architecture than {name}: "
            f"{key} is {there!r:.80} where {name} has {asked!r:.80}; name the architecture that "
            "the file describes, or move the weights away from it."
        )
    return BesideConfig(
        model.get("quick_gelu", False),
        _channels(images, "mean", path),
        _channels(images, "std", path),
    )


def _difference(there: dict[str, Any], asked: dict[str, Any]) -> tuple[str, Any, Any] | None:
    """Return the first setting of the architecture in which two configurations differ."""
    for part, keys in SETTINGS.items():
        one, other = there.get(part, {}), asked.get(part, {})
        for key in keys:
            if key in one and key in other and _plain(one[key]) != _plain(other[key]):
                return f"{part}.{key}", one[key], other[key]
    return None


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _channels(images: dict[str, Any], key: str, path: Path) -> tuple[float, float, float] | None:
    values = images.get(key)
    if values is None:
        return None
    sound = isinstance(values, list) and len(values) == 3
    if not sound or any(type(one) not in (int, float) or not 0 <= one <= 1 for one in values):
        raise ValueError(
            f"{path} must be {WHAT} with 3 numbers in [0, 1] as 'preprocess_cfg.{key}', got "
            f"{values!r:.80}; mend it, or pass `{key}`."
        )
    red, green, blue = map(float, values)
    if key == "std" and 0 in (red, green, blue):
        raise ValueError(f"{path} must have numbers above 0 as 'preprocess_cfg.std', got {values}.")
    return red, green, blue
