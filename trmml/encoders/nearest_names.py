"""What to tell somebody whose model name is almost one."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["nearest_names"]


def nearest_names(name: str, names: Iterable[str]) -> str:
    """List the names most like one that is none of them, however they are capitalised.

    Args:
        name: What was asked for.
        names: What there is.

    Examples:
        >>> nearest_names("rn5O", ["RN50", "RN101", "ViT-B-32"])
        'RN50, RN101'
        >>> nearest_names("zzz", ["RN50"])
        'none'
    """
    lowered = {candidate.lower(): candidate for candidate in names}
    near = get_close_matches(name.lower(), lowered, n=5, cutoff=0.4)
    return ", ".join(lowered[one] for one in near) or "none"
