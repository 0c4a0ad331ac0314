"""Predictions as text: a table to read, CSV, or JSON lines."""

import csv
from collections.abc import Callable
from typing import Literal, Protocol, get_args, runtime_checkable

from trmml.json_text import json_text
from trmml.prediction.tagging import Prediction

__all__ = ["Format", "prediction_writer"]

Format = Literal["table", "csv", "jsonl"]


@runtime_checkable
class TextSink(Protocol):
    """Whatever text can be written to."""

    def write(self, text: str, /) -> int:
        """Take some text."""
        ...

    def flush(self) -> None:
        """Hand on what was taken."""
        ...


def prediction_writer(form: Format, file: TextSink) -> Callable[[Prediction], None]:
    """Return what writes one prediction after the other, so that nothing waits for the last.

    - `"table"`: a line for each image: its name, then classes and probabilities, or `-`.
    - `"csv"`: after a line of column names, a line for each class of each image; of an image
      without a class, one line with its name alone.
    - `"jsonl"`: a line for each image, a JSON object as `Prediction.as_dict` gives it.

    Args:
        form: Which of these.
        file: Where to; written through at once.

    Raises:
        ValueError: If there is no such format.
    """
    if form not in get_args(Format):
        raise ValueError(f"`form` must be one of {', '.join(get_args(Format))}, got {form!r}.")
    sheet = csv.writer(file, lineterminator="\n")
    if form == "csv":
        sheet.writerow(["image", "class", "probability", "threshold"])

    def write(prediction: Prediction) -> None:
        if form == "csv":
            rows = [
                (prediction.path, tag.name, f"{tag.probability:.4f}", f"{tag.threshold:.4f}")
                for tag in prediction.tags
            ]
            sheet.writerows(rows or [(prediction.path, "", "", "")])
        elif form == "jsonl":
            print(json_text(prediction.as_dict()), file=file)
        else:
            tags = ", ".join(f"{tag.name} {tag.probability:.2f}" for tag in prediction.tags)
            print(f"{prediction.path}: {tags or '-'}", file=file)
        file.flush()

    return write
