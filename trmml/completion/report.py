"""What a calibration of pseudo-labels stands on, in words."""

from dataclasses import dataclass

__all__ = ["CalibrationReport"]


@dataclass(frozen=True)
class CalibrationReport:
    """What a calibration stands on, and what it adds nothing to.

    Attributes:
        withheld: Labels it was fitted on.
        positives: How many of these are positive.
        offset_deviation: How much classes may differ, in logits; 0 if all are pooled.
        reasons: Why nothing, or nothing of one kind, is added; empty if nothing stands against it.
    """

    withheld: int
    positives: int
    offset_deviation: float
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        """Write the report as sentences."""
        classes = "all classes pooled"
        if self.offset_deviation:
            classes = f"classes apart by about {self.offset_deviation:g} in logits"
        first = f"{self.withheld:,} withheld labels, {self.positives:,} positive; {classes}."
        return "\n".join([first, *self.reasons])
