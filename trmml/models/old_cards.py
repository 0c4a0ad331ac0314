"""Cards of models that older versions wrote, in the words of this one."""

from typing import Any

__all__ = ["upgrade_card"]

_USUAL_LOSS = {"gamma_pos": 1.0, "gamma_neg": 2.0, "margin": 0.05}


def upgrade_card(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card of format 1, when there was one method and one loss, in today's form.

    Args:
        card: Of that format, with a mapping as its "config".
    """
    config = dict(card["config"])
    loss = {name: config.pop(name, usual) for name, usual in _USUAL_LOSS.items()}
    loss = {name: value for name, value in loss.items() if value != _USUAL_LOSS[name]}
    config |= {"method": "trmml", "loss": {"name": "asymmetric", "settings": loss}}
    return {**card, "format": 2, "method": "trmml", "config": config}
