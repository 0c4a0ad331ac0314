"""Put the page together; Gradio draws it, `PhotoInspector` answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trmml.data.images import BrokenImageError, decode_image
from trmml.models import MultiLabelModel
from trmml.page.data_uris import thumbnail
from trmml.page.markup import (
    MAX_MATCHES,
    matches_markup,
    message_markup,
    stage_markup,
    tags_markup,
)
from trmml.page.masthead import masthead_markup
from trmml.page.photo_inspector import MAX_TEXT, InspectedPhoto, PhotoInspector, ZeroShotMatch
from trmml.page.upload_folder import KEEP_SECONDS, PRUNE_SECONDS

if TYPE_CHECKING:
    import gradio

__all__ = ["build_page"]

_EMPTY = '<div class="empty">The photograph will be here.</div>'
_KEEP_ANSWERS = 3600  # seconds
_LOST = (
    "That photograph is no longer kept here, for others came or an hour has passed: drop it again."
)


def build_page(
    model: MultiLabelModel,
    *,
    examples: Sequence[str | Path] = (),
    trained_on: str | None = None,
) -> "gradio.Blocks":
    """Build the page, without serving it.

    Dropping a photograph lists its tags; hovering over one, or giving it the focus, shows its
    region where the model has regions; a word typed in shows its tag, or is looked for zero-shot
    where the model was trained on no such category. Uploaded files
    are deleted after a few minutes and only what is shown of a photograph is kept; nothing is
    counted or sent anywhere, and one question is answered at a time.

    Args:
        model: A trained model.
        examples: Photographs to click on.
        trained_on: What the head says of the training data; None says nothing.

    Returns:
        What Gradio launches; `serve` does so safely.

    Raises:
        BrokenImageError: If an example is no image; a ValueError.
    """
    import gradio as gr

    inspector = PhotoInspector(model)
    files = [str(Path(example).resolve()) for example in examples]

    def redraw(photo: InspectedPhoto, matches: Sequence[ZeroShotMatch], tags: Any) -> list[Any]:  # noqa: ANN401
        drawn = stage_markup(photo, matches), tags, matches_markup(photo, matches)
        return [photo, matches, True, "", *drawn]

    def complain(message: str) -> list[Any]:  # what was there stays
        stays = gr.skip()
        return [stays, stays, stays, message_markup(message), stays, stays, stays]

    def show(path: str, matches: Sequence[ZeroShotMatch]) -> list[Any]:
        try:
            photo = inspector.inspect(path)
        except BrokenImageError as error:
            return complain(f"{Path(path).name} cannot be shown: {error.reason}.")
        except FloatingPointError as error:
            return complain(str(error))
        found = [inspector.find(photo, match.name) for match in matches]
        return redraw(photo, found, tags_markup(photo))

    def show_example(index: int, matches: Sequence[ZeroShotMatch]) -> list[Any]:
        return show(files[index], matches)

    def ask(
        text: str, photo: InspectedPhoto | None, matches: Sequence[ZeroShotMatch], shown: bool
    ) -> list[Any]:
        if photo is None:
            return complain(_LOST if shown else "Drop a photograph first.")
        try:
            match = inspector.find(photo, text)
        except ValueError as error:
            return complain(f"Nothing was looked for: {error}")
        others = [other for other in matches if other.name != match.name]
        unchanged = gr.skip()  # what was unfolded stays so
        return redraw(photo, [match, *others][:MAX_MATCHES], unchanged)

    plain: dict[str, Any] = {"js_on_load": None, "apply_default_css": False}
    with gr.Blocks(
        title="trmml", analytics_enabled=False, delete_cache=(PRUNE_SECONDS, KEEP_SECONDS)
    ) as page:
        photo = gr.State(None, time_to_live=_KEEP_ANSWERS)
        matches = gr.State([], time_to_live=_KEEP_ANSWERS)
        shown = gr.Checkbox(False, visible=False)  # the browser's memory, when this one is lost
        gr.HTML(masthead_markup(model, trained_on), **plain)
        with gr.Row():
            upload = gr.File(
                label="Drop a photograph", file_types=["image"], height=132, elem_id="upload"
            )
            pictures = gr.Dataset(
                label="Or take one of these",
                components=[gr.Image(visible=False)],
                samples=[[thumbnail(decode_image(file))] for file in files],
                samples_per_page=max(1, len(files)),
                type="index",
                visible=bool(files),
                elem_id="examples",
            )
        message = gr.HTML("", elem_classes="told", **plain)
        with gr.Row():
            with gr.Column(scale=3, elem_classes="stage-block"):
                stage = gr.HTML(_EMPTY, **plain)
            with gr.Column(scale=2):
                tags = gr.HTML("", elem_classes="told", **plain)
                text = gr.Textbox(
                    label="Look for anything",
                    placeholder="a word, then Enter",
                    max_length=MAX_TEXT,
                    max_lines=1,
                    submit_btn=True,
                    elem_id="ask",
                )
                found = gr.HTML("", elem_classes="told", **plain)

        told = [photo, matches, shown, message, stage, tags, found]
        # One at a time, whoever asks: the model has the machine to itself.
        alone: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "model"}
        alone["api_visibility"] = "private"
        done = upload.upload(show, [upload, matches], told, **alone)
        done.then(lambda: None, None, upload, api_visibility="private")  # ready for the next
        pictures.click(show_example, [pictures, matches], told, **alone)
        text.submit(ask, [text, photo, matches, shown], told, **alone)
    return page
