"""Saved models: what was learnt, as safetensors, with a JSON card that guards it."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from trmml.atomic_write import synced_partial
from trmml.encoders.fingerprint import pair_fingerprints
from trmml.encoders.load import load_encoders
from trmml.encoders.protocol import EncoderPair, EncoderSource
from trmml.json_text import json_text
from trmml.models.method_config import MethodConfig
from trmml.models.saved_card import FORMAT, read_card
from trmml.stored_files import read_tensors, require_finite

__all__ = [
    "check_encoders",
    "fill_model",
    "load_towers",
    "read_config",
    "read_saved_model",
    "write_saved_model",
]

WEIGHTS, CARD, PARTIAL_CARD = "model.safetensors", "config.json", "config.json.partial"
PACKAGES = ("trmml", "torch", "open_clip_torch", "timm")


def write_saved_model(
    directory: Path, state: dict[str, Tensor], encoders: EncoderPair, **settings: object
) -> None:
    """Write weights and card, so that a stop at any moment leaves the old or the new pair.

    Args:
        directory: Folder to write into; made if absent.
        state: Tensors by name.
        encoders: The towers used, described in the card but not written.
        settings: Further plain values for the card.
    """
    from safetensors.torch import save

    weights = save({name: value.detach().cpu().contiguous() for name, value in state.items()})
    card = {
        "format": FORMAT,
        "versions": {name: version(name) for name in PACKAGES},
        "encoders": encoders.source._asdict(),
        "fingerprints": pair_fingerprints(encoders),
        **settings,
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    directory.mkdir(parents=True, exist_ok=True)
    # Both files are whole on disk before either is renamed. Stopped between the two renames, the
    # new weights stand beside the old card and the new card's partial file, which reading finds.
    partial_weights = synced_partial(directory / WEIGHTS, weights)
    partial_card = synced_partial(directory / CARD, json_text(card, indent=2))
    partial_weights.replace(directory / WEIGHTS)
    partial_card.replace(directory / CARD)


def read_saved_model(directory: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return card and weights, checked against each other.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is damaged, or the two do not belong together.
    """
    weights = directory / WEIGHTS
    if not weights.exists():
        raise _missing(weights)
    state = read_tensors(weights).tensors  # mapped, not read; what must fit into memory is checked
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    interrupted = directory / PARTIAL_CARD
    first_ever = interrupted.is_file() and not (directory / CARD).exists()
    card = _card(interrupted if first_ever else directory / CARD)
    if card["sha256"] != found and interrupted.is_file():
        card = _card(interrupted)
    if card["sha256"] != found:
        raise ValueError(
            f"{weights} must have the checksum in {CARD} ({card['sha256'][:12]}), got "
            f"{found[:12]}; the file is damaged or belongs to another model. Copy both again."
        )
    return card, state


def check_encoders(card: dict[str, Any], encoders: EncoderPair) -> None:
    """Refuse towers whose weights are not those the card's model was trained with."""
    found, expected = pair_fingerprints(encoders), card["fingerprints"]
    for tower in sorted(found.keys() | expected.keys()):
        if tower not in expected:
            raise ValueError(
                f"{CARD} must hold a fingerprint of the {tower} tower in 'fingerprints', got "
                f"{sorted(expected)}; save the model again, so that other towers are noticed."
            )
        if found.get(tower) != expected[tower]:
            raise ValueError(
                "`encoders` must be those the model was trained with "
                f"({card['encoders']['name']!r}, pretrained={card['encoders']['pretrained']!r}), "
                f"but the {tower} tower's weights differ; load the same weights, "
                "in the same precision."
            )


def read_config(card: dict[str, Any], kind: type[MethodConfig], *, folder: Path) -> Any:  # noqa: ANN401
    """Return the configuration in a card.

    Args:
        card: Of a saved model.
        kind: The configuration's class.
        folder: Where the card is from, for the message.

    Raises:
        ValueError: If the model is of another method, or a setting is unknown, of another kind, or
            out of its range.
    """
    if card["method"] != kind.method:
        raise ValueError(
            f"{folder} must hold a model of the method {kind.method!r}, got {card['method']!r}; "
            "`trmml.prediction.open_model` opens any."
        )
    try:
        return kind.from_dict(card["config"])
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{folder / CARD} must be a model card with the settings of {kind.__name__} as its "
            f"'config': {reason}"
        ) from None


def load_towers(card: dict[str, Any], *, folder: Path) -> EncoderPair:
    """Load the towers that a card names.

    Args:
        card: Of a saved model.
        folder: Where the card is from, for the message.

    Raises:
        ValueError: If they were made by hand, or the card names what cannot be.
        FileNotFoundError: If the weights that it names are a file that is not there.
        ConnectionError: If the weights cannot be downloaded.
    """
    try:
        return load_encoders(EncoderSource(**card["encoders"]), image_size=card["image_size"])
    except (TypeError, AttributeError, KeyError, RuntimeError) as error:  # options of other kinds
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ValueError(
            f"{folder / CARD} must be a model card with 'encoders' that can be loaded, got "
            f"{card['encoders']!r:.200} ({reason}); pass the towers as `encoders`."
        ) from error


def fill_model(model: nn.Module, state: dict[str, Tensor], *, folder: Path) -> None:
    """Put weights into a model, all of them.

    Args:
        model: The model, changed in place.
        state: Tensor by name.
        folder: Where they are from, for the message.

    Raises:
        ValueError: If one is missing, not known, or of another shape or kind than the model's, or
            if a parameter is not finite; names the first.
    """
    own = model.state_dict()
    for name in sorted(own.keys() | state.keys()):
        if name not in state or name not in own:
            reason = f"has no {name!r}" if name not in state else f"has a {name!r} that is unknown"
        elif state[name].shape != own[name].shape:
            shapes = f"{list(state[name].shape)} where the card asks for {list(own[name].shape)}"
            reason = f"has {name!r} of the shape {shapes}"
        elif state[name].is_floating_point() != own[name].is_floating_point():
            reason = f"has {name!r} as {state[name].dtype}"
        else:
            continue
        raise ValueError(
            f"{folder}: card and weights do not fit together: {WEIGHTS} {reason}; copy both files "
            "again."
        )
    learnt = {name for name, _ in model.named_parameters()}
    values = {
        name: value
        for name, value in state.items()
        if name in learnt or name.startswith("stack.")  # other buffers may be nan until they learn
    }
    require_finite(values, path=folder / WEIGHTS)
    model.load_state_dict(state)


def _card(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise _missing(path)
    return read_card(path)


def _missing(path: Path) -> FileNotFoundError:
    return FileNotFoundError(
        f"`directory` must hold {CARD} and {WEIGHTS}, as `save_pretrained` writes them; {path} is "
        "missing."
    )
