"""Saved models: what was learnt, as safetensors, with a JSON card that guards it."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import Tensor

from trmml.atomic_write import synced_partial
from trmml.encoders.fingerprint import pair_fingerprints
from trmml.encoders.protocol import EncoderPair
from trmml.json_text import json_text
from trmml.models.old_cards import upgrade_card

__all__ = ["check_encoders", "read_saved_model", "write_saved_model"]

FORMAT = 2
WEIGHTS, CARD, PARTIAL_CARD = "model.safetensors", "config.json", "config.json.partial"
NEEDED = {
    *("format", "versions", "encoders", "fingerprints", "sha256"),
    *("method", "class_names", "image_size", "config", "training_state"),
}
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
    from safetensors.torch import load

    if not (directory / WEIGHTS).is_file():
        raise FileNotFoundError(
            f"`directory` must hold {CARD} and {WEIGHTS}, as `save_pretrained` writes them; "
            f"{directory / WEIGHTS} is missing."
        )
    weights = (directory / WEIGHTS).read_bytes()
    found = hashlib.sha256(weights).hexdigest()
    interrupted = directory / PARTIAL_CARD
    first_ever = interrupted.is_file() and not (directory / CARD).exists()
    card = _read_card(interrupted if first_ever else directory / CARD)
    if card["sha256"] != found and interrupted.is_file():
        card = _read_card(interrupted)
    if card["sha256"] != found:
        raise ValueError(
            f"{directory / WEIGHTS} must have the checksum in {CARD} ({card['sha256'][:12]}), got "
            f"{found[:12]}; the file is damaged or belongs to another model. Copy both again."
        )
    return card, load(weights)


def check_encoders(card: dict[str, Any], encoders: EncoderPair) -> None:
    """Refuse towers whose weights are not those the card's model was trained with."""
    found = pair_fingerprints(encoders)
    for tower, expected in card["fingerprints"].items():
        if found.get(tower) != expected:
            raise ValueError(
                "`encoders` must be those the model was trained with "
                f"({card['encoders']['name']!r}, pretrained={card['encoders']['pretrained']!r}), "
                f"but the {tower} tower's weights differ; load the same weights, "
                "in the same precision."
            )


def _read_card(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(
            f"`directory` must hold {CARD} and {WEIGHTS}, as `save_pretrained` writes them; "
            f"{path} is missing."
        )
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} must be valid JSON, got {error}.") from error
    card = upgrade_card(card)
    if not isinstance(card, dict) or not card.keys() >= NEEDED:
        raise ValueError(f"{path} must be a model card with the keys {sorted(NEEDED)}.")
    if card["format"] != FORMAT:
        raise ValueError(
            f"{path} must have format {FORMAT}, got {card['format']}; use the version of trmml "
            f"that wrote it, {card['versions'].get('trmml')}."
        )
    return card
