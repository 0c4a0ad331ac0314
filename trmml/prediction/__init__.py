"""From photographs to tags: scoring, evaluation, decisions."""

__all__: list[str] = []
