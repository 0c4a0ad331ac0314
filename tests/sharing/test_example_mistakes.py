"""The script that predicts without this library says in one line what is wrong."""

import json
import os
import runpy
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("onnxruntime")

EXAMPLE = Path(__file__).parents[2] / "examples" / "predict_without_trmml.py"
CARD = {"class_names": ["cat", "dog"], "image_size": 8, "decision_thresholds": None}


class Session:
    """Stands for an exported model."""

    scores = np.array([[0.9, 0.2]])

    def __init__(self, path: str, **_options: object) -> None:
        self.metadata = {"trmml": json.dumps(CARD)} if "foreign" not in path else {}

    def get_modelmeta(self) -> SimpleNamespace:
        return SimpleNamespace(custom_metadata_map=self.metadata)

    def run(self, _names: list[str], _inputs: dict[str, Any]) -> list[np.ndarray]:
        return [self.scores]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = spec_from_file_location("predict_without_trmml", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)
    Path("tags.onnx").touch()
    Path("foreign.onnx").touch()
    Image.new("RGB", (9, 5)).save("photo.png")
    return module


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_what_cannot_be_read_is_told_and_the_rest_is_named(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "InferenceSession", Session)
    Path("broken.jpg").write_bytes(b"%!PS-Adobe-3.0")
    os.mkfifo("pipe.jpg")
    assert script.main("tags.onnx", "none.jpg", "broken.jpg", "pipe.jpg", "photo.png") == 1
    told = capsys.readouterr()
    assert told.out == "photo.png: cat 0.9000\n"
    lines = told.err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["none.jpg", "broken.jpg", "pipe.jpg"]
    assert all("cannot be read" in line for line in lines)
    assert script.main("tags.onnx", "photo.png") == 0


def test_a_score_that_is_no_number_is_never_nothing(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "InferenceSession", Session)
    monkeypatch.setattr(Session, "scores", np.array([[0.9, np.nan]]))
    with pytest.raises(SystemExit, match=r"tags\.onnx: a score of photo\.png is no number"):
        script.main("tags.onnx", "photo.png")


@pytest.mark.parametrize("model", ["none.onnx", "foreign.onnx", "damaged.onnx"])
def test_what_is_no_model_is_told(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    if model == "damaged.onnx":  # ONNX Runtime itself looks at it
        Path(model).write_bytes(b"no model")
    else:
        monkeypatch.setattr(script, "InferenceSession", Session)
    with pytest.raises(SystemExit) as caught:
        script.main(model, "photo.png")
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"{model}: no model to predict with: ")


def test_a_model_alone_is_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["predict_without_trmml.py", "tags.onnx"])
    with pytest.raises(SystemExit, match="at least one photograph"):
        runpy.run_path(str(EXAMPLE), run_name="__main__")
