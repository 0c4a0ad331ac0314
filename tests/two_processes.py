"""What two processes of `torch.distributed` do, and one alone with the same batches."""

import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from tests.random_clip import DIM, random_pair
from trmml.distributed import gather_rows, mean_over_processes
from trmml.losses import MultimodalInfoNCE
from trmml.models import TRMML, TRMMLConfig, sample_classes
from trmml.modules import AdaptiveThresholdPseudoLabeler, PrototypeMemoryBank

NAMES = ["tree", "boat", "car", "bird", "house"]
GRID = (2, 3)
STEPS, SECOND_STAGE = 6, 3
DTYPES = [torch.bool, torch.int8, torch.int16, torch.int64, torch.bfloat16, torch.float64]
BLOCKS = [(2, 3), (0, 2), (2, 0), (0, 0), (3, 3)]


@dataclass
class Case:
    """Rows of each process, step by step, and what else is special about a run."""

    rows: list[tuple[int, int]]
    without_positives: tuple[int, ...] = ()
    config: dict[str, object] = field(default_factory=dict)
    sampled: int | None = None


CASES = {
    "even": Case([(6, 6)] * STEPS),
    "uneven": Case([(7, 5), (9, 2)] * 3),
    "no positive on a rank": Case([(6, 6)] * STEPS, without_positives=(1,)),
    "no positive on any": Case([(6, 5)] * STEPS, without_positives=(0, 1)),
    "an empty rank": Case([(11, 0), (0, 9)] * 3),
    "no image at all": Case([(6, 6), (0, 0)] * 3),
    "sampled classes": Case([(7, 5)] * STEPS, sampled=3),
    "drawn prototypes": Case([(7, 5)] * STEPS, config={"contrastive_sample": 6}),
    "text alone": Case([(7, 5)] * STEPS, config={"prototypes": "text", "contrastive": False}),
    "unknown is negative": Case([(7, 5)] * STEPS, config={"unknown_as_negative": True}),
    "a count over the batch": Case(
        [(7, 5), (0, 6)] * 3,
        config={"loss": {"name": "expected-positive", "settings": {"expected_positives": 2.0}}},
    ),
    "the highest of the batch": Case(
        [(7, 5), (0, 6)] * 3,
        config={"loss": {"name": "partial-asymmetric", "settings": {"likelihood_topk": 1}}},
    ),
    "no regions": Case(
        [(7, 5)] * STEPS,
        config={
            "aggregation": "mean",
            "distillation": False,
            "prototypes": "none",
            "contrastive": False,
        },
    ),
}


class TrainingStep(nn.Module):
    """From a batch to the losses in one call, as `DistributedDataParallel` wants it."""

    def __init__(self, model: TRMML) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor, labels: Tensor, classes: Tensor | None) -> Tensor:
        output = self.model.match(features, GRID, classes=classes)
        return torch.stack([*self.model.loss(output, labels)])


def batches(case: Case) -> list[tuple[list[Tensor], list[Tensor]]]:
    """Draw the features and labels of each step, one block per process."""
    generator = torch.Generator().manual_seed(1)
    drawn = []
    for rows in case.rows:
        shape = (sum(rows), GRID[0] * GRID[1], DIM)
        features = torch.randn(shape, generator=generator, dtype=torch.float64)
        labels = torch.randint(-1, 2, (sum(rows), len(NAMES)), generator=generator)
        blocks = [*labels.split(rows)]
        for rank in case.without_positives:
            blocks[rank] = blocks[rank].clamp(max=0)
        drawn.append(([*features.split(rows)], blocks))
    return drawn


def train(case: Case, rank: int | None) -> dict[str, Tensor]:
    """Train on the blocks of one process, or on all as one; return all that came of it."""
    config = TRMMLConfig.from_dict({"bank_capacity": 5, "temperature": 0.5, **case.config})
    generator = torch.Generator().manual_seed(0)
    model = TRMML(random_pair(), NAMES, config=config, generator=generator).double().train()
    drawn = batches(case)
    model.calibrate(torch.cat(drawn[0][0]))
    step = TrainingStep(model)
    run = step if rank is None else DistributedDataParallel(step, broadcast_buffers=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    found = {}
    for index, (features, labels) in enumerate(drawn):
        if index == SECOND_STAGE:
            model.begin_second_stage()
        f = torch.cat(features) if rank is None else features[rank]
        y = torch.cat(labels) if rank is None else labels[rank]
        classes = None
        if case.sampled is not None:
            classes = sample_classes(gather_rows(y), case.sampled, generator=generator)
        losses = run(f, y, classes)
        optimizer.zero_grad()
        losses[0].backward()
        found[f"losses {index}"] = losses.detach()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            found[f"gradient {index} {name}"] = parameter.grad.clone()
        optimizer.step()
    return found | {f"state {name}": value.clone() for name, value in model.state_dict().items()}


def block_rows(rows: int, rank: int) -> Tensor:
    return torch.arange(rows * 6).reshape(rows, 2, 3) + 100 * rank


def gather(rank: int) -> dict[str, Tensor]:
    """Gather blocks of every size and type, and gradients back."""
    found = {}
    for blocks in BLOCKS:
        own = block_rows(blocks[rank], rank)
        for dtype in DTYPES:
            found[f"{blocks} {dtype}"] = gather_rows(own.to(dtype))
        found[f"{blocks} one axis"] = gather_rows(own[:, 0, 0])
        leaf = own.double().requires_grad_()
        gathered = gather_rows(leaf)
        weights = torch.arange(gathered.numel()).reshape(gathered.shape) * 10.0**rank
        (weights * gathered.square()).sum().backward()
        found[f"{blocks} gradient"] = leaf.grad
        means = torch.full((2,), float(rank + 1), requires_grad=True)
        total = mean_over_processes(means if blocks[rank] else 0 * means, rows=blocks[rank])
        total[rank].backward()
        found[f"{blocks} mean"], found[f"{blocks} mean gradient"] = total.detach(), means.grad
    return found


def alone(rank: int) -> dict[str, Tensor]:
    """Use the parts on one process only, which must wait for nobody."""
    bank = PrototypeMemoryBank(2, 3, gather_distributed=True).eval()
    labeler = AdaptiveThresholdPseudoLabeler(2, gather_distributed=True).eval()
    loss = MultimodalInfoNCE(3, projection=False, gather_distributed=True).eval()
    model = TRMML(random_pair(), NAMES).eval()
    if rank == 0:
        labels = torch.tensor([[1, -1], [0, 1]])
        bank.update(torch.randn(2, 4, 3), torch.randn(2, 2, 4), labels)
        labeler.update(torch.randn(2, 2, 2), labels)
        loss(torch.randn(2, 2, 3), torch.randn(2, 3), labels)
        model.predict(torch.randn(1, 3, 64, 64))
    dist.barrier()
    return {"counts": bank.counts, "threshold": labeler.positive_threshold}


def run(rank: int, folder: str) -> None:
    """Join the other process, do everything, and write down what came of it."""
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    # A process that waits for one that does not come should fail in the end, with words.
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/store",
        rank=rank,
        world_size=2,
        timeout=timedelta(minutes=3),
    )
    results = {"gather": gather(rank), "alone": alone(rank)}
    results |= {name: train(case, rank) for name, case in CASES.items()}
    for name, found in results.items():
        tensors = {key: value.contiguous() for key, value in found.items()}
        save_file(tensors, Path(folder) / f"{name} {rank}.safetensors")
    dist.destroy_process_group()
