"""Every open_clip CLIP as an encoder pair."""

import logging
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from trmml.choices import nearest_names
from trmml.encoders.checkpoint import fill_open_clip, read_checkpoint
from trmml.encoders.image_tower import ImageTower
from trmml.encoders.modified_resnet import ModifiedResNetTower
from trmml.encoders.open_clip_config import read_config_beside
from trmml.encoders.protocol import EncoderPair, EncoderSource
from trmml.encoders.text_transformer import TextTransformerTower
from trmml.encoders.timm_tower import TimmTower
from trmml.encoders.tokenizers import HuggingFaceTokenizer
from trmml.encoders.vision_transformer import DensePath, VisionTransformerTower

__all__ = ["download_address", "load_open_clip", "wrap_open_clip"]

_LOGGER = logging.getLogger(__name__)
_OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
_OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)
# special tokens before the first word, of the tokenizers that open_clip's own text towers use
_PREFIX_TOKENS = {"bert-base-uncased": 1, "facebook/xlm-v-base": 1, "google/mt5-base": 0}


def load_open_clip(
    name: str,
    *,
    pretrained: str | Path | None = None,
    image_size: int | None = None,
    cache_dir: str | Path | None = None,
    quick_gelu: bool | None = None,
    mean: tuple[float, float, float] | None = None,
    std: tuple[float, float, float] | None = None,
    dense_path: DensePath | None = None,
    dtype: torch.dtype = torch.float32,
    channels_last: bool = True,
    autocast_dtype: torch.dtype | None = None,
) -> EncoderPair:
    """Load one of open_clip's models as an encoder pair, frozen and in eval mode.

    Args:
        name: The architecture, such as "RN101" or "ViT-B-16"; `open_clip.list_models()` has all.
        pretrained: One of open_clip's tags for it ("openai"), a path to a file of weights
            (OpenAI's own archives included), or None for random weights.
        image_size: Side in pixels of the images to come, kept as `image.image_size`; None for the
            tower's own. Any other size that its stride divides works as well.
        cache_dir: Where downloads are kept; None for open_clip's place.
        quick_gelu: Whether the towers use OpenAI's approximation of the GELU. None goes by the
            architecture, the tag, the `open_clip_config.json` beside the file, or the file where it
            is OpenAI's; a wrong choice costs accuracy and raises no error, so the log warns where
            a file leaves it open.
        mean: Channel means of the images, of pixels in [0, 1]. None goes by the tag; for a file,
            by the configuration beside it, the first tag of the architecture, or OpenAI's.
        std: Channel standard deviations, likewise.
        dense_path: How vision transformers give dense features, see `VisionTransformerTower`;
            None takes the tower's default.
        dtype: Precision of the weights.
        channels_last: Whether to keep the image tower's weights and images channels-last, see
            `ImageTower`.
        autocast_dtype: Precision of the image tower's matrix products; None leaves it to the
            training loop's own autocast, and to `dtype` where there is none.

    Raises:
        ValueError: If the architecture or tag is unknown, the architecture has no dense features
            or takes no learnt prompts, the file is damaged, holds another architecture or weights
            that are not finite, or the configuration beside it is of another architecture.
        FileNotFoundError: If `pretrained` is a path where nothing is.
        ConnectionError: If a tag's weights can neither be found nor downloaded.
    """
    from open_clip import get_model_config, get_tokenizer, list_models
    from open_clip.model import CLIP, CustomTextCLIP

    name = name.replace("/", "-")
    config = get_model_config(name)
    if config is None:
        raise ValueError(
            f"`name` must be one of open_clip's architectures, got {name!r}; the nearest are "
            f"{', '.join(nearest_names(name, list_models())) or 'none'}."
        )
    if "hf_model_name" in config["text_cfg"] or "multimodal_cfg" in config:
        raise ValueError(
            f"`name` must be an architecture with a text transformer of CLIP's kind, got {name!r} "
            "(a Hugging Face text tower, or CoCa); choose another."
        )
    tag, path = _find_weights(name, pretrained, cache_dir)
    checkpoint = None if path is None else read_checkpoint(path)
    beside = None if path is None or tag else read_config_beside(path, config, name=name)
    given = {"quick_gelu": quick_gelu, "mean": mean, "std": std, "dense_path": dense_path}
    if quick_gelu is None:
        from_openai = checkpoint is not None and checkpoint.from_openai
        quick_gelu = config.get("quick_gelu", False) or tag.get("quick_gelu", False) or from_openai
        if beside is not None:
            if config.get("quick_gelu", False) and not beside.quick_gelu:
                raise ValueError(
                    f"`name` must be the architecture of {str(path)!r}, got {name!r}, which has "
                    "the quick GELU, but the configuration beside the file has the exact one; "
                    f"name {name.removesuffix('-quickgelu')!r}, or pass `quick_gelu`."
                )
            quick_gelu = beside.quick_gelu or from_openai
        elif path is not None and not tag and not quick_gelu:
            _warn_of_gelu(name, path)
    config["quick_gelu"] = quick_gelu
    config["vision_cfg"]["timm_model_pretrained"] = False
    model = (CustomTextCLIP if config.pop("custom_text", False) else CLIP)(**config)
    if checkpoint is not None:
        fill_open_clip(model, checkpoint.state, name=name, path=str(path))

    hub_name = config["text_cfg"].get("hf_tokenizer_name")
    load_tokenizer = partial(get_tokenizer, name, cache_dir=_text(cache_dir))
    if hub_name is None:
        tokenizer = load_tokenizer()
    else:
        prefix = _PREFIX_TOKENS.get(hub_name, 0)
        tokenizer = HuggingFaceTokenizer(load_tokenizer, num_prefix_tokens=prefix)
    images = tag or next(iter(_tags(name).values()), {})
    pair = wrap_open_clip(
        model.to(dtype),
        tokenizer,
        source=EncoderSource(
            "open_clip",
            name,
            _text(pretrained),
            {option: value for option, value in given.items() if value is not None},
        ),
        mean=mean or (beside and beside.mean) or images.get("mean", _OPENAI_MEAN),
        std=std or (beside and beside.std) or images.get("std", _OPENAI_STD),
        dense_path=dense_path,
        channels_last=channels_last,
        autocast_dtype=autocast_dtype,
    )
    if image_size is not None:
        cast(ImageTower, pair.image).set_image_size(image_size)
    return pair


