import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.models.fixed_features import NAMES, batch, matched
from tests.random_clip import random_pair
from trmml.class_names import NameOrSynonyms
from trmml.models import ABLATIONS, TRMML, LossConfig, TRMMLConfig

IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def trained(
    seed: int = 0, *, names: Sequence[NameOrSynonyms] = NAMES, config: TRMMLConfig | None = None
) -> TRMML:
    generator = torch.Generator().manual_seed(seed)
    model = TRMML(random_pair(), names, config=config, image_size=64, generator=generator).train()
    features = batch(20)[0].float()
    model.calibrate(features)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for step in range(3):
        if step == 1:
            model.begin_second_stage()
        model.loss(matched(model, features), batch(20)[1]).total.backward()
        optimizer.step()
    return model.eval()


def load(directory: Path) -> TRMML:
    return TRMML.from_pretrained(directory, encoders=random_pair())


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    trained().save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("name", ABLATIONS)
def test_predictions_survive_to_the_last_bit(tmp_path: Path, name: str) -> None:
    model = trained(config=ABLATIONS[name])
    model.save_pretrained(tmp_path / "a" / "b")
    again = load(tmp_path / "a" / "b")
    assert not again.training
    assert torch.equal(again.predict(IMAGES), model.predict(IMAGES))
    assert torch.equal(again.heatmap(IMAGES), model.heatmap(IMAGES))
    assert again.config == model.config
    assert again.class_names.plain == NAMES
    assert again.image_size == 64


@pytest.mark.parametrize(
    "options",
    [
        {"energy": "dot", "normalization": "softmax"},
        {"class_specific": False, "prompt_init": "a photo of a", "negative": "embedding"},
    ],
)
def test_every_option_is_kept(tmp_path: Path, options: dict[str, object]) -> None:
    model = trained(config=TRMMLConfig.from_dict(options))
    model.save_pretrained(tmp_path)
    assert torch.equal(load(tmp_path).predict(IMAGES), model.predict(IMAGES))


def test_only_what_prediction_needs_is_in_the_file(saved: Path) -> None:
    names = set(load_file(saved / "model.safetensors"))
    learnt = {name.split(".")[0] for name in names}
    assert learnt == {"log_temperature", "prompts", "decoder"}
    assert {path.name for path in saved.iterdir()} == {"model.safetensors", "config.json"}


def test_the_card_says_what_it_is(saved: Path) -> None:
    card = json.loads((saved / "config.json").read_text(encoding="utf-8"))
    assert card["class_names"] == NAMES
    assert card["encoders"] == {
        "family": "custom",
        "name": "random",
        "pretrained": None,
        "options": {},
    }
    assert set(card["fingerprints"]) == {"image", "text"}
    assert card["training_state"] is False
    assert card["versions"]["trmml"]


def test_without_training_state_training_starts_over(saved: Path) -> None:
    prototypes = load(saved).prototypes
    assert prototypes is not None
    assert prototypes.stage == 1
    assert not prototypes.bank.counts.any()


