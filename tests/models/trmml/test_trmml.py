import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tests.models.fixed_features import BATCH, CLASSES, GRID, NAMES, batch, matched
from tests.random_clip import DIM, random_pair
from trmml.encoders import EncoderPair, EncoderSource, ImageFeatures, TimmImageEncoder
from trmml.models import ABLATIONS, TRMML, TRMMLConfig, TRMMLOutput


def model_of(name: str = "all", *, seed: int = 0, **options: object) -> TRMML:
    config = TRMMLConfig.from_dict({**vars(ABLATIONS[name]), **options})
    generator = torch.Generator().manual_seed(seed)
    return TRMML(random_pair(), NAMES, config=config, generator=generator)


def second_stage(model: TRMML) -> TRMML:
    model.double().train()
    for _ in range(3):
        f, y = batch(30)
        model.loss(matched(model, f), y)
    model.begin_second_stage()
    return model


def state(model: TRMML) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_same_state(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, value in found.items():
        torch.testing.assert_close(
            value, expected[name], rtol=0, atol=0, equal_nan=True, msg=f"{name} differs"
        )


@pytest.mark.parametrize("name", ABLATIONS)
def test_predictions_are_the_sigmoid_of_the_region_score(name: str) -> None:
    model, images = model_of(name).eval(), torch.randn(2, 3, 64, 96)
    output = model(images)
    torch.testing.assert_close(model.predict(images), output.logits.sigmoid().detach())
    assert output.query_logits is None
    assert output.grid == (2, 3)


def test_logits_are_the_difference_of_cosines_over_the_temperature() -> None:
    model = model_of().double()
    output = matched(model, batch()[0])
    regions = output.region_features
    assert regions is not None
    cosine = nn.CosineSimilarity(dim=-1)
    difference = cosine(regions, output.positive) - cosine(regions, output.negative)
    torch.testing.assert_close(output.logits, difference / model.temperature)


def test_the_mean_baseline_matches_the_average_of_all_positions() -> None:
    model, f = model_of("baseline").double(), batch()[0]
    output, cosine = matched(model, f), nn.CosineSimilarity(dim=-1)
    mean = f.mean(dim=1)[:, None]
    difference = cosine(mean, output.positive) - cosine(mean, output.negative)
    torch.testing.assert_close(output.logits, difference / model.temperature)


def test_prediction_never_computes_the_query_branch() -> None:
    model = model_of().eval()
    assert model.decoder is not None
    for part in (model.decoder.value_projection, model.decoder.output_projection):
        part.register_forward_hook(lambda *_: pytest.fail("the query branch was computed"))
    model.predict(torch.randn(1, 3, 64, 64))
    model.heatmap(torch.randn(1, 3, 64, 64))


def test_images_and_stored_features_score_alike() -> None:
    model, images = model_of().eval(), torch.randn(2, 3, 64, 96)
    features, grid = model.image_encoder.encode_dense(images)
    assert torch.equal(model.match(features, grid).logits, model(images).logits)


def test_the_first_stage_changes_no_label() -> None:
    model = model_of().double().train()
    for _ in range(3):
        f, y = batch(30)
        output = matched(model, f)
        model.loss(output, y)
        assert torch.equal(model.complete(output, y), y)


@pytest.mark.parametrize("prototypes", ["both", "visual", "text"])
def test_the_second_stage_completes_unknown_labels_only(prototypes: str) -> None:
    model = second_stage(model_of(prototypes=prototypes))
    f, y = batch(100)
    completed = model.complete(matched(model, f), y)
    assert torch.equal(completed[y != 0], y[y != 0])
    assert set(completed[y == 0].tolist()) == {-1, 0, 1}
    assert completed.dtype == y.dtype


def test_completing_changes_no_state() -> None:
    model = second_stage(model_of())
    before = state(model)
    f, y = batch(30)
    for training in (True, False):
        model.train(training)
        model.complete(matched(model, f), y)
    assert_same_state(state(model), before)


def test_a_loss_in_eval_mode_learns_no_prototypes() -> None:
    model = second_stage(model_of())
    f, y = batch(30)
    output = matched(model, f)
    before = state(model)
    model.eval().loss(output, y)
    assert_same_state(state(model), before)


def test_the_second_stage_keeps_the_text_features_as_they_were() -> None:
    model = second_stage(model_of())
    assert model.prototypes is not None
    kept, texts = model.prototypes.text_prototypes.clone(), model.prompts()[0].detach()
    assert torch.equal(kept, texts)
    with torch.no_grad():
        model.prompts.positive_context.add_(1)
    f, y = batch(30)
    model.loss(matched(model, f), y)
    assert torch.equal(model.prototypes.text_prototypes, kept)


def test_live_text_prototypes_follow_the_prompts() -> None:
    f, y = batch(200)
    changed = []
    for live in (False, True):
        torch.manual_seed(0)
        model = second_stage(model_of(prototypes="text", live_text_prototypes=live))
        output = matched(model, f)
        moved = output._replace(positive=output.positive.roll(1, dims=0))
        changed.append(not torch.equal(model.complete(output, y), model.complete(moved, y)))
    assert changed == [False, True]


def test_the_second_stage_begins_once() -> None:
    model = second_stage(model_of())
    with pytest.raises(RuntimeError, match="second stage has begun already"):
        model.begin_second_stage()


def test_without_prototypes_the_stages_are_the_same() -> None:
    model = second_stage(model_of("carl"))
    f, y = batch()
    assert torch.equal(model.complete(matched(model, f), y), y)


def test_text_features_are_computed_once_for_prediction() -> None:
    model, calls = model_of().eval(), []
    model.prompts.register_forward_hook(lambda *_: calls.append(1))
    for _ in range(3):
        model.predict(torch.randn(1, 3, 64, 64))
    assert len(calls) == 1
    model(torch.randn(1, 3, 64, 64)).logits.sum().backward()
    assert len(calls) == 2


def fresh(model: TRMML, images: Tensor) -> Tensor:
    with torch.enable_grad():
        return model(images).logits.detach().float().sigmoid()


def test_cached_text_features_follow_whatever_changes_them() -> None:
    model, images = model_of("carl").eval(), torch.randn(2, 3, 64, 64)
    optimizer = torch.optim.SGD(model.prompts.parameters(), lr=1e3)
    other = model_of("carl", seed=1).state_dict()

    def step() -> None:
        model(images).logits.sum().backward()
        optimizer.step()

    def average() -> None:
        for parameter in model.prompts.parameters():
            parameter.data.mul_(0.5)
        model.eval()

    seen = [model.predict(images)]
    for change in (step, lambda: model.load_state_dict(other), average, model.double):
        change()
        seen.append(model.predict(images.to(model.log_temperature.dtype)))
        assert change == model.double or not torch.allclose(seen[-1], seen[-2])
        expected = fresh(model, images.to(model.log_temperature.dtype))
        torch.testing.assert_close(seen[-1], expected)


def test_it_may_be_built_and_used_in_inference_mode() -> None:
    with torch.inference_mode():
        model = model_of().eval()
        first = model.predict(torch.zeros(1, 3, 64, 64))
    assert first.isfinite().all()


def test_it_may_be_used_in_inference_mode_between_training_steps() -> None:
    model = model_of().train()
    with torch.inference_mode():
        model.predict(torch.zeros(1, 3, 64, 64))
    f, y = batch()
    model.loss(matched(model, f), y).total.backward()
    model.begin_second_stage()


class BrightSpots(nn.Module):
    """See category c where channel c is bright, in patches of 32 pixels."""

    dim = DIM
    mean = std = (0.5, 0.5, 0.5)

    def encode_dense(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        patches = nn.functional.avg_pool2d(images, 32) + 0.1
        dense = nn.functional.pad(patches.flatten(2).mT, (0, DIM - CLASSES))
        return dense, (patches.shape[2], patches.shape[3])

    def forward(self, images: Tensor) -> ImageFeatures:
        dense, grid = self.encode_dense(images)
        return ImageFeatures(dense, dense.mean(dim=1), grid)


def bright_spot_model(**options: object) -> TRMML:
    pair = random_pair()._replace(image=BrightSpots())
    config = TRMMLConfig.from_dict({**vars(ABLATIONS["carl"]), **options})
    model = TRMML(pair, NAMES, config=config).eval()
    assert model.decoder is not None
    with torch.no_grad():
        model.decoder.queries.copy_(torch.eye(CLASSES, DIM))
        model.decoder.scale.fill_(20)
        model.decoder.bias.fill_(-15)
    return model


@pytest.mark.parametrize("normalization", ["sigmoid", "softmax"])
def test_heatmaps_are_bright_where_the_category_is(normalization: str) -> None:
    model = bright_spot_model(normalization=normalization)
    images = torch.zeros(2, 3, 96, 160)
    images[0, 1, :32, 128:] = 1  # category 1 in the upper right corner
    images[1, 2, 64:, :32] = 1  # category 2 in the lower left corner
    heatmap = model.heatmap(images)
    assert heatmap.shape == (2, CLASSES, 96, 160)
    assert ((heatmap >= 0) & (heatmap <= 1)).all()
    for image, category, row, column in ((0, 1, 0, 159), (1, 2, 95, 0)):
        seen = heatmap[image, category]
        assert seen[row, column] == seen.max()
        assert seen[row, column] > 0.9
        assert seen.flip(0, 1)[row, column] < 0.1


@pytest.mark.parametrize("name", ["baseline", "dualcoop", "all"])
@pytest.mark.parametrize("size", [(64, 64), (32, 128), (128, 32)])
def test_heatmaps_have_the_images_size_and_lie_between_0_and_1(
    name: str, size: tuple[int, int]
) -> None:
    heatmap = model_of(name).eval().heatmap(torch.randn(2, 3, *size))
    assert heatmap.shape == (2, CLASSES, *size)
    assert ((heatmap >= 0) & (heatmap <= 1)).all()
    assert not heatmap.requires_grad


def test_an_empty_batch_of_images() -> None:
    model = model_of().eval()
    assert model.predict(torch.zeros(0, 3, 64, 64)).shape == (0, CLASSES)
    assert model.heatmap(torch.zeros(0, 3, 64, 64)).shape == (0, CLASSES, 64, 64)


def test_only_what_learns_is_a_parameter_and_the_towers_are_not_saved() -> None:
    model = model_of()
    assert {name.split(".")[0] for name in model.state_dict()} == {
        *("log_temperature", "prompts", "decoder", "contrastive_loss", "prototypes")
    }
    f, y = batch()
    model.double().loss(matched(model, f), y).total.backward()
    for tower in (model.encoders.image, model.encoders.text):
        assert isinstance(tower, nn.Module)
        assert not tower.training
        assert all(p.grad is None and not p.requires_grad for p in tower.parameters())


def test_both_towers_move_with_the_model() -> None:
    model = model_of().double()
    for tower in (model.encoders.image, model.encoders.text):
        assert isinstance(tower, nn.Module)
        assert {p.dtype for p in tower.parameters()} == {torch.float64}
    assert model.predict(torch.randn(1, 3, 64, 64, dtype=torch.float64)).isfinite().all()


def test_queries_start_as_the_prompted_class_names() -> None:
    model = model_of()
    text = model.encoders.text
    tokens = text.pad(text.tokenize([f"a photo of a {name}." for name in NAMES]))
    expected = nn.functional.normalize(text(text.embed_tokens(tokens), tokens), dim=-1)
    assert model.decoder is not None
    torch.testing.assert_close(model.decoder.queries, expected)


def test_the_temperature_starts_as_told_learns_and_has_a_floor() -> None:
    model = model_of(temperature=0.05)
    assert model.temperature.item() == pytest.approx(0.05)
    f, y = batch()
    model.loss(matched(model, f.float()), y).total.backward()
    assert model.log_temperature.grad
    with torch.no_grad():
        model.log_temperature.fill_(-100)
    assert model.temperature.item() == pytest.approx(0.01)


def test_a_generator_starts_everything_that_learns() -> None:
    first, second, third = (model_of(seed=seed).state_dict() for seed in (1, 1, 2))
    assert_same_state(first, second)
    for part in (
        "prompts.positive_context",
        "decoder.mlp.0.weight",
        "decoder.value_projection.bias",
    ):
        assert not torch.equal(first[part], third[part]), part
    projection = "contrastive_loss.text_projection.0.weight"
    assert not torch.equal(first[projection], third[projection])


def test_a_generator_leaves_the_global_state_alone() -> None:
    before = torch.get_rng_state()
    model_of(seed=3)
    assert torch.equal(torch.get_rng_state(), before)


def test_calibration_happens_once() -> None:
    model = model_of().double()
    model.calibrate(batch()[0])
    before = state(model)
    model.calibrate(batch()[0])
    assert_same_state(state(model), before)
    model_of("baseline").calibrate(batch()[0])


def test_a_copy_predicts_the_same_and_learns_alone() -> None:
    model, images = model_of().eval(), torch.randn(1, 3, 64, 64)
    before, clone = model.predict(images), copy.deepcopy(model)
    assert torch.equal(clone.predict(images), before)
    with torch.no_grad():
        clone.prompts.positive_context.add_(1)
    assert torch.equal(model.predict(images), before)
    assert not torch.equal(clone.predict(images), before)


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize("name", ["dualcoop", "baseline", "all"])  # each way to look at positions
def test_matching_compiles_to_one_graph(name: str) -> None:
    model, f = model_of(name).eval(), batch()[0].float()

    def logits(features: Tensor) -> Tensor:
        return model.match(features, GRID).logits

    compiled = torch.compile(logits, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(f), logits(f))


def photograph(path: Path, *, orientation: int = 1) -> Path:
    pixels = np.zeros((40, 60, 3), dtype=np.uint8)
    pixels[:, :30, 0] = 255  # the left half is red
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def test_photographs_are_resized_and_normalised(tmp_path: Path) -> None:
    pair = random_pair()
    model = TRMML(pair, NAMES, image_size=64)
    prepared = model.preprocess(photograph(tmp_path / "a.png"))
    assert prepared.shape == (1, 3, 64, 64)
    red, green = prepared[0, 0], prepared[0, 1]
    assert torch.equal(green, torch.full((64, 64), -1.0))
    assert (red[:, :28] == 1).all()
    assert (red[:, 36:] == -1).all()
    model.eval().predict(prepared)


def test_photographs_come_the_right_way_up_from_a_file_or_decoded(tmp_path: Path) -> None:
    model = TRMML(random_pair(), NAMES, image_size=64)
    turned = photograph(tmp_path / "a.jpg", orientation=6)  # to be turned a quarter to the right
    from_file = model.preprocess(str(turned))
    with Image.open(turned) as opened:
        assert torch.equal(model.preprocess(opened), from_file)
    top, bottom = from_file[0, 0, :28], from_file[0, 0, 36:]
    assert top.min() > 0.9
    assert bottom.max() < -0.9


def test_a_photograph_that_is_not_there_is_named(tmp_path: Path) -> None:
    model = TRMML(random_pair(), NAMES, image_size=64)
    with pytest.raises(ValueError, match=r"nowhere\.jpg: the file does not exist"):
        model.preprocess(tmp_path / "nowhere.jpg")


def test_an_image_size_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="`image_size` must be at least 1, got 0"):
        TRMML(random_pair(), NAMES, image_size=0)


def test_a_training_output_has_both_scores() -> None:
    output = matched(model_of().double().train(), batch()[0])
    assert isinstance(output, TRMMLOutput)
    assert output.query_logits is not None
    assert output.logits.shape == output.query_logits.shape == (BATCH, CLASSES)


def test_a_temperature_at_its_bound_can_rise_again() -> None:
    model = TRMML(random_pair(), NAMES)
    with torch.no_grad():
        model.log_temperature.fill_(-9.0)
    assert model.temperature.item() == pytest.approx(0.01)
    model.temperature.backward()
    assert model.log_temperature.grad is not None
    assert model.log_temperature.grad.item() > 0


def test_a_grid_of_another_size_is_refused() -> None:
    model = TRMML(random_pair(), NAMES)
    with pytest.raises(ValueError, match=r"`grid` must have as many positions.*\(6\), got 2 x 4"):
        model.match(torch.randn(1, 6, model.encoders.image.dim), (2, 4))


def test_a_label_that_is_none_is_refused() -> None:
    model = TRMML(random_pair(), NAMES).train()
    output = model(torch.randn(1, 3, 64, 64))
    with pytest.raises(ValueError, match=r"`labels` must contain only -1"):
        model.loss(output, torch.full((1, len(NAMES)), 2))


def test_a_backbone_s_learnt_projection_is_trained_and_saved_with_the_model(tmp_path: Path) -> None:
    text = random_pair().text

    def pair() -> EncoderPair:
        torch.manual_seed(3)
        image = TimmImageEncoder("resnet10t", dim=text.dim)
        return EncoderPair(image, text, EncoderSource("custom", "resnet10t", None))

    model = TRMML(pair(), NAMES).train()
    assert "image_projection.weight" in dict(model.named_parameters())
    images = torch.randn(2, 3, 64, 64)
    labels = torch.tensor([[1, -1, 0]] * 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model.loss(model(images), labels).total.backward()
    optimizer.step()
    model.eval().save_pretrained(tmp_path)
    again = TRMML.from_pretrained(tmp_path, encoders=pair())
    assert torch.equal(again.predict(images), model.predict(images))