def download_address(name: str, pretrained: str | Path | None) -> str | None:
    """Return where the weights of a tag come from, or None where nothing would be downloaded.

    Args:
        name: As in `load_open_clip`.
        pretrained: As there.

    Examples:
        >>> download_address("ViT-B-16", "openai")
        'huggingface.co/timm/vit_base_patch16_clip_224.openai'
        >>> download_address("ViT-B-16", "my_weights.pt")
    """
    name = name.replace("/", "-")
    tag = _tags(name).get(_as_tag(pretrained), {})
    hub = tag.get("hf_hub", "")  # which open_clip prefers
    return f"huggingface.co/{'/'.join(hub.split('/')[:2])}" if hub else tag.get("url") or None


def wrap_open_clip(
    model: nn.Module,
    tokenizer: Any,  # noqa: ANN401 - open_clip's tokenizers have no common base class
    *,
    source: EncoderSource,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    dense_path: DensePath | None = None,
    channels_last: bool = True,
    autocast_dtype: torch.dtype | None = None,
) -> EncoderPair:
    """Put an open_clip model behind the encoder protocol, frozen in place.

    Args:
        model: An `open_clip.model.CLIP` or `CustomTextCLIP`.
        tokenizer: open_clip's tokenizer for it, or any object with `encode(text)`,
            `sot_token_id` (None for no start token) and `eot_token_id`.
        source: Where the model came from.
        mean: Channel means of its images, of pixels in [0, 1].
        std: Channel standard deviations, likewise.
        dense_path: How vision transformers give dense features, see `VisionTransformerTower`;
            None takes the tower's default.
        channels_last: Whether to keep the image tower's weights and images channels-last, see
            `ImageTower`.
        autocast_dtype: Precision of the image tower's matrix products; None leaves it to the
            training loop's own autocast, and to the weights where there is none.

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
    from open_clip.timm_model import TimmModel
    from open_clip.transformer import VisionTransformer

    if isinstance(visual, VisionTransformer):
        return VisionTransformerTower(visual, dense_path=dense_path, **options)
    if isinstance(visual, TimmModel):
        return TimmTower(visual, dense_path=dense_path, **options)
    if not isinstance(visual, ModifiedResNet):
        raise ValueError(
            "`model.visual` must be one of open_clip's image towers, got "
            f"{type(visual).__name__}; its dense features are unknown."
        )
    if dense_path is not None:
        raise ValueError(
            f"`dense_path` must be None for ModifiedResNet, got {dense_path!r}; it has one way to "
            "dense features."
        )
    return ModifiedResNetTower(visual, **options)


def _find_weights(
    name: str, pretrained: str | Path | None, cache_dir: str | Path | None
) -> tuple[dict[str, Any], Path | None]:
    """Return what open_clip knows of the tag, if it is one, and the file of the weights."""
    from open_clip import download_pretrained

    if pretrained is None:
        return {}, None
    tags = _tags(name)
    tag = _as_tag(pretrained)
    if isinstance(pretrained, Path) or tag not in tags:
        if Path(pretrained).exists():
            return {}, Path(pretrained)
        if isinstance(pretrained, Path) or Path(pretrained).suffix or "/" in pretrained:
            raise FileNotFoundError(
                f"`pretrained` must be a tag or a file, got {str(pretrained)!r}, which does not "
                f"exist; the tags of {name} are {_listed(tags)}."
            )
        raise ValueError(
            f"`pretrained` must be a tag of {name} or a file, got {pretrained!r}; its tags are "
            f"{_listed(tags)}."
        )
    try:
        return tags[tag], Path(download_pretrained(tags[tag], cache_dir=_text(cache_dir)))
    except Exception as error:
        # each hub client has its own errors for a missing network
        raise ConnectionError(
            f"the weights of {name} {tag!r} could not be downloaded ({type(error).__name__}); "
            "fetch them where there is a network and pass the file as `pretrained`."
        ) from error


def _warn_of_gelu(name: str, path: Path) -> None:
    from open_clip import list_models

    if f"{name}-quickgelu" in list_models():
        _LOGGER.warning(
            "%s does not say which GELU its towers were trained with; taking the exact one. For "
            "weights of OpenAI, DFN or MetaCLIP pass quick_gelu=True, or name %s-quickgelu; "
            "quick_gelu=False ends this message.",
            *(path, name),
        )


def _as_tag(pretrained: str | Path | None) -> str:
    return str(pretrained).lower().replace("-", "_")


def _tags(name: str) -> dict[str, dict[str, Any]]:
    from open_clip import get_pretrained_cfg
    from open_clip.pretrained import list_pretrained_tags_by_model

    return {tag: get_pretrained_cfg(name, tag) for tag in list_pretrained_tags_by_model(name)}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _text(value: str | Path | None) -> str | None:
    return None if value is None else str(value)
