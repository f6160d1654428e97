from __future__ import annotations

import os
from pathlib import Path

COMPILED = Path(__file__).parents[1] / "build" / "pycache"


def pytest_configure() -> None:
    """Let the processes that tests start find compiled modules, also where the environment forbids writing them.

    Containers often do. Each start of an edge would then compile all its libraries again, which takes longer than
    everything else that it does.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None) is not None:
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(COMPILED))
