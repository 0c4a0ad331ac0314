"""The card of a saved model: every value of the kind and size that it can have."""

import re
from pathlib import Path
from typing import Any, Final

from trmml.class_names import ClassNames
from trmml.models.old_cards import upgrade_card
from trmml.stored_files import read_json, require_kinds

__all__ = ["FORMAT", "read_card"]

FORMAT: Final = 2
LARGEST_SIDE: Final = 8192  # pixels; a square of these takes 800 MB
WHAT: Final = "a model card"
KINDS: Final[dict[str, Any]] = {
    "versions": dict,
    "encoders": dict,
    "fingerprints": dict,
    "sha256": str,
    "method": str,
    "class_names": list,
    "image_size": int,
    "config": dict,
    "training_state": bool,
    "decision_thresholds": (list, None),
}
ENCODER_KINDS: Final[dict[str, Any]] = {
    "family": str,
    "name": str,
    "pretrained": (str, None),
    "options": dict,
}
TOWERS: Final = ("image", "text")
DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def read_card(path: Path) -> dict[str, Any]:
    """Return the card of a saved model, in the words of this version.

    Args:
        path: Of the card.

    Raises:
        FileNotFoundError: If it is not there.
        ValueError: If it is damaged, of another format, or says what no model can be; names the
            key.
    """
    card = read_json(path, what=WHAT)
    require_kinds(card, {"format": int, "versions": dict}, where=path, what=WHAT)
    if card["format"] == 1:
        require_kinds(card, {"config": dict}, where=path, what=WHAT)
        card = upgrade_card(card)
    if card["format"] != FORMAT:
        raise ValueError(
            f"{path} must have format {FORMAT}, got {card['format']}; use the version of trmml "
            f"that wrote it, {card['versions'].get('trmml')!s:.40}."
        )
    require_kinds(card, KINDS, where=path, what=WHAT, optional=("decision_thresholds",))
    _check_towers(card, path)
    _check_classes(card, path)
    if not 1 <= card["image_size"] <= LARGEST_SIDE:
        raise _wrong(path, "image_size", f"from 1 to {LARGEST_SIDE}", card["image_size"])
    if not DIGEST.fullmatch(card["sha256"]):
        raise _wrong(path, "sha256", "64 hexadecimal digits", card["sha256"])
    return card


def _check_towers(card: dict[str, Any], path: Path) -> None:
    what = f"{WHAT} whose 'encoders' say where the towers came from"
    require_kinds(card["encoders"], ENCODER_KINDS, where=path, what=what, optional=("options",))
    if unknown := sorted(card["encoders"].keys() - ENCODER_KINDS):
        raise _wrong(path, "encoders", f"of the keys {', '.join(ENCODER_KINDS)}", unknown)
    for tower, digest in card["fingerprints"].items():
        if tower not in TOWERS or not isinstance(digest, str) or not DIGEST.fullmatch(digest):
            expected = "64 hexadecimal digits for each of 'image' and 'text'"
            raise _wrong(path, "fingerprints", expected, {tower: digest})


def _check_classes(card: dict[str, Any], path: Path) -> None:
    try:
        names = ClassNames(card["class_names"])
        for name in names.shown:
            name.encode()  # half of a character can neither be shown nor written
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path} must be {WHAT} with names for its classes: {reason}") from None
    thresholds = card.get("decision_thresholds")
    if thresholds is None:
        return
    sound = [
        isinstance(one, int | float) and not isinstance(one, bool) and 0 <= one <= 1
        for one in thresholds
    ]
    if len(sound) != len(names) or not all(sound):
        expected = f"null, or {len(names)} numbers in [0, 1], one a class"
        found = thresholds if all(sound) else thresholds[sound.index(False)]
        raise _wrong(path, "decision_thresholds", expected, found)


def _wrong(path: Path, key: str, expected: str, found: object) -> ValueError:
    return ValueError(
        f"{path} must be {WHAT} whose {key!r} is {expected}, got {found!r:.80}; calibrate or save "
        "the model again, or copy both files again."
    )
