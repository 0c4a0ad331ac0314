"""A page to look at: drop a photograph, see tags and their regions."""

__all__: list[str] = []
