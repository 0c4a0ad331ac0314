import csv
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.data.benchmark_folders import write_benchmarks
from trmml.data import (
    BrokenImageError,
    ImageTable,
    LabelMask,
    make_mask,
    open_split,
    split_train_validation,
)
from trmml.models import METHODS, LossConfig, TRMMLConfig
from trmml.training import DataConfig, Recipe, RunConfig, RunData, load_run_config, open_run_data
from trmml.training.run.data_checks import (
    check_enough,
    check_present,
    note_copies,
    note_small_data,
)
from trmml.training.run.held_out_labels import check_selection

NAMES = ("cat", "dog", "cow")
SMALL = Recipe(batch_size=4)
ROWS = 200


def write_table(path: Path, labels: np.ndarray, *, prefix: str = "") -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", *NAMES])
        for row, values in enumerate(labels):
            cells = ["" if value == 0 else int(value > 0) for value in values]
            writer.writerow([f"{prefix}{row}.jpg", *cells])
    return path


def full_labels(rows: int = ROWS, *, seed: int = 7) -> np.ndarray:
    return np.where(np.random.RandomState(seed).random_sample((rows, len(NAMES))) < 0.4, 1, -1)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "labels.csv", full_labels())


def run(table: Path, recipe: Recipe = SMALL, **values: Any) -> RunConfig:  # noqa: ANN401
    outer = {key: values.pop(key) for key in ("selection", "model") if key in values}
    return RunConfig(data=DataConfig(path=str(table), **values), recipe=recipe, **outer)


def opened(table: Path, **values: Any) -> RunData:  # noqa: ANN401
    return open_checked(run(table, **values))


def open_checked(config: RunConfig) -> RunData:
    """Open a run's data and check it as a run does."""
    found = open_run_data(
        config.data,
        mean=None,
        std=None,
        unknown_as_negative=config.model.counts_unknown_as_negative,
        uses_unknown=config.model.uses_unknown,
    )
    check_enough(found)
    if config.selection == "validation":
        check_selection(found)
    return found


def rows_of(part: ImageTable) -> list[int]:
    return [int(Path(name).stem) for name in part.names]


def test_the_labels_are_those_of_the_benchmark_before_images_are_set_aside(table: Path) -> None:
    found = opened(table, keep=0.5, validation_share=0.2)
    assert found.validation is not None
    _, whole = open_split(table)
    mask = make_mask(whole, protocol="hcp", keep=0.5, seed=0)
    assert np.array_equal(found.mask.known, mask.known)
    told = mask.apply(whole.labels)
    rows, aside = split_train_validation(ROWS, share=0.2, seed=1200)
    assert (rows_of(found.train), rows_of(found.validation)) == (rows.tolist(), aside.tolist())
    assert torch.equal(found.train.labels, told[torch.from_numpy(rows)])
    assert torch.equal(found.validation.labels, told[torch.from_numpy(aside)])
    assert bool((found.validation.labels == 0).any())


def test_what_is_set_aside_follows_its_own_seed_alone(table: Path) -> None:
    first = opened(table)
    other_run = opened(table, recipe=replace(SMALL, seed=5), keep=0.3, mask_seed=3)
    other_rows = opened(table, validation_seed=1)
    assert first.train.names == other_run.train.names
    assert first.train.names != other_rows.train.names


def test_full_labels_of_the_images_set_aside_come_by_name_alone(table: Path) -> None:
    honest = opened(table, keep=0.3)
    as_largeloss = opened(table, keep=0.3, validation_labels="full")
    assert honest.validation is not None
    assert as_largeloss.validation is not None
    assert bool((as_largeloss.validation.labels != 0).all())
    assert bool((honest.validation.labels == 0).any())
    assert torch.equal(honest.train.labels, as_largeloss.train.labels)


def test_of_single_positives_what_is_unknown_counts_as_negative_in_the_selection(
    table: Path,
) -> None:
    model = TRMMLConfig(unknown_as_negative=True)
    found = opened(table, protocol="spml", model=model, validation_share=0.3)
    assert found.validation is not None
    assert found.validation.labels.dtype == torch.int8
    assert bool((found.validation.labels != 0).all())
    assert bool(((found.validation.labels > 0).sum(1) <= 1).all())
    assert not bool((found.train.labels < 0).any())
    full = opened(
        table, protocol="spml", model=model, validation_share=0.3, validation_labels="full"
    )
    assert full.validation is not None
    assert int((full.validation.labels > 0).sum()) > int((found.validation.labels > 0).sum())


