"""`trmml eval`: how good a saved model is on labelled images."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from trmml.atomic_write import atomic_write
from trmml.cli.messages import note, report_unreadable
from trmml.cli.opening import opened
from trmml.cli.options import (
    AsJson,
    BatchSize,
    Device,
    Dtype,
    Images,
    Labelled,
    Model,
    Overwrite,
    OwnTask,
    PredictBy,
    Quiet,
    ReadAs,
    RunBy,
    Split,
    Workers,
)
from trmml.cli.outputs import check_output, check_output_folder, print_json
from trmml.cli.progress import progress_bar
from trmml.data import ReadingOptions, open_split
from trmml.encoders import computed_in
from trmml.json_text import json_text
from trmml.models.saved_model import read_saved_model
from trmml.prediction import (
    align_classes,
    calibrate_thresholds,
    ensemble_scores,
    evaluate_scores,
    score_images,
    stack_and_score,
)
from trmml.prediction.opening import find_saved_model, is_on_the_hub

__all__ = ["evaluate"]


def evaluate(
    model: Model,
    data: Labelled,
    split: Split = None,
    images: Images = None,
    read: ReadAs = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Find the threshold of each class that is best on this data, with --prediction "
            "stack the stack as well, and save them with the model; use validation images, not "
            "those reported on.",
        ),
    ] = False,
    model_out: Annotated[
        Path | None,
        typer.Option(
            help="With --calibrate: folder for the model, instead of changing it; needed for one "
            "on the Hub."
        ),
    ] = None,
    other: Annotated[
        Path | None,
        typer.Option(
            "--with", metavar="MODEL", help="Add up the scores with those of a second saved model."
        ),
    ] = None,
    weight: Annotated[
        float, typer.Option(min=0, max=1, help="With --with: what the first model counts.")
    ] = 0.9,
    out: Annotated[Path | None, typer.Option(help="Write the report as JSON, too.")] = None,
    overwrite: Overwrite = False,
    batch_size: BatchSize = 32,
    workers: Workers = 0,
    device: Device = None,
    dtype: Dtype = "auto",
    runtime: RunBy = "eager",
    task: OwnTask = None,
    prediction: PredictBy = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure mean average precision, precision, recall and F1; only known labels count.

    Exit with 1 if some images could not be read.

    Examples: `trmml eval my-model COCO --split coco2014/val/all --out report.json`,
    `trmml eval my-model labels.csv --images photos --calibrate`, or
    `trmml eval my-model labels.csv --with another-model --weight 0.9`.
    """
    if other is not None and calibrate:
        raise typer.BadParameter(
            "--calibrate saves with a model what fits its own scores; leave out --with."
        )
    if model_out is not None and not calibrate:
        raise typer.BadParameter("--model-out goes with --calibrate.")
    if calibrate and model_out is None and is_on_the_hub(model):
        raise typer.BadParameter(
            f"--calibrate cannot write to {model} on the Hub; give a folder with --model-out."
        )
    if out is not None:
        check_output(out, inputs=[model, data], overwrite=overwrite)
    if model_out is not None:
        check_output_folder(model_out, inputs=[data], overwrite=overwrite)
    name, table = open_split(data, split, images=images, reading=ReadingOptions.parse(read))
    folder = find_saved_model(model)
    fits = calibrate and prediction == "stack"
    judged = opened(
        folder,
        device=device,
        task=task,
        prediction=None if fits else prediction,
        dtype=dtype,
        runtime=runtime,
        quiet=quiet,
    )
    training_state = calibrate and read_saved_model(folder)[0]["training_state"]
    table = align_classes(table, judged.class_names).replace(broken="skip")
    score, passes = stack_and_score if fits else score_images, 1
    if other is not None:
        second = opened(
            find_saved_model(other),
            device=device,
            task=task,
            prediction=prediction,
            dtype=dtype,
            runtime=runtime,
            quiet=True,
        )
        score, passes = partial(ensemble_scores, second=second, weight=weight), 2
    with progress_bar("Scoring", passes * len(table), quiet=quiet) as advance:
        settings = {"batch_size": batch_size, "num_workers": workers, "progress": advance}
        scores = score(judged, table=table, **settings)
    unreadable = table.broken_files()
    report_unreadable(unreadable, of=len(table))
    if calibrate:
        judged.decision_thresholds = calibrate_thresholds(scores.sigmoid(), table.labels).tolist()
    found = evaluate_scores(
        scores, table.labels, table.class_names, thresholds=judged.decision_thresholds
    )
    report = {
        "model": str(model),
        "with": None if other is None else {"model": str(other), "weight": weight},
        "prediction": "score" if judged.stack is None else "stack",
        "dtype": computed_in(judged.image_encoder),
        "runtime": runtime,
        "data": str(data),
        "split": name,
        "calibrated_here": calibrate,
        **found.as_dict(),
        "unreadable": [str(error.path) for error in unreadable],
    }
    if out is not None:
        with atomic_write(out) as file:
            file.write(json_text(report, indent=1) + "\n")
    if as_json:
        print_json(report)
    else:
        print(f"{name}: {found}")
    if calibrate:
        judged.save_pretrained(model_out or folder, training_state=training_state)
        note(
            f"Saved the thresholds{' and the stack' * fits} with the model in "
            f"{model_out or folder}. The figures at the calibrated thresholds are of the images "
            "they were found on.",
            quiet=quiet,
        )
    raise typer.Exit(1 if unreadable else 0)
