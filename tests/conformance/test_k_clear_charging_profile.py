"""K77: no line of the edge or the cloud sends a ClearChargingProfile without a field.

The contract's model refuses an empty request (`tests/unit/edge/test_operations.py`), and whatever goes through the
table of operations is checked by it. This reads the code for calls that would go past the table.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(file for room in ("contract", "edge", "cloud") for file in (ROOT / room).rglob("*.py"))


def clears_everything(source: str) -> list[int]:
    """List the lines that hand `ClearChargingProfile` on with an empty payload, or make one without a field."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        named = any(isinstance(one, ast.Constant) and one.value == "ClearChargingProfile" for one in arguments)
        empty = any(isinstance(one, ast.Dict) and not one.keys for one in arguments)
        made = isinstance(node.func, ast.Name | ast.Attribute) and ast.unparse(node.func).endswith(
            "ClearChargingProfile"
        )
        if (named and empty) or (made and not arguments):
            found.append(node.lineno)
    return found


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('caller.call("CP1", "ClearChargingProfile", {})', [1]),
        ('perform("CP1", action="ClearChargingProfile", payload={})', [1]),
        ("smart_charging.ClearChargingProfile()", [1]),
        ('caller.call("CP1", "ClearChargingProfile", {"id": 1})', []),
        ("ClearChargingProfile(id=1)", []),
        ('caller.call("CP1", "ClearCache", {})', []),
    ],
)
def test_k77_the_check_sees_what_it_looks_for(source: str, lines: list[int]) -> None:
    assert clears_everything(source) == lines


def test_k77_clear_charging_profile_is_nowhere_sent_without_fields() -> None:
    assert len(FILES) > 100
    assert {file.name: found for file in FILES if (found := clears_everything(file.read_text()))} == {}
