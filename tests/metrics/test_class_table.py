import math

import pytest
import torch

from trmml.metrics import (
    ClassRow,
    class_table,
    format_class_table,
    precision_recall_f1,
    summarize_average_precision,
)


def test_rows_are_what_the_metrics_say():
    scores, labels = torch.rand(30, 3), torch.randint(-1, 2, (30, 3))
    rows = class_table(scores, labels, ["cat", "dog", "cow"], threshold=0.5)
    ranked = summarize_average_precision(scores, labels)
    decided = precision_recall_f1(scores, labels, threshold=0.5)
    assert [row.name for row in rows] == ["cat", "dog", "cow"]
    for c, row in enumerate(rows):
        assert row.positives == int((labels[:, c] > 0).sum())
        assert row.negatives == int((labels[:, c] < 0).sum())
        assert row.average_precision == float(ranked.per_class[c])
        assert row.f1 == float(decided.f1[c])


def test_format():
    rows = [ClassRow("cat", 1, 2, 0.5, 0.25, 1.0, 0.4), ClassRow("dog", 0, 3, *[math.nan] * 4)]
    assert format_class_table(rows).splitlines()[2:] == [
        "| cat | 1 | 2 | 50.0 | 25.0 | 100.0 | 40.0 |",
        "| dog | 0 | 3 | nan | nan | nan | nan |",
    ]


def test_the_number_of_names_is_checked():
    with pytest.raises(ValueError, match="`class_names` must have 2 names, one a class, got 1"):
        class_table(torch.rand(3, 2), torch.ones(3, 2), ["cat"], threshold=0.5)
