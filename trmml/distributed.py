"""Rows of several processes, brought together."""

__all__: list[str] = []
