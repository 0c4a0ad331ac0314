import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from tests._references import region_decoder as reference
from tests._references.region_attention import aligned_calibration
from tests.functional.finiteness import DTYPES
from trmml.functional import Normalization, aligned_energy, dot_energy, region_features
from trmml.modules import CategoryAwareRegionDecoder, RegionOutput

BATCH, CLASSES, POSITIONS, DIM = 2, 3, 5, 4
OPTIONS = [
    {"energy": "aligned", "normalization": "sigmoid"},
    {"energy": "aligned", "normalization": "softmax"},
    {"energy": "dot", "normalization": "sigmoid"},
    {"energy": "dot", "normalization": "softmax"},
]


def random_decoder(**options: str) -> CategoryAwareRegionDecoder:
    decoder = CategoryAwareRegionDecoder(DIM, CLASSES, **options).double()  # pyright: ignore[reportArgumentType]
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return decoder


def features(batch: int = BATCH) -> Tensor:
    return torch.randn(batch, POSITIONS, DIM, dtype=torch.float64)


def layer(module: nn.Module) -> reference.Layer:
    assert isinstance(module, nn.Linear)
    return reference.Layer(module.weight.tolist(), module.bias.tolist())


def layers(decoder: CategoryAwareRegionDecoder) -> reference.Layers:
    return reference.Layers(
        layer(decoder.query_projection),
        layer(decoder.key_projection),
        layer(decoder.value_projection),
        layer(decoder.output_projection),
        layer(decoder.mlp[0]),
        layer(decoder.mlp[2]),
    )


def expected(decoder: CategoryAwareRegionDecoder, f: Tensor) -> list[Tensor]:
    s, b = (
        (float(decoder.scale.detach()), float(decoder.bias.detach()))
        if decoder.energy == "aligned"
        else (0.0, 0.0)
    )
    letters = layers(decoder)
    e = reference.energy(f.tolist(), decoder.queries.tolist(), letters, decoder.energy, s, b)
    regions = reference.region_level(f.tolist(), e, decoder.normalization)
    queries = reference.query_level(f.tolist(), e, letters)
    return [torch.tensor(x, dtype=torch.float64) for x in (e, regions, queries)]


def outputs(output: RegionOutput) -> list[Tensor]:
    assert output.query_features is not None
    return [output.energy, output.region_features, output.query_features]


@pytest.mark.parametrize("options", OPTIONS)
def test_every_output_matches_the_loops(options: dict[str, str]) -> None:
    decoder, f = random_decoder(**options), features()
    for found, wanted in zip(outputs(decoder(f)), expected(decoder, f), strict=True):
        torch.testing.assert_close(found, wanted)


def test_the_query_branch_is_torchs_own_attention() -> None:
    decoder, f = random_decoder(energy="dot"), features()
    attention = nn.MultiheadAttention(DIM, 1, batch_first=True, dtype=torch.float64)
    projections = (decoder.query_projection, decoder.key_projection, decoder.value_projection)
    attention.in_proj_weight.data = torch.cat([p.weight.data for p in projections])
    attention.in_proj_bias.data = torch.cat([p.bias.data for p in projections])
    attention.out_proj.load_state_dict(decoder.output_projection.state_dict())
    attended, _ = attention(decoder.queries.expand(BATCH, -1, -1), f, f)
    torch.testing.assert_close(decoder(f).query_features, attended + decoder.mlp(attended))


def test_region_features_never_leave_the_original_space() -> None:
    decoder, f = random_decoder(), features()
    before = decoder(f).region_features
    with torch.no_grad():
        for part in (decoder.value_projection, decoder.output_projection, *decoder.mlp):
            for parameter in part.parameters():
                parameter.zero_()
    after = decoder(f)
    torch.testing.assert_close(after.region_features, before)
    assert after.query_features is not None
    assert not after.query_features.any()


def test_aligned_regions_start_as_the_cosine_between_text_and_positions() -> None:
    queries, f = torch.randn(CLASSES, DIM), torch.randn(BATCH, POSITIONS, DIM)
    decoder = CategoryAwareRegionDecoder(DIM, CLASSES, queries=queries)
    cosines = torch.einsum("cd,bnd->bcn", normalize(queries, dim=-1), normalize(f, dim=-1))
    torch.testing.assert_close(decoder(f).energy, 40 * cosines - 10)


def test_dot_regions_start_near_one_half() -> None:
    queries = normalize(torch.randn(CLASSES, 64), dim=-1)
    decoder = CategoryAwareRegionDecoder(64, CLASSES, queries=queries, energy="dot")
    region = decoder(normalize(torch.randn(BATCH, POSITIONS, 64), dim=-1)).energy.sigmoid()
    assert ((region - 0.5).abs() < 0.05).all()


