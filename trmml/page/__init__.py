"""A page to look at: drop a photograph, see tags and their regions."""

from trmml.page.build import build_page
from trmml.page.masthead import run_trained_on
from trmml.page.photo_inspector import InspectedPhoto, PhotoInspector, ZeroShotMatch
from trmml.page.server import serve, serving

__all__ = [
    "InspectedPhoto",
    "PhotoInspector",
    "ZeroShotMatch",
    "build_page",
    "run_trained_on",
    "serve",
    "serving",
]
