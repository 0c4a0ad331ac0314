"""Eq. (13) on completed labels, which the paper does not say that it sees."""

from typing import Any

from trmml.models import TRMML, MultiLabelModel


def contrast_completed(model: MultiLabelModel) -> None:
    """Let the contrastive loss see the labels as the thresholds complete them.

    Raises:
        ValueError: If the model has no contrastive loss or completes nothing by thresholds.
    """
    if not isinstance(model, TRMML) or model.contrastive_loss is None or model.prototypes is None:
        raise ValueError("`model` must have prototypes and a contrastive loss.")
    prototypes = model.prototypes

    def complete(_: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        regions, texts, labels, *bank = args
        completed = prototypes.complete(regions, texts, labels)
        # More positives than are known: the bound on their number no longer holds.
        return (regions, texts, completed, *bank), kwargs | {"most_positives": None}

    model.contrastive_loss.register_forward_pre_hook(complete, with_kwargs=True)
