"""Find the region of every category, and describe it in the joint space."""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from trmml.choices import check_choice
from trmml.functional import (
    Normalization,
    aligned_calibration,
    aligned_energy,
    attended_features,
    dot_energy,
    region_features,
)
from trmml.typed_module import TypedModule

__all__ = ["CategoryAwareRegionDecoder", "RegionOutput"]

EnergyForm = Literal["aligned", "dot"]

# Where "aligned" starts before `calibrate`: the cosine between text and positions of a
# contrastively trained tower has a standard deviation of a few hundredths.
INITIAL_SCALE = 40.0
# Below 0 for any usual cosine: there the sigmoid is like an exponential, and positions still weigh
# differently. Above, all would count alike and learn nothing.
INITIAL_BIAS = -10.0


class RegionOutput(NamedTuple):
    """What the decoder says of every category in every image.

    Attributes:
        energy: Logit of each position; `energy.sigmoid()` is the soft region of Eq. (2).
        region_features: Sum of the image's own features over the region (Eq. 4).
        query_features: The attention's own description of the category (Eq. 3); None where the
            query branch was not asked for.
    """

    energy: Float[Tensor, "batch classes positions"]
    region_features: Float[Tensor, "batch classes dim"]
    query_features: Float[Tensor, "batch classes dim"] | None


