"""What is installed, and what a saved model or a label file holds, without loading any tower."""

import platform
import re
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

import torch

from trmml import __version__
from trmml.class_names import ClassNames
from trmml.data import LabelMask
from trmml.models import METHODS
from trmml.models.saved_model import read_saved_model

__all__ = ["describe_file", "describe_installation"]


def describe_installation() -> dict[str, object]:
    """Return versions, devices, and for each extra what of it is missing, ready for JSON."""
    cuda = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    missing = {
        extra: [name for name in _required(extra) if _installed(name) is None]
        for extra in metadata("trmml").get_all("Provides-Extra") or []
    }
    return {
        "trmml": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: _installed(name) for name in _required(None)},
        "devices": ["cpu", *cuda],
        "extras": {
            extra: "installed" if not names else f"lacks {' '.join(names)}"
            for extra, names in missing.items()
        },
    }


def describe_file(path: str | Path) -> dict[str, object]:
    """Return what a saved model or a label file says of itself, ready for JSON.

    Args:
        path: Folder that a model's `save_pretrained` wrote, or file of `LabelMask.save`.

    Raises:
        FileNotFoundError: If there is nothing, or no saved model in the folder.
        ValueError: If a file is damaged or of another kind.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is nothing; check the path.")
    return _model(path) if path.is_dir() else _mask(path)


def _model(directory: Path) -> dict[str, object]:
    card, state = read_saved_model(directory)
    # Of a method from elsewhere the defaults are not known, so that all settings are shown.
    known = METHODS.get(card["method"])
    usual = (
        {"method": card["method"]} if known is None else known.Model.Config.from_dict({}).as_dict()
    )
    changed = {
        name: value
        for name, value in card["config"].items()
        if name not in usual or value != usual[name]
    }
    titles, thresholds = ClassNames(card["class_names"]).titles, card.get("decision_thresholds")
    return {
        "kind": "model",
        "method": card["method"],
        "classes": len(titles),
        "class_names": titles,
        "encoders": card["encoders"],
        "fingerprints": card["fingerprints"],
        "image_size": card["image_size"],
        "parameters": sum(value.numel() for value in state.values()),
        "bytes": sum(file.stat().st_size for file in directory.iterdir() if file.is_file()),
        "training_state": card["training_state"],
        "config_changed": changed,
        "thresholds": thresholds and dict(zip(titles, thresholds, strict=True)),
        "written_by": card["versions"],
    }


def _mask(path: Path) -> dict[str, object]:
    mask = LabelMask.load(path)
    rows, classes = mask.known.shape
    return {
        "kind": "label mask",
        "protocol": mask.protocol,
        "seed": mask.seed,
        "keep": mask.keep,
        "rows": rows,
        "classes": classes,
        "known": int(mask.known.sum()),
        "share": mask.share,
        "class_names": list(mask.class_names),
        "names_sha256": mask.names_sha256,
        "labels_sha256": mask.labels_sha256,
    }


def _required(extra: str | None) -> list[str]:
    """Return the libraries that an extra asks for, or the core for None."""
    found: list[str] = []
    for line in requires("trmml") or []:
        of = re.search(r"extra == ['\"](\w+)['\"]", line)
        if (of and of.group(1)) == extra:
            own = re.match(r"trmml\[([\w,]+)\]", line)
            nested = own.group(1).split(",") if own else []
            found += [name for inner in nested for name in _required(inner)]
            found += [] if own else [re.split(r"[^\w.-]", line)[0]]
    return list(dict.fromkeys(found))


def _installed(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
