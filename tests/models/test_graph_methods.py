import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests._references import label_graph
from tests._references import semantic_graph as reference
from tests.random_clip import DIM, random_pair
from trmml.functional import asymmetric_loss
from trmml.models import Batch, zero_shot_text_features
from trmml.models.hst import HST, HSTConfig, HSTTask
from trmml.models.ml_gcn import MLGCN, MLGCNConfig, MLGCNTask
from trmml.models.sarb import SARB, SARBConfig, SARBTask
from trmml.models.semantic_transfer import pair_labels, transferred_scores
from trmml.models.ssgrl import SSGRL, SSGRLConfig, SSGRLTask
from trmml.models.sst import SST, SSTConfig, SSTTask

NAMES = ["tree", "boat", "car"]
GRID = (2, 3)
LABELS = torch.tensor([[1, 1, 0], [1, 0, -1], [0, 1, 1], [-1, 0, 1]])
SMALL = {"width": 5}


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def batch_of(labels: torch.Tensor = LABELS) -> Batch:
    features = torch.randn(len(labels), 6, DIM, generator=seeded())
    return Batch(features, labels, GRID, rows=torch.arange(len(labels)))


def test_ssgrl_scores_as_the_letters_say() -> None:
    model = SSGRL(
        random_pair(), NAMES, config=SSGRLConfig.from_dict(SMALL), generator=seeded()
    ).double()
    task = SSGRLTask(model)
    task.begin_training(LABELS)
    features = torch.randn(2, 6, DIM, dtype=torch.float64)
    found = model.match(features, GRID)
    words = zero_shot_text_features(random_pair().text, NAMES).double()
    links = torch.tensor(label_graph.co_occurrence(LABELS.tolist(), 3), dtype=torch.float64)
    parts = model.decoupling
    for image in range(2):
        trunk = model.trunk(features[image])
        f = reference.decoupled(trunk, words, parts.position, parts.word, parts.score)
        h = f
        for _ in range(3):
            h = reference.gated_step(h, links, model.graph)
        for c in range(3):
            o = torch.tanh(model.output(torch.cat([h[c], f[c]])))
            expected = o @ model.weight[c] + model.bias[c]
            torch.testing.assert_close(found.logits[image, c], expected, rtol=1e-6, atol=1e-6)


def test_ml_gcn_scores_as_the_letters_say() -> None:
    config = MLGCNConfig.from_dict({"width": 4, "threshold": 0.3, "scale": 2.0})
    model = MLGCN(random_pair(), NAMES, config=config, generator=seeded())
    MLGCNTask(model).begin_training(LABELS)
    p = label_graph.co_occurrence(LABELS.tolist(), 3)
    links = torch.tensor(label_graph.reweighted_graph(p, 0.3, 0.2))
    torch.testing.assert_close(model.links, links)
    lines = model.mixing(zero_shot_text_features(random_pair().text, NAMES), links)
    features = torch.randn(2, 6, DIM)
    found = model.match(features, GRID).logits
    for image in range(2):
        f = torch.tensor([max(column) for column in zip(*features[image].tolist(), strict=True)])
        torch.testing.assert_close(found[image], 2.0 * lines @ (f / f.norm()))


