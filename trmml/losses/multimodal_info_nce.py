"""The multimodal contrastive loss as a module, with its projections."""

import math
from functools import partial
from typing import Final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from trmml.distributed import gather_rows
from trmml.functional.checks import check_labels_on_cpu, check_temperature
from trmml.functional.in_blocks import in_blocks
from trmml.functional.multimodal_info_nce import (
    Candidates,
    candidate_info_nce,
    check_inputs,
    check_num_sampled,
    positive_regions,
    stored_prototypes,
)
from trmml.functional.unit_vectors import unit_vectors
from trmml.functional.values_at_hand import values_are_at_hand
from trmml.labels import Labels
from trmml.typed_module import TypedModule

__all__ = ["MultimodalInfoNCE"]

PROJECTED_AT_ONCE: Final = 2**14
"""Most features of which the projection holds the hidden layer at a time."""


class MultimodalInfoNCE(TypedModule):
    r"""Draw each category's text to its own regions and away from those of other categories.

    $$ L_{NCE} = \operatorname{mean}_a \operatorname{mean}_{q_+ \in P_a}
       -\log\sigma\Big(\frac{p_a \cdot q_+}\tau
       - \log\sum_{q_- \in N_a} \exp\frac{p_a \cdot q_-}\tau\Big) $$

    The function is `trmml.functional.multimodal_info_nce`; its docstring has the symbols. Here the
    anchors are `text_projection(text_features)`, and regions and prototypes share one
    `region_projection`. Projected vectors are scaled to unit length before they are compared.

    With `num_sampled`, training mode looks at no more prototypes than that, drawn anew in every
    step: the estimate that the function describes. Draws follow from how many there were, `draws`,
    which is part of the state: a training that is taken up again draws what it would have drawn,
    and several processes draw alike. Eval mode looks at all.

    Source: Eq. (13) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024), after [InfoNCE](https://arxiv.org/abs/1807.03748) (van den Oord et al., 2018).
    Differs from the paper: it names an MLP without describing it. Here there are two, for text and
    for regions, each `dim -> hidden_dim -> dim` with a GELU; their inputs are first scaled to a
    root mean square of 1, so that regions (sums over positions) and prototypes (unit length)
    look alike to them. `num_sampled` is an addition.

    Args:
        dim: Size of the joint space.
        temperature: Divides the cosines, > 0 (paper: not given; 0.07 is the field's habit).
            Small values look only at the hardest negative, large ones at all alike.
        projection: Whether to project; without, the inputs themselves are compared.
        hidden_dim: Hidden size of both MLPs, unused without projection; `3 * dim` by default,
            which meets the paper's count of parameters.
        learn_temperature: Whether to learn the logarithm of the temperature.
        gather_distributed: Whether, in training mode, the positives of all processes of
            `torch.distributed` count, so that each returns the loss of the whole batch.
        num_sampled: Most prototypes that training mode looks at, >= 1; None looks at all, which
            takes time with the square of the number of categories.

    Raises:
        ValueError: If `dim`, `hidden_dim`, `temperature` or `num_sampled` is not above 0.

    Examples:
        >>> import torch
        >>> loss = MultimodalInfoNCE(2, temperature=1.0, projection=False)
        >>> labels = torch.tensor([[1, 0], [0, 1], [1, -1]])
        >>> loss(torch.eye(2).expand(3, 2, 2), torch.eye(2), labels)
        tensor(0.4324)
    """

    draws: Int[Tensor, ""]

    def __init__(
        self,
        dim: int,
        *,
        temperature: float = 0.07,
        projection: bool = True,
        hidden_dim: int | None = None,
        learn_temperature: bool = False,
        gather_distributed: bool = False,
        num_sampled: int | None = None,
    ) -> None:
        """Check the settings and build the projections."""
        super().__init__()
        check_temperature(temperature)
        check_num_sampled(num_sampled)
        hidden_dim = 3 * dim if hidden_dim is None else hidden_dim
        if dim < 1 or hidden_dim < 1:
            raise ValueError(
                f"`dim` and `hidden_dim` must be at least 1, got {dim} and {hidden_dim}; "
                "`dim` is the size of the joint space."
            )
        self.dim = dim
        self.text_projection = _mlp(dim, hidden_dim) if projection else None
        self.region_projection = _mlp(dim, hidden_dim) if projection else None
        self.fixed_temperature = temperature
        self.gather_distributed = gather_distributed
        self.num_sampled = num_sampled
        if num_sampled is not None:
            self.register_buffer("draws", torch.tensor(0))
        self.log_temperature = (
            nn.Parameter(torch.tensor(math.log(temperature))) if learn_temperature else None
        )

    @property
    def temperature(self) -> float | Float[Tensor, ""]:
        """What cosines are divided by: the number given, or the one learnt."""
        if self.log_temperature is None:
            return self.fixed_temperature
        return self.log_temperature.exp()

    def forward(
        self,
        region_features: Float[Tensor, "batch classes dim"],
        text_features: Float[Tensor, "classes dim"],
        labels: Labels,
        prototypes: Float[Tensor, "classes capacity dim"] | None = None,
        counts: Int[Tensor, " classes"] | None = None,
        *,
        most_positives: int | None = None,
    ) -> Float[Tensor, ""]:
        """Return the loss in nats; 0, with zero gradient, when no label is positive.

        Args:
            region_features: One feature per image and category, any length.
            text_features: One text embedding per category, any length.
            labels: Labels of the batch; 0 and -1 are treated alike.
            prototypes: Bank of features; filled slots come first. None: batch only.
            counts: Filled slots per category; needed with `prototypes`.
            most_positives: Known positives that no image has more of. Where the labels are on a
                GPU, or in a graph, room is made for so many of each image; None: of all categories.

        Raises:
            ValueError: If the features are not of size `dim`, shapes disagree, as they do where
                regions and texts are swapped, or only one of `prototypes` and `counts` is given;
                eagerly on the CPU, if labels hold other values than -1, 0 and +1 too.
        """
        for argument, features in (
            ("region_features", region_features),
            ("text_features", text_features),
            ("prototypes", prototypes),
        ):
            if features is not None and features.shape[-1] != self.dim:
                raise ValueError(
                    f"`{argument}` must have features of size {self.dim}, got "
                    f"{features.shape[-1]}; build the loss with the size of your joint space."
                )
        check_inputs(region_features, text_features, labels, prototypes, counts)
        check_labels_on_cpu(labels)
        found = positive_regions(region_features, labels, most_positives=most_positives)
        regions, owners = found.features, found.owners
        regions = _project(self.region_projection, regions)
        if self.gather_distributed and self.training:
            regions, owners = gather_rows(regions), gather_rows(owners)
        candidates = [Candidates(regions, owners)]
        if prototypes is not None and counts is not None:
            stored = self._drawn(prototypes, counts)
            projected = _project(self.region_projection, stored.features)
            # Not by `_replace`, which torch 2.8 cannot compile.
            candidates.append(Candidates(projected, stored.owners, stored.counts, stored.stand_for))
        text_features = _project(self.text_projection, text_features)
        return candidate_info_nce(text_features, candidates, temperature=self.temperature)

    def _drawn(
        self,
        prototypes: Float[Tensor, "classes capacity dim"],
        counts: Int[Tensor, " classes"],
    ) -> Candidates:
        """Draw prototypes, other ones in each step, the same ones wherever that step is taken."""
        if self.num_sampled is None or not self.training:
            return stored_prototypes(prototypes, counts)
        generator, number = None, self.draws.clone()
        if values_are_at_hand(number):
            generator = torch.Generator().manual_seed(int(number))
        self.draws += 1
        return stored_prototypes(
            prototypes, counts, self.num_sampled, generator=generator, number=number
        )

    def extra_repr(self) -> str:
        """Show the settings; the MLPs show themselves."""
        learnt = self.log_temperature is not None
        return (
            f"dim={self.dim}, temperature={self.fixed_temperature}, "
            f"projection={self.text_projection is not None}, learn_temperature={learnt}, "
            f"gather_distributed={self.gather_distributed}, num_sampled={self.num_sampled}"
        )


def _mlp(dim: int, hidden_dim: int) -> nn.Module:
    """Return a projection with one hidden layer."""
    return nn.Sequential(nn.Linear(dim, hidden_dim), nn.GELU(), nn.Linear(hidden_dim, dim))


def _project(
    projection: nn.Module | None, features: Float[Tensor, "rows dim"]
) -> Float[Tensor, "rows dim"]:
    """Project features scaled to a root mean square of 1; without a projection, return them."""
    if projection is None:
        return features
    return in_blocks(partial(_project_block, projection), features, size=PROJECTED_AT_ONCE)


def _project_block(
    projection: nn.Module, features: Float[Tensor, "rows dim"]
) -> Float[Tensor, "rows dim"]:
    scaled = unit_vectors(features) * math.sqrt(features.shape[-1])
    return projection(scaled.to(next(projection.parameters()).dtype))
