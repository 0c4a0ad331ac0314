"""The page that a shared model is introduced by."""

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from trmml.class_names import ClassNames
from trmml.encoders.load import FAMILIES
from trmml.encoders.protocol import EncoderSource
from trmml.markdown_table import markdown_table
from trmml.models.method_config import MethodConfig

__all__ = ["model_card_text"]

SUMMARY = """\
Names which of {count} classes are in a photograph{where}. A frozen image and text tower ({tower}),
and what `trmml` learnt on top of it by {credit}, from images that may be labelled only partly."""
USE = """\
With the Python library `trmml` installed:

```python
from {module} import {kind}

model = {kind}.from_pretrained("{repo_id}"{argument})
probabilities = model.predict(model.preprocess("photo.jpg"))[0].tolist()
for name, probability in zip(model.class_names, probabilities):
    print(name, probability)
```"""
LIMITS = """\
- It knows these classes and no others; that none is found says nothing about anything else.
- It inherits what its frozen towers can and cannot see, and whom they see wrongly.
- Figures are of the images that they were measured on. On others it may be better or worse: measure
  on your own before you rely on it."""
REGIONS = """\
- Regions were learnt from labels of whole images. They show where evidence was, not outlines."""
TINY = "- Its towers were trained on generated scenes and have never seen a photograph: a testbed."
UNCALIBRATED = """\
- No decision thresholds were calibrated: choose one for each class on images of your own."""


def model_card_text(
    *,
    repo_id: str,
    kind: type,
    credit: str,
    has_regions: bool,
    class_names: ClassNames,
    source: EncoderSource,
    fingerprints: Mapping[str, str],
    image_size: int,
    config: MethodConfig,
    thresholds: Sequence[float] | None,
    license: str | None,
    report: Mapping[str, Any] | None,
) -> str:
    """Write the page, with a front matter that the Hub reads.

    Args:
        repo_id: Repository that the page tells to load from.
        kind: Class of the model.
        credit: The method, with its paper, as Markdown.
        has_regions: Whether the model shows where a class is seen.
        class_names: Of the model.
        source: Where the towers came from.
        fingerprints: Of the towers.
        image_size: Side of the prepared photographs.
        config: Of the model.
        thresholds: Calibrated ones, if any.
        license: License of the weights; None leaves it open, and says so.
        report: Figures for the page; plain numbers are taken, at most one level down.
    """
    figures = report_figures(report)
    tower = f"{source.family} {source.name}"
    if source.pretrained:
        tower += f", {source.pretrained}"
    by_hand = source.family not in FAMILIES
    limits = [
        LIMITS,
        *([REGIONS] if has_regions else []),
        *([TINY] if source.family == "tiny" else []),
        *([UNCALIBRATED] if thresholds is None else []),
    ]
    where = ", and shows where" if has_regions else ""
    module = kind.__module__
    use = USE.format(
        repo_id=repo_id,
        argument=", encoders=..." if by_hand else "",
        module=module.split(".")[0] if module.startswith("trmml.") else module,
        kind=kind.__name__,
    )
    sections = {
        f"# {repo_id}": SUMMARY.format(
            count=len(class_names), where=where, tower=tower, credit=credit
        ),
        "## How to use it": use
        + ("\n\nThe towers were made by hand: build the same and pass them." if by_hand else ""),
        "## Classes": escape("; ".join(class_names.shown), quote=False) + ".",
        "## How it was made": "\n".join(
            _facts(tower, fingerprints, image_size, config, thresholds, license)
        ),
        "## Figures": _figures(figures),
        "## Limits": "\n".join(limits),
    }
    front = _front_matter(config.method, license, figures)
    return front + "\n\n".join(f"{title}\n\n{text}" for title, text in sections.items()) + "\n"


def _front_matter(method: str, license: str | None, figures: Mapping[str, float]) -> str:
    values: dict[str, Any] = {
        "library_name": "trmml",
        "pipeline_tag": "image-classification",
        "tags": ["multi-label", "partial-labels", "clip", method],
        "license": license,
        "metrics": [name for name in figures if name.endswith("average_precision")],
    }
    # JSON is YAML, too, so that no name has to be escaped by hand.
    lines = [f"{key}: {json.dumps(value)}" for key, value in values.items() if value]
    return "\n".join(["---", *lines, "---", "", ""])


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


def _facts(
    tower: str,
    fingerprints: Mapping[str, str],
    image_size: int,
    config: MethodConfig,
    thresholds: Sequence[float] | None,
    license: str | None,
) -> Iterator[str]:
    yield f"- Towers: {tower}. They are not in this repository; loading fetches them."
    for name, digest in fingerprints.items():
        yield f"- Fingerprint of the {name} tower: `{digest}`. Others are refused."
    yield f"- Photographs are squeezed to {image_size} x {image_size} pixels."
    usual = type(config).from_dict({}).as_dict()
    changed = [
        f"`{name}` = {value!r}" for name, value in config.as_dict().items() if value != usual[name]
    ]
    yield "- Settings other than the defaults: " + (", ".join(changed) or "none") + "."
    kept = "in `config.json`" if thresholds is not None else "none"
    yield f"- Calibrated decision thresholds: {kept}."
    yield "- License of the weights: " + (license or "not stated; ask who made them") + "."


def _figures(figures: Mapping[str, float]) -> str:
    if not figures:
        return "None were given."
    rows = [(name.replace("_", " "), f"{value:.4g}") for name, value in figures.items()]
    return markdown_table(("", ""), rows)
