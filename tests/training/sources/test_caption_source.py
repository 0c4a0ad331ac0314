import logging

import pytest
import torch

from tests.random_clip import DIM, random_pair
from trmml.data import CaptionTable, match_nouns
from trmml.encoders import EncoderPair
from trmml.models import METHODS
from trmml.training import CaptionSource, Recipe, Trainer, TrainingSource, encode_captions, fit

NAMES = ["tree", "boat", "car"]
CAPTIONS = ("a tree", "two boats by an old tree in the rain", "a car", "cars and a boat")


@pytest.fixture(scope="module")
def pair() -> EncoderPair:
    return random_pair()


def table(captions: tuple[str, ...] = CAPTIONS) -> CaptionTable:
    return CaptionTable(captions, torch.from_numpy(match_nouns(captions, NAMES)))


def test_a_captions_own_feature_comes_first_and_its_tokens_behind(pair: EncoderPair) -> None:
    found, text = encode_captions(pair.text, CAPTIONS), pair.text
    tokens = text.pad(text.tokenize(CAPTIONS))
    assert found.dense.shape == (4, 1 + tokens.shape[1], DIM)
    assert found.grid == (1, 1 + tokens.shape[1])
    own = text(text.embed_tokens(tokens), tokens)
    torch.testing.assert_close(found.pooled, own)
    assert torch.equal(found.dense[:, 0], found.pooled)
    for row, caption in enumerate(text.tokenize(CAPTIONS)):
        count = len(caption)
        assert torch.equal(found.dense[row, count], found.pooled[row])  # the end token's
        assert found.dense[row, 1 : 1 + count].abs().sum(dim=-1).gt(0).all()
        assert found.dense[row, 1 + count :].eq(0).all()


def test_captions_in_many_parts_are_encoded_as_in_one(pair: EncoderPair) -> None:
    found = encode_captions(pair.text, CAPTIONS * 100)
    torch.testing.assert_close(found.dense[:4], encode_captions(pair.text, CAPTIONS).dense)
    assert len(found) == 400


def test_a_batch_is_what_is_stored_of_its_captions(pair: EncoderPair) -> None:
    source, stored = CaptionSource(pair.text, table()), encode_captions(pair.text, CAPTIONS)
    assert isinstance(source, TrainingSource)
    parts = [torch.tensor([2, 0]), torch.tensor([1])]
    for batch, rows in zip(source.batches(parts, epoch=3), parts, strict=True):
        positions = batch.inputs.shape[1]
        torch.testing.assert_close(batch.inputs, stored.dense[rows, :positions])
        assert stored.dense[rows, positions:].eq(0).all()
        assert batch.grid == (1, positions)
        assert batch.rows is not None
        assert torch.equal(batch.rows, rows)
        assert torch.equal(batch.labels, source.labels[rows])
        assert not batch.inputs.requires_grad


def test_a_share_without_captions_is_an_empty_batch(pair: EncoderPair) -> None:
    (batch,) = CaptionSource(pair.text, table()).batches([torch.arange(0)], epoch=0)
    assert batch.inputs.shape[::2] == (0, DIM)
    assert batch.labels.shape == (0, 3)


def test_a_step_in_the_dark_names_its_captions(pair: EncoderPair) -> None:
    source = CaptionSource(pair.text, table())
    assert source.describe(torch.tensor([2, 0])) == "'a car', 'a tree'"
    assert source.describe(torch.arange(4).repeat(2)).endswith("and 4 more")


def test_a_caption_longer_than_the_window_keeps_its_end_token(
    pair: EncoderPair, caplog: pytest.LogCaptureFixture
) -> None:
    text = pair.text
    long = "tree " * 200
    with caplog.at_level(logging.WARNING):
        found = encode_captions(text, ["a tree", long])
    assert "1 of 2 captions are longer than 77 tokens" in caplog.text
    (tokens,) = text.tokenize(["tree " * (text.context_length - 2)])
    assert len(tokens) == text.context_length
    cut = text.pad([tokens])
    torch.testing.assert_close(found.pooled[1:], text(text.embed_tokens(cut), cut))


def test_training_on_stored_captions_is_training_on_captions(pair: EncoderPair) -> None:
    """Padding of the store, and none in a batch of short captions, give the same to rounding."""
    recipe = Recipe(epochs=2, batch_size=2, max_lr=1e-2)
    stored, source = (task_of(pair) for _ in range(2))
    fit(stored, encode_captions(pair.text, CAPTIONS), table().labels, recipe=recipe)
    Trainer(source, CaptionSource(pair.text, table()), recipe=recipe).run()
    start = task_of(pair).state_dict()
    for name, value in stored.state_dict().items():
        torch.testing.assert_close(source.state_dict()[name], value, rtol=1e-4, atol=1e-5)
        assert not torch.equal(value, start[name])


def task_of(pair: EncoderPair):
    kind = METHODS["tai-dpt"]
    generator = torch.Generator().manual_seed(0)
    config = kind.Model.Config()
    return kind.build(pair, NAMES, config=config, image_size=64, generator=generator)


class WithoutTokens:
    dim = width = context_length = num_prefix_tokens = 1
    causal = True

    def tokenize(self, texts: object) -> None: ...

    def pad(self, tokens: object) -> None: ...

    def embed_tokens(self, tokens: object) -> None: ...

    def __call__(self, embeddings: object, tokens: object, shared: int = 0) -> None: ...


def test_a_tower_that_knows_only_whole_texts_is_refused() -> None:
    tower = WithoutTokens()
    for use in (lambda: CaptionSource(tower, table()), lambda: encode_captions(tower, CAPTIONS)):  # pyright: ignore[reportArgumentType]
        with pytest.raises(ValueError, match=r"`encoder` must .* every token, .* without `encode"):
            use()


def test_no_caption_is_refused(pair: EncoderPair) -> None:
    with pytest.raises(ValueError, match="`captions` must hold at least one sentence"):
        encode_captions(pair.text, [])
