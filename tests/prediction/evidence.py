"""Scores that say something about labels, without a single photograph."""

import torch

from tests.prediction.photographs import NAMES
from trmml.data import ImageTable
from trmml.models import Scores

IMAGES = 600


def truth_and_scores(*, strength: float = 3.0):
    """Draw labels of which a third are positive, and scores that tell them apart that well."""
    generator = torch.Generator().manual_seed(5)
    truth = torch.where(torch.rand(IMAGES, len(NAMES), generator=generator) < 0.33, 1, -1)
    noise = torch.randn(IMAGES, len(NAMES), generator=generator)
    return truth, strength * truth + 2 * noise


def partly_known(truth, *, share: float = 0.5) -> ImageTable:
    generator = torch.Generator().manual_seed(6)
    known = torch.rand(truth.shape, generator=generator) < share
    names = [f"{row}.png" for row in range(len(truth))]
    return ImageTable(".", names, torch.where(known, truth, 0), NAMES, broken="skip")


def streaming(scores):
    """Return a stand-in for `stream_table` that has looked at the photographs already."""

    def stream(model, table, **_):
        rows = list(range(len(table)))
        for part in (rows[:100], rows[100:]):
            yield part, Scores(scores[part]), {}

    return stream
