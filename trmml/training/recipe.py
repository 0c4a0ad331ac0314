"""The training recipe, with the paper's values as defaults."""

from dataclasses import dataclass

__all__ = ["Recipe"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train: AdamW under a one-cycle schedule, in two stages.

    "Ours" marks what the paper leaves open.

    Attributes:
        epochs: Passes over the training images (paper: 40).
        batch_size: Images per step (paper: 128).
        max_lr: Peak learning rate (paper: 5e-4).
        decoder_lr_ratio: Learning rate of the region decoder relative to the prompts'; ours.
            Its attention starts from CLIP's own matches, which a full rate would overwrite.
        weight_decay: Of AdamW, on matrices only; ours, as in the authors' earlier code.
        warmup_share: Share of the epochs before missing labels are completed; ours.
        rising_share: Share of the steps in which the learning rate rises; the authors' own.
        clip_norm: Largest gradient norm; ours, because single batches of few labels can be steep.
        seed: Of the order of images; `trmml demo` starts its models from it too.
    """

    epochs: int = 40
    batch_size: int = 128
    max_lr: float = 5e-4
    decoder_lr_ratio: float = 0.4
    weight_decay: float = 5e-3
    warmup_share: float = 0.25
    rising_share: float = 0.2
    clip_norm: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values outside their range.

        Raises:
            ValueError: If a count is below 1, a rate not above 0, or a share outside its range.
        """
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}.")
        for name in ("max_lr", "decoder_lr_ratio", "clip_norm"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` must be above 0, got {getattr(self, name)}.")
        if not 0 <= self.warmup_share <= 1:
            raise ValueError(f"`warmup_share` must be in [0, 1], got {self.warmup_share}.")
        if not 0 <= self.rising_share < 1:
            raise ValueError(f"`rising_share` must be in [0, 1), got {self.rising_share}.")
        if not self.weight_decay >= 0:
            raise ValueError(f"`weight_decay` must be at least 0, got {self.weight_decay}.")

    @property
    def warmup_epochs(self) -> int:
        """Epochs of the first stage."""
        return round(self.warmup_share * self.epochs)