def test_without_the_query_branch_the_rest_is_the_same() -> None:
    decoder, f = random_decoder(), features()
    full, light = decoder(f), decoder(f, query_branch=False)
    assert light.query_features is None
    assert torch.equal(light.energy, full.energy)
    assert torch.equal(light.region_features, full.region_features)
    assert torch.equal(decoder.region_energy(f), full.energy)


def test_calibration_matches_the_loops() -> None:
    decoder, f = random_decoder(), features(8)
    letters = layers(decoder)
    q = [reference.linear(letters.q, q_c) for q_c in decoder.queries.tolist()]
    k = [[reference.linear(letters.k, f_n) for f_n in f_b] for f_b in f.tolist()]
    decoder.calibrate(f)
    s, b = aligned_calibration(q, k, 2.0)
    assert float(decoder.scale.detach()) == pytest.approx(s)
    assert float(decoder.bias.detach()) == pytest.approx(b)


def test_calibration_opens_the_positions_two_deviations_above_the_mean() -> None:
    decoder = CategoryAwareRegionDecoder(64, 10)
    f = torch.randn(32, 49, 64)
    decoder.calibrate(f)
    energy = decoder(f).energy.detach()
    # Of a normal distribution 2.3 % lies beyond two deviations.
    assert 0.01 < (energy > 0).float().mean() < 0.04
    assert energy.std() == pytest.approx(2, rel=1e-3)
    assert energy.mean() == pytest.approx(-4, rel=1e-3)


def test_calibration_is_saved() -> None:
    decoder = random_decoder()
    assert not decoder.state_dict()["calibrated"]
    decoder.calibrate(features())
    other = random_decoder()
    other.load_state_dict(decoder.state_dict())
    assert other.calibrated
    assert torch.equal(other.scale, decoder.scale)
    assert torch.equal(other.bias, decoder.bias)


def test_there_is_nothing_to_calibrate_in_dot_energies() -> None:
    decoder, f = random_decoder(energy="dot"), features()
    before = decoder(f).energy
    decoder.calibrate(f)
    assert decoder.calibrated
    assert torch.equal(decoder(f).energy, before)
    assert {"scale", "bias"}.isdisjoint(dict(decoder.named_parameters()))


@pytest.mark.parametrize("options", OPTIONS)
def test_state_survives_a_round_trip(options: dict[str, str]) -> None:
    decoder, other, f = random_decoder(**options), random_decoder(**options), features()
    other.load_state_dict(decoder.state_dict())
    for found, wanted in zip(outputs(other(f)), outputs(decoder(f)), strict=True):
        assert torch.equal(found, wanted)


@pytest.mark.parametrize("options", OPTIONS)
def test_gradients_reach_everything_that_learns(options: dict[str, str]) -> None:
    decoder = random_decoder(**options)
    total = torch.stack([output.square().sum() for output in outputs(decoder(features()))])
    total.sum().backward()
    for name, parameter in decoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def test_the_region_alone_teaches_the_attention_and_not_the_query_branch() -> None:
    decoder = random_decoder()
    decoder(features()).region_features.square().sum().backward()
    taught = {name for name, p in decoder.named_parameters() if p.grad is not None}
    assert taught == {
        *("queries", "scale", "bias"),
        *("query_projection.weight", "query_projection.bias"),
        *("key_projection.weight", "key_projection.bias"),
    }


def test_queries_are_copied() -> None:
    start = torch.randn(CLASSES, DIM, requires_grad=True)
    decoder = CategoryAwareRegionDecoder(DIM, CLASSES, queries=start)
    with torch.no_grad():
        decoder.queries.add_(1)
    assert decoder.queries.is_leaf
    torch.testing.assert_close(decoder.queries - 1, start)


def test_classes_may_be_reordered() -> None:
    decoder, f, order = random_decoder(), features(), torch.tensor([2, 0, 1])
    before = outputs(decoder(f))
    with torch.no_grad():
        decoder.queries.copy_(decoder.queries[order])
    for found, wanted in zip(outputs(decoder(f)), before, strict=True):
        torch.testing.assert_close(found, wanted[:, order])


def test_images_do_not_see_each_other() -> None:
    decoder, f = random_decoder(), features(3)
    for found, wanted in zip(outputs(decoder(f[1:2])), outputs(decoder(f)), strict=True):
        torch.testing.assert_close(found, wanted[1:2])


def test_an_empty_batch() -> None:
    decoder = random_decoder()
    energy, regions, queries = outputs(decoder(features(0)))
    assert energy.shape == (0, CLASSES, POSITIONS)
    assert regions.shape == queries.shape == (0, CLASSES, DIM)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("size", [0.0, 1e-3, 50.0])
def test_extreme_features_stay_finite(
    dtype: torch.dtype, options: dict[str, str], size: float
) -> None:
    decoder = CategoryAwareRegionDecoder(DIM, CLASSES, **options).to(dtype)  # pyright: ignore[reportArgumentType]
    f = (size * torch.randn(BATCH, POSITIONS, DIM)).to(dtype)
    decoder.calibrate(f)
    found = outputs(decoder(f))
    torch.stack([output.float().mean() for output in found]).sum().backward()
    for output in found:
        assert output.isfinite().all()
    for name, parameter in decoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("dtype", DTYPES[1:])
