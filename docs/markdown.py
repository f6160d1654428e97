"""The few forms of Markdown that the reference is made of."""

# ruff: noqa: INP001 - a folder of the tree that is never installed

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable

_NOTICE = "<!-- Written by `make docs`. Change the code that it describes, not this file. -->\n"


def page(title: str, introduction: str, *parts: str) -> str:
    """Make a whole page. `introduction` may be indented; `parts` stand apart from each other."""
    return "\n\n".join((f"{_NOTICE}\n# {title}", textwrap.dedent(introduction).strip(), *parts)) + "\n"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Make a table. Cells may hold line breaks and bars."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def prose(docstring: str | None) -> str:
    """Make a docstring a paragraph."""
    return inspect.cleandoc(docstring or "")