def test_words_come_from_a_file_and_stay_with_the_model(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("tree 1 0\nboat 0 1\ncar 1 1\n")
    config = SSGRLConfig.from_dict({**SMALL, "word_vectors": str(path), "word_dim": 2})
    task: Any = SSGRLTask.build(random_pair(), NAMES, config=config, image_size=64)
    assert task.model.words.tolist() == [[1, 0], [0, 1], [1, 1]]
    task.model.save_pretrained(tmp_path / "model")
    path.unlink()
    again = SSGRL.from_pretrained(tmp_path / "model", encoders=random_pair())
    assert torch.equal(again.words, task.model.words)
    path.write_text("tree 1 0\nboat 0 1\n")
    with pytest.raises(ValueError, match="has none for 'car'"):
        MLGCNTask.build(random_pair(), NAMES, config=MLGCNConfig(word_vectors=str(path)))
    path.write_text("tree 1 0\nboat 0 1\ncar 1 1\n")
    with pytest.raises(ValueError, match="`word_dim` must be the length of the vectors in"):
        MLGCNTask.build(random_pair(), NAMES, config=MLGCNConfig(word_vectors=str(path)))


def test_labels_go_from_class_to_class_as_the_letters_say() -> None:
    pairs = torch.randn(4, 3, 3, dtype=torch.float64)
    expected = reference.transferred_scores(pairs.tolist(), LABELS.tolist())
    found = transferred_scores(pairs, LABELS)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
    for row, found_row in zip(LABELS.tolist(), pair_labels(LABELS).tolist(), strict=True):
        for (i, j), label in zip([(0, 1), (0, 2), (1, 2)], found_row, strict=True):
            both = {row[i], row[j]}
            assert label == (-1 if -1 in both else 1 if both == {1} else 0)


def sst_task(**settings: object) -> SSTTask:
    config = SSTConfig.from_dict({**SMALL, "pair_width": 4, "transfer_epoch": 2, **settings})
    task = SSTTask(SST(random_pair(), NAMES, config=config, generator=seeded())).train()
    task.begin_training(LABELS)
    return task


def test_sst_transfers_labels_from_its_epoch_on_and_by_both_ways() -> None:
    task, batch = sst_task(threshold=0.3), batch_of()
    task.begin_epoch(0, epochs=4)
    assert {*task(batch)} == {"labels", "pairs", "total"}
    task.begin_epoch(2, epochs=4)
    output = task.match(batch)
    pairs = task.model.pairs(output.class_features)
    within = reference.transferred_scores(pairs.tolist(), LABELS.tolist())
    f, bank = output.class_features.tolist(), task.bank
    across = [
        [
            sum(reference.cosine(f[b][c], v) for v in bank.prototypes[c, : bank.counts[c]].tolist())
            / max(int(bank.counts[c]), 1)
            for c in range(3)
        ]
        for b in range(4)
    ]
    losses = task(batch)
    for name, scores in (("within", within), ("across", across)):
        expected = 0.0
        for b in range(4):
            for c in range(3):
                if LABELS[b, c] == 0 and scores[b][c] >= 0.3:
                    x = output.logits[b, c].item()
                    expected -= torch.tensor(x).sigmoid().log().item()
        assert losses[name].item() == pytest.approx(expected / 4, rel=1e-4, abs=1e-6)
    upper = pairs[:, [0, 0, 1], [1, 2, 2]]
    known = asymmetric_loss(upper, pair_labels(LABELS))
    torch.testing.assert_close(losses["pairs"], 10 * known / 3)
    contrast = reference.class_contrast(f, LABELS.tolist())
    assert losses["contrast"].item() == pytest.approx(0.05 * contrast, rel=1e-4)
    parts = sum(value for name, value in losses.items() if name != "total")
    torch.testing.assert_close(losses["total"], parts)
    completion = task.completion(LABELS)
    assert completion is not None
    assert torch.equal(completion.labels[LABELS != 0], LABELS[LABELS != 0])
    assert (completion.labels[LABELS == 0] >= 0).all()


def test_hst_teaches_what_a_score_has_above_a_learnt_margin() -> None:
    config = HSTConfig.from_dict({**SMALL, "transfer_epoch": 0, "margin": 0.25})
    task = HSTTask(HST(random_pair(), NAMES, config=config, generator=seeded())).train()
    task.begin_training(LABELS)
    task.begin_epoch(0, epochs=4)
    batch = batch_of()
    output = task.match(batch)
    pairs = task.model.pairs(output.class_features)
    scores = reference.transferred_scores(pairs.tolist(), LABELS.tolist())
    losses, expected = task(batch), 0.0
    for b in range(4):
        for c in range(3):
            soft = min(max(scores[b][c] - 0.25, 0), 1)
            if LABELS[b, c] == 0 and soft > 0:
                p = output.logits[b, c].sigmoid().item()
                expected -= soft * math.log(p) + (1 - soft) * math.log(1 - p)
    assert losses["within"].item() == pytest.approx(0.1 * expected / 4, rel=1e-4)
    losses["within"].backward()
    gradient = task.margins.grad
    assert gradient is not None
    assert gradient[0] != 0
    assert gradient[1] == 0


def test_pairs_are_not_part_of_what_is_saved(tmp_path: Path) -> None:
    task = sst_task()
    task.model.save_pretrained(tmp_path)
    again = SST.from_pretrained(tmp_path, encoders=random_pair())
    features = torch.randn(2, 6, DIM)
    expected = task.eval().model.match(features, GRID).logits
    assert torch.equal(again.match(features, GRID).logits, expected)


def sarb_task(**settings: object) -> SARBTask:
    config = SARBConfig.from_dict({**SMALL, "blend_epoch": 1, "num_prototypes": 2, **settings})
    task = SARBTask(SARB(random_pair(), NAMES, config=config, generator=seeded())).train()
    task.begin_training(LABELS)
    return task


def test_sarb_blends_as_the_letters_say() -> None:
    task, batch = sarb_task(), batch_of()
    task.begin_epoch(0, epochs=4)
    assert {*task(batch)} == {"labels", "total"}
    task.begin_epoch(1, epochs=4)
    with torch.no_grad():
        task.shares.copy_(torch.tensor([0.7, 0.4]))
    f = task.match(batch).class_features
    means = [
        reference.kmeans(task.bank.prototypes[c, : task.bank.counts[c]].tolist(), 2, 10)
        for c in range(3)
    ]
    chosen, which = task._drawn(LABELS, batch)
    losses = task(batch)
    for name, share in (("images", 0.7), ("prototypes", 0.4)):
        blended, targets = f.clone(), LABELS.eq(1).float()
        counted = LABELS.ne(0)
        for b in range(4):
            for c in range(3):
                other = f[3 - b, c]
                here = LABELS[b, c] == 0 and LABELS[3 - b, c] == 1
                if name == "prototypes":
                    other, here = torch.tensor(means[c][which[b, c]]), bool(chosen[b, c])
                if here:
                    blended[b, c] = share * f[b, c] + (1 - share) * other
                    targets[b, c], counted[b, c] = 1 - share, True
        logits = task.model.classify(blended)
        bce = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, targets, reduction="none"
        )
        torch.testing.assert_close(losses[name], bce[counted].sum() / 4)
    assert chosen.sum(dim=1).tolist() == [1, 1, 1, 1]
    assert (LABELS[chosen] == 0).all()


