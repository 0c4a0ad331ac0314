"""What came out of a comparison: means, deviations and differences, seed by seed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Final, NamedTuple

from trmml.atomic_write import write_atomically
from trmml.json_text import json_text
from trmml.markdown_table import markdown_table, percent
from trmml.prediction.picture_files import write_picture
from trmml.training.config.run_config import RunConfig
from trmml.training.loop.changes import find_changes
from trmml.training.run.comparison_picture import draw_comparison

__all__ = ["Outcome", "compared", "comparison_rows", "write_comparison"]

HEAD: Final = ("configuration", "method", "mAP", "±", "difference", "±", "s / epoch")
_SECTIONS: Final = ("data", "encoder", "recipe", "cache")


class Outcome(NamedTuple):
    """What one run gave.

    Attributes:
        contestant: Whose run it was.
        seed: From 0.
        figure: Mean average precision in [0, 1]; None where there is none.
        seconds: Of an epoch; None where nobody knows.
    """

    contestant: int
    seed: int
    figure: float | None
    seconds: float | None


def compared(configs: Sequence[RunConfig], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Bring the outcomes of all runs together.

    Args:
        configs: Of the contestants; the others are measured against the first one.
        outcomes: Of every run; several of one contestant and seed are the shares of a mean.

    Returns:
        Of each contestant the figure with each seed, their mean and standard deviation, the same
        of the differences to the first one with the same seed, and the seconds of an epoch.
    """
    first, seeds = configs[0], sorted({outcome.seed for outcome in outcomes})
    figures = [
        [_mean([one.figure for one in outcomes if one[:2] == (number, seed)]) for seed in seeds]
        for number in range(len(configs))
    ]
    return {
        "judged_on": "test" if first.data.has_test else "validation",
        "selection": first.selection,
        "seeds": seeds,
        "labels_differ_by_seed": _hides(first),
        "contestants": [
            {
                "name": config.name,
                "method": config.model.method,
                "figures": figures[number],
                **_spread(figures[number]),
                "difference": _spread(_differences(figures[number], figures[0]))
                if number
                else None,
                "seconds_per_epoch": _mean(
                    [one.seconds for one in outcomes if one.contestant == number]
                ),
                "other_settings": _other_settings(first, config),
            }
            for number, config in enumerate(configs)
        ],
    }


def comparison_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row for each contestant, its figures in percent.

    Args:
        found: What `compared` returned.
    """
    rows = []
    for one in found["contestants"]:
        difference = one["difference"] or {"mean": None, "deviation": None}
        seconds = one["seconds_per_epoch"]
        rows.append(
            (
                one["name"],
                one["method"],
                percent(one["mean"]),
                percent(one["deviation"]),
                _signed(difference["mean"]),
                percent(difference["deviation"]),
                "-" if seconds is None else f"{seconds:.3g}",
            )
        )
    return rows


def write_comparison(found: Mapping[str, Any], folder: Path) -> None:
    """Write the comparison for programs, for people, and as a picture.

    Args:
        found: What `compared` returned.
        folder: To write `comparison.json`, `comparison.md` and `comparison.png` to.
    """
    write_atomically(folder / "comparison.json", json_text(dict(found), indent=2) + "\n")
    write_atomically(folder / "comparison.md", _markdown(found))
    write_picture(draw_comparison(found), folder / "comparison.png")


def _markdown(found: Mapping[str, Any]) -> str:
    first, seeds = found["contestants"][0]["name"], len(found["seeds"])
    lines = [
        "# Comparison",
        "",
        markdown_table(HEAD, comparison_rows(found)),
        "",
        f"Mean average precision in percent on {found['judged_on']} images, over {seeds} "
        f"{'seeds' if seeds > 1 else 'seed'}: mean and standard deviation. The difference is to "
        f"{first}, taken with each seed and then averaged. Seconds of an epoch are of the machine "
        "it ran on, a forerunner's among them.",
        "",
        "With each seed other labels are hidden, the same ones for everybody."
        if found["labels_differ_by_seed"]
        else "The same labels are known with every seed: seeds differ in the start and in the "
        "order of images, and the deviation says nothing of other labels.",
    ]
    others = {one["name"]: one["other_settings"] for one in found["contestants"]}
    if any(others.values()):
        lines += ["", f"## What else differs from {first}", ""]
    for name, settings in others.items():
        told = [f"`{key}` {_plain(was)} → {_plain(now)}" for key, (was, now) in settings.items()]
        lines += [f"- {name}: {', '.join(told)}"] if told else []
    return "\n".join(lines) + "\n"


def _hides(config: RunConfig) -> bool:
    data = config.data
    draws = data.keep is not None or data.protocol in ("spml", "splc")
    return data.label_file is None and draws


def _other_settings(first: RunConfig, config: RunConfig) -> dict[str, list[Any]]:
    """Return what differs besides the method, by its dotted name: there, and here."""
    was, now = (
        {
            **{section: asdict(getattr(one, section)) for section in _SECTIONS},
            "selection": one.selection,
            "prediction": one.prediction,
        }
        for one in (first, config)
    )
    return {name: [*change] for name, change in find_changes(was, now).items()}


def _differences(
    figures: Sequence[float | None], others: Sequence[float | None]
) -> list[float | None]:
    return [
        None if one is None or other is None else one - other
        for one, other in zip(figures, others, strict=True)
    ]


def _spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """Return mean and standard deviation; None where there are too few values, or one is none."""
    known = [value for value in values if value is not None]
    enough = len(known) == len(values) > 1
    return {"mean": _mean(values), "deviation": stdev(known) if enough else None}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if len(known) == len(values) > 0 else None


def _signed(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:+.1f}"


def _plain(value: object) -> str:
    return "none" if value is None else " ".join(str(value).split())
