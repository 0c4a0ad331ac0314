"""Words that no photograph shows: what a typed word has to match better than."""

from typing import Final

__all__ = ["NEUTRAL_WORDS"]

_NOTHING_TO_SEE = (
    "opinion Tuesday justice grammar rumour interest reason patience inflation theory memory truth "
    "habit promise doubt century silence advice luck mercy method pride rhythm topic belief verb "
    "honesty duration policy apology irony debt wisdom average chapter origin loyalty essence "
    "concept delay"
)
_NO_WORDS = (
    "blorf quenny draxle vomper thusk glimby zorvat prenking skolt fumbra nartle wexil chodder "
    "plimsy grovand yastle bruntic mocksel trillow haspen"
)

NEUTRAL_WORDS: Final = (*_NOTHING_TO_SEE.split(), *_NO_WORDS.split())
"""Forty words for what cannot be seen, which a text tower may know, and twenty made-up ones.

The best of a photograph's many positions matches any word somewhat. How well is told by words that
are certainly not there, and unlike names of things, these are of no photograph.
"""