def test_with_training_state_training_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    model = trained()
    model.save_pretrained(tmp_path, training_state=True)
    again = load(tmp_path)
    assert again.prototypes is not None
    assert again.prototypes.stage == 2
    f, y = batch(20)
    totals: list[Tensor] = []
    for each in (model, again):
        each.train()
        totals.append(each.loss(matched(each, f.float()), y).total)
        with pytest.raises(RuntimeError, match="has begun already"):
            each.begin_second_stage()
    assert torch.equal(totals[0], totals[1])
    for name, value in model.state_dict().items():
        other = again.state_dict()[name]
        torch.testing.assert_close(other, value, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("names", [["größe", ["bateau", "船"]], ["tree", ("boat", "ship")]])
def test_names_of_any_language_and_synonyms_are_kept(
    tmp_path: Path, names: Sequence[NameOrSynonyms]
) -> None:
    model = TRMML(random_pair(), names)
    model.save_pretrained(tmp_path)
    assert load(tmp_path).class_names == model.class_names
    model.load_region_decoder(tmp_path)


def test_a_changed_byte_is_found(saved: Path) -> None:
    weights = bytearray((saved / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (saved / "model.safetensors").write_bytes(weights)
    with pytest.raises(ValueError, match=r"must have the checksum in config\.json .* is damaged"):
        load(saved)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing"):
        load(saved)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere.model\.safetensors is missing"):
        load(tmp_path / "nowhere")


def edit_card(directory: Path, **changes: object) -> None:
    path = directory / "config.json"
    card = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps({k: v for k, v in card.items() if v is not None}), encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 3}, r"must have format 2, got 3; use the version of trmml that wrote it"),
        ({"class_names": None}, "must be a model card, got none with the key 'class_names'"),
        ({"sha256": None}, "must be a model card, got none with the key 'sha256'"),
        ({"sha256": "a"}, r"'sha256' is 64 hexadecimal digits, got 'a'"),
        ({"format": "2"}, "got text for 'format', which must be a whole number"),
        ({"format": 10**30}, r"must have format 2, got 10{30}"),
        ({"class_names": ["tree", "tree", "car"]}, "names for its classes: .* is there twice"),
        ({"class_names": ["tree", 1, "car"]}, r"names for its classes: .*got 1 for class 1"),
        ({"class_names": ["tree", "\ud800", "car"]}, "names for its classes: .*surrogates"),
        ({"image_size": 0}, "'image_size' is from 1 to 8192, got 0"),
        ({"image_size": 10**9}, "'image_size' is from 1 to 8192, got 1000000000"),
        ({"image_size": "64"}, "text for 'image_size', which must be a whole number"),
        ({"training_state": 0}, "a whole number for 'training_state', which must be true or fal"),
        ({"fingerprints": {}}, "must hold a fingerprint of the image tower"),
        ({"fingerprints": {"image": "x"}}, r"'fingerprints' is 64 hex.*, got \{'image': 'x'\}"),
        ({"fingerprints": {"sound": "0" * 64}}, "'fingerprints' is 64 hexadecimal digits for"),
        ({"decision_thresholds": [0.5]}, r"null, or 3 numbers in \[0, 1\].*, got \[0\.5\]"),
        ({"decision_thresholds": [0.5, 1.5, 0]}, r"numbers in \[0, 1\], one a class, got 1\.5"),
        ({"decision_thresholds": [0.5, True, 0]}, r"numbers in \[0, 1\], one a class, got True"),
        ({"decision_thresholds": [0.5, float("nan"), 0]}, "'NaN', which is not a finite number"),
        ({"encoders": {"family": "tiny"}}, "where the towers came from, got none with the key 'n"),
        (
            {"encoders": {"family": "tiny", "name": "tiny", "pretrained": None, "code": "x"}},
            r"'encoders' is of the keys .*, got \['code'\]",
        ),
        ({"config": {"context_length": "16"}}, "'config': `context_length` must be of the kind in"),
        ({"config": {"distillation": 1}}, "'config': `distillation` must be of the kind bool"),
        ({"config": {"temperature": 10**400}}, "a number of 401 digits"),
        ({"config": {"bank_capacity": 10**12}}, "'config': `bank_capacity` must be at most"),
        ({"config": {"loss": "asymmetric"}}, "'config': `loss` must have a 'name'"),
        ({"config": {"loss": {"name": ["x"]}}}, "'config': `loss` must have a 'name'"),
        ({"config": {"prompt_length": 3}}, r"known settings only, got also \['prompt_length'\]"),
        ({"config": {"energy": "cosine"}}, "`energy` must be one of"),
    ],
)
@pytest.mark.usefixtures("no_shape_checks")
def test_a_card_that_makes_no_sense_is_refused(
    saved: Path, changes: dict[str, object], message: str
) -> None:
    edit_card(saved, **changes)
    with pytest.raises(ValueError, match=message):
        load(saved)


@pytest.mark.parametrize("content", ["{", "[]", '"card"', ""])
def test_a_card_that_is_none_is_refused(saved: Path, content: str) -> None:
    (saved / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"config\.json must be"):
        load(saved)


def test_other_towers_are_refused(saved: Path) -> None:
    with pytest.raises(ValueError, match="the image tower's weights differ; load the same weights"):
        TRMML.from_pretrained(saved, encoders=random_pair(seed=1))
    text = random_pair()._replace(text=random_pair(seed=1).text)
    with pytest.raises(ValueError, match="the text tower's weights differ"):
        TRMML.from_pretrained(saved, encoders=text)


def test_towers_made_by_hand_must_be_given(saved: Path) -> None:
    with pytest.raises(ValueError, match=r"'custom'; build .* and pass them as `encoders`"):
        TRMML.from_pretrained(saved)


class Stopped(Exception):
    """Stands for a lost machine."""


