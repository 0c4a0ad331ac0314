"""The page's moving parts as HTML; every word from outside is escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

from trmml.page.data_uris import veil_uri
from trmml.page.photo_inspector import InspectedPhoto, ZeroShotMatch
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

MAX_TAGS: Final = 8
MAX_MATCHES: Final = 4

_HINT: Final = "Hover over a tag, tap it or tab to it: what stays lit is what it was scored on."
_NO_REGIONS: Final = "This model scores the whole photograph: its tags have no places to show."


def style_rules() -> str:
    """Return the page's style; a tag under the pointer or in focus shows its region."""
    rules = [Path(__file__).with_name("page.css").read_text(encoding="utf-8")]
    for number in range(MAX_TAGS + MAX_MATCHES):
        pointed = f"body:has(.tag-{number}:hover) .region-{number}"
        focused = f"body:has(.tag-{number}:focus):not(:has(.tag:hover)) .region-{number}"
        rules.append(f"{pointed}, {focused} {{ opacity: 1; }}")
    return "\n".join(rules)


def message_markup(message: str) -> str:
    """Say what went wrong."""
    return f'<p class="message" role="alert">{escape(message)}</p>'


def stage_markup(photo: InspectedPhoto, matches: Sequence[ZeroShotMatch]) -> str:
    """Show the photograph, with the region of every listed tag over it, none of them visible."""
    regions = [] if photo.regions is None else [*photo.regions[:MAX_TAGS]]
    numbered = [*enumerate(regions), *enumerate((match.region for match in matches), MAX_TAGS)]
    veils = "".join(
        f'<img class="region region-{number}" alt="" src="{veil_uri(region, photo.size)}">'
        for number, region in numbered
    )
    ratio = photo.size[0] / photo.size[1]
    hint = _NO_REGIONS if photo.regions is None else _HINT
    return (
        f'<figure class="stage"><div style="--ratio: {ratio:.4f}">'
        f'<img class="photograph" alt="Your photograph" src="{photo.picture}">{veils}</div>'
        f"<figcaption>{hint}</figcaption></figure>"
    )


def tags_markup(photo: InspectedPhoto) -> str:
    """List the most probable tags, with a bar and the threshold's mark each."""
    shown = photo.tags[:MAX_TAGS]
    left = len(photo.tags) - len(shown)
    rest = f'<p class="rest">{left} more categories, none more likely</p>' if left else ""
    return (
        '<section class="answer"><h2>Tags</h2>'
        f'<ol class="tags">{_items(shown)}</ol>{rest}</section>'
    )


def _items(tags: Iterable[ImageTag]) -> str:
    return "".join(
        f'<li class="tag tag-{number}{" present" if tag.present else ""}" tabindex="0">'
        f'<span class="name">{escape(tag.name)}</span>'
        f'<span class="bar" title="present from {tag.threshold:.0%}" '
        f'style="--score: {tag.probability:.4f}; --mark: {tag.threshold:.4f}"></span>'
        f'<span class="score">{_percent(tag.probability)}</span></li>'
        for number, tag in enumerate(tags)
    )


def _percent(probability: float) -> str:
    return f"{100 * probability:.0f}&#8239;%" if probability >= 0.01 else "&lt;&#8239;1&#8239;%"


def matches_markup(matches: Sequence[ZeroShotMatch]) -> str:
    """List what was asked for beyond the tags, and say that it is zero-shot."""
    if not matches:
        return ""
    items = "".join(
        f'<li class="tag match tag-{number}{" present" if match.stands_out else ""}" tabindex="0">'
        f'<span class="name">{escape(match.name)}</span>'
        f'<span class="remark">{_remark(match)}</span>'
        f'<span class="score">{match.cosine:.2f}</span></li>'
        for number, match in enumerate(matches, MAX_TAGS)
    )
    return (
        '<section class="answer"><ol class="tags">'
        f"{items}</ol>"
        '<p class="rest">Zero-shot: the frozen encoder alone, never trained on these words. '
        "The figure is a cosine, not a probability.</p></section>"
    )


def _remark(match: ZeroShotMatch) -> str:
    if match.trained:
        return "also a trained tag, above"
    return "stands out here" if match.stands_out else "nothing stands out"
