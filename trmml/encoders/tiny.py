"""The embedded default: a tiny open_clip model that this project pre-trained itself.

`examples/pretrain_tiny.py` makes its weights from nothing, on scenes of `trmml.world`. It is a
testbed that runs anywhere at once, never evidence for figures on real photographs.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from trmml.encoders.image_tower import ImageTower
from trmml.encoders.open_clip import wrap_open_clip
from trmml.encoders.protocol import EncoderPair, EncoderSource
from trmml.stored_files import read_json, read_tensors, require_finite, require_kinds

__all__ = ["TINY_CONFIG", "build_tiny", "load_by_name", "load_tiny", "pack_tiny", "unpack_tiny"]

TINY_CONFIG: Final[dict[str, Any]] = {
    "embed_dim": 128,
    "vision_cfg": {"layers": [1, 2, 2, 1], "width": 16, "image_size": 96},
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": 128,
        "heads": 4,
        "layers": 2,
    },
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
}
"""open_clip's arguments, and the normalisation of the images."""

_WEIGHTS: Final = Path(__file__).with_name("tiny.safetensors")
LARGEST_SIZE: Final = 1024
LARGEST: Final = {"vocab_size": 2**17, "layers": 32}
WHAT: Final = "the card of a tiny encoder pair"
KINDS: Final[dict[str, Any]] = {
    "sha256": str,
    "config": dict,
    "token_ids": list,
    "fill_seed": int,
}
_TOKENS: Final = "token_embedding.weight"
_POSITIONS: Final = "positional_embedding"


def build_tiny(config: Mapping[str, Any] = TINY_CONFIG) -> nn.Module:
    """Build the architecture with random weights, leaving torch's global random state alone."""
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

    with torch.random.fork_rng(devices=[]):
        return CLIP(
            embed_dim=config["embed_dim"],
            vision_cfg=CLIPVisionCfg(**config["vision_cfg"]),
            text_cfg=CLIPTextCfg(**config["text_cfg"]),
        )


def pack_tiny(
    state: Mapping[str, Tensor], *, token_ids: list[int], num_positions: int
) -> dict[str, Tensor]:
    """Keep what was trained: rows of the tokens seen, positions reached, matrices in float16.

    Args:
        state: The model's state dict.
        token_ids: Tokens that occurred in training.
        num_positions: Positions of a prompt that were reached in training.

    Returns:
        What `unpack_tiny` takes. Vectors (norms, biases, running statistics) stay in float32.
    """
    packed = {}
    for name, value in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        if name == _TOKENS:
            value = value[torch.tensor(token_ids)]
        elif name == _POSITIONS:
            value = value[:num_positions]
        dtype = torch.float16 if value.ndim > 1 else torch.float32
        packed[name] = value.detach().to(dtype).contiguous().clone()
    return packed


def unpack_tiny(
    packed: Mapping[str, Tensor], model: nn.Module, *, token_ids: list[int], fill_seed: int
) -> None:
    """Fill a model in place; rows that were never trained get small, reproducible numbers.

    These follow from `fill_seed` alone and are the same on every machine: uniform, with the mean
    square of the trained rows of their table, so that an unknown word is a word, only an unknown
    one.

    Args:
        packed: What `pack_tiny` gave.
        model: Model of the same architecture.
        token_ids: Tokens whose rows are stored, in that order.
        fill_seed: Seed of the rows that are not.
    """
    state = dict(model.state_dict())
    for name, stored in packed.items():
        value = stored.float()
        if name in (_TOKENS, _POSITIONS):
            # a stream of chance for each table: a file's entries come in no fixed order
            random = np.random.RandomState([fill_seed, int(name == _TOKENS)])
            filled = _fill(random, value, rows=len(state[name]))
            rows = torch.tensor(token_ids) if name == _TOKENS else torch.arange(len(value))
            filled[rows] = value
            value = filled
        state[name] = value
    model.load_state_dict(state)


def _fill(
    random: np.random.RandomState, trained: Float[Tensor, "tokens width"], *, rows: int
) -> Float[Tensor, "all_tokens width"]:
    """Draw a table of uniform numbers as large as the trained rows are on average."""
    size = float(trained.double().square().mean().sqrt()) * 3.0**0.5
    # rounded, for the sum above may differ in its last bit between machines
    size = float(f"{size:.4g}")
    noise = random.random_sample((rows, trained.shape[1])) * (2.0 * size) - size
    return torch.from_numpy(noise.astype(np.float32))


