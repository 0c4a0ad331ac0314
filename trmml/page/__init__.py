"""A page to look at: drop a photograph, see tags and their regions."""

from trmml.page.answers import Answers, Look, Tag, ZeroShotMatch
from trmml.page.build import build_page
from trmml.page.server import serve, serving

__all__ = ["Answers", "Look", "Tag", "ZeroShotMatch", "build_page", "serve", "serving"]
