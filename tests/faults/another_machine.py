"""An edge that believes to run on another machine: its boot id is its own, as that of a copied card would be."""

from __future__ import annotations

from pathlib import Path

from edge import clock
from edge.cli import main

if __name__ == "__main__":
    clock._BOOT_ID = Path("boot_id").absolute()
    main()