def test_half_precision_says_about_the_same(dtype: torch.dtype) -> None:
    decoder, f = CategoryAwareRegionDecoder(DIM, CLASSES), torch.randn(BATCH, POSITIONS, DIM)
    wanted = outputs(decoder(f))
    for found, single in zip(outputs(decoder.to(dtype)(f.to(dtype))), wanted, strict=True):
        torch.testing.assert_close(found.float(), single, atol=0.5, rtol=0.05)


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize("options", OPTIONS)
def test_it_compiles_to_one_graph(options: dict[str, str]) -> None:
    decoder, f = random_decoder(**options), features()
    compiled = torch.compile(decoder, fullgraph=True, backend="eager")
    for found, wanted in zip(outputs(compiled(f)), outputs(decoder(f)), strict=True):
        torch.testing.assert_close(found, wanted)


def test_the_hidden_layer_has_the_papers_size_unless_told() -> None:
    sizes = [
        sum(p.numel() for p in CategoryAwareRegionDecoder(DIM, 1, hidden_dim=h).mlp.parameters())
        for h in (None, 3 * DIM, 7)
    ]
    assert sizes[0] == sizes[1] == 2 * 3 * DIM * DIM + 4 * DIM
    assert sizes[2] == 2 * 7 * DIM + 7 + DIM


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dim": 0}, "`dim` and `num_classes` must be at least 1, got 0 and 3"),
        ({"num_classes": 0}, "`dim` and `num_classes` must be at least 1, got 4 and 0"),
        ({"energy": "cosine"}, "`energy` must be one of 'aligned', 'dot', got 'cosine'"),
        (
            {"normalization": "relu"},
            "`normalization` must be one of 'sigmoid', 'softmax', got 'relu'",
        ),
        ({"hidden_dim": 0}, "`hidden_dim` must be at least 1, got 0"),
        (
            {"queries": torch.zeros(2, DIM)},
            r"`queries` must have shape \(num_classes, dim\) = \(3, 4\), got \(2, 4\)",
        ),
    ],
)
def test_wrong_settings_are_refused(arguments: dict[str, object], message: str) -> None:
    settings = {"dim": DIM, "num_classes": CLASSES} | arguments
    dim, num_classes = settings.pop("dim"), settings.pop("num_classes")
    with pytest.raises(ValueError, match=message):
        CategoryAwareRegionDecoder(dim, num_classes, **settings)  # pyright: ignore[reportArgumentType]


@pytest.mark.usefixtures("no_shape_checks")
def test_features_of_the_wrong_kind_are_refused() -> None:
    decoder = CategoryAwareRegionDecoder(DIM, CLASSES)
    message = r"must have shape \(batch, positions, 4\), got \(2, 5, 3\); flatten a feature map"
    with pytest.raises(ValueError, match=message):
        decoder(torch.zeros(2, 5, 3))
    with pytest.raises(ValueError, match=r"got \(2, 4, 7, 7\); flatten a feature map"):
        decoder(torch.zeros(2, 4, 7, 7))
    with pytest.raises(ValueError, match="at least one image to calibrate on, got none"):
        decoder.calibrate(torch.zeros(0, 5, DIM))


def test_both_normalisations_share_energies() -> None:
    f = features()
    kinds: list[Normalization] = ["sigmoid", "softmax"]
    first, second = (random_decoder(normalization=kind) for kind in kinds)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(f).energy, second(f).energy)
    assert not torch.allclose(first(f).region_features, second(f).region_features)


@pytest.mark.parametrize("dtype", DTYPES[1:])
@pytest.mark.parametrize("options", OPTIONS)
def test_an_autocast_leaves_energies_and_regions_in_full_precision(
    dtype: torch.dtype, options: dict[str, str]
) -> None:
    decoder = CategoryAwareRegionDecoder(DIM, CLASSES, **options)  # pyright: ignore[reportArgumentType]
    f = torch.randn(BATCH, POSITIONS, DIM)
    with torch.autocast("cpu", dtype=dtype):
        found = decoder(f)
        queries, keys = decoder.query_projection(decoder.queries), decoder.key_projection(f)
    assert queries.dtype == keys.dtype == dtype
    expected = (
        dot_energy(queries.float(), keys.float())
        if decoder.energy == "dot"
        else aligned_energy(queries.float(), keys.float(), scale=decoder.scale, bias=decoder.bias)
    )
    assert found.energy.dtype == found.region_features.dtype == torch.float32
    torch.testing.assert_close(found.energy, expected, rtol=0, atol=0)
    regions = region_features(f, found.energy, normalization=decoder.normalization)
    torch.testing.assert_close(found.region_features, regions, rtol=0, atol=0)
