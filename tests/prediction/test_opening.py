import pytest
import torch

from tests.prediction.photographs import small_model
from trmml.prediction import choose_device, open_model


def test_a_model_is_opened_in_eval_mode_where_it_should_work(tmp_path):
    small_model().save_pretrained(tmp_path / "run" / "best")
    model = open_model(tmp_path / "run" / "best", device="cpu")
    assert not model.training
    assert model.log_temperature.device.type == "cpu"
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


def test_a_gpu_is_chosen_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device().type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device().type == "cpu"


@pytest.mark.parametrize("name", ["abacus", "cuda:77", ""])
def test_a_device_that_is_not_there_is_refused(name):
    with pytest.raises(ValueError, match="`device` must be one of this machine, got"):
        choose_device(name)
