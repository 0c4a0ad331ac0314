import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import methods
from benchmarks.methods import Row, config_for, known_labels, rows, table
from trmml.losses import LOSSES
from trmml.models import METHODS, MethodConfig, TRMMLConfig

DOCS = Path(__file__).parents[1] / "docs"
POSITIVES = 2.5


def row_of(group: str, name: str) -> Row:
    return next(row for row in rows(POSITIVES) if (row.group, row.name) == (group, name))


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, str, int]]:
    """Keep results in a folder of the test's own, and note what is trained instead of training."""
    runs: list[tuple[str, str, int]] = []

    def measure(config: MethodConfig, known: str, seed: int, _: object) -> float:
        runs.append((config.method, known, seed))
        return 50.0 + seed

    monkeypatch.setattr(methods, "RESULTS", tmp_path / "methods.json")
    monkeypatch.setattr(methods, "generated", lambda: {"truth": torch.tensor([[1, 1, -1]])})
    monkeypatch.setattr(methods, "measure", measure)
    return runs


def test_every_method_that_learns_from_images_and_every_loss_has_a_row() -> None:
    found = [(row.group, row.name) for row in rows(POSITIVES)]
    images = [n for n, task in METHODS.items() if task.Model.Config().learns_from == "images"]
    assert found == [("methods", n) for n in images] + [("losses", n) for n in LOSSES]
    assert row_of("losses", "expected-positive").config.loss.settings == {
        "expected_positives": POSITIVES
    }


def test_without_negatives_the_unknown_counts_as_negative_or_nothing_is_learnt() -> None:
    assert config_for(row_of("methods", "coop"), "0.1") == row_of("methods", "coop").config
    coop = config_for(row_of("methods", "coop"), "single")
    assert coop is not None
    assert coop.loss.name == "assume-negative"
    expected = TRMMLConfig(unknown_as_negative=True)
    assert config_for(row_of("methods", "trmml"), "single") == expected
    assert config_for(row_of("losses", "bce"), "single") is None
    assert config_for(row_of("losses", "splc"), "single") == row_of("losses", "splc").config


def test_labels_are_a_share_or_one_positive() -> None:
    truth = torch.where(torch.rand(200, 5, generator=torch.Generator().manual_seed(0)) < 0.5, 1, -1)
    single = known_labels(truth, "single", seed=0)
    assert {*single.unique().tolist()} == {0, 1}
    assert single.sum(dim=1).max() == 1
    assert not torch.equal(single, known_labels(truth, "single", seed=1))
    assert 0 < (known_labels(truth, "0.1", seed=0) != 0).double().mean() < 0.2


def test_what_is_done_is_not_done_again_and_other_settings_are(
    trained: list[tuple[str, str, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    methods.main(["--only", "coop", "bce", "--seeds", "0", "1"])
    assert trained == [
        *(("coop", "0.1", 0), ("dualcoop", "0.1", 0), ("coop", "0.1", 1), ("dualcoop", "0.1", 1)),
        *(("coop", "single", 0), ("coop", "single", 1)),
    ]
    said = capsys.readouterr().out
    assert "| `coop` | 50.5 ± 0.7 (2 seeds) | 50.5 ± 0.7 (2 seeds) |" in said
    assert "| `bce` | 50.5 ± 0.7 (2 seeds) | |" in said
    assert methods.RESULTS.with_suffix(".md").read_text() in said

    methods.main(["--only", "coop", "bce", "--seeds", "0", "1"])
    assert len(trained) == 6
    stored: dict[str, Any] = json.loads(methods.RESULTS.read_text())
    stored["groups"]["methods"]["coop"]["0.1"]["settings"]["recipe"]["epochs"] = 3
    methods.RESULTS.write_text(json.dumps(stored))
    methods.main(["--only", "coop", "bce", "--seeds", "0", "1"])
    assert trained[6:] == [("coop", "0.1", 0), ("coop", "0.1", 1)]


def test_one_seed_has_no_deviation() -> None:
    cell = {"settings": {}, "map": {"0": 40.0}}
    done = {"groups": {"methods": {"coop": {"0.1": cell, "single": {"settings": {}, "map": {}}}}}}
    assert table(done, "methods").splitlines()[-1] == "| `coop` | 40.0 (1 seed) | |"


def test_the_docs_show_the_committed_figures() -> None:
    done = json.loads(methods.RESULTS.read_text())
    for group in ("methods", "losses"):
        page = (DOCS / "parts" / f"{group}.md").read_text()
        assert table(done, group) in page
        assert "(`python -m benchmarks.methods`" in page


def test_the_committed_figures_are_of_methods_and_losses_that_there_are() -> None:
    done = json.loads(methods.RESULTS.read_text())
    assert {*done["groups"]["methods"]} <= {*METHODS}
    assert {*done["groups"]["losses"]} <= {*LOSSES}
