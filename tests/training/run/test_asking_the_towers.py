"""Whether the frozen towers count in a stack is asked of all known labels, taught or not."""

from collections.abc import Iterator, Sequence

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor

from trmml.encoders import load_tiny
from trmml.models import METHODS, Batch, ZeroShotStack, zero_shot_scores
from trmml.training import FeatureSource, StoredFeatures, encode_images
from trmml.training.run import evaluation
from trmml.training.run.evaluation import RunEvaluator
from trmml.training.run.sources import RunSources
from trmml.training.sources.scoring import zero_shot_of_source
from trmml.world import make_world

HELD = 8


class Counting(FeatureSource):
    """Features that remember which rows were asked for."""

    def batches(self, parts: Sequence[Tensor], *, epoch: int) -> Iterator[Batch]:
        self.asked = sorted(row for part in parts for row in part.tolist())
        return super().batches(parts, epoch=epoch)


@pytest.fixture(scope="module")
def scenes():
    part = make_world(seed=3, num_train=120, num_validation=0, num_test=0).train
    features = encode_images(load_tiny().image, [torch.from_numpy(part.images)])
    return part.class_names, features, torch.from_numpy(part.labels).long()


def taken(features: StoredFeatures, rows: slice) -> StoredFeatures:
    return StoredFeatures(features.dense[rows], features.pooled[rows], features.grid)


def asked(scenes, *, blind: bool) -> tuple[RunEvaluator, Counting]:
    """Ask towers of scenes that they know, or of labels in another order."""
    names, features, labels = scenes
    taught = labels[HELD:]
    if blind:
        taught = taught[torch.randperm(len(taught), generator=torch.Generator().manual_seed(0))]
    train = Counting(taken(features, slice(HELD, None)), taught)
    few = torch.zeros_like(labels[:HELD])  # two known labels say nothing of anything
    few[0, 0], few[1, 0] = 1, -1
    held = FeatureSource(taken(features, slice(HELD)), few)
    encoders = load_tiny()
    evaluator = RunEvaluator(
        RunSources(train, held, None),
        on_test=False,
        batch_size=16,
        accelerator=Accelerator(cpu=True),
        stack=ZeroShotStack.of_towers(encoders.text, names),
    )
    task = METHODS["linear-probe"].build(
        encoders, names, config=METHODS["linear-probe"].Model.Config()
    )
    evaluator.selection_scores(task.model)
    return evaluator, train


@pytest.mark.parametrize("blind", [False, True])
def test_labels_that_are_trained_on_judge_who_has_not_learnt_them(scenes, blind: bool) -> None:
    evaluator, _ = asked(scenes, blind=blind)
    assert evaluator.towers_tell is not blind
    stack = evaluator.stack
    assert stack is not None
    assert bool(stack.weights[1].any()) is not blind


def test_no_more_images_are_read_than_are_enough(scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    classes = len(scenes[0])
    monkeypatch.setattr(evaluation, "ENOUGH", 2 + 5 * classes)  # two are known of those set aside
    _, train = asked(scenes, blind=False)
    assert len(train.asked) == 5
    assert train.asked != [0, 1, 2, 3, 4]  # files are often sorted


def test_each_process_reads_a_share_and_features_need_no_encoding(scenes) -> None:
    names, features, labels = scenes
    encoders = load_tiny()
    stack = ZeroShotStack.of_towers(encoders.text, names)
    source = FeatureSource(features, labels)
    rows = torch.tensor([7, 3, 50, 11, 2])
    shares = [
        zero_shot_of_source(encoders.image, stack, source, rows, batch_size=2, process=(index, 2))
        for index in range(2)
    ]
    expected = zero_shot_scores(features[rows], stack.texts, dense=True)
    torch.testing.assert_close(torch.cat([scores for scores, _ in shares]), expected)
    assert torch.equal(torch.cat([known for _, known in shares]), labels[rows])
