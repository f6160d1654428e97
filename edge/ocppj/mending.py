"""A message that is no JSON: mended where the mistake is plain, else what its own words still tell."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from edge.errors import RemoteProtocolError
from edge.ocppj.frames import Call, Frame, parse
from edge.ocppj.repairs import LONGEST, Repair, repaired

REPAIRED = "the message was no JSON and was repaired"
PIECES = "the message was no JSON; single fields of it could be read"

_FIELD = re.compile(r'"([A-Za-z]{1,40})"\s*:\s*(?:"([^"\\]{0,255})"|(-?\d{1,18}(?:\.\d{1,9})?))(?=\s*[,}])')
"""A field with its whole value: a number that the end of the text cut off is none."""


def mend(text: str | bytes, fault: RemoteProtocolError, repairs: Collection[Repair]) -> Frame | None:
    """Read a message that `parse` refused.

    Args:
        text: as it came.
        fault: what `parse` said of it.
        repairs: what may be mended beside what is mended for everyone.

    Returns:
        The frame that it becomes; `None` when nothing can be made of it. A CALL has its doubt. When its text cannot be
        mended, its payload is made of the fields that can be read one by one.
    """
    better = repaired(text, repairs)
    if better is not None:
        try:
            frame = parse(better)
        except RemoteProtocolError:
            frame = None
        if frame is not None:
            if isinstance(frame, Call):
                frame.doubt = REPAIRED
            return frame
    if fault.message_id is None or fault.action is None:
        return None
    return Call(fault.message_id, fault.action, _fields(text, fault.action), doubt=PIECES)


def _fields(text: str | bytes, action: str) -> dict[str, Any]:
    """Read the fields of the outermost object; what stands in lists is left out, since it names its fields alike."""
    head = text[:LONGEST]
    _, _, rest = (head if isinstance(head, str) else head.decode("utf-8", "replace")).partition(f'"{action}"')
    rest = rest.rstrip("\0 \t\r\n").removesuffix("]")
    first, last = rest.find("["), rest.rfind("]")
    if 0 <= first < last:
        rest = rest[:first] + rest[last + 1 :]
    fields: dict[str, Any] = {}
    for name, string, number in _FIELD.findall(rest):
        fields.setdefault(name, _number(number) if number else string)
    return fields


def _number(text: str) -> float:
    return float(text) if "." in text else int(text)
