"""Both training stages and the loss of Eq. 15, assembled from the loops of its equations."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests._references.asymmetric_loss import asymmetric_loss
from tests._references.matching import Vector, cosine, dual_matching_logits
from tests._references.multimodal_info_nce import multimodal_info_nce
from tests._references.prototype_bank import PrototypeBank
from tests._references.pseudo_labeler import PseudoLabeler
from tests._references.region_distillation import bernoulli

Matrix = list[Vector]


@dataclass
class Step:
    f: list[Matrix]
    e: list[Matrix]
    f_r: list[Matrix]
    F_q: list[Matrix]
    g_pos: Matrix
    g_neg: Matrix
    tau: float
    y: list[list[int]]


@dataclass
class Losses:
    total: float
    region: float
    query: float
    distillation: float
    contrastive: float


@dataclass
class TrainingLoops:
    bank: PrototypeBank
    labeler: PseudoLabeler
    modalities: str
    text_mlp: Callable[[Vector], Vector]
    region_mlp: Callable[[Vector], Vector]
    alpha: float = 1.0
    beta: float = 0.05
    gamma: float = 0.01
    gamma_plus: float = 1.0
    gamma_minus: float = 2.0
    m: float = 0.05
    t: float = 0.07
    stage: int = 1
    T: Matrix = field(default_factory=list)

    def similarities(self, step: Step) -> list[Matrix]:
        visual = self.bank.similarity(step.f_r)
        T = step.g_pos if self.stage == 1 else self.T
        text = [[cosine(f_r_c, T[c]) for c, f_r_c in enumerate(f_r_b)] for f_r_b in step.f_r]
        return {"both": [visual, text], "visual": [visual], "text": [text]}[self.modalities]

    def loss(self, step: Step) -> Losses:
        B = len(step.f)
        self.labeler.update(self.similarities(step), step.y)
        self.bank.update(step.f, step.e, step.y)
        y = step.y
        if self.stage == 2:
            y = self.labeler.complete(self.similarities(step), step.y)
        z_r = dual_matching_logits(step.f_r, step.g_pos, step.g_neg, step.tau)
        z_q = dual_matching_logits(step.F_q, step.g_pos, step.g_neg, step.tau)
        focusing = (self.gamma_plus, self.gamma_minus, self.m)
        region = sum(map(sum, asymmetric_loss(z_r, y, *focusing))) / B
        query = sum(map(sum, asymmetric_loss(z_q, y, *focusing))) / B
        distillation = bernoulli(z_r, z_q, 1.0)
        contrastive = multimodal_info_nce(
            [self.text_mlp(g) for g in step.g_pos],
            [[self.region_mlp(f_r_c) for f_r_c in f_r_b] for f_r_b in step.f_r],
            step.y,
            [[self.region_mlp(v) for v in queue] for queue in self.bank.V],
            [len(queue) for queue in self.bank.V],
            self.t,
        )
        total = (query + self.alpha * region) + self.beta * distillation + self.gamma * contrastive
        return Losses(total, region, query, distillation, contrastive)
