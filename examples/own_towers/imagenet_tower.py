"""An ImageNet classifier as an image tower: each position is a mixture of names of classes."""

from collections.abc import Sequence
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from trmml.encoders import ImageFeatures


class ImageNetTower(nn.Module):
    r"""A frozen classifier whose positions speak the language of a sentence encoder (ConSE).

    $$ f_p = \sum_k \mathrm{softmax}(W x_p + b)_k \, (t_k - \bar t) $$

    with $x_p$ the classifier's last feature at a position and $t_k$ the text feature of ImageNet's
    class $k$. The pooled feature takes the mean over positions for $x_p$, as the classifier does.

    Source: Norouzi et al., [Zero-shot learning by convex combination of semantic
    embeddings](https://arxiv.org/abs/1312.5650), 2014.
    Differs from the paper: all classes are mixed in place of the ten most likely, at every
    position, and the mean of the texts is taken off.

    Args:
        classifier: A convolutional network of timm with its classifier.
        texts: One text feature for each of its classes, centred already.
        sentences: What these are features of.
    """

    texts: Tensor
    sentences: Tensor

    def __init__(self, classifier: Any, texts: Tensor, sentences: Sequence[str]) -> None:  # noqa: ANN401
        """Freeze the classifier."""
        super().__init__()
        self.classifier = classifier
        self.dim = texts.shape[1]
        self.mean, self.std = classifier.default_cfg["mean"], classifier.default_cfg["std"]
        self.stride: int = classifier.feature_info[-1]["reduction"]
        # A saved model knows its towers by the bits of their state. The texts' features come from
        # arithmetic, which each machine rounds in its own way: the state has the sentences instead.
        self.register_buffer("texts", texts, persistent=False)
        written = "\n".join(sentences).encode()
        self.register_buffer("sentences", torch.tensor(list(written), dtype=torch.uint8))
        self.classifier.to(memory_format=torch.channels_last)
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> ImageFeatures:
        """Return dense and pooled features, and the grid."""
        map_ = self._map(images)
        dense, grid = self._dense(map_)
        pooled = self._mixed(map_.mean(dim=(2, 3)))
        return ImageFeatures(dense.to(images.dtype), pooled.to(images.dtype), grid)

    def encode_dense(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Return dense features and the grid."""
        dense, grid = self._dense(self._map(images))
        return dense.to(images.dtype), grid

    @torch.no_grad()
    def _map(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        if height % self.stride or width % self.stride:
            raise ValueError(
                f"`images` must have sides divisible by {self.stride}, got {height} x {width}; "
                "resize, crop or pad them."
            )
        images = images.to(self.texts.dtype, memory_format=torch.channels_last)
        return self.classifier.forward_features(images)

    def _dense(self, map_: Tensor) -> tuple[Tensor, tuple[int, int]]:
        grid = (map_.shape[2], map_.shape[3])
        return self._mixed(rearrange(map_, "n c h w -> n (h w) c")), grid

    @torch.no_grad()
    def _mixed(self, features: Tensor) -> Tensor:
        return self.classifier.get_classifier()(features).softmax(dim=-1) @ self.texts
