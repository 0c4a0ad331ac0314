"""Giving a trained model away: hub, model card, export."""

__all__: list[str] = []
