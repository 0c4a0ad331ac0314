"""What is selected on, or fitted to, must say something: the labels of the images set aside."""

from trmml.training.run.data import RunData

__all__ = ["check_selection", "check_stack"]


def check_selection(data: RunData) -> None:
    """Refuse to select on images that say nothing.

    Raises:
        ValueError: If there are none, or no category has a known positive and negative.
    """
    advice = "raise `data.validation_share`, or set `selection` to 'last'"
    if data.validation is None:
        raise ValueError(
            f"`data.validation_share` leaves none of {len(data.train)} images to select on; "
            f"{advice}."
        )
    labels = data.validation.labels
    both = (labels > 0).any(dim=0) & (labels < 0).any(dim=0)
    if not bool(both.any()):
        raise ValueError(
            f"No category has a known positive and a known negative among the {len(labels)} "
            f"images to select on; {advice}. Where only positives are known, set "
            "`model.unknown_as_negative` of TRM-ML, or a `model.loss` that learns from unknown "
            "labels, such as assume-negative."
        )


def check_stack(data: RunData) -> None:
    """Refuse to fit a stack to images that say nothing.

    Raises:
        ValueError: If there are none, or no positive or no negative is known among them.
    """
    labels = None if data.validation is None else data.validation.labels
    positives, negatives = (
        (0, 0) if labels is None else (int((labels > 0).sum()), int((labels < 0).sum()))
    )
    if not positives or not negatives:
        raise ValueError(
            "`prediction` = 'stack' needs known positives and negatives on the images set aside, "
            f"got {positives} and {negatives}; raise `data.validation_share`, or set `prediction` "
            "to 'score'."
        )
