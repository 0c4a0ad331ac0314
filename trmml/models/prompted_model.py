"""Models whose texts are learnt: encoded anew where they learn, once where they do not."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from trmml.functional import unit_vectors
from trmml.models.multi_label_model import MultiLabelModel
from trmml.models.outputs import ModelOutput
from trmml.typed_module import TypedModule

__all__ = ["PromptedModel"]

_Output = TypeVar("_Output", bound=ModelOutput, covariant=True)
_Prompts = TypeVar("_Prompts", bound=nn.Module)
_Model = TypeVar("_Model", bound="PromptedModel")  # not `Self`: beartype refuses it


class PromptedModel(MultiLabelModel[_Output]):
    """Score classes by text features that `prompts` learns.

    Attributes:
        prompts: Gives, called with the indices of some classes or None for all, a text feature of
            each of these classes, or a tuple of such features, unit length.
    """

    prompts: Any
    _text_cache: tuple[Any, tuple[Tensor, ...]] | None = None

    def drawn_prompts(self, kind: Callable[..., _Prompts], **options: object) -> _Prompts:
        """Return learnable prompts of the classes, as the configuration says.

        Args:
            kind: Of the prompts.
            options: What this kind alone takes.
        """
        config: Any = self.config
        return kind(
            self.encoders.text,
            self.class_names,
            context_length=config.context_length,
            class_specific=config.class_specific,
            init=config.prompt_init,
            chunk_size=config.text_chunk_size,
            **options,
        )

    def whole_image_cosines(
        self,
        features: Float[Tensor, "batch positions dim"],
        classes: Int[Tensor, " sampled"] | None,
    ) -> Float[Tensor, "batch classes"]:
        """Return the cosine of the averaged positions with the one text of each class.

        Args:
            features: Dense image features.
            classes: As in `text_features`.
        """
        (texts,) = self.text_features(classes)
        return unit_vectors(features.mean(dim=1)).to(texts.dtype) @ texts.T

    def text_features(
        self, classes: Int[Tensor, " sampled"] | None = None
    ) -> tuple[Float[Tensor, "classes dim"], ...]:
        """Return what `prompts` gives; without autograd, computed only once.

        Args:
            classes: Indices of the only classes to return; None returns all.
        """
        if torch.is_grad_enabled() or torch.compiler.is_compiling():
            return self._encoded(classes)
        kept = self._kept_text_features()
        return kept if classes is None else tuple(feature[classes] for feature in kept)

    def _encoded(
        self, classes: Int[Tensor, " sampled"] | None
    ) -> tuple[Float[Tensor, "classes dim"], ...]:
        found = self.prompts(classes)
        return found if isinstance(found, tuple) else (found,)

    def _kept_text_features(self) -> tuple[Float[Tensor, "classes dim"], ...]:
        parameters = list(self.prompts.parameters())
        if any(parameter.is_inference() for parameter in parameters):  # they have no version
            return self._encoded(None)
        # A parameter's version counts its in-place changes: optimiser steps and loaded states.
        state = [(p.data_ptr(), p._version, p.dtype, p.device) for p in parameters]
        if self._text_cache is None or self._text_cache[0] != state:
            self._text_cache = (state, self._encoded(None))
        return self._text_cache[1]

    def train(self: _Model, mode: bool = True) -> _Model:  # noqa: PYI019
        """Switch between training and evaluation; text features are computed anew."""
        self._text_cache = None  # changes through `.data`, as averaged weights make, leave no trace
        return super().train(mode)

    def for_prediction(self, kept: dict[int, Any]) -> Any:  # noqa: ANN401
        """Return a copy that can only predict, its text features fixed."""
        with torch.no_grad():
            texts = [feature.detach().clone() for feature in self.text_features()]
        # The text tower may be large, and is not copied but left behind.
        copied = super().for_prediction(
            kept | {id(part): part for part in (self.prompts, self.encoders.text)}
        )
        copied.prompts = _FixedTexts(texts)
        return copied


class _FixedTexts(TypedModule):
    """Stand where the prompts were, and give what they gave."""

    def __init__(self, texts: list[Float[Tensor, "classes dim"]]) -> None:
        super().__init__()
        for number, text in enumerate(texts):
            self.register_buffer(str(number), text)

    def forward(self, classes: None = None) -> tuple[Any, ...]:  # noqa: ARG002 - never a subset
        return tuple(self.buffers())
