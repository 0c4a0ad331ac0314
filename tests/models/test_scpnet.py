import pytest
import torch

from tests._references import view_consistency as reference
from tests._references.matching import cosine
from tests.random_clip import DIM, random_pair
from trmml.functional import sparse_text_graph
from trmml.losses import SPLCLoss
from trmml.models import Batch, zero_shot_text_features
from trmml.models.scpnet import SCPNet, SCPNetConfig, SCPNetTask

NAMES = ["tree", ["boat", "ship"], "car"]
GRID = (2, 3)


def model_of(**settings: object) -> SCPNet:
    config = SCPNetConfig.from_dict({"neighbours": 1, "top_k": 2, **settings})
    generator = torch.Generator().manual_seed(0)
    return SCPNet(random_pair(), NAMES, config=config, generator=generator)


def batch_of(count: int = 4, seed: int = 1) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(count, 6, DIM, generator=generator)
    labels = torch.randint(-1, 2, (count, 3), generator=generator)
    return Batch(features, labels, GRID, rows=torch.arange(count) + 7)


def test_the_score_is_the_cosine_of_the_whole_with_prompts_that_have_listened() -> None:
    model, batch = model_of(), batch_of()
    names = zero_shot_text_features(random_pair().text, NAMES)
    graph = sparse_text_graph(names, top_k=1)
    texts = model.prompts.mixing(model.prompts.learner(), graph).tolist()
    found = model.match(batch.inputs, GRID).logits
    for image, f in enumerate(batch.inputs.tolist()):
        mean = [sum(column) / 6 for column in zip(*f, strict=True)]
        for c in range(3):
            assert found[image, c].item() == pytest.approx(cosine(mean, texts[c]) / 0.1, rel=1e-4)


def test_the_loss_is_that_of_labels_and_of_the_second_view() -> None:
    task, batch = SCPNetTask(model_of(consistency_weight=0.5)).train(), batch_of()
    task.begin_epoch(3, epochs=5)
    losses = task(batch)
    model = task.model
    weak = model.match(batch.inputs, GRID).logits
    splc = SPLCLoss()
    splc.begin_epoch(3)
    torch.testing.assert_close(losses["labels"], splc(weak, batch.labels))
    seen = task._second_view(batch.inputs, batch)
    hidden = seen.eq(0).all(dim=-1)
    assert 0 < hidden.float().mean() < 1
    assert torch.equal(seen[~hidden], batch.inputs[~hidden])
    p = weak.sigmoid().tolist()
    chosen = reference.sure_positives(p, batch.labels.tolist(), [0.0] * 3, 2, 0.95)
    strong = model.match(seen, GRID).logits.tolist()
    graph = model.prompts.graph.tolist()
    expected = reference.view_consistency(strong, p, chosen, batch.labels.tolist(), graph, 2.0)
    assert losses["consistency"].item() == pytest.approx(expected, rel=1e-4)
    total = losses["labels"] + 0.5 * losses["consistency"]
    torch.testing.assert_close(losses["total"], total)
    assert task.counts.tolist() == [sum(row[c] for row in chosen) for c in range(3)]


def test_what_is_hidden_depends_on_image_and_epoch_alone() -> None:
    task, batch = SCPNetTask(model_of()), batch_of(6)
    rows = batch.rows
    assert rows is not None
    task.begin_epoch(1, epochs=5)
    whole = task._second_view(batch.inputs, batch)
    part = replace_rows(batch, slice(2, 4))
    assert torch.equal(task._second_view(part.inputs, part), whole[2:4])
    task.begin_epoch(2, epochs=5)
    assert not torch.equal(task._second_view(batch.inputs, batch), whole)


def replace_rows(batch: Batch, part: slice) -> Batch:
    rows = batch.rows
    assert rows is not None
    return batch._replace(inputs=batch.inputs[part], labels=batch.labels[part], rows=rows[part])


def test_nothing_is_counted_outside_of_training() -> None:
    task = SCPNetTask(model_of()).eval()
    task(batch_of())
    assert task.counts.sum() == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"top_k": 0}, "`top_k` must be at least 1, got 0"),
        ({"graph_weight": -1.0}, "`graph_weight` must be at least 0, got -1.0"),
        ({"hidden_share": 1.0}, r"`hidden_share` must be in \(0, 1\), got 1.0"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SCPNetConfig.from_dict(wrong)
