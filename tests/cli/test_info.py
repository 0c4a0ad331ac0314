import json

import torch

import trmml
from tests.prediction.photographs import NAMES, small_model
from trmml.data import LabelMask
from trmml.models import LossConfig, TRMMLConfig


def test_what_is_installed(run):
    status, out, _ = run("info", "--json")
    assert status == 0
    found = json.loads(out)
    assert found["trmml"] == trmml.__version__
    assert found["libraries"]["torch"] == torch.__version__.split("+")[0]
    assert "cpu" in found["devices"]
    assert found["extras"]["train"] == "installed"
    assert f"trmml      {trmml.__version__}" in run("info")[1]


def test_a_missing_library_of_an_extra_is_named(run, monkeypatch):
    from trmml.prediction import inspection

    installed = inspection._installed
    monkeypatch.setattr(
        inspection, "_installed", lambda name: None if name == "matplotlib" else installed(name)
    )
    assert json.loads(run("info", "--json")[1])["extras"]["train"] == "lacks matplotlib"


def test_a_saved_model(home, run):
    model = small_model(config=TRMMLConfig(loss=LossConfig("asymmetric", {"gamma_neg": 3.0})))
    model.decision_thresholds = [0.25, 0.5, 0.75]
    model.save_pretrained("model")
    found = json.loads(run("info", "model", "--json")[1])
    assert found["class_names"] == NAMES
    assert found["encoders"]["family"] == "tiny"
    assert {*found["fingerprints"]} == {"image", "text"}
    assert found["method"] == "trmml"
    loss = {"name": "asymmetric", "settings": {"gamma_neg": 3.0}}
    assert found["config_changed"] == {"loss": loss}
    assert found["thresholds"] == {"sea": 0.25, "sunset, red": 0.5, "Bäume": 0.75}
    assert found["bytes"] == sum(path.stat().st_size for path in (home / "model").iterdir())
    assert found["image_size"] == 64
    text = run("info", "model")[1]
    assert "gamma_neg 3" in text
    assert "training_state  no" in text


def test_a_label_file(home, run):
    run("data", "hide", "labels.csv", "--images", "photos", "--keep", 0.5, "--out", "half.mask")
    mask = LabelMask.load("half.mask")
    found = json.loads(run("info", "half.mask", "--json")[1])
    assert (found["protocol"], found["seed"], found["keep"]) == ("hcp", 0, 0.5)
    assert (found["rows"], found["classes"], found["share"]) == (7, 3, mask.share)
    assert found["labels_sha256"] == mask.labels_sha256 != ""
    assert "\nseed           0\n" in run("info", "half.mask")[1]


def test_what_is_neither_ends_with_2(home, run):
    for path, message in (
        ("nothing", "nothing: there is nothing"),
        ("photos", "model.safetensors is missing"),
        ("labels.csv", "no label mask"),
    ):
        status, out, err = run("info", path)
        assert (status, out) == (2, "")
        assert message in err
