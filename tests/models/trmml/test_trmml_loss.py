from math import sqrt

import pytest
import torch
from torch import Tensor, nn

from tests._references import region_decoder
from tests._references.matching import Vector
from tests._references.prototype_bank import PrototypeBank
from tests._references.pseudo_labeler import PseudoLabeler
from tests._references.trmml_loss import Step, TrainingLoops
from tests.models.fixed_features import BATCH, CLASSES, NAMES, batch, matched
from tests.random_clip import random_pair
from trmml.models import ABLATIONS, PROTOTYPE_ABLATIONS, TRMML, LossConfig, TRMMLConfig

ROWS = {**ABLATIONS, **{f"prototypes {k}": v for k, v in PROTOTYPE_ABLATIONS.items()}}


def layer(module: nn.Module) -> region_decoder.Layer:
    assert isinstance(module, nn.Linear)
    return region_decoder.Layer(module.weight.tolist(), module.bias.tolist())


def step_in_letters(model: TRMML, f: Tensor, y: Tensor) -> Step:
    decoder = model.decoder
    assert decoder is not None
    projections = (decoder.query_projection, decoder.key_projection, decoder.value_projection)
    parts = (*projections, decoder.output_projection, decoder.mlp[0], decoder.mlp[2])
    layers = region_decoder.Layers(*map(layer, parts))
    s, b = decoder.scale.detach().item(), decoder.bias.detach().item()
    e = region_decoder.energy(f.tolist(), decoder.queries.tolist(), layers, "aligned", s, b)
    f_r = region_decoder.region_level(f.tolist(), e, "sigmoid")
    F_q = region_decoder.query_level(f.tolist(), e, layers)
    g_pos, g_neg = (g.tolist() for g in model.prompts())
    tau = model.temperature.detach().item()
    return Step(f.tolist(), e, f_r, F_q, g_pos, g_neg, tau, y.tolist())


def scaled_mlp(mlp: nn.Module | None, x: Vector) -> Vector:
    assert isinstance(mlp, nn.Sequential)
    length = sqrt(sum(x_i * x_i for x_i in x))
    scaled = [sqrt(len(x)) * x_i / length for x_i in x]
    empty = region_decoder.Layer([], [])
    layers = region_decoder.Layers(empty, empty, empty, empty, layer(mlp[0]), layer(mlp[2]))
    return region_decoder.mlp(layers, scaled)


@pytest.mark.parametrize("modalities", ["both", "visual", "text"])
def test_every_term_matches_the_loops_through_both_stages(modalities: str) -> None:
    # A mild temperature: the naive logarithms of the loops need probabilities away from 0 and 1.
    values = {"prototypes": modalities, "bank_capacity": 5, "temperature": 0.5}
    config = TRMMLConfig.from_dict(values)
    model = TRMML(random_pair(), NAMES, config=config).double().train()
    model.calibrate(batch()[0])
    contrast = model.contrastive_loss
    assert contrast is not None
    loops = TrainingLoops(
        PrototypeBank(CLASSES, 5, 2),
        PseudoLabeler(CLASSES, 2 if modalities == "both" else 1, 0.9, -1),
        modalities,
        lambda x: scaled_mlp(contrast.text_projection, x),
        lambda x: scaled_mlp(contrast.region_projection, x),
    )
    completed = 0
    for step in range(6):
        if step == 3:
            model.begin_second_stage()
            loops.stage, loops.T = 2, model.prompts()[0].tolist()
        f, y = batch(12)
        found = model.loss(matched(model, f), y)
        expected = loops.loss(step_in_letters(model, f, y))
        for name, value in found._asdict().items():
            assert value.item() == pytest.approx(getattr(expected, name), rel=1e-9), (step, name)
        completed += int((model.complete(matched(model, f), y) != y).sum())
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.02 * torch.randn_like(parameter)
    assert completed > 0


@pytest.mark.parametrize("weight", ["region_weight", "distillation_weight", "contrastive_weight"])
def test_each_weight_scales_its_own_term(weight: str) -> None:
    f, y = batch()
    totals, terms = [], None
    for value in (0.0, 2.0):
        config = TRMMLConfig.from_dict({weight: value})
        generator = torch.Generator().manual_seed(0)
        model = TRMML(random_pair(), NAMES, config=config, generator=generator).double().train()
        terms = model.loss(matched(model, f), y)
        totals.append(terms.total.item())
    assert terms is not None
    term = getattr(terms, weight.removesuffix("_weight")).item()
    assert term > 0
    assert totals[1] - totals[0] == pytest.approx(2 * term)


@pytest.mark.parametrize("name", ROWS)
def test_every_row_of_the_ablations_trains_in_both_stages(name: str) -> None:
    config = ROWS[name]
    model = TRMML(random_pair(), NAMES, config=config).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model.calibrate(batch()[0])
    before = {key: value.detach().clone() for key, value in model.named_parameters()}
    losses = None
    for step in range(4):
        if step == 2:
            model.begin_second_stage()
        f, y = batch()
        losses = model.loss(matched(model, f), y)
        optimizer.zero_grad()
        losses.total.backward()
        optimizer.step()
    assert losses is not None
    assert losses.region > 0
    on = {
        "query": config.aggregation == "regions",
        "distillation": config.distillation,
        "contrastive": config.contrastive,
    }
    for term, switched_on in on.items():
        assert (getattr(losses, term).item() > 0) == switched_on, term
    assert (model.prototypes is not None) == (config.contrastive or config.prototypes != "none")
    for key, value in model.named_parameters():
        assert not torch.equal(value, before[key]), key
    assert model.eval().match(batch()[0].float(), (2, 3)).logits.isfinite().all()


