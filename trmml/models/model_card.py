"""The page that a shared model is introduced by."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from html import escape
from typing import Any

from trmml.encoders.protocol import EncoderSource
from trmml.models.trmml.config import TRMMLConfig

__all__ = ["PAPER", "model_card_text", "report_figures"]

PAPER = "https://doi.org/10.1145/3664647.3680815"
SUMMARY = """\
Names which of {count} classes are in a photograph, and shows where. A frozen image and text tower
({tower}), with prompts and regions that `trmml` learnt by [TRM-ML]({paper}) (Ma et al., ACM
Multimedia 2024), from images that may be labelled only partly."""
USE = """\
With the Python library `trmml` installed:

```python
from trmml import TRMML

model = TRMML.from_pretrained("{repo_id}"{argument})
probabilities = model.predict(model.preprocess("photo.jpg"))[0].tolist()
for name, probability in zip(model.class_names, probabilities):
    print(name, probability)
```"""
LIMITS = """\
- It knows these classes and no others; that none is found says nothing about anything else.
- Regions were learnt from labels of whole images. They show where evidence was, not outlines.
- It inherits what its frozen towers can and cannot see, and whom they see wrongly.
- Figures are of the images that they were measured on. On others it may be better or worse: measure
  on your own before you rely on it."""
TINY = "- Its towers were trained on generated scenes and have never seen a photograph: a testbed."
UNCALIBRATED = """\
- No decision thresholds were calibrated: choose one for each class on images of your own."""


def model_card_text(
    *,
    repo_id: str,
    class_names: Sequence[str | Sequence[str]],
    source: EncoderSource,
    fingerprints: Mapping[str, str],
    image_size: int,
    config: TRMMLConfig,
    thresholds: Sequence[float] | None,
    license: str | None,
    report: Mapping[str, Any] | None,
) -> str:
    """Write the page's text, without its front matter."""
    tower = f"{source.family} {source.name}"
    if source.pretrained:
        tower += f", {source.pretrained}"
    by_hand = source.family not in ("tiny", "open_clip")
    argument = ", encoders=..." if by_hand else ""
    limits = [LIMITS]
    if source.family == "tiny":
        limits.append(TINY)
    if thresholds is None:
        limits.append(UNCALIBRATED)
    sections = {
        f"# {repo_id}": SUMMARY.format(count=len(class_names), tower=tower, paper=PAPER),
        "## How to use it": USE.format(repo_id=repo_id, argument=argument)
        + ("\n\nThe towers were made by hand: build the same and pass them." if by_hand else ""),
        "## Classes": ", ".join(_listed(names) for names in class_names) + ".",
        "## How it was made": "\n".join(
            _facts(tower, fingerprints, image_size, config, thresholds, license)
        ),
        "## Figures": _figures(report_figures(report)),
        "## Limits": "\n".join(limits),
    }
    return "\n\n".join(f"{title}\n\n{text}" for title, text in sections.items()) + "\n"


def report_figures(report: Mapping[str, Any] | None) -> dict[str, float]:
    """Return the plain numbers of a report, those one level down under both names.

    Lists and text are left out; so is what is not a number (nan).
    """
    found = {}
    for name, value in (report or {}).items():
        inner = value.items() if isinstance(value, Mapping) else [(None, value)]
        for key, number in inner:
            plain = isinstance(number, int | float) and not isinstance(number, bool)
            if plain and number == number:
                found[name if key is None else f"{name} {key}"] = number
    return found


def _listed(names: str | Sequence[str]) -> str:
    first, *others = [names] if isinstance(names, str) else names
    return escape(f"{first} ({', '.join(others)})" if others else first, quote=False)


def _facts(
    tower: str,
    fingerprints: Mapping[str, str],
    image_size: int,
    config: TRMMLConfig,
    thresholds: Sequence[float] | None,
    license: str | None,
) -> Iterator[str]:
    yield f"- Towers: {tower}. They are not in this repository; loading fetches them."
    for name, digest in fingerprints.items():
        yield f"- Fingerprint of the {name} tower: `{digest}`. Others are refused."
    yield f"- Photographs are squeezed to {image_size} x {image_size} pixels."
    changed = [
        f"`{field.name}` = {getattr(config, field.name)!r}"
        for field in fields(config)
        if getattr(config, field.name) != field.default
    ]
    yield "- Settings other than the defaults: " + (", ".join(changed) or "none") + "."
    kept = "in `config.json`" if thresholds is not None else "none"
    yield f"- Calibrated decision thresholds: {kept}."
    yield "- License of the weights: " + (license or "not stated; ask who made them") + "."


def _figures(figures: Mapping[str, float]) -> str:
    if not figures:
        return "None were given."
    rows = [f"| {name.replace('_', ' ')} | {value:.4g} |" for name, value in figures.items()]
    return "\n".join(["| | |", "|---|---:|", *rows])
