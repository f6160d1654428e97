"""What a release wrote once can be read for ever: every event type has lines that are never changed, only added to.

`golden/<type>_<version>.json` holds one event a line, byte for byte as an edge stores it: the first as full as can be,
the second with nothing that may be left out. Whoever adds an optional field appends a line that has it; any other
change of a model needs a new version of the type.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError, create_model

from contract.batch import Envelope
from contract.events import EVENTS, TransactionStopped

GOLDEN = Path(__file__).parent / "golden"


def file_of(kind: str) -> Path:
    return GOLDEN / f"{kind.replace('.', '_')}.json"


def faults(lines: list[bytes], model: type[BaseModel]) -> list[str]:
    """In what a model no longer fits what was written; empty: in nothing."""
    found, fields = [], set[str]()
    for number, line in enumerate(lines, 1):
        envelope = Envelope.model_validate_json(line)
        try:
            data = model.model_validate(envelope.data)
        except ValidationError as error:
            found.append(f"line {number} is refused: {error}")
            continue
        fields |= data.model_fields_set
        again = envelope.model_copy(update={"data": data.model_dump(mode="json", exclude_unset=True)})
        if again.model_dump_json().encode() != line:
            found.append(f"line {number} is written in other words")
    found += [f"no line has {name}: append one that does" for name in set(model.model_fields) - fields]
    return found


@pytest.mark.parametrize("kind", EVENTS)
def test_what_was_written_once_is_read_and_written_the_same(kind: str) -> None:
    file = file_of(kind)
    assert file.exists(), f"Add {file.name}: an event with all fields, and one with none that may be left out."
    lines = file.read_bytes().splitlines()
    assert len(lines) > 1
    assert {Envelope.model_validate_json(line).type for line in lines} == {kind}
    assert faults(lines, EVENTS[kind]) == []


def test_there_is_no_golden_file_of_a_type_that_was_taken_away() -> None:
    assert {file.name for file in GOLDEN.glob("*_v*.json")} == {file_of(kind).name for kind in EVENTS}


def changed(*, without: str = "", **fields: Any) -> type[BaseModel]:
    kept = {
        name: (field.annotation, field) for name, field in TransactionStopped.model_fields.items() if name != without
    }
    content: dict[str, Any] = kept | fields
    return create_model("Changed", **content)


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (changed(without="energy_wh"), "other words"),
        (changed(without="flags"), "other words"),
        (changed(energy_wh=(str, ...)), "refused"),
        (changed(tariff=(str, ...)), "refused"),
        (changed(tariff=(str, "none")), "no line has tariff"),
        (changed(transaction_id=(float, ...)), "other words"),
    ],
)
def test_a_changed_model_does_not_pass(model: type[BaseModel], fault: str) -> None:
    found = faults(file_of(TransactionStopped.TYPE).read_bytes().splitlines(), model)
    assert any(fault in one for one in found), found


def test_the_model_as_it_is_passes_the_same_way() -> None:
    assert faults(file_of(TransactionStopped.TYPE).read_bytes().splitlines(), changed()) == []