def load_tiny(
    *,
    weights: str | Path | None = None,
    image_size: int | None = None,
    channels_last: bool = True,
    autocast_dtype: torch.dtype | None = None,
) -> EncoderPair:
    """Load the tiny encoder pair that ships with this package; no network is needed.

    Args:
        weights: Another weights file, its card beside it with the suffix `.json`; None takes the
            package's own.
        image_size: Side in pixels of the images to come, kept as `image.image_size`; None for the
            tower's own. Best are 128 to 256, in multiples of 32.
        channels_last: Whether to keep the image tower's weights and images channels-last, see
            `ImageTower`.
        autocast_dtype: Precision of the image tower's matrix products; None is float32.

    Returns:
        The frozen pair.

    Raises:
        FileNotFoundError: If the weights or their card are missing.
        ValueError: If the weights are not those that the card describes.

    Examples:
        >>> pair = load_tiny()
        >>> pair.image.dim, pair.text.context_length
        (128, 77)
    """
    from open_clip.tokenizer import SimpleTokenizer

    path = _WEIGHTS if weights is None else Path(weights)
    for file in (path.with_suffix(".json"), path):
        if not file.is_file():
            raise FileNotFoundError(
                f"`weights` must be a file with its card beside it, got {str(path)!r}, but {file} "
                "does not exist; check the path, or leave it out for the weights of this package."
            )
    beside = path.with_suffix(".json")
    card = read_json(beside, what=WHAT)
    require_kinds(card, KINDS, where=beside, what=WHAT)
    packed = read_tensors(path).tensors
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != card["sha256"]:
        raise ValueError(
            f"`weights` must be the file its card describes (sha256 {card['sha256'][:12]}...), got "
            f"{path} with sha256 {found[:12]}...; it is damaged or changed, install it again."
        )
    require_finite(packed, path=path)
    config = card["config"]
    try:
        _check_sizes(config)
        if weights is not None:
            _check_shapes(config, packed)
        model = build_tiny(config)
        unpack_tiny(packed, model, token_ids=card["token_ids"], fill_seed=card["fill_seed"])
        mean, std = _channels(config["mean"]), _channels(config["std"])
    except Exception as error:  # what a lie breaks depends on where it is
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ValueError(
            f"`weights` must be a file that fits its card, got {path} ({reason}); take both again."
        ) from error
    pair = wrap_open_clip(
        model,
        SimpleTokenizer(context_length=config["text_cfg"]["context_length"]),
        source=EncoderSource("tiny", "tiny", None if weights is None else str(weights)),
        mean=mean,
        std=std,
        channels_last=channels_last,
        autocast_dtype=autocast_dtype,
    )
    if image_size is not None:
        cast(ImageTower, pair.image).set_image_size(image_size)
    return pair


def _check_sizes(config: Mapping[str, Any]) -> None:
    """Refuse sizes that no such file has, before a model of them is built.

    Raises:
        ValueError: If one is no whole number, below 1, or too large.
    """
    for part in ("vision_cfg", "text_cfg"):
        for key, value in {"embed_dim": config["embed_dim"], **config[part]}.items():
            most = LARGEST.get(key, LARGEST_SIZE)
            for size in value if isinstance(value, list) else [value]:
                if type(size) is not int or not 1 <= size <= most:
                    raise ValueError(f"{key} must be from 1 to {most}, got {size!r:.40}")


def _check_shapes(config: Mapping[str, Any], packed: Mapping[str, Tensor]) -> None:
    """Refuse weights of another architecture, before memory is asked for it.

    Raises:
        ValueError: With the first tensor that does not fit.
    """
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in build_tiny(config).state_dict().items()}
    for name, value in packed.items():
        own, rows = shapes.get(name, torch.Size()), name in (_TOKENS, _POSITIONS)
        if own[rows:] != value.shape[rows:] or len(own) != value.ndim:
            raise ValueError(f"{name!r} is {list(value.shape)} where {list(own)} is expected")


def _channels(values: Iterable[float]) -> tuple[float, float, float]:
    red, green, blue = map(float, values)
    return red, green, blue


def load_by_name(
    name: str,
    *,
    pretrained: str | Path | None = None,
    image_size: int | None = None,
    channels_last: bool = True,
    autocast_dtype: torch.dtype | None = None,
) -> EncoderPair:
    """Load the one pair of this family as those of every family are loaded.

    Args:
        name: "tiny".
        pretrained: The `weights` of `load_tiny`.
        image_size: As for `load_tiny`.
        channels_last: Likewise.
        autocast_dtype: Likewise.

    Raises:
        ValueError: If the name is another, or as `load_tiny`.
        FileNotFoundError: As `load_tiny`.
    """
    if name != "tiny":
        raise ValueError(
            f"`name` must be 'tiny' for encoders of the family 'tiny', got {name!r}; set it, with "
            "no `pretrained` but a file of such weights, or choose another family."
        )
    return load_tiny(
        weights=pretrained,
        image_size=image_size,
        channels_last=channels_last,
        autocast_dtype=autocast_dtype,
    )
