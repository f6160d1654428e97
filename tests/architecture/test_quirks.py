"""What is known of charge points is used: each flag is read somewhere, each general rule has its test."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from edge.ocpp16.quirk_flags import AWAITING_LOAD_MANAGEMENT, Quirks
from edge.ocpp16.quirks import general

ROOT = Path(__file__).parents[2]
KNOWLEDGE = {ROOT / "edge/ocpp16/quirk_flags.py", ROOT / "edge/ocpp16/quirks.py"}


def read_in(path: Path) -> set[str]:
    """Name what a file reads as an attribute of something that is, or gives, quirks."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and "quirks" in ast.unparse(node.value)
    }


READ = {flag for path in (ROOT / "edge").rglob("*.py") if path not in KNOWLEDGE for flag in read_in(path)}


@pytest.mark.parametrize("flag", Quirks.model_fields)
def test_a_flag_is_read_or_waits_for_load_management(flag: str) -> None:
    assert (flag in READ) != (flag in AWAITING_LOAD_MANAGEMENT)


@pytest.mark.parametrize("rule", general(), ids=lambda rule: rule.name)
def test_the_test_of_a_general_rule_exists(rule: object) -> None:
    file, _, function = rule.test.partition("::")  # type: ignore[attr-defined]
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert function.startswith("test_")
