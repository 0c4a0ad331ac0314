"""What `trmml label` promises of labels, in options and in words."""

from typing import Literal, NamedTuple

import typer

__all__ = ["Promise", "check_share"]


class Promise(NamedTuple):
    r"""How often labels that are proposed shall be right.

    Attributes:
        present: Share of right ones among positives; None if none are asked for.
        absent: The same for negatives.

    Examples:
        >>> promise = Promise.of(0.95, None, only=None)
        >>> promise.summary(240, 1000, left_open=6020)
        ['1,240 labels added, at least 95 % right in expectation; 6,020 left open']
        >>> print("\n".join(Promise(0.9, 0.985).summary(240, 1000, left_open=6020)))
        240 positive labels added, at least 90 % right in expectation
        1,000 negative labels added, at least 98.5 % right in expectation; 6,020 left open
        >>> bool(Promise.of(None, None, only="positive"))
        False
    """

    present: float | None
    absent: float | None

    def __bool__(self) -> bool:
        """Return whether anything is promised."""
        return self.present is not None or self.absent is not None

    @classmethod
    def of(
        cls,
        precision: float | None,
        absent_precision: float | None,
        *,
        only: Literal["positive", "negative"] | None,
    ) -> "Promise":
        """Read the options of the command line.

        Raises:
            typer.BadParameter: If they ask for one kind of label and for the precision of the other
                alone.
        """
        absent = precision if absent_precision is None else absent_precision
        promise = cls(None if only == "negative" else precision, absent)
        if only == "positive":
            promise = promise._replace(absent=None)
            if precision is None and absent_precision is not None:
                raise typer.BadParameter(
                    "--absent-precision is of negative labels; with --only positive give "
                    "--precision."
                )
        return promise

    def summary(self, positives: int, negatives: int, *, left_open: int) -> list[str]:
        """Say how many labels are added, how often they are right, and how many are left open."""
        parts = [("positive ", positives, self.present), ("negative ", negatives, self.absent)]
        parts = [part for part in parts if part[2] is not None]
        if len({share for _, _, share in parts}) == 1:
            parts = [("", positives + negatives, parts[0][2])]
        lines = [
            f"{number:,} {kind}labels added, at least {100 * (share or 0):.6g} % right in "
            "expectation"
            for kind, number, share in parts
        ]
        lines[-1] += f"; {left_open:,} left open"
        return lines


def check_share(value: float | None) -> float | None:
    """Refuse a precision that is no share, before anything is opened.

    Raises:
        typer.BadParameter: If it is not in (0, 1).
    """
    if value is not None and not 0 < value < 1:
        raise typer.BadParameter(
            f"must be in (0, 1), got {value:g}; it is the share of labels that shall be right, "
            "such as 0.95."
        )
    return value