class CategoryAwareRegionDecoder(TypedModule):
    r"""Let one query per category look for its region in an image's dense features.

    $$ e_c = \frac{(W_q q_c)^\top W_k f}{\sqrt d} \ \text{("dot")}, \qquad
       e_c = s \cos(W_q q_c, W_k f) + b \ \text{("aligned")} $$

    $$ r_c = \sigma(e_c), \qquad f_c^r = \sum_i r_{c,i} f_i, \qquad
       A_c = W_o \sum_i \mathrm{softmax}(e_c)_i W_v f_i, \qquad F_c^q = A_c + \mathrm{MLP}(A_c) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f$ | `features` | dense image features in the joint space |
    | $q_c$ | `queries` | learnable, one per category |
    | $e$ | `.energy` | attention logits; their sigmoid is the region |
    | $f^r$ | `.region_features` | on the *original* features: no linear layer leaves the space |
    | $F^q$ | `.query_features` | through the decoder's own layers |
    | $s$, $b$ | `scale`, `bias` | learnable; `calibrate` sets them from a first batch |

    Source: Eq. (2), (3) and (4) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al.,
    ACM Multimedia 2024); one attention head.
    Differs from the paper: the paper leaves open how the energies start. "dot", as printed, starts
    near 0, so every region starts as half of everything. "aligned" starts $W_q$ and $W_k$ as the
    identity, so that with text embeddings as queries the first region is CLIP's own match between
    the category's name and the positions. The docs page has the comparison.

    Args:
        dim: Size of the joint space.
        num_classes: Number of categories.
        queries: Start of the queries, of shape (num_classes, dim), best the text features of the
            class names; None draws them from N(0, 1/dim).
        energy: "aligned" or "dot" (paper), see above.
        normalization: "sigmoid" (Eq. 2) sums features over the soft region; "softmax" averages
            them with the attention's weights instead. Changes `region_features` only.
        hidden_dim: Width of the MLP; None is 3 x dim, which meets the paper's parameter count.

    Raises:
        ValueError: If a size is below 1, an option is unknown, or `queries` has another shape.

    Examples:
        >>> decoder = CategoryAwareRegionDecoder(8, 3)
        >>> features = torch.randn(2, 49, 8)
        >>> decoder.calibrate(features)
        >>> output = decoder(features)
        >>> output.energy.shape, output.region_features.shape, output.query_features.shape
        (torch.Size([2, 3, 49]), torch.Size([2, 3, 8]), torch.Size([2, 3, 8]))
    """

    calibrated: Tensor

    def __init__(
        self,
        dim: int,
        num_classes: int,
        *,
        queries: Float[Tensor, "classes dim"] | None = None,
        energy: EnergyForm = "aligned",
        normalization: Normalization = "sigmoid",
        hidden_dim: int | None = None,
    ) -> None:
        """Build the attention and its MLP; copy `queries`."""
        super().__init__()
        if dim < 1 or num_classes < 1:
            raise ValueError(
                f"`dim` and `num_classes` must be at least 1, got {dim} and {num_classes}."
            )
        check_choice(energy, EnergyForm, argument="energy")
        check_choice(normalization, Normalization, argument="normalization")
        start = torch.randn(num_classes, dim) / dim**0.5 if queries is None else queries
        if start.shape != (num_classes, dim):
            raise ValueError(
                f"`queries` must have shape (num_classes, dim) = ({num_classes}, {dim}), got "
                f"{tuple(start.shape)}."
            )
        self.dim, self.num_classes = dim, num_classes
        self.energy: EnergyForm = energy
        self.normalization: Normalization = normalization
        self.queries = nn.Parameter(start.detach().clone().float())
        self.query_projection = nn.Linear(dim, dim)
        self.key_projection = nn.Linear(dim, dim)
        self.value_projection = nn.Linear(dim, dim)
        self.output_projection = nn.Linear(dim, dim)
        hidden = 3 * dim if hidden_dim is None else hidden_dim
        if hidden < 1:
            raise ValueError(f"`hidden_dim` must be at least 1, got {hidden}.")
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))
        if energy == "aligned":
            self.scale = nn.Parameter(torch.tensor(INITIAL_SCALE))
            self.bias = nn.Parameter(torch.tensor(INITIAL_BIAS))
            for projection in (self.query_projection, self.key_projection):
                nn.init.eye_(projection.weight)
                nn.init.zeros_(projection.bias)
        self.register_buffer("calibrated", torch.tensor(False))

    @torch.no_grad()
    def calibrate(self, features: Float[Tensor, "batch positions dim"]) -> None:
        """Set `scale` and `bias` so that a region starts as the positions that stand out.

        The sigmoid is 1/2 two standard deviations above the mean cosine of these features with
        the queries, and the scale is 2 over the deviation. Does nothing for "dot".

        Args:
            features: Dense features of a first batch; more images give a steadier estimate.

        Raises:
            ValueError: If there are no features, or their last size is not `dim`.
        """
        self._check(features)
        if features.numel() == 0:
            raise ValueError("`features` must hold at least one image to calibrate on, got none.")
        if self.energy == "aligned":
            scale, bias = aligned_calibration(
                self.query_projection(self.queries), self.key_projection(features)
            )
            self.scale.copy_(scale)
            self.bias.copy_(bias)
        self.calibrated.fill_(True)

    def region_energy(
        self,
        features: Float[Tensor, "batch positions dim"],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Float[Tensor, "batch classes positions"]:
        """Return the attention logits alone; their sigmoid is the region (Eq. 2)."""
        asked = self.queries if classes is None else self.queries[classes]
        queries, keys = self.query_projection(asked), self.key_projection(features)
        if self.energy == "aligned":
            return aligned_energy(queries, keys, scale=self.scale, bias=self.bias)
        return dot_energy(queries, keys)

    def forward(
        self,
        features: Float[Tensor, "batch positions dim"],
        *,
        query_branch: bool = True,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> RegionOutput:
        """Find every category's region and describe it.

        Args:
            features: Dense image features in the joint space, as an image encoder gives them.
            query_branch: Whether to compute `query_features` too; prediction does not need them.
            classes: Indices of the only categories to look for; None looks for all.

        Returns:
            Energies, region features and, if asked for, query features.

        Raises:
            ValueError: If the last size of `features` is not `dim`.
        """
        self._check(features)
        energy = self.region_energy(features, classes=classes)
        regions = region_features(features, energy, normalization=self.normalization)
        if not query_branch:
            return RegionOutput(energy, regions, None)
        # The weights sum to one, so projecting after the average equals projecting every position
        # before it, and there are fewer classes than positions. Nothing bends between the two
        # projections: one of their product serves every image and class.
        attended = attended_features(features, energy).to(features.dtype)  # cosines are float32
        value, output = self.value_projection, self.output_projection
        attended = F.linear(attended, output.weight @ value.weight, output(value.bias))
        return RegionOutput(energy, regions, attended + self.mlp(attended))

    def _check(self, features: Float[Tensor, "batch positions _"]) -> None:
        if features.ndim != 3 or features.shape[-1] != self.dim:
            raise ValueError(
                f"`features` must have shape (batch, positions, {self.dim}), got "
                f"{tuple(features.shape)}; flatten a feature map's height and width first."
            )

    def extra_repr(self) -> str:
        """Show sizes and options in the printed module."""
        return (
            f"{self.dim}, {self.num_classes}, energy={self.energy!r}, "
            f"normalization={self.normalization!r}"
        )