@pytest.mark.parametrize("loss", ["assume-negative", "splc", "asymmetric"])
def test_a_loss_that_learns_from_unknown_labels_is_judged_by_them_where_no_negative_is_known(
    loss: str, table: Path
) -> None:
    model = METHODS["coop"].Model.Config(loss=LossConfig(loss))
    assert model.uses_unknown == (loss != "asymmetric")
    if not model.uses_unknown:
        with pytest.raises(ValueError, match="such as assume-negative"):
            opened(table, protocol="spml", model=model, validation_share=0.3)
        return
    ours = TRMMLConfig(unknown_as_negative=True)
    found = opened(table, protocol="spml", model=model, validation_share=0.3)
    as_ours = opened(table, protocol="spml", model=ours, validation_share=0.3)
    assert found.settings() == as_ours.settings()
    # Where negatives are known, they are what it is judged by.
    some = opened(table, keep=0.3, model=model, validation_share=0.3)
    bare = opened(table, keep=0.3, validation_share=0.3)
    assert some.settings() == bare.settings()


def test_with_positives_alone_there_is_nothing_to_select_on(table: Path) -> None:
    with pytest.raises(ValueError, match="No category has a known positive and a known negative"):
        opened(table, protocol="spml")
    assert opened(table, protocol="spml", selection="last").validation is not None


def test_a_label_file_takes_the_place_of_a_draw(table: Path, tmp_path: Path) -> None:
    file = tmp_path / "half.mask"
    _, whole = open_split(table)
    make_mask(whole, protocol="exact", keep=0.5, seed=4).save(file)
    read = opened(table, label_file=str(file))
    drawn = opened(table, keep=0.5, protocol="exact", mask_seed=4)
    assert torch.equal(read.train.labels, drawn.train.labels)
    assert read.mask.sha256 == drawn.mask.sha256
    assert read.mask.sha256 != opened(table, keep=0.5).mask.sha256


def test_a_label_file_of_another_dataset_is_refused(table: Path, tmp_path: Path) -> None:
    file = tmp_path / "other.mask"
    other = write_table(tmp_path / "other.csv", full_labels(), prefix="other")
    make_mask(open_split(other)[1], protocol="exact", keep=0.5).save(file)
    with pytest.raises(ValueError, match=r"other.mask: made for another dataset; `names` must"):
        opened(table, label_file=str(file))
    _, whole = open_split(table)
    renamed = replace(LabelMask.load(file), names_sha256="", class_names=("a", "b", "c"))
    renamed.save(file)
    with pytest.raises(ValueError, match="with the categories a, b, c; this one has cat, dog, cow"):
        opened(table, label_file=str(file))
    replace(renamed, class_names=whole.class_names).save(file)
    assert opened(table, label_file=str(file)).mask.share == pytest.approx(0.5)


def test_labels_as_they_came_are_a_mask_too(tmp_path: Path) -> None:
    labels = full_labels() * (np.random.RandomState(1).random_sample((ROWS, 3)) < 0.6)
    table = write_table(tmp_path / "partly.csv", labels)
    found = opened(table)
    assert found.mask.protocol == "as labelled"
    assert np.array_equal(found.mask.known, labels != 0)