def test_prototypes_are_made_once_when_it_is_time() -> None:
    task, batch = sarb_task(prototype_epochs=2), batch_of()
    for epoch, made in ((0, -1), (1, 1), (2, 1), (3, 3)):
        task.begin_epoch(epoch, epochs=4)
        assert task.made_in == made
        task(batch)
    before = task.prototypes.clone()
    task.begin_epoch(3, epochs=4)  # a resumption
    assert torch.equal(task.prototypes, before)


def test_shares_beyond_their_range_count_as_its_ends() -> None:
    task, batch = sarb_task(), batch_of()
    task.begin_epoch(0, epochs=4)
    task(batch)
    task.begin_epoch(1, epochs=4)
    with torch.no_grad():
        task.shares.fill_(3.0)
    losses = task(batch)
    assert losses["images"].isfinite()


@pytest.mark.parametrize(
    ("config", "wrong", "message"),
    [
        (SSGRLConfig, {"width": 0}, "`width` must be at least 1, got 0"),
        (SSTConfig, {"threshold": 1.0}, r"`threshold` must be in \(0, 1\), got 1.0"),
        (HSTConfig, {"margin": 1.0}, r"`margin` must be in \[0, 1\), got 1.0"),
        (SSTConfig, {"pair_weight": -1.0}, "`pair_weight` must be at least 0, got -1.0"),
        (SARBConfig, {"num_prototypes": 0}, "`num_prototypes` must be at least 1, got 0"),
        (MLGCNConfig, {"neighbours": 2.0}, r"`neighbours` must be in \[0, 1\], got 2.0"),
        (MLGCNConfig, {"scale": 0.0}, "`scale` must be above 0, got 0.0"),
    ],
)
def test_wrong_settings_are_refused(config: type, wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config.from_dict(wrong)
