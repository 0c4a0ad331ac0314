"""What is normalised where it is sent is what the pipeline would have made, to the last bit."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from tests.other_device import other_device
from tests.training.coloured_squares import write_squares
from tests.training.feature_cache.small_cache import cache_of
from tests.waits import Waits
from trmml.data import ImageTable, load_table
from trmml.data.late_normalisation import LateNormalisation, without_normalisation
from trmml.data.transforms import CLIP_MEAN, CLIP_STD, TRANSFORM_RECIPES, build_transform
from trmml.data.transforms.recipes import TransformRecipe
from trmml.models import Batch
from trmml.training import ImageSource, SeededImages

SIZE = 40


def table_of(folder: Path, transform: object) -> ImageTable:
    path = write_squares(folder, 6)
    return load_table(path, folder / "photos").replace(transform=transform)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("recipe", TRANSFORM_RECIPES)
@pytest.mark.parametrize(("mean", "std"), [(CLIP_MEAN, CLIP_STD), (None, None)])
def test_every_recipe_is_what_it_was(
    tmp_path: Path,
    recipe: TransformRecipe,
    train: bool,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
) -> None:
    transform = build_transform(recipe, train=train, size=SIZE, mean=mean, std=std)
    whole = table_of(tmp_path, transform)
    early, finish = without_normalisation(whole)
    assert finish is not None
    for row in range(len(whole)):
        pixels, _ = SeededImages(early, seed=1).read(row, 3)
        expected, _ = SeededImages(whole, seed=1).read(row, 3)
        assert pixels.dtype == torch.uint8
        assert torch.equal(finish(pixels[None])[0], expected)


def test_every_value_is_torchvisions() -> None:
    values = torch.arange(256, dtype=torch.uint8).expand(3, 1, 256).contiguous()
    steps = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(list(CLIP_MEAN), list(CLIP_STD))]
    assert torch.equal(LateNormalisation(CLIP_MEAN, CLIP_STD)(values), v2.Compose(steps)(values))
    assert torch.equal(LateNormalisation(None, None)(values), steps[0](values))


def plain(image: Image.Image) -> Tensor:
    return v2.functional.pil_to_tensor(image).float()


OTHERS: dict[str, Callable[[], object]] = {
    "no transform": lambda: None,
    "a function": lambda: plain,
    "another order": lambda: v2.Compose(
        [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Resize(8)]
    ),
    "not scaled": lambda: v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32)]),
    "another dtype": lambda: v2.Compose([v2.ToImage(), v2.ToDtype(torch.float64, scale=True)]),
    "one step": lambda: v2.Compose([v2.ToImage()]),
    "only normalised": lambda: v2.Compose([plain, v2.Normalize([0.5] * 3, [0.5] * 3)]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_pipelines_are_left_alone(tmp_path: Path, name: str) -> None:
    table = table_of(tmp_path, OTHERS[name]())
    early, finish = without_normalisation(table)
    assert early is table
    assert finish is None


def test_what_is_broken_is_known_to_the_table(tmp_path: Path) -> None:
    transform = build_transform(train=False, size=SIZE, mean=None, std=None)
    table = table_of(tmp_path, transform).replace(broken="replace")
    table.paths[2].write_bytes(b"")
    early, _ = without_normalisation(table)
    assert early.read(2)[1] == 3
    assert table.transform is transform
    assert "0002.png" in str(*table.broken_files())


@pytest.mark.parametrize("num_workers", [0, 2])
def test_batches_are_finished_where_they_are_sent(tmp_path: Path, num_workers: int) -> None:
    transform = build_transform(train=True, size=SIZE, mean=CLIP_MEAN, std=CLIP_STD)
    table = table_of(tmp_path, transform)
    parts = [torch.tensor([4, 1]), torch.tensor([], dtype=torch.long)]

    def batches(*, finished: bool) -> list[Batch]:
        source = ImageSource(
            table, seed=0, image_size=(SIZE, SIZE), num_workers=num_workers, finished=finished
        )
        return list(source.batches(parts, epoch=1))

    for one, other in zip(batches(finished=True), batches(finished=False), strict=True):
        assert one.inputs.dtype == torch.float32
        assert one.finish is None
        assert other.inputs.dtype == torch.uint8
        assert torch.equal(other.to(torch.device("cpu")).inputs, one.inputs)
        with other_device() as device:
            other.to(device)  # once, to send the numbers
            with Waits() as waits:
                sent = other.to(device)
            assert waits.total == 0, waits.table()
            assert torch.equal(sent.inputs.cpu(), one.inputs)


def test_a_cache_is_filled_from_8_bit_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[torch.dtype] = []
    usual = LateNormalisation.__call__

    def noting(self: LateNormalisation, pixels: Tensor) -> Tensor:
        sent.append(pixels.dtype)
        return usual(self, pixels)

    monkeypatch.setattr(LateNormalisation, "__call__", noting)
    assert cache_of(tmp_path).fill()
    assert set(sent) == {torch.uint8}
