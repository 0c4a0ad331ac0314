"""A first-in-first-out memory of what each category looks like at single positions."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.distributed import gather_rows
from trmml.functional import prototype_similarity, top_pair_features
from trmml.functional.checks import check_labels_on_cpu
from trmml.functional.positive_pairs import NOBODY, positive_pairs
from trmml.labels import Labels
from trmml.typed_module import TypedModule

__all__ = ["PrototypeMemoryBank"]


class PrototypeMemoryBank(TypedModule):
    r"""Remember, per category, the features at the strongest positions of known positives.

    $$ V_c = f_{\mathrm{TopK}(r_c)}, \qquad
       s^u_{m,c} = \frac{1}{\ell_c} \sum_{j=1}^{\ell_c} \cos(f^r_{m,c}, v_{c,j}) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f$, $r_c$ | `features`, `energy` | dense features; the region's logits rank its positions |
    | $V_c$ | `prototypes[c]` | unit features, oldest overwritten first |
    | $\ell$, $\ell_c$ | `capacity`, `counts[c]` | room per category, and how much is filled |
    | $k$ | `top_k` | positions remembered per known positive |
    | $s^u$ | `similarity(...)` | mean cosine with the category's own prototypes |

    All state lies in buffers: it saves, loads and moves with the module. Nothing here has a
    gradient.

    Source: Eq. (7) and (8) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM
    Multimedia 2024).
    Differs from the paper: nothing. The paper names neither $\ell$ nor $k$.

    Args:
        num_classes: Number of categories.
        dim: Size of the joint space.
        capacity: Prototypes kept per category, >= `top_k`.
        top_k: Positions taken from each known positive, >= 1 and at most the number of positions.
        gather_distributed: Whether, in training mode, the bank remembers what all processes of
            `torch.distributed` push, so that each has the bank of the whole batch.

    Raises:
        ValueError: If a size is below 1 or `top_k` exceeds `capacity`.

    Examples:
        >>> bank = PrototypeMemoryBank(3, 8, capacity=4, top_k=2)
        >>> features, energy = torch.randn(2, 49, 8), torch.randn(2, 3, 49)
        >>> bank.update(features, energy, torch.tensor([[1, 0, -1], [1, 1, 0]]))
        >>> bank.counts
        tensor([4, 2, 0])
        >>> bank.similarity(torch.randn(2, 3, 8)).isnan().any(dim=0)
        tensor([False, False,  True])
    """

    prototypes: Tensor
    counts: Tensor
    pointers: Tensor

    def __init__(
        self,
        num_classes: int,
        dim: int,
        *,
        capacity: int = 32,
        top_k: int = 2,
        gather_distributed: bool = False,
    ) -> None:
        """Allocate an empty memory."""
        super().__init__()
        sizes = {"num_classes": num_classes, "dim": dim, "capacity": capacity, "top_k": top_k}
        for name, size in sizes.items():
            if size < 1:
                raise ValueError(f"`{name}` must be at least 1, got {size}.")
        if top_k > capacity:
            raise ValueError(
                f"`top_k` must not exceed `capacity` = {capacity}, got {top_k}; one image would "
                "push out its own prototypes."
            )
        self.num_classes, self.dim, self.capacity, self.top_k = num_classes, dim, capacity, top_k
        self.gather_distributed = gather_distributed
        self.register_buffer("prototypes", torch.zeros(num_classes, capacity, dim))
        self.register_buffer("counts", torch.zeros(num_classes, dtype=torch.long))
        self.register_buffer("pointers", torch.zeros(num_classes, dtype=torch.long))

    @torch.no_grad()
    def update(
        self,
        features: Float[Tensor, "batch positions dim"],
        energy: Float[Tensor, "batch classes positions"],
        labels: Labels,
        *,
        classes: Int[Tensor, " sampled"] | None = None,
        most_positives: int | None = None,
    ) -> None:
        """Push the strongest positions of every known positive, in batch order.

        Args:
            features: Dense image features in the joint space; stored at unit length.
            energy: Region logits of every category.
            labels: Known labels in {-1, 0, +1}; only +1 is remembered.
            classes: Categories that the columns stand for, each once; None for all.
            most_positives: Known positives that no image has more of. Where the labels are on a
                GPU, or in a graph, room is made for so many of each image; None: of all categories.

        Raises:
            ValueError: If sizes disagree with each other or with the bank, or, eagerly on the
                CPU, labels hold other values than -1, 0 and +1. Elsewhere only +1 is looked for.
        """
        self._check_sizes(features, energy, labels, classes)
        check_labels_on_cpu(labels)
        rows, columns, owners = positive_pairs(labels, most=most_positives)
        pushed = top_pair_features(
            features, energy, batch_index=rows, class_index=columns, top_k=self.top_k
        )
        if classes is not None:
            owners = torch.where(owners == NOBODY, NOBODY, classes[columns])
        if self.gather_distributed and self.training:  # the ranks hold the batch in their order
            pushed, owners = gather_rows(pushed), gather_rows(owners)
        if len(owners):
            self._push(pushed.to(self.prototypes), owners)

    def _push(
        self, pushed: Float[Tensor, "pairs top_k dim"], owners: Int[Tensor, " pairs"]
    ) -> None:
        """Write what is pushed into the queues of its owners, in sizes that no value decides."""
        nobody = self.num_classes  # what is not there comes last
        owners = torch.where(owners == NOBODY, nobody, owners)
        owners, by_class = owners.sort(stable=True)  # so that a class's pairs stay in batch order
        pairs_per_class = owners.new_zeros(nobody + 1).index_add(0, owners, torch.ones_like(owners))
        first_pair = pairs_per_class.cumsum(0) - pairs_per_class
        place = torch.arange(len(owners), device=owners.device)
        # What is not there does as the last that is, to no effect; where nothing is, nobody does.
        place = torch.minimum(place, (first_pair[nobody] - 1).clamp_min(0))
        owners, there = owners[place], owners[place] != nobody
        owners = owners.clamp_max(nobody - 1)
        step = torch.arange(self.top_k, device=owners.device)
        # place of each feature in its class's queue
        order = (place - first_pair[owners])[:, None] * self.top_k + step
        slots = (self.pointers[owners, None] + order) % self.capacity
        # A class may push more than fits: its newest survive. Each writes what ends in its slot, so
        # that it does not matter who writes last.
        pushed_per_class = pairs_per_class[:nobody] * self.top_k
        newer = ((pushed_per_class[owners, None] - 1 - order) // self.capacity).clamp_min(0)
        order = order + newer * self.capacity
        source = by_class[first_pair[owners, None] + order // self.top_k]
        owners = owners[:, None].expand_as(slots)
        found = pushed[source, order % self.top_k]
        kept = torch.where(there[:, None, None], found, self.prototypes[owners, slots])
        self.prototypes[owners, slots] = kept
        self.counts.copy_((self.counts + pushed_per_class).clamp(max=self.capacity))
        self.pointers.copy_((self.pointers + pushed_per_class) % self.capacity)

    def similarity(
        self,
        region_features: Float[Tensor, "batch classes dim"],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Float[Tensor, "batch classes"]:
        """Return the mean cosine with the prototypes of the same class; nan where it has none.

        Args:
            region_features: One feature per image and category, any length.
            classes: Categories that the columns stand for; None for all.

        Raises:
            ValueError: If the sizes are not those of the bank.
        """
        return prototype_similarity(region_features, *self.stored(classes))

    def stored(
        self, classes: Int[Tensor, " sampled"] | None = None
    ) -> tuple[Float[Tensor, "classes capacity dim"], Int[Tensor, " classes"]]:
        """Return prototypes and counts of these categories; None for all."""
        if classes is None:
            return self.prototypes, self.counts
        return self.prototypes[classes], self.counts[classes]

    @torch.no_grad()
    def reset(self) -> None:
        """Forget everything."""
        for state in (self.prototypes, self.counts, self.pointers):
            state.zero_()

    def _check_sizes(
        self, features: Tensor, energy: Tensor, labels: Tensor, classes: Tensor | None
    ) -> None:
        batch, positions = features.shape[:2]
        expected = (batch, self.num_classes if classes is None else len(classes), positions)
        if features.shape[-1] != self.dim:
            raise ValueError(
                f"`features` must have shape (batch, positions, {self.dim}), got "
                f"{tuple(features.shape)}."
            )
        if energy.shape != expected:
            raise ValueError(
                f"`energy` must have shape (batch, classes, positions) = {expected}, got "
                f"{tuple(energy.shape)}."
            )
        if labels.shape != expected[:2]:
            raise ValueError(
                f"`labels` must have shape (batch, classes) = {expected[:2]}, got "
                f"{tuple(labels.shape)}."
            )
        if positions < self.top_k:
            raise ValueError(
                f"`features` must have at least `top_k` = {self.top_k} positions, got {positions}."
            )

    def extra_repr(self) -> str:
        """Show sizes in the printed module."""
        return (
            f"{self.num_classes}, {self.dim}, capacity={self.capacity}, top_k={self.top_k}, "
            f"gather_distributed={self.gather_distributed}"
        )
