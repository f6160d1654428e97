"""What edge and cloud agree on: every event, the states of a command, the table of operations."""

# ruff: noqa: INP001 - a folder of the tree that is never installed

from __future__ import annotations

import ast
import inspect
import itertools
import re
import textwrap
import types
import typing
from datetime import timedelta
from enum import StrEnum
from typing import Any, cast

from pydantic import BaseModel

from contract.batch import BatchHeader, Envelope
from contract.commands import FINAL_STATES, TRANSITIONS, CommandError, CommandErrorCode, CommandState
from contract.events import EVENTS, MeterValue, Sample, Skipped
from contract.operations import OPERATIONS
from contract.streams import Stream
from docs.markdown import page, prose, table
from docs.meanings import MEANINGS


def events() -> str:
    """Write every event, by stream."""
    streams = _attribute_docstrings(Stream)
    chapters = []
    for stream in Stream:
        chapters.append(f"## Stream `{stream}`\n\n{streams[stream.name]}")
        chapters += [
            _model(event, 3, name)
            for name, event in EVENTS.items()
            if event.STREAM is stream and event is not Skipped  # it has a chapter of its own: any stream may hold it
        ]
    return page(
        "Events",
        """
        What an edge tells the cloud. Each event belongs to one stream and is numbered there without holes; how they
        travel is told in [the link](../explanation/link.md). Within a version fields are only ever added, so a reader
        passes over those it does not know. A type that the cloud does not know is kept as it came.
        """,
        "## What every event carries",
        _model(Envelope, 3),
        "Events travel in batches. The first line of a batch is its header; each further line is one event.",
        _model(BatchHeader, 3),
        *chapters,
        "## In any stream",
        _model(Skipped, 3, Skipped.TYPE),
        "## Parts of events",
        *(_model(part, 3) for part in (MeterValue, Sample, CommandError)),
    )


def _model(model: type[BaseModel], level: int, name: str | None = None) -> str:
    rows = (
        (f"`{field}`", _annotation(info.rebuild_annotation()), info.description or MEANINGS[field])
        for field, info in model.model_fields.items()
    )
    heading = f"`{name}`" if name else model.__name__
    return f"{'#' * level} {heading}\n\n{prose(model.__doc__)}\n\n" + table(("Field", "Type", "Meaning"), rows)


def _annotation(annotation: Any) -> str:  # noqa: ANN401 - whatever a field is annotated with
    """Put a field's type into words."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _annotation(arguments[0])
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_annotation(part) for part in arguments)
    if origin is list:
        return f"list of {_annotation(arguments[0])}"
    if origin is dict:
        return "object"
    words = {"str": "text", "int": "whole number", "bool": "true or false", "NoneType": "`None`"}
    words |= {"AwareDatetime": "instant, UTC", "MeterValue": "meter value", "Sample": "sample", "Stream": "stream"}
    name = str(annotation.__name__)
    return words.get(name, name)


def commands() -> str:
    """Write the states of a command and the table of operations."""
    states, codes = _attribute_docstrings(CommandState), _attribute_docstrings(CommandErrorCode)
    operations = (
        (
            f"`{operation.path}`",
            operation.action,
            _duration(operation.time_to_live),
            "yes" if operation.safe_to_repeat else "no",
            ", ".join(sorted(operation.agreed)) or "any answer",
        )
        for operation in OPERATIONS.values()
    )
    return page(
        "Commands",
        """
        A command is an operation that somebody asked the cloud for. Why its life has these steps is told in
        [the life of a command](../explanation/command-life.md).
        """,
        "## States\n\n" + _state_diagram(),
        table(
            ("State", "Final", "Meaning"),
            ((f"`{state}`", "yes" if state in FINAL_STATES else "no", states[state.name]) for state in CommandState),
        ),
        "## Operations\n\nThe path is the last segment of "
        "`POST /api/v1/sites/{site}/central-system/clients/{id}/…` at the cloud and of "
        "`POST /api/v1/central-system/clients/{id}/…` at the edge. The time to live counts from the request at the "
        "cloud to the moment at which the edge sends the call. What is safe to repeat is done again when the edge "
        "crashed on the way and there is still time.",
        table(("Path", "OCPP action", "Time to live", "Safe to repeat", "Statuses that mean yes"), operations),
        "## Why a command failed",
        table(
            ("Code", "Meaning"),
            ((f"`{code}`", codes.get(code.name) or _UNTOLD_CODES[code]) for code in CommandErrorCode),
        ),
    )


_UNTOLD_CODES = {
    CommandErrorCode.UNKNOWN_CHARGE_POINT: "The site does not know the charge point.",
    CommandErrorCode.NOT_CONNECTED: "The charge point had no connection, or lost it before it answered.",
    CommandErrorCode.INTERNAL: "The edge itself failed, or does not know the operation; `detail` and its log say more.",
}


def _state_diagram() -> str:
    lines = ["stateDiagram-v2", f"    [*] --> {CommandState.CREATED}"]
    for state in CommandState:
        lines += [f"    {state} --> {after}" for after in CommandState if after in TRANSITIONS[state]]
    lines += [f"    {state} --> [*]" for state in CommandState if state in FINAL_STATES]
    return "```mermaid\n" + "\n".join(lines) + "\n```"


def _duration(duration: timedelta) -> str:
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    return f"{seconds} s" if minutes == 0 else f"{minutes} min"


def _attribute_docstrings(kind: type[StrEnum]) -> dict[str, str]:
    """Read the strings below the members of an enumeration, which Python itself throws away."""
    body = cast("ast.ClassDef", ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]).body
    told = {}
    for member, below in itertools.pairwise(body):
        match member, below:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                told[name] = re.sub(r"\s+", " ", text)
    return told