@pytest.mark.parametrize("name", ["all", "carl+kd", "baseline", "dualcoop"])
@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize("size", [0, BATCH])
def test_batches_without_images_or_labels_cost_nothing_and_stay_finite(
    name: str, stage: int, size: int
) -> None:
    model = TRMML(random_pair(), NAMES, config=ABLATIONS[name]).double().train()
    if stage == 2:
        model.begin_second_stage()
    f, y = batch(size)
    losses = model.loss(matched(model, f), torch.zeros_like(y))
    losses.total.backward()
    assert losses.region == losses.query == losses.contrastive == 0
    assert losses.total.isfinite()
    for key, parameter in model.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), key


def test_unknown_labels_have_no_say_in_classification() -> None:
    f, y = batch()
    model = TRMML(random_pair(), NAMES, config=ABLATIONS["carl"]).double().train()
    output = matched(model, f)
    output.logits.retain_grad()
    model.loss(output, y).total.backward()
    gradient = output.logits.grad
    assert gradient is not None
    assert not gradient[y == 0].any()
    assert gradient[y != 0].any()


def test_the_region_prediction_is_not_taught_by_the_query_prediction() -> None:
    f, y = batch()
    config = TRMMLConfig(contrastive=False, prototypes="none")
    model = TRMML(random_pair(), NAMES, config=config).double().train()
    output = matched(model, f)
    output.logits.retain_grad()
    model.loss(output, torch.zeros_like(y)).distillation.backward()
    assert output.logits.grad is None
    assert model.decoder is not None
    assert model.decoder.mlp[0].weight.grad is not None


@pytest.mark.parametrize("name", ["baseline", "carl", "all"])
def test_unknown_labels_may_count_as_negative(name: str) -> None:
    f, _ = batch()
    y = torch.zeros(BATCH, CLASSES, dtype=torch.long)
    y[:, 0] = 1
    terms = []
    for unknown_as_negative in (True, False):
        values = {**vars(ABLATIONS[name]), "unknown_as_negative": unknown_as_negative}
        generator = torch.Generator().manual_seed(0)
        config = TRMMLConfig.from_dict(values)
        model = TRMML(random_pair(), NAMES, config=config, generator=generator).double().train()
        terms.append([model.loss(matched(model, f), labels) for labels in (y, 2 * y - 1)])
    (single, full), (partial, other) = terms
    assert single.region == full.region == other.region
    assert single.query == full.query
    assert partial.region < single.region


@pytest.mark.parametrize("name", ["entropy-maximization", "splc", "bce"])
def test_a_loss_with_its_own_way_with_unknown_labels_keeps_it(name: str) -> None:
    f, y = batch()
    terms = []
    for unknown_as_negative in (True, False):
        config = TRMMLConfig(loss=LossConfig(name), unknown_as_negative=unknown_as_negative)
        generator = torch.Generator().manual_seed(0)
        model = TRMML(random_pair(), NAMES, config=config, generator=generator).double().train()
        terms.append(model.loss(matched(model, f), y.clamp(min=0)))
    assert (terms[0].region == terms[1].region) == (name != "bce")
    assert (terms[0].query == terms[1].query) == (name != "bce")


def test_single_positive_data_sets_thresholds_only_with_unknown_as_negative() -> None:
    f, _ = batch()
    y = torch.zeros(BATCH, CLASSES, dtype=torch.long)
    y[:CLASSES].fill_diagonal_(1)
    for unknown_as_negative in (True, False):
        config = TRMMLConfig(unknown_as_negative=unknown_as_negative)
        model = TRMML(random_pair(), NAMES, config=config).double().train()
        assert model.prototypes is not None
        for _ in range(2):  # the bank is empty when the first batch is compared with it
            model.loss(matched(model, f), y)
        labeler = model.prototypes.labeler
        assert labeler.positive_threshold.isfinite().all()
        assert labeler.negative_threshold.isfinite().all() == unknown_as_negative


def test_the_loss_needs_an_output_of_training_mode() -> None:
    model = TRMML(random_pair(), NAMES).eval()
    f, y = batch()
    with pytest.raises(ValueError, match=r"must come from training mode; call `model.train\(\)`"):
        model.loss(matched(model, f), y)


@pytest.mark.usefixtures("no_shape_checks")
def test_labels_of_another_shape_are_refused() -> None:
    model = TRMML(random_pair(), NAMES).train()
    f, y = batch()
    with pytest.raises(ValueError, match=r"a column for each class, \(8, 3\), got \(8, 2\)"):
        model.loss(matched(model, f), y[:, :2])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["all", "dualcoop"])
def test_half_precision_trains_with_finite_numbers(dtype: torch.dtype, name: str) -> None:
    model = TRMML(random_pair(), NAMES, config=ABLATIONS[name]).to(dtype).train()
    f, y = batch()
    model.calibrate(f.to(dtype))
    for step in range(3):
        if step == 2:
            model.begin_second_stage()
        losses = model.loss(matched(model, f.to(dtype)), y)
        losses.total.backward()
        assert losses.total.isfinite()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
