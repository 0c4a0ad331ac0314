from dataclasses import asdict
from typing import Literal

import pytest
import torch

from tests.random_clip import random_pair
from trmml.losses import AsymmetricLoss
from trmml.models import (
    ABLATIONS,
    PROTOTYPE_ABLATIONS,
    TRMML,
    TRMMLConfig,
    zero_shot_text_features,
)


def test_the_defaults_are_the_papers() -> None:
    config = TRMMLConfig()
    assert (config.context_length, config.class_specific) == (16, True)
    weights = (config.region_weight, config.distillation_weight, config.contrastive_weight)
    assert weights == (1, 0.05, 0.01)
    loss = config.loss.build()
    assert isinstance(loss, AsymmetricLoss)
    assert (loss.gamma_pos, loss.gamma_neg, loss.margin) == (1, 2, 0.05)
    assert (config.distillation, config.prototypes, config.contrastive) == (True, "both", True)


def test_it_survives_a_dictionary() -> None:
    for config in (*ABLATIONS.values(), *PROTOTYPE_ABLATIONS.values()):
        assert TRMMLConfig.from_dict(asdict(config)) == config


def test_each_row_of_table_3_adds_to_the_one_above() -> None:
    rows = [
        (row.aggregation, row.distillation, row.prototypes, row.contrastive)
        for row in ABLATIONS.values()
    ]
    assert rows == [
        ("text_pixel", False, "none", False),
        ("mean", False, "none", False),
        ("regions", False, "none", False),
        ("regions", True, "none", False),
        ("regions", True, "both", False),
        ("regions", True, "none", True),
        ("regions", True, "both", True),
    ]


def test_table_6_has_no_contrastive_learning() -> None:
    assert {name: row.prototypes for name, row in PROTOTYPE_ABLATIONS.items()} == {
        name: name for name in ("none", "text", "visual", "both")
    }
    assert not any(row.contrastive for row in PROTOTYPE_ABLATIONS.values())


@pytest.mark.parametrize(
    ("epochs", "share", "expected"), [(40, 0.25, 10), (4, 0.25, 1), (30, 0.0, 0), (3, 1.0, 3)]
)
def test_the_first_stage_is_a_share_of_the_epochs(epochs: int, share: float, expected: int) -> None:
    assert TRMMLConfig(first_stage_share=share).first_stage_epochs(epochs) == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"prompt_length": 4}, r"`values` must hold known settings only, .* \['prompt_length'\]"),
        ({"aggregation": "max"}, "`aggregation` must be one of"),
        ({"prototypes": "audio"}, "`prototypes` must be one of"),
        ({"negative": "none"}, "`negative` must be one of"),
        ({"energy": "cosine"}, "`energy` must be one of"),
        ({"normalization": "relu"}, "`normalization` must be one of"),
        ({"temperature": 0.005}, "`temperature` must be at least 0.01, got 0.005; below, it would"),
        ({"temperature": float("inf")}, "`temperature` must be"),
        ({"temperature": float("nan")}, "`temperature` must be"),
        ({"spatial_temperature": 0.0}, "`spatial_temperature` must be finite and above 0, got 0.0"),
        (
            {"contrastive_temperature": -1.0},
            "`contrastive_temperature` must be finite and above 0, got -1.0",
        ),
        ({"region_weight": -1.0}, "`region_weight` must be at least 0, got -1.0"),
        (
            {"distillation_weight": float("nan")},
            "`distillation_weight` must be finite, got nan",
        ),
        ({"contrastive_weight": -0.1}, "`contrastive_weight` must be at least 0, got -0.1"),
        ({"contrastive_sample": 0}, "`contrastive_sample` must be at least 1 or None, got 0"),
        ({"decoder_lr_ratio": 0.0}, "`decoder_lr_ratio` must be above 0, got 0.0"),
        ({"first_stage_share": 1.1}, r"`first_stage_share` must be in \[0, 1\], got 1.1"),
        ({"queries": "none"}, "`queries` must be one of"),
        ({"distillation_form": "l2"}, "`distillation_form` must be one of"),
        ({"aggregation": "mean", "region_decoder": "x"}, "`region_decoder` needs a model with"),
        ({"loss": {"name": "focal"}}, "`loss` must be one of 'asymmetric', .*, got 'focal'"),
        ({"aggregation": "mean"}, "`aggregation` = 'mean' has no regions, so `distillation` and"),
    ],
)
@pytest.mark.usefixtures("no_shape_checks")
def test_wrong_values_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TRMMLConfig.from_dict(values)


@pytest.mark.parametrize("form", ["bernoulli", "softmax"])
def test_the_forms_of_distillation_reach_the_loss(form: Literal["bernoulli", "softmax"]) -> None:
    config = TRMMLConfig(distillation_form=form)
    model = TRMML(random_pair(), ["tree", "boat"], config=config)
    assert model.distillation_loss is not None
    assert model.distillation_loss.form == form


def test_queries_start_from_text_or_at_random() -> None:
    found = []
    for queries in ("text", "random", "random"):
        generator = torch.Generator().manual_seed(len(found))
        config = TRMMLConfig(queries=queries)
        model = TRMML(random_pair(), ["tree", "boat"], config=config, generator=generator)
        assert model.decoder is not None
        found.append(model.decoder.queries.detach())
    text = zero_shot_text_features(random_pair().text, ["tree", "boat"])
    torch.testing.assert_close(found[0], text)
    assert not torch.allclose(found[1], found[2])
