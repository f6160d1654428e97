"""What names a charge point on a campus."""

from __future__ import annotations

from pydantic import TypeAdapter

Key = tuple[str, str]
"""Site and identity; also what lists are sorted by."""

KEY = TypeAdapter[Key](Key)
