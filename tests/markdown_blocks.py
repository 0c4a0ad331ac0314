"""Reading Markdown: the Python and the shell blocks of the docs, the README and CONTRIBUTING."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sybil import Document, Region
from sybil.evaluators.doctest import DocTestEvaluator
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

ROOT = Path(__file__).parents[1]

NOT_RUN = 'title="Not run by the tests'
"""How a block says, to the reader too, that no test executes it; the reason follows."""

INCLUDED = "--8<--"
"""How a block shows a file; those files are scripts that `test_examples.py` runs."""


def pages() -> list[Path]:
    """List every Markdown file that readers see."""
    return [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


class PythonBlocks:
    """Find Python fences, whatever options follow the language, for Sybil to execute."""

    def __init__(self) -> None:
        info = re.compile(r"(?:python|py|pycon)(?![\w+-])(?P<options>[^\n]*)$\n", re.MULTILINE)
        self.lexer = RawFencedCodeBlockLexer(info)
        self.doctests = DocTestStringParser(DocTestEvaluator())
        self.evaluate = PythonEvaluator()

    def __call__(self, document: Document) -> Iterable[Region]:
        for region in self.lexer(document):
            source = region.lexemes["source"]
            if NOT_RUN in region.lexemes["options"] or source.startswith(INCLUDED):
                continue
            if source.startswith(">>>"):
                for example in self.doctests(source, document.path):
                    example.adjust(region, source)
                    yield example
            else:
                region.parsed, region.evaluator = source, self.evaluate
                yield region


def shell_commands(text: str) -> Iterator[str]:
    """Yield each command of the shell blocks of a page, one per line or `&&`."""
    for block in re.findall(r"^```(?:bash|sh|shell|console)\b[^\n]*\n(.*?)^```", text, re.M | re.S):
        for line in block.replace("\\\n", " ").splitlines():
            for command in line.split(" && "):
                command = command.strip().removeprefix("$ ")
                if command and not command.startswith("#"):
                    yield command
