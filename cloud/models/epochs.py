"""What is to be done when the edge of a site begins anew: on an empty disk, or on one restored from a backup."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from cloud.db.database import Unit

Reimaged = Callable[[Unit, str, datetime], None]
"""Called with the site and the time, in the transaction that grants the new epoch and under the edge's row lock."""

ReimagedHooks = Sequence[Reimaged]
