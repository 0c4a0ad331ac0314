"""What is trained: the arms of each question, and the labels that each is asked with."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from benchmarks.methods import rows
from trmml.models import ABLATIONS, METHODS, PROTOTYPE_ABLATIONS, TRMMLConfig
from trmml.models.method_config import MethodConfig

WHOLE: Final = "all"
LANDSCAPE_POSITIVES: Final = 1.24  # of an image, which some losses have to be told
ENOUGH: Final = ("generated", "landscapes", "taught-landscapes")
EVERYWHERE: Final = (*ENOUGH, "coco256")


class Arm(NamedTuple):
    """One way to train.

    Attributes:
        config: All settings of the method.
        complete_decoder: Whether the region decoder of a model that learnt from complete labels is
            taken over, as in Table 4.
        contrasts_completed: Whether Eq. (13) sees completed labels, not the known ones alone.
    """

    config: MethodConfig
    complete_decoder: bool = False
    contrasts_completed: bool = False


class Question(NamedTuple):
    """Arms to compare.

    Attributes:
        title: Heading of its table.
        arms: By name; the first is what the others are compared with.
        known: Labels that each arm learns from, see `benchmarks.evidence.known_labels`.
        worlds: Where it is asked: where there are images enough to tell anything, unless more is
            said.
    """

    title: str
    arms: Mapping[str, Arm]
    known: tuple[str, ...] = ("0.1",)
    worlds: tuple[str, ...] = ENOUGH


def with_whole(**changes: Mapping[str, Any]) -> dict[str, Arm]:
    """Return the whole method, and arms that differ from it in the settings named."""
    arms = {name.replace("_", " "): Arm(TRMMLConfig(**change)) for name, change in changes.items()}
    return {WHOLE: Arm(TRMMLConfig())} | arms


def single(config: MethodConfig) -> Arm:
    """Let unknown labels count as negative, as no negative is known."""
    return Arm(replace(config, unknown_as_negative=True))  # pyright: ignore[reportCallIssue]


def attending(spatial_temperature: float) -> Arm:
    """Let DualCoOp's attention be as wide as this; its own temperature is 0.05."""
    return Arm(replace(ABLATIONS["dualcoop"], spatial_temperature=spatial_temperature))


def methods() -> dict[str, Arm]:
    """Return every method that learns from images, the whole of TRM-ML first."""
    configs = {name: task.Model.Config() for name, task in METHODS.items()}
    taught = {name: Arm(c) for name, c in configs.items() if c.learns_from == "images"}
    taught.pop("trmml")
    return {WHOLE: Arm(TRMMLConfig())} | {f"method {name}": arm for name, arm in taught.items()}


def losses() -> dict[str, Arm]:
    """Return one method taught by every loss, its own first."""
    taught = [row for row in rows(LANDSCAPE_POSITIVES) if row.group == "losses"]
    return {f"loss {row.name}": Arm(row.config) for row in taught}


def softened(name: str) -> Arm:
    """Let logits be cosines times 10, as those of CoOp and of the linear probe are here."""
    return Arm(replace(ABLATIONS[name], temperature=0.1))


COMPLETING: Final = {
    "carl+kd": Arm(ABLATIONS["carl+kd"]),
    "carl+kd+mmcp": Arm(ABLATIONS["carl+kd+mmcp"]),
    "calibrated": Arm(replace(ABLATIONS["carl+kd+mmcp"], completion="calibrated")),
    "ranked": Arm(replace(ABLATIONS["carl+kd+mmcp"], completion="ranked")),
}
"""Nothing completed, by the paper's rule, at a promised precision, and by rank."""

