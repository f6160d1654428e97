"""An edge for a control run: its database answers before anything is on the disk (`synchronous=OFF`)."""

from __future__ import annotations

from edge.cli import main
from edge.store.database import connect

if __name__ == "__main__":
    connect.__kwdefaults__ = {**(connect.__kwdefaults__ or {}), "synchronous": "OFF"}
    main()
