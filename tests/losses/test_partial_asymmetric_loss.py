import pytest
import torch

from tests._references.partial_asymmetric_loss import selective
from tests.losses.every_loss import build, logits_and_labels
from trmml.losses import AsymmetricLoss, PartialAsymmetricLoss
from trmml.losses.likely_positives import likely_positives

PRIORS = [0.0, 0.9, 0.5, 0.02, 0.0]


def test_selection_by_logits_and_priors_equals_its_loops() -> None:
    logits, labels = logits_and_labels()
    loss = PartialAsymmetricLoss(
        gamma_pos=0.5,
        gamma_unknown=4.0,
        margin=0.05,
        likelihood_topk=1,
        priors=PRIORS,
        prior_threshold=0.5,
        reduction="sum",
    )
    settings = {"priors": PRIORS, "prior_threshold": 0.5, "gammas": (0.5, 1, 4), "m": 0.05}
    expected = selective(logits.tolist(), labels.tolist(), top_k=1, **settings)
    torch.testing.assert_close(loss(logits, labels).item(), expected)
    none_dropped = selective(logits.tolist(), labels.tolist(), top_k=0, **settings)
    assert none_dropped != pytest.approx(expected)


def test_its_mean_counts_what_is_not_left_out() -> None:
    logits, labels = torch.randn(2, 6), torch.zeros(2, 6)
    labels[:, 0] = 1
    priors = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    expected = {"ignore": 2, "normalised": 2, "negative": 12}
    for mode, count in expected.items():
        total = build("partial-asymmetric", mode=mode, reduction="sum")(logits, labels)
        mean = build("partial-asymmetric", mode=mode, reduction="mean")(logits, labels)
        torch.testing.assert_close(mean, total / count)
    settings = {"likelihood_topk": 0, "priors": priors}
    total = build("partial-asymmetric", **settings, reduction="sum")(logits, labels)
    mean = build("partial-asymmetric", **settings, reduction="mean")(logits, labels)
    torch.testing.assert_close(mean, total / 10)


def test_each_kind_of_label_has_a_focus_and_a_weight_of_its_own() -> None:
    logits = torch.randn(3, 4)
    for label, kind in ((1, "pos"), (-1, "neg"), (0, "unknown")):
        labels = torch.full((3, 4), label)
        settings = {f"gamma_{kind}": 3.0, f"alpha_{kind}": 0.5}
        found = build("partial-asymmetric", mode="negative", **settings)(logits, labels)
        plain = AsymmetricLoss(gamma_pos=3.0, gamma_neg=3.0, margin=0.0)
        expected = 0.5 * plain(logits, labels if label else labels - 1)
        torch.testing.assert_close(found, expected)


def test_ignoring_is_the_asymmetric_loss() -> None:
    logits, labels = logits_and_labels()
    found = PartialAsymmetricLoss(mode="ignore", gamma_pos=1, gamma_neg=2, margin=0.05)
    torch.testing.assert_close(found(logits, labels), AsymmetricLoss()(logits, labels))


def test_normalising_weighs_images_by_how_little_is_known() -> None:
    logits = torch.zeros(3, 4)
    labels = torch.tensor([[1, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]])
    plain = PartialAsymmetricLoss(mode="ignore", reduction="none")(logits, labels)
    found = PartialAsymmetricLoss(mode="normalised", reduction="none")(logits, labels)
    expected = plain * torch.tensor([[1.5], [1.25], [2.0]])
    torch.testing.assert_close(found, expected)


def test_of_equal_logits_at_the_border_none_is_likely() -> None:
    everything = torch.ones(1, 4, dtype=torch.bool)
    logits = torch.tensor([[3.0, 1.0, 1.0, 0.0]])
    assert likely_positives(logits, everything, per_image=2).tolist() == [[True, *3 * [False]]]
    assert not likely_positives(torch.zeros(1, 4), everything, per_image=3).any()
    assert likely_positives(torch.zeros(1, 4), everything, per_image=4).all()


def test_known_labels_are_never_likely_and_take_no_place() -> None:
    unknown = torch.tensor([[False, True, True]])
    logits = torch.tensor([[9.0, 1.0, 0.0]])
    assert likely_positives(logits, unknown, per_image=1).tolist() == [[False, True, False]]
    assert likely_positives(logits, unknown, per_image=5).tolist() == unknown.tolist()


def test_priors_move_with_the_module_and_are_saved() -> None:
    loss = PartialAsymmetricLoss(priors=PRIORS)
    torch.testing.assert_close(loss.state_dict()["class_priors"], torch.tensor(PRIORS))
    other = PartialAsymmetricLoss(priors=[0.0] * 5)
    other.load_state_dict(loss.state_dict())
    logits, labels = torch.randn(9, 5), torch.zeros(9, 5)
    assert torch.equal(other(logits, labels), loss(logits, labels))


def test_one_prior_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="`priors` must have a number for each of the 4 classes"):
        PartialAsymmetricLoss(priors=[0.1, 0.2])(torch.zeros(1, 4), torch.zeros(1, 4))


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"mode": "select"}, "`mode` must be one of 'negative', .*; did you mean 'selective'?"),
        ({"gamma_pos": -1.0}, "`gamma_pos` must be finite and at least 0, got -1.0"),
        ({"gamma_unknown": -1.0}, "`gamma_unknown` must be finite and at least 0, got -1.0"),
        ({"alpha_neg": -1.0}, "`alpha_neg` must be finite and at least 0, got -1.0"),
        ({"margin": 1.0}, r"`margin` must be in \[0, 1\), got 1.0"),
        ({"likelihood_topk": -1}, "`likelihood_topk` must be at least 0, got -1"),
        ({"prior_threshold": 1.5}, r"`prior_threshold` must be in \[0, 1\], got 1.5"),
        ({"priors": [0.1, 1.2]}, r"`priors` must be in \[0, 1\], got 1.2"),
        ({"priors": [0.1], "mode": "ignore"}, "`priors` must be None with `mode` = 'ignore'"),
    ],
)
def test_mistakes_are_refused_at_construction(setting: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PartialAsymmetricLoss(**setting)
