"""What all events have in common."""

from __future__ import annotations

from typing import ClassVar

from contract.model import Record
from contract.streams import Stream


class EventData(Record):
    """The `data` of an event. A subclass names its stream; `TYPE` is what the envelope carries."""

    TYPE: ClassVar[str]
    STREAM: ClassVar[Stream]
