import pytest
import torch

from tests.prediction.photographs import OWN_METHOD, own_model, small_model
from trmml.models import TRMML, load_task
from trmml.prediction import choose_device, open_model


def test_a_model_is_opened_in_eval_mode_where_it_should_work(tmp_path):
    small_model().save_pretrained(tmp_path / "run" / "best")
    model = open_model(tmp_path / "run" / "best", device="cpu")
    assert not model.training
    assert model.device.type == "cpu"
    with pytest.raises(FileNotFoundError, match=r"no saved model is there; did you mean .*best"):
        open_model(tmp_path / "run")
    with pytest.raises(FileNotFoundError, match="no saved model is there; check the path"):
        open_model(tmp_path)


def test_a_model_is_opened_by_its_name_on_the_hub(hub, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    model = small_model()
    model.push_to_hub("user/name", token="t")
    assert open_model("user/name", device="cpu").class_names == model.class_names
    with pytest.raises(FileNotFoundError, match="neither a folder here nor a repository"):
        open_model("user/nome")
    before = len(hub.requests)
    (tmp_path / "user").mkdir()  # a slip in one's own folder is not asked for elsewhere
    with pytest.raises(FileNotFoundError, match="no saved model is there"):
        open_model("user/name")
    assert len(hub.requests) == before


def test_a_method_from_elsewhere_is_opened_by_its_task(tmp_path):
    own_model().save_pretrained(tmp_path / "own")
    task = load_task(OWN_METHOD)
    assert isinstance(open_model(tmp_path / "own", device="cpu", task=task), task.Model)
    with pytest.raises(ValueError, match=r"'linear-head', which is not .*--task my_file.py:MyTask"):
        open_model(tmp_path / "own")
    small_model().save_pretrained(tmp_path / "known")  # a task beside it does no harm
    assert isinstance(open_model(tmp_path / "known", device="cpu", task=task), TRMML)
    card = tmp_path / "own" / "config.json"
    card.write_text(card.read_text().replace('"method": "linear-head"', '"method": "another"'))
    with pytest.raises(ValueError, match=r"'another'.*, and LinearHeadTask is of 'linear-head'"):
        open_model(tmp_path / "own", task=task)


def test_a_gpu_is_chosen_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device().type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device().type == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device().type == "cpu"


@pytest.mark.parametrize("name", ["abacus", "cuda:77", ""])
def test_a_device_that_is_not_there_is_refused(name):
    with pytest.raises(ValueError, match="`device` must be one of this machine, got"):
        choose_device(name)
