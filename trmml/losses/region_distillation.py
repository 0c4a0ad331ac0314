"""Region-to-query distillation as a module."""

from jaxtyping import Float
from torch import Tensor

from trmml.choices import check_choice
from trmml.functional.checks import check_temperature
from trmml.functional.region_distillation import DistillationForm, region_distillation
from trmml.typed_module import TypedModule

__all__ = ["RegionDistillation"]


class RegionDistillation(TypedModule):
    r"""Pull the query prediction towards the region prediction, its teacher.

    $$ L_{KD} = \frac1B \sum_b KL(p^r_b \,\|\, p^q_b) $$

    The function is `trmml.functional.region_distillation`; its docstring has the symbols.

    Source: Eq. (6) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024).
    Differs from the paper: it prints a sum over categories of one term; here each category is a
    Bernoulli variable with both its terms, because predictions are sigmoids. `form="softmax"` is
    the sum as printed, over probabilities that compete.

    Args:
        form: "bernoulli", or "softmax" over the categories.
        temperature: Divides both sets of logits, > 0 (paper: 1). Large values teach only which
            category is likelier, with a gradient that fades as 1/temperature².

    Raises:
        ValueError: If `form` is another name or `temperature` is not finite and above 0.

    Examples:
        >>> import torch
        >>> distillation = RegionDistillation()
        >>> distillation(torch.tensor([[2.0, -2.0]]), torch.zeros(1, 2))
        tensor(0.6556)
    """

    def __init__(self, *, form: DistillationForm = "bernoulli", temperature: float = 1.0) -> None:
        """Check and keep the settings."""
        super().__init__()
        check_choice(form, DistillationForm, argument="form")
        check_temperature(temperature)
        self.form: DistillationForm = form
        self.temperature = temperature

    def forward(
        self,
        region_logits: Float[Tensor, "batch classes"],
        query_logits: Float[Tensor, "batch classes"],
    ) -> Float[Tensor, ""]:
        """Return the divergence in nats, summed over categories, averaged over the batch."""
        return region_distillation(
            region_logits, query_logits, form=self.form, temperature=self.temperature
        )

    def extra_repr(self) -> str:
        """Show the settings."""
        return f"form={self.form!r}, temperature={self.temperature}"
