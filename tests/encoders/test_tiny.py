import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from trmml.encoders import EncoderPair, fingerprint
from trmml.encoders import tiny as module
from trmml.encoders.tiny import TINY_CONFIG, build_tiny, load_tiny, pack_tiny, unpack_tiny
from trmml.metrics import mean_average_precision
from trmml.world import WORLD_CLASS_NAMES, make_scenes

WEIGHTS = Path(module.__file__).with_name("tiny.safetensors")
CARD: dict[str, Any] = json.loads(WEIGHTS.with_suffix(".json").read_text())


@pytest.fixture(scope="module")
def pair() -> EncoderPair:
    return load_tiny()


def both_fingerprints(pair: EncoderPair) -> tuple[str, str]:
    assert isinstance(pair.image, torch.nn.Module)
    assert isinstance(pair.text, torch.nn.Module)
    return fingerprint(pair.image), fingerprint(pair.text)


def encode_names(pair: EncoderPair) -> Tensor:
    prompts = [f"a photo of a {name}." for name in WORLD_CLASS_NAMES]
    tokens = pair.text.pad(pair.text.tokenize(prompts))
    return F.normalize(pair.text(pair.text.embed_tokens(tokens), tokens), dim=-1)


def normalised(pair: EncoderPair, pixels: np.ndarray) -> Tensor:
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (pair.image.mean, pair.image.std))
    return (torch.from_numpy(pixels).float() / 255.0 - mean) / std


def test_the_files_are_small() -> None:
    assert WEIGHTS.stat().st_size + WEIGHTS.with_suffix(".json").stat().st_size <= 5_000_000


def test_only_trained_rows_are_stored(pair: EncoderPair) -> None:
    stored = load_file(WEIGHTS)
    assert len(stored["token_embedding.weight"]) == len(CARD["token_ids"]) < 200
    assert len(stored["positional_embedding"]) == CARD["num_positions"] < 77
    prompts = [f"a photo of a {name}." for name in WORLD_CLASS_NAMES]
    assert {token for row in pair.text.tokenize(prompts) for token in row} <= set(CARD["token_ids"])


def test_a_prompt_with_sixteen_learnt_tokens_reaches_no_untrained_position() -> None:
    assert CARD["num_positions"] >= 1 + 16 + 3 + 1


def test_the_card_tells_where_the_weights_come_from() -> None:
    assert {"steps", "seed", "scenes", "batch"} <= set(CARD["training"])
    assert {"torch", "numpy", "python"} <= set(CARD["versions"])
    assert set(CARD["metrics"]) == {"pretraining held out, mAP", "scenes test, mAP"}


def test_loading_twice_gives_the_same_model_and_leaves_chance_alone() -> None:
    before = torch.random.get_rng_state()
    first, second = load_tiny(), load_tiny()
    assert both_fingerprints(first) == both_fingerprints(second)
    assert torch.equal(before, torch.random.get_rng_state())


def test_untrained_rows_are_small_reproducible_numbers(pair: EncoderPair) -> None:
    unseen = torch.tensor([[i for i in range(1000) if i not in CARD["token_ids"]]])
    seen = torch.tensor([CARD["token_ids"]])
    rows = pair.text.embed_tokens(unseen)
    digest = hashlib.sha256(rows.numpy().tobytes()).hexdigest()[:16]
    assert digest == "3c69f59bfa9b3df0"
    trained = pair.text.embed_tokens(seen)
    assert rows.square().mean() == pytest.approx(float(trained.square().mean()), rel=0.05)


def test_packing_and_unpacking_keep_what_was_trained() -> None:
    source, target = build_tiny(), build_tiny()
    packed = pack_tiny(source.state_dict(), token_ids=[5, 49407, 3], num_positions=12)
    unpack_tiny(packed, target, token_ids=[5, 49407, 3], fill_seed=1)
    there, back = source.state_dict(), target.state_dict()
    for name, value in there.items():
        if name == "token_embedding.weight":
            rows = [5, 49407, 3]
            torch.testing.assert_close(back[name][rows], value[rows], rtol=1e-3, atol=1e-7)
            assert not torch.equal(back[name][4], value[4])
        elif name == "positional_embedding":
            torch.testing.assert_close(back[name][:12], value[:12], rtol=1e-3, atol=1e-7)
        else:
            torch.testing.assert_close(back[name], value, rtol=1e-3, atol=1e-7)


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    for suffix in (".safetensors", ".json"):
        shutil.copy(WEIGHTS.with_suffix(suffix), tmp_path)
    copy = tmp_path / WEIGHTS.name
    load_tiny(weights=copy)
    content = bytearray(copy.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(content)
    with pytest.raises(ValueError, match=r"`weights` must be the file its card describes .* got "):
        load_tiny(weights=copy)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.json"):
        load_tiny(weights=tmp_path / "absent.safetensors")
    shutil.copy(WEIGHTS.with_suffix(".json"), tmp_path)
    with pytest.raises(FileNotFoundError, match=r"tiny\.safetensors does not exist; check"):
        load_tiny(weights=tmp_path / WEIGHTS.name)


def test_any_size_in_steps_of_32_gives_one_feature_per_position(pair: EncoderPair) -> None:
    for height, width in ((96, 96), (128, 160), (256, 256)):
        features = pair.image(torch.zeros(1, 3, height, width))
        assert features.grid == (height // 32, width // 32)
        assert features.dense.shape == (1, height * width // 1024, TINY_CONFIG["embed_dim"])
        assert features.pooled.shape == (1, TINY_CONFIG["embed_dim"])


def test_zero_shot_is_far_better_than_chance_on_pretraining_scenes(pair: EncoderPair) -> None:
    scenes = make_scenes(100, seed=99, regime="pretraining", image_size=96)
    features = pair.image(normalised(pair, scenes.images))
    labels = torch.from_numpy(scenes.labels).int()
    text = encode_names(pair)
    chance = float((labels > 0).float().mean())
    whole = F.normalize(features.pooled, dim=-1) @ text.T
    places = (F.normalize(features.dense, dim=-1) @ text.T).amax(dim=1)
    assert float(mean_average_precision(whole, labels)) > 6.0 * chance
    assert float(mean_average_precision(places, labels)) > 6.0 * chance


def test_heat_is_higher_on_the_object_than_elsewhere(pair: EncoderPair) -> None:
    scenes = make_scenes(60, seed=5)
    dense, (rows, columns) = pair.image.encode_dense(normalised(pair, scenes.images))
    heat = (F.normalize(dense, dim=-1) @ encode_names(pair).T).reshape(60, rows, columns, -1)
    gaps = []
    for index, boxes in enumerate(scenes.boxes):
        for category, left, top, right, bottom in boxes:
            x, y = int((left + right) // 64), int((top + bottom) // 64)
            here = heat[index, :, :, int(category)]
            gaps.append(float(here[y, x] - here.mean()))
    assert np.mean(gaps) > 0.1


def test_the_docs_show_what_the_pretraining_measured() -> None:
    root = Path(__file__).parents[2]
    metrics = json.loads((root / "trmml/encoders/tiny.json").read_text())["metrics"]
    page = (root / "docs" / "parts" / "world.md").read_text()
    for regime in metrics.values():
        assert f"| {regime['global']:.1f} | {regime['dense_max']:.1f} |" in page
