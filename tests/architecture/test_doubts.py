"""Every doubt that the edge puts beside a transaction is explained, and nothing is explained that it does not put."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from edge.domain.doubts import FLAGS, SUSPICIONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/transactions.md").read_text(encoding="utf-8")
SOURCES = [path for path in (ROOT / "edge").rglob("*.py") if path.name != "doubts.py"]


def literals() -> set[str]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES]
    strings = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    plain = {str(value) for value in strings if isinstance(value, str)}
    return plain | {word for text in plain for word in re.findall(r'"(\w+)"', text)}


@pytest.mark.parametrize("explained", [FLAGS, SUSPICIONS])
def test_the_page_explains_each_in_the_words_of_the_code(explained: dict[str, str]) -> None:
    rows = [f"| `{name}` | {meaning} |" for name, meaning in explained.items()]
    assert "\n".join(rows) in PAGE, "Copy the table from edge/domain/doubts.py into docs/explanation/transactions.md."


def test_none_is_explained_that_nothing_puts() -> None:
    assert {*FLAGS, *SUSPICIONS} - literals() == set()


def test_the_page_names_no_other() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) - {"suspect_why"} == {*FLAGS, *SUSPICIONS}