def test_images_are_augmented_for_training_alone(table: Path, tmp_path: Path) -> None:
    pixels = np.random.RandomState(0).randint(0, 255, (40, 60, 3), dtype=np.uint8)
    for name in (*map(str, range(ROWS)), "test0"):
        Image.fromarray(pixels).save(tmp_path / f"{name}.jpg")
    config = run(
        table,
        image_size=32,
        test_path=str(write_table(tmp_path / "test.csv", full_labels(4), prefix="test")),
    )
    found = open_run_data(config.data, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    assert found.validation is not None
    assert found.test is not None
    still = [part[0][0] for part in (found.validation, found.test) for _ in range(2)]
    still.append(found.train.replace(transform=found.plain_transform)[0][0])
    for image in still:
        assert image.shape == (3, 32, 32)
        assert torch.equal(image, still[0])
    assert len({found.train[0][0].sum().item() for _ in range(4)}) > 1
    unscaled = open_run_data(config.data, mean=None, std=None).validation
    assert unscaled is not None
    torch.testing.assert_close((unscaled[0][0] - 0.5) / 0.25, still[0])


def test_a_broken_image_ends_the_run_or_is_replaced(table: Path, tmp_path: Path) -> None:
    for row in range(ROWS):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{row}.jpg")
    train = opened(table, image_size=8).train
    (tmp_path / train.names[0]).write_text("no image")
    with pytest.raises(BrokenImageError):
        train[0]
    assert opened(table, image_size=8, broken="replace").train[0][0].shape == (3, 8, 8)


def test_prompts_may_have_names_of_their_own(table: Path) -> None:
    found = opened(table, class_names=("a cat", "a dog", "a cow"), keep=0.5)
    assert found.class_names == ("a cat", "a dog", "a cow") == found.train.class_names
    assert found.mask.sha256 == opened(table, keep=0.5).mask.sha256
    assert opened(table).class_names == NAMES
    with pytest.raises(ValueError, match="a name for each of the 3 categories, got 2"):
        opened(table, class_names=("a", "b"))


def test_nothing_is_set_aside_where_nothing_is_asked_for(table: Path) -> None:
    found = opened(table, validation_share=0.0, selection="last")
    assert found.validation is None
    assert len(found.train) == ROWS
    assert found.test is None


def test_a_test_table_of_its_own(table: Path, tmp_path: Path) -> None:
    other = write_table(tmp_path / "test.csv", full_labels(7), prefix="other")
    found = opened(table, test_path=str(other), class_names=("x", "y", "z"))
    assert found.test is not None
    assert len(found.test) == 7
    assert found.test.class_names == ("x", "y", "z")


def test_a_test_split_that_was_trained_on_is_refused(table: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no image of the training split, got 200, such as"):
        opened(table, test_split="labels.csv")
    mixed = write_table(tmp_path / "test.csv", full_labels(3))
    with pytest.raises(ValueError, match="no image of the training split, got 3"):
        opened(table, test_path=str(mixed))


def test_a_test_image_is_known_by_any_path(table: Path, tmp_path: Path) -> None:
    """The same files under absolute paths and through a link."""
    (tmp_path / "link").symlink_to(tmp_path)
    for row in range(3):
        (tmp_path / f"{row}.jpg").touch()
    for prefix in (f"{tmp_path}/", "link/"):
        other = write_table(tmp_path / "test.csv", full_labels(3), prefix=prefix)
        with pytest.raises(ValueError, match="no image of the training split, got 3"):
            opened(table, test_path=str(other))


def test_missing_images_are_told_before_the_first_step(
    table: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for row in range(ROWS):
        (tmp_path / f"{row}.jpg").touch()
    check_present(opened(table))
    other = write_table(tmp_path / "test.csv", full_labels(4), prefix="other")
    with pytest.raises(ValueError, match=r"4 of 4 test images are not there: .*other0\.jpg"):
        check_present(opened(table, test_path=str(other)))
    with caplog.at_level(logging.WARNING):
        check_present(opened(table, test_path=str(other), broken="replace"))
    assert "4 of 4 test images are not there" in caplog.text


def test_a_test_split_of_other_categories_is_refused(table: Path, tmp_path: Path) -> None:
    other = write_table(tmp_path / "test.csv", full_labels(3), prefix="other")
    other.write_text(other.read_text().replace("cat,dog", "dog,cat"))
    with pytest.raises(ValueError, match="in their order, cat, dog, cow, got dog, cat, cow"):
        opened(table, test_path=str(other))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": None}, "`data.path` must say where the dataset lies, got null"),
        ({"keep": (0.1, 0.2)}, r"`data.keep` must be one share here, got \[0.1, 0.2\]"),
        ({"train_split": "x"}, r"`data\.train_split` must be one of 'labels.csv', got 'x'"),
        ({"path": "nowhere"}, "nowhere: there is nothing; check the path"),
        ({"keep": 0.0}, "no label is known, so nothing can be learnt"),
        ({"validation_share": 0.001}, "leaves none of 200 images to select on"),
        ({"label_file": "gone.mask"}, "gone.mask: the file does not exist"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(
    table: Path, change: dict[str, Any], message: str
) -> None:
    config = run(table)
    config = replace(config, data=replace(config.data, **change))
    with pytest.raises(ValueError, match=message):
        open_checked(config)


def test_one_image_is_too_few(tmp_path: Path) -> None:
    table = write_table(tmp_path / "one.csv", full_labels(1))
    with pytest.raises(ValueError, match="at least 2 images, got 1; add some"):
        opened(table, recipe=Recipe(batch_size=1), selection="last")


@pytest.mark.parametrize(("batch_size", "told"), [(100, False), (101, True)])
def test_a_batch_of_more_than_there_is_is_told(
    table: Path, batch_size: int, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    found = opened(table)
    note_small_data(replace(found, train=found.train.select(range(100))), batch_size)
    text = "a batch of 101 is more than the 100 images to learn from; each step takes all of them"
    assert (text in caplog.text) == told


def test_a_category_without_positives_is_named_but_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    labels = full_labels()
    labels[:, 1] = -1
    table = write_table(tmp_path / "labels.csv", labels)
    with caplog.at_level(logging.WARNING):
        opened(table)
    assert caplog.messages == [
        "1 of 3 categories have no known positive image to learn from: dog",
    ]


def test_all_is_well_without_a_warning(table: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        opened(table)
    assert caplog.messages == []


BENCHMARKS = {
    "table1/coco2014-0.5": "COCO",
    "table1/voc2007-0.5": "VOCdevkit/VOC2007",
    "table1/vg200-0.5": "VG",
    "table2/largeloss-coco2014": "COCO",
    "table2/largeloss-voc2012": "VOCdevkit/VOC2012",
    "table2/largeloss-nus-wide": "NUS-SPML",
    "table2/largeloss-cub": "CUB_200_2011",
    "table2/splc-coco2014": "COCO",
    "table2/splc-voc2012": "VOCdevkit/VOC2012",
    "table2/splc-nus-wide": "NUS-ASL",
    "table2/splc-cub": "CUB_200_2011",
}


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmarks")
    write_benchmarks(folder)
    return folder


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_is_opened_by_its_file(
    name: str, benchmarks: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = load_run_config(
        name,
        [f"data.path={benchmarks / BENCHMARKS[name]}", "recipe.batch_size=1", "selection=last"],
    )
    found = open_run_data(config.data, mean=None, std=None)
    assert found.test is not None
    assert len(found.train) >= 2
    assert found.train[0][0].shape == (3, 448, 448)
    if name.startswith("table2/"):
        assert bool(((found.train.labels > 0).sum(1) <= 1).all())
        assert not bool((found.train.labels < 0).any())


def test_largeloss_sets_aside_the_images_that_largeloss_does(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = full_labels(5717)
    large = write_table(tmp_path / "voc2012.csv", labels)
    config = load_run_config("table2/largeloss-voc2012")
    data = replace(config.data, path=str(large), train_split=None, test_split=None)
    found = open_run_data(data, mean=None, std=None)
    assert found.validation is not None
    assert (len(found.train), len(found.validation)) == (4574, 1143)
    assert rows_of(found.validation)[:5] == [5, 6, 11, 15, 22]


def test_what_a_table_leaves_open_is_said_by_the_configuration(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("image,cat,dog\n" + "".join(f"{row}.jpg,1,\n" for row in range(20)))
    with pytest.raises(ValueError, match=r"--read blank=negative"):
        open_run_data(DataConfig(path=str(table)), mean=None, std=None)
    config = load_run_config("voc2007", [f"data.path={table}", "data.read.blank=negative"])
    data = replace(config.data, train_split=None, test_split=None)
    assert (open_run_data(data, mean=None, std=None).train.labels[:, 1] == -1).all()
    test = tmp_path / "test.csv"
    test.write_text("image,cat,dog\n" + "".join(f"t{row}.jpg,1,0\n" for row in range(9)))
    asked = replace(data, test_path=str(test))
    assert open_run_data(asked, mean=None, std=None).test is not None
    with pytest.raises(ValueError, match=r"did you mean `data\.read\.blank`"):
        load_run_config("voc2007", ["data.read.blnk=negative"])


def test_copies_among_the_images_to_be_judged_on_are_noted(tmp_path, caplog):
    table = write_table(tmp_path / "labels.csv", full_labels(20))
    for row in range(20):
        (tmp_path / f"{row}.jpg").write_bytes(f"picture {row}".encode())
    (tmp_path / "test").mkdir()
    shutil.copy(tmp_path / "3.jpg", tmp_path / "test" / "copy.jpg")
    test = tmp_path / "test.csv"
    test.write_text("image,cat,dog,cow\ntest/copy.jpg,1,0,1\n")
    config = DataConfig(
        path=str(table), test_path=str(test), images=str(tmp_path), validation_share=0.0
    )
    data = open_run_data(config, mean=None, std=None)
    with caplog.at_level(logging.WARNING):
        note_copies(data)
    assert "1 test images are copies of training images, such as" in caplog.text
    assert f"{tmp_path / 'test' / 'copy.jpg'} of {tmp_path / '3.jpg'}" in caplog.text