@pytest.mark.parametrize("moment", range(4))
@pytest.mark.parametrize("earlier", [True, False])
def test_a_save_stopped_at_any_moment_leaves_a_whole_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int, earlier: bool
) -> None:
    old, new = trained(1), trained(2)
    if earlier:
        old.save_pretrained(tmp_path)
    done: list[str] = []

    def stop_there(name: str) -> None:
        if len(done) == moment:
            raise Stopped
        done.append(name)

    open_file, replace = Path.open, Path.replace

    def opening(self: Path, mode: str = "r", *rest: object, **options: object) -> object:
        if "w" in mode:
            stop_there(f"write {self.name}")
        return open_file(self, mode, *rest, **options)  # pyright: ignore[reportArgumentType, reportCallIssue]

    def replacing(self: Path, target: Path) -> Path:
        stop_there(f"rename {self.name}")
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", opening)
        patched.setattr(Path, "replace", replacing)
        with pytest.raises(Stopped):
            new.save_pretrained(tmp_path)
    assert len(done) == moment
    written = done[-1:] == ["rename model.safetensors.partial"]
    if written or earlier:
        expected = new if written else old
        assert torch.equal(load(tmp_path).predict(IMAGES), expected.predict(IMAGES))
    else:
        with pytest.raises(FileNotFoundError, match=r"model\.safetensors is missing"):
            load(tmp_path)
    new.save_pretrained(tmp_path)
    assert torch.equal(load(tmp_path).predict(IMAGES), new.predict(IMAGES))


def test_regions_can_be_taken_over_and_are_not_calibrated_again(saved: Path) -> None:
    source, target = load(saved), TRMML(random_pair(), NAMES, image_size=64)
    target.load_region_decoder(saved)
    target.calibrate(batch()[0].float())
    assert source.decoder is not None
    assert target.decoder is not None
    for name, value in source.decoder.state_dict().items():
        assert torch.equal(target.decoder.state_dict()[name], value), name
    assert not torch.equal(target.prompts.positive_context, source.prompts.positive_context)


@pytest.mark.parametrize(
    ("names", "config", "seed", "message"),
    [
        (["tree", "boat", "bus"], "all", 0, "same classes in the same order"),
        (["boat", "tree", "car"], "all", 0, "same classes in the same order"),
        (
            NAMES,
            "baseline",
            0,
            r"regions of the same energy and normalization, got \('regions', 'aligned",
        ),
        (NAMES, "dot", 0, r"of the same energy and normalization, got .*'aligned.* for .*'dot'"),
        (NAMES, "softmax", 0, r"normalization, got .*'sigmoid'\) for .*'softmax'\)"),
        (NAMES, "all", 1, "the image tower's weights differ"),
    ],
)
def test_regions_of_another_model_are_refused(
    saved: Path, names: list[str], config: str, seed: int, message: str
) -> None:
    settings = {**ABLATIONS, "dot": TRMMLConfig(energy="dot")}
    settings |= {"softmax": TRMMLConfig(normalization="softmax")}
    model = TRMML(random_pair(seed), names, config=settings[config])
    with pytest.raises(ValueError, match=message):
        model.load_region_decoder(saved)


def test_decision_thresholds_travel_with_the_model(tmp_path: Path) -> None:
    model = trained()
    model.decision_thresholds = [0.25, 0.1 + 0.2, 0.5]
    model.save_pretrained(tmp_path)
    assert load(tmp_path).decision_thresholds == [0.25, 0.1 + 0.2, 0.5]


def test_a_card_without_decision_thresholds_is_read(tmp_path: Path) -> None:
    trained().save_pretrained(tmp_path)
    card = json.loads((tmp_path / "config.json").read_text())
    del card["decision_thresholds"]
    (tmp_path / "config.json").write_text(json.dumps(card))
    assert load(tmp_path).decision_thresholds is None


def test_a_model_of_the_first_format_loads_in_todays_words() -> None:
    """`format-1` was written when there was one method and one loss."""
    model = TRMML.from_pretrained(Path(__file__).with_name("format-1"))
    usual = ABLATIONS["dualcoop"]
    loss = LossConfig("asymmetric", {"gamma_neg": 4.0})
    assert model.config == replace(usual, context_length=2, temperature=0.05, loss=loss)
    assert model.class_names.plain == ["tree", ["boat", "ship"]]
    assert model.decision_thresholds == [0.25, 0.75]
    images = torch.linspace(-1, 1, 3 * 64 * 64).reshape(1, 3, 64, 64)
    expected = torch.tensor([[0.4683744013309479, 0.6764373779296875]])
    torch.testing.assert_close(model.predict(images), expected, rtol=1e-5, atol=1e-5)


def test_a_model_of_another_method_is_refused(saved: Path) -> None:
    edit_card(saved, method="linear-head")
    with pytest.raises(ValueError, match="must hold a model of the method 'trmml', got 'linear-he"):
        load(saved)