QUESTIONS: Final[dict[str, Question]] = {
    "ingredients": Question(
        "Ingredients (Table 3)",
        {name: Arm(ABLATIONS[name]) for name in ("carl", *(n for n in ABLATIONS if n != "carl"))},
        worlds=EVERYWHERE,
    ),
    "few": Question(
        "A hundred photographs, nearly all labels known",
        {
            "dualcoop": Arm(ABLATIONS["dualcoop"]),
            WHOLE: Arm(TRMMLConfig()),
            "carl+kd": Arm(ABLATIONS["carl+kd"]),
        },
        known=("0.9",),
        worlds=("coco256",),
    ),
    "prototypes": Question(
        "Prototypes alone (Table 6)",
        {
            "carl+kd": COMPLETING["carl+kd"],
            "prototypes of text": Arm(PROTOTYPE_ABLATIONS["text"]),
            "prototypes of regions": Arm(PROTOTYPE_ABLATIONS["visual"]),
            "carl+kd+mmcp": COMPLETING["carl+kd+mmcp"],
        },
    ),
    "proportions": Question(
        "Share of known labels (Table 1)",
        {"dualcoop": Arm(ABLATIONS["dualcoop"]), WHOLE: Arm(TRMMLConfig())} | COMPLETING,
        known=("0.1", "0.3", "0.5", "0.7", "0.9"),
    ),
    "single": Question(
        "A single positive of each image (Table 2)",
        {
            "all, unknown negative": single(TRMMLConfig()),
            "dualcoop, unknown negative": single(ABLATIONS["dualcoop"]),
            "carl, unknown negative": single(ABLATIONS["carl"]),
            "carl+kd, unknown negative": single(ABLATIONS["carl+kd"]),
            "carl+kd+mmcp, unknown negative": single(ABLATIONS["carl+kd+mmcp"]),
        },
        known=("single",),
    ),
    "decoder": Question(
        "A region decoder from complete labels (Table 4)",
        {
            WHOLE: Arm(TRMMLConfig()),
            "decoder from complete labels": Arm(TRMMLConfig(), complete_decoder=True),
        },
        known=("0.1", "0.3"),
    ),
    "bank": Question(
        "The bank: prototypes of a class, positions of an image",
        with_whole(
            capacity_8={"bank_capacity": 8},
            capacity_128={"bank_capacity": 128},
            top_1={"bank_top_k": 1},
            top_4={"bank_top_k": 4},
            top_8={"bank_top_k": 8},
        ),
    ),
    "thresholds": Question(
        "Thresholds, and when labels are completed",
        with_whole(
            momentum_half={"threshold_momentum": 0.5},
            momentum_99={"threshold_momentum": 0.99},
            from_the_start={"first_stage_share": 0.0},
            from_half={"first_stage_share": 0.5},
            live_text={"live_text_prototypes": True},
        ),
    ),
    "regions": Question(
        "Regions: energy, normalisation, temperature, queries",
        with_whole(
            dot_energy={"energy": "dot"},
            softmax_regions={"normalization": "softmax"},
            random_queries={"queries": "random"},
            temperature_1_100={"temperature": 0.01},
            temperature_1_20={"temperature": 0.05},
        ),
    ),
    "losses": Question(
        "Losses: weights, temperature and labels of Eq. (13), form of Eq. (6)",
        with_whole(
            contrast_weight_10_times={"contrastive_weight": 0.1},
            contrast_temperature_02={"contrastive_temperature": 0.02},
            contrast_temperature_20={"contrastive_temperature": 0.2},
            distillation_weight_10_times={"distillation_weight": 0.5},
            softmax_distillation={"distillation_form": "softmax"},
        )
        | {"contrast of completed labels": Arm(TRMMLConfig(), contrasts_completed=True)},
    ),
    "attention": Question(
        "Attention over positions, from one to all",
        {
            "dualcoop": Arm(ABLATIONS["dualcoop"]),
            "attention 4 times as wide": attending(0.2),
            "attention 20 times as wide": attending(1.0),
            "baseline": Arm(ABLATIONS["baseline"]),
        },
    ),
    "wrong": Question(
        "Wrong known labels",
        {"dualcoop": Arm(ABLATIONS["dualcoop"])} | COMPLETING,
        known=("0.1", "0.1-wrong-0.02", "0.1-wrong-0.05", "0.1-wrong-0.1"),
    ),
    "missing": Question(
        "Labels missing not at random",
        {"dualcoop": Arm(ABLATIONS["dualcoop"])} | COMPLETING,
        known=("0.1", "0.1-frequent", "0.1-salient"),
    ),
    "methods": Question("Methods", methods(), worlds=("landscapes",)),
    "softness": Question(
        "Why simpler methods are ahead on landscapes: the scale of the logits",
        {WHOLE: Arm(TRMMLConfig())}
        | {
            f"{name}, temperature 1 10": softened(name)
            for name in ("baseline", "dualcoop", "carl+kd", "all", "carl+kd+mmcp")
        },
    ),
    "labels": Question("Losses of the field", losses(), worlds=("landscapes",)),
}
