"""The training recipe, with the paper's values as defaults."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from trmml.choices import check_choices
from trmml.functional.checks import check_at_least, check_numbers

__all__ = ["Recipe"]

FREE_TO_CHANGE: Final = ("compile", "patience")  # neither changes what a step computes


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train, whatever the method: an optimiser under a schedule of the learning rate.

    "Ours" marks what the paper leaves open.

    Attributes:
        epochs: Passes over the training images (paper: 40).
        batch_size: Images per optimiser step, over all processes (paper: 128).
        max_lr: Peak learning rate (paper: 5e-4).
        optimizer: "adamw" (paper), or "sgd" with a momentum of 0.9, as CoOp and its kin have it.
        weight_decay: Of the optimiser, on matrices only; ours, as in the authors' earlier code.
        schedule: "onecycle" (paper); "cosine": a linear rise, then half a cosine down to 0; or
            "epochs", as CoOp and its kin have it: a first epoch at 1e-5, then half a cosine that
            falls from epoch to epoch.
        warmup_share: Share of the steps in which the learning rate rises; the authors' own.
        max_grad_norm: Largest gradient norm; ours, because single batches of few labels can be
            steep.
        gradient_accumulation_steps: Parts that each step's images go through one after the other,
            for less memory. The contrastive loss and the memory bank see one part at a time.
        mixed_precision: "no", "bf16", or "fp16", which needs a GPU; ours.
        ema_decay: Share that an average of the weights keeps per step, evaluated and saved in
            their place; None for no average.
        patience: Epochs without a better selection score before training stops; None for never.
        class_sample: Categories drawn for each step, for thousands of them; None for all.
        compile: Whether to compile the training step with `torch.compile`.
        seed: Of the order of images and of the augmentation; `trmml train` and `trmml demo` start
            their models from it too.
    """

    epochs: int = 40
    batch_size: int = 128
    max_lr: float = 5e-4
    optimizer: Literal["adamw", "sgd"] = "adamw"
    weight_decay: float = 5e-3
    schedule: Literal["onecycle", "cosine", "epochs"] = "onecycle"
    warmup_share: float = 0.2
    max_grad_norm: float = 1.0
    gradient_accumulation_steps: int = 1
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    ema_decay: float | None = None
    patience: int | None = None
    class_sample: int | None = None
    compile: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values outside their range.

        Raises:
            ValueError: If a count is below 1 or above a million, a rate not above 0 or not finite,
                or a share outside its range.
        """
        counts = ("epochs", "batch_size", "gradient_accumulation_steps", "patience", "class_sample")
        check_at_least(self, 1, *counts)
        check_choices(self)
        if self.gradient_accumulation_steps > self.batch_size:
            raise ValueError(
                f"`gradient_accumulation_steps` must be at most `batch_size` = {self.batch_size}, "
                f"got {self.gradient_accumulation_steps}."
            )
        if self.ema_decay is not None and not 0 < self.ema_decay < 1:
            raise ValueError(f"`ema_decay` must be in (0, 1), got {self.ema_decay}.")
        for name in ("max_lr", "max_grad_norm"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` must be above 0, got {getattr(self, name)}.")
        if not 0 <= self.warmup_share < 1:
            raise ValueError(f"`warmup_share` must be in [0, 1), got {self.warmup_share}.")
        check_at_least(self, 0, "weight_decay", "seed")
        check_numbers(self)

    @property
    def part_size(self) -> int:
        """Images that are in memory at once, over all processes."""
        return max(1, self.batch_size // self.gradient_accumulation_steps)

    def settings(self) -> dict[str, Any]:
        """Return what has to be the same for a saved training to go on."""
        return {name: value for name, value in asdict(self).items() if name not in FREE_TO_CHANGE}
