"""What an edge tells of its directory."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from contract.directory import DirectorySet
from contract.event_data import EventData
from contract.streams import Stream


class DirectoryApplied(EventData):
    """A set of the directory came down and counts at the site from now on, or was found to be another one there."""

    TYPE: ClassVar[str] = "DirectoryApplied.v1"
    STREAM: ClassVar[Stream] = Stream.STATE

    set: DirectorySet
    """Which."""
    incarnation: UUID
    """The cloud database whose version it is."""
    version: int
    """The set's version that the edge holds from now on."""
    hash: str
    """Hex: the content hash of what the edge holds."""
    entries: int
    """How many it holds."""
    how: str
    """`delta`, `snapshot`, or `checked`: nothing had changed."""
