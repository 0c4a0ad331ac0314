"""Both towers with random weights, built in milliseconds."""

from collections.abc import Sequence
from typing import Any

import timm
import torch
from torch import Tensor, nn

from examples.own_towers.imagenet_tower import ImageNetTower
from examples.own_towers.sentence_layer import FILE_NAMES, SentenceLayer
from examples.own_towers.sentence_tower import TABLES, SentenceTower
from examples.own_towers.word_pieces import WordPieces

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "photo", "of", "cat", "dog", ".", "##s"]
SIZES: dict[str, Any] = {
    "vocab_size": len(VOCABULARY),
    "max_position_embeddings": 40,
    "type_vocab_size": 2,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "layer_norm_eps": 1e-12,
}


def random_state() -> dict[str, Tensor]:
    """Return weights under the names of a file of BERT's."""
    width = SIZES["hidden_size"]
    rows = (SIZES["vocab_size"], SIZES["max_position_embeddings"], SIZES["type_vocab_size"])
    parts: dict[str, nn.Module] = {
        f"embeddings.{name}": nn.Embedding(number, width)
        for name, number in zip([*TABLES.values()][:3], rows, strict=True)
    }
    parts["embeddings.LayerNorm"] = nn.LayerNorm(width)
    for number in range(SIZES["num_hidden_layers"]):
        layer = SentenceLayer(SIZES)
        for own, name in FILE_NAMES.items():
            parts[f"encoder.layer.{number}.{name}"] = getattr(layer, own)
    return {
        f"{name}.{kind}": value + 0.3 * torch.randn_like(value)
        for name, part in parts.items()
        for kind, value in part.state_dict().items()
    }


def sentence_tower() -> SentenceTower:
    """Return a text tower of two layers, whose features are 16 numbers."""
    return SentenceTower(random_state(), WordPieces(VOCABULARY), sizes=SIZES, context_length=30)


def imagenet_tower(sentences: Sequence[str] = ("a photo of a cat", "a photo of a dog")) -> Any:  # noqa: ANN401
    """Return an image tower whose texts are 16 random numbers each."""
    classifier = timm.create_model("test_efficientnet", num_classes=len(sentences))
    return ImageNetTower(classifier, torch.randn(len(sentences), 16), sentences)
