"""The page's moving parts as HTML; every word from outside is escaped."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from torch import Tensor

from trmml.page.data_uris import Veil, veil_over
from trmml.page.photo_inspector import MAX_REGIONS, InspectedPhoto, ZeroShotMatch
from trmml.prediction import ImageTag

__all__ = [
    "MAX_MATCHES",
    "MAX_TAGS",
    "matches_markup",
    "message_markup",
    "stage_markup",
    "style_rules",
    "tags_markup",
]

MAX_TAGS: Final = 8  # in sight; the others unfold
MAX_MATCHES: Final = 4  # their numbers come first, for there is no end of tags

_HINT: Final = "Hover over a tag, tap it or tab to it: what stays lit is what it was scored on."
_NO_REGIONS: Final = "This model scores the whole photograph: its tags have no places to show."

_PLACES: Final = (
    f'<p class="rest">The first {MAX_REGIONS} show their places; type the name of another.</p>'
)


def style_rules() -> str:
    """Return the page's style; a tag under the pointer or in focus shows its region."""
    rules = [Path(__file__).with_name("page.css").read_text(encoding="utf-8")]
    for number in range(MAX_MATCHES + MAX_REGIONS):
        pointed = f"body:has(.tag-{number}:hover) .region-{number}"
        focused = f"body:has(.tag-{number}:focus):not(:has(.tag:hover)) .region-{number}"
        rules.append(f"{pointed}, {focused} {{ opacity: 1; }}")
    return "\n".join(rules)


def message_markup(message: str) -> str:
    """Say what went wrong."""
    return f'<p class="message" role="alert">{escape(message)}</p>'


def stage_markup(photo: InspectedPhoto, matches: Sequence[ZeroShotMatch]) -> str:
    """Show the photograph, with the region of every listed tag over it, none of them visible."""
    veils = dict(enumerate(photo.veils, MAX_MATCHES))
    for number, match in enumerate(matches):
        region = _region(photo, match)
        if region is not None:
            veils[number] = veil_over(region, photo.size)
    ratio = photo.size[0] / photo.size[1]
    hint = _NO_REGIONS if photo.regions is None else _HINT
    over = "".join(_over(number, veil) for number, veil in veils.items())
    return (
        f'<figure class="stage"><div style="--ratio: {ratio:.4f}">'
        f'<img class="photograph" alt="Your photograph" src="{photo.picture}">{over}</div>'
        f"<figcaption>{hint}</figcaption></figure>"
    )


def _region(photo: InspectedPhoto, match: ZeroShotMatch) -> Tensor | None:
    if match.tag is None:
        return match.region if match.stands_out else None
    return None if photo.regions is None else photo.regions[match.tag]


def _over(number: int, veil: Veil) -> str:
    width, height = veil.size
    return (
        f'<div class="region region-{number}"><img alt="" src="{veil.uri}">'
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none">'
        f'<path d="{veil.outline}"/></svg></div>'
    )


def tags_markup(photo: InspectedPhoto) -> str:
    """List all tags, the most probable first and in sight, with a bar and the threshold's mark."""
    items = [_item(tag, number) for number, tag in enumerate(photo.tags, MAX_MATCHES)]
    first, rest = "".join(items[:MAX_TAGS]), items[MAX_TAGS:]
    note = _PLACES if len(photo.veils) == MAX_REGIONS < len(items) else ""
    unfolds = (
        f'<details class="more"><summary>{len(rest)} more, none more likely</summary>'
        f'<ol class="tags">{"".join(rest)}</ol>{note}</details>'
    )
    return (
        f'<section class="answer"><h2>Tags</h2><ol class="tags">{first}</ol>'
        f"{unfolds if rest else ''}</section>"
    )


def _item(tag: ImageTag, number: int, *, place: str | None = None) -> str:
    present = " present" if tag.present else ""
    return (
        f'<li class="tag tag-{number}{present}" tabindex="0">'
        f"{_named(tag.name, place)}"
        f'<span class="bar" title="present from {tag.threshold:.0%}" '
        f'style="--score: {tag.probability:.4f}; --mark: {tag.threshold:.4f}"></span>'
        f'<span class="score">{_percent(tag.probability)}</span></li>'
    )


def _named(name: str, remark: str | None) -> str:
    beside = "" if remark is None else f' <span class="remark">{remark}</span>'
    return f'<span class="named"><span class="name">{escape(name)}</span>{beside}</span>'


def _percent(probability: float) -> str:
    return f"{100 * probability:.0f}&#8239;%" if probability >= 0.01 else "&lt;&#8239;1&#8239;%"


def matches_markup(photo: InspectedPhoto, matches: Sequence[ZeroShotMatch]) -> str:
    """List what was asked for: a trained tag as such, and any other word as zero-shot."""
    items = [_found(photo, match, number) for number, match in enumerate(matches)]
    if not items:
        return ""
    zero_shot = (
        '<p class="rest">Zero-shot: the frozen encoder alone, never trained on these words. '
        "The figure is a cosine, not a probability.</p>"
    )
    explained = zero_shot if any(match.tag is None for match in matches) else ""
    return f'<section class="answer"><ol class="tags">{"".join(items)}</ol>{explained}</section>'


def _found(photo: InspectedPhoto, match: ZeroShotMatch, number: int) -> str:
    if match.tag is not None:
        return _item(
            photo.tags[match.tag], number, place=f"tag {match.tag + 1} of {len(photo.tags)}"
        )
    kind = " present" if match.stands_out else ""
    remark = "stands out here" if match.stands_out else "no better than chance"
    return (
        f'<li class="tag match tag-{number}{kind}" tabindex="0">'
        f"{_named(match.name, remark)}"
        f'<span class="score">{match.cosine:.2f}</span></li>'
    )
