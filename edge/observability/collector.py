"""Python's garbage collector, set up for a process that lives long and keeps most of what its start has made."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 20_000
"""Allocations between two small garbage collections: some hundred messages under way."""


def spare() -> None:
    """Keep what the start has made out of every later garbage collection: it stays until the end anyway.

    Under load each full collection would walk the libraries' hundreds of thousands of objects again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
