import re
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard, constants
from PIL import Image

from tests.models.loopback_hub import loopback_hub
from tests.random_clip import random_pair
from trmml.encoders import load_tiny
from trmml.models import TRMML, TRMMLConfig

NAMES = ["tree", ["boat", "ship"]]
FILES = {"README.md", "config.json", "model.safetensors"}
IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def small(seed: int = 0, *, config: TRMMLConfig | None = None) -> TRMML:
    generator = torch.Generator().manual_seed(seed)
    pair = random_pair()
    return TRMML(pair, NAMES, config=config, image_size=64, generator=generator).eval()


def load(name: str | Path, **options) -> TRMML:
    return TRMML.from_pretrained(name, encoders=random_pair(), **options)


def test_what_is_pushed_is_what_is_loaded(hub):
    model = small()
    model.decision_thresholds = [0.25, 0.75]
    address = model.push_to_hub("user/name", token="t")
    (files,) = hub.commits["user/name"]
    assert set(files) == FILES
    assert address.startswith(f"{hub.address}/user/name/commit/")
    again = load("user/name")
    assert not again.training
    assert torch.equal(again.predict(IMAGES), model.predict(IMAGES))
    assert again.class_names.plain == NAMES
    assert again.decision_thresholds == [0.25, 0.75]
    asked = {request.rsplit("/", 1)[-1] for request in hub.requests if request.startswith("GET")}
    assert "README.md" not in asked


def test_a_revision_is_that_revision(hub):
    first, second = small(1), small(2)
    oid = first.push_to_hub("user/name", token="t").rsplit("/", 1)[-1]
    second.push_to_hub("user/name", token="t", commit_message="Train again")
    assert torch.equal(load("user/name", revision=oid).predict(IMAGES), first.predict(IMAGES))
    assert torch.equal(load("user/name").predict(IMAGES), second.predict(IMAGES))
    with pytest.raises(FileNotFoundError, match=r"user/name on the Hub has no revision 'v9'\."):
        load("user/name", revision="v9")


def test_the_cache_serves_where_there_is_no_network(hub, tmp_path):
    model = small()
    model.push_to_hub("user/name", token="t")
    load("user/name")
    before = len(hub.requests)
    again = load("user/name", local_files_only=True)
    assert torch.equal(again.predict(IMAGES), model.predict(IMAGES))
    assert len(hub.requests) == before
    with pytest.raises(FileNotFoundError, match="neither a folder here nor in the cache"):
        load("user/name", local_files_only=True, cache_dir=tmp_path / "other")


def test_without_a_network_the_line_says_so(monkeypatch, tmp_path):
    with loopback_hub() as server:
        closed = server.address
    monkeypatch.setattr(constants, "ENDPOINT", closed)
    with pytest.raises(FileNotFoundError, match="the Hub cannot be reached"):
        load("user/name", cache_dir=tmp_path)
    with pytest.raises(ConnectionError, match="the Hub did not take the call for user/name"):
        small().push_to_hub("user/name", token="t")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b[:-7], r"model\.safetensors must be a whole safetensors file"),
        (lambda b: b[:-1] + bytes([b[-1] ^ 1]), r"must have the checksum in config\.json"),
    ],
)
def test_a_truncated_or_changed_download_is_refused(hub, change, message):
    small().push_to_hub("user/name", token="t")
    files = hub.commits["user/name"][0]
    files["model.safetensors"] = change(files["model.safetensors"])
    with pytest.raises(ValueError, match=message):
        load("user/name")


def test_a_repository_of_something_else_is_refused(hub):
    hub.commits["user/name"] = [{"pytorch_model.bin": b"x"}]
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors is missing"):
        load("user/name")


def test_who_may_not_read_is_told(hub):
    with pytest.raises(FileNotFoundError, match="neither a folder here nor a repository"):
        load("user/absent")
    hub.gated.add("user/gated")
    with pytest.raises(PermissionError, match="user/gated is open only to those who were let in"):
        load("user/gated")


def test_who_may_not_write_is_told(hub):
    hub.read_only = True
    with pytest.raises(PermissionError, match="the Hub did not take the call for user/name: "):
        small().push_to_hub("user/name", token="t")
    with pytest.raises(ValueError, match="must be a repository such as 'user/name', got 'a/b/c'"):
        small().push_to_hub("a/b/c")


def test_a_folder_here_comes_first_and_a_path_is_always_one(hub, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    small().save_pretrained("user/name")
    assert load("user/name").class_names.plain == NAMES
    with pytest.raises(FileNotFoundError, match="is missing"):
        load(Path("user/other"))
    with pytest.raises(FileNotFoundError, match="is missing"):
        load("nowhere")
    assert hub.requests == []


def test_a_misspelt_argument_is_refused(tmp_path):
    small().save_pretrained(tmp_path)
    with pytest.raises(TypeError, match="unexpected keyword argument 'encoder'"):
        TRMML.from_pretrained(tmp_path, encoder=random_pair())


def test_the_card_has_a_front_matter_and_the_facts(tmp_path):
    config = TRMMLConfig(contrastive=False, context_length=8)
    model = small(config=config)
    report = {"mean_average_precision": 0.8125, "at_half": {"CF1": 0.7}, "worst": float("nan")}
    text = model.model_card(repo_id="user/name", license="cc-by-4.0", report=report)
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    read = ModelCard.load(tmp_path / "README.md")
    matter = read.data.to_dict()
    assert {"multi-label", "trmml"} <= set(matter.pop("tags"))
    assert matter == {
        "library_name": "trmml",
        "pipeline_tag": "image-classification",
        "license": "cc-by-4.0",
        "metrics": ["mean_average_precision"],
    }
    for line in (
        "tree; boat, ship.",
        "| mean average precision | 0.8125 |",
        "| at half CF1 | 0.7 |",
        "- Settings other than the defaults: `contrastive` = False, `context_length` = 8.",
        "- License of the weights: cc-by-4.0.",
        'TRMML.from_pretrained("user/name", encoders=...)',
    ):
        assert line in read.text
    assert "nan" not in read.text


def test_the_card_does_not_claim_what_nobody_said():
    model = small()
    text = model.model_card()
    assert "license:" not in text
    assert "metrics:" not in text
    assert "License of the weights: not stated" in text
    assert "## Figures\n\nNone were given." in text
    assert "Settings other than the defaults: none." in text
    assert "No decision thresholds were calibrated" in text
    model.decision_thresholds = [0.5, 0.5]
    assert "No decision thresholds were calibrated" not in model.model_card()


def test_the_code_in_the_card_runs(hub, monkeypatch, tmp_path, capsys):
    model = TRMML(load_tiny(), NAMES, image_size=64).eval()
    model.push_to_hub("user/name", token="t")
    card = hub.commits["user/name"][0]["README.md"].decode()
    assert "never seen a photograph" in card
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (80, 60), "green").save("photo.jpg")
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    exec(code, {})
    assert re.fullmatch(r"tree 0\.\d+\nboat 0\.\d+\n", capsys.readouterr().out)
