"""Everything that computes, on a device other than the CPU: nothing may stay behind or mix."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

from tests.other_device import other_device
from tests.prediction.photographs import NAMES, small_model, table_of, write_pictures
from tests.training.squares_run import cached, squares_config
from trmml.encoders import load_tiny
from trmml.models import ABLATIONS, METHODS, PROTOTYPE_ABLATIONS, TRMML, TRMMLConfig
from trmml.page import PhotoInspector
from trmml.prediction import draw_heatmaps, propose_labels, tag_images
from trmml.training import run_training


def test_the_device_refuses_what_a_gpu_would():
    with other_device() as device:
        here, there = torch.ones(3), torch.ones(3, device=device)
        assert there.device == device
        assert (there + here.sum()).cpu().tolist() == [4.0] * 3  # without dimensions: allowed
        assert there[torch.tensor([0])].device == device
        with pytest.raises(RuntimeError, match="tensors of two devices"):
            torch.add(there, here)
        with pytest.raises(RuntimeError, match="tensors of two devices"):
            here.copy_(here[torch.zeros(1, dtype=torch.long, device=device)])


def test_the_device_may_be_without_doubles():
    with other_device(doubles=False) as device:
        there = torch.ones(3, device=device)
        assert there.cpu().double().sum() == 3
        with pytest.raises(TypeError, match=r"makes torch.float64, which the device has not"):
            there.double()
    with other_device() as device:
        assert torch.ones(3, device=device).double().dtype == torch.float64


@pytest.mark.parametrize("method", METHODS)
def test_every_method_predicts_without_doubles_as_on_the_cpu(method: str, tmp_path: Path):
    paths = [tmp_path / name for name in write_pictures(tmp_path, 2)]
    task = METHODS[method].build(
        load_tiny(),
        NAMES,
        config=METHODS[method].Model.Config.from_dict({"method": method}),
        image_size=64,
        generator=torch.Generator().manual_seed(0),
    )
    model = task.model.eval()
    expected = model.predict(paths)
    with other_device(doubles=False) as device:
        found = model.to(device).predict(paths).cpu()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


CONFIGS = {
    **ABLATIONS,
    **{f"prototypes {name}": config for name, config in PROTOTYPE_ABLATIONS.items()},
    "shared contexts, in chunks": TRMMLConfig(class_specific=False, text_chunk_size=2),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_steps_are_those_of_the_cpu(name: str):
    def steps(device: str | torch.device) -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(0)
        model = TRMML(load_tiny(), NAMES, config=CONFIGS[name], image_size=64, generator=generator)
        model = model.to(device).train()
        images = torch.randn(6, 3, 64, 64, generator=generator).to(device)
        labels = torch.randint(-1, 2, (6, len(NAMES)), generator=generator).to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
        classes = torch.tensor([2, 0], device=device)
        model.calibrate(model.image_encoder.encode_dense(images)[0])
        for stage in (1, 2):
            if stage == 2 and model.prototypes is not None:
                model.begin_second_stage()
            for chosen in (None, classes):
                optimizer.zero_grad()
                losses = model.loss(model(images, classes=chosen), labels)
                losses.total.backward()
                optimizer.step()
        return [value.detach().cpu() for value in (*losses, *model.state_dict().values())]

    expected = steps("cpu")
    with other_device() as device:
        found = steps(device)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5, equal_nan=True)


# torch thinks that nothing can be copied to the device that stands in here
@pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter:UserWarning")
def test_a_run_is_that_of_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    config = squares_config(tmp_path)
    config = replace(config, recipe=replace(config.recipe, epochs=2))
    run_training(replace(config, cache=cached(tmp_path / "here")), tmp_path / "cpu")
    with other_device() as device:
        monkeypatch.setattr(Accelerator, "device", device)
        run_training(replace(config, cache=cached(tmp_path / "away")), tmp_path / "there")
    expected, found = (
        [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("cpu", "there")
    )
    assert len(found) == config.recipe.epochs
    for one, other in zip(expected, found, strict=True):
        assert other["losses"] == pytest.approx(one["losses"], rel=1e-3)
        assert other["validation"] == pytest.approx(one["validation"], abs=1e-6)


def test_what_a_trained_model_is_for(tmp_path: Path):
    names = write_pictures(tmp_path / "photos", 5)
    table = table_of(tmp_path / "photos", names)
    paths = [tmp_path / "photos" / name for name in names]

    def answers(model: TRMML) -> list[tuple[str, float]]:
        """Return everything a model is asked for, as names and numbers."""
        page = PhotoInspector(model)
        look = page.inspect(paths[0])
        proposed = propose_labels(model, table, min_confidence=0.5)
        (tmp_path / "drawn").mkdir(exist_ok=True)
        assert len(list(draw_heatmaps(model, paths[:1], tmp_path / "drawn", top_k=1))) == 1
        return [
            *((tag.name, tag.probability) for one in tag_images(model, paths) for tag in one.tags),
            *((one.image, one.probability) for one in proposed),
            *((tag.name, tag.probability) for tag in look.tags),
            ("kite", page.find(look, "kite").cosine),
        ]

    expected = answers(small_model())
    with other_device(doubles=False) as device:
        found = answers(copy.deepcopy(small_model()).to(device))
    assert [name for name, _ in found] == [name for name, _ in expected]
    assert [value for _, value in found] == pytest.approx([value for _, value in expected])
