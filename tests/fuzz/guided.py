"""The coverage-guided fuzzer: `python -m tests.fuzz.guided FOLDER RUNS`. libFuzzer reports its own progress."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

with atheris.instrument_imports(include=["edge.ocppj", "edge.ocpp16", "edge.domain", "edge.central_system.identity"]):
    from tests.fuzz.targets import SEEDS, TARGETS


def one(data: bytes) -> None:
    """Run the target that the first byte chooses."""
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])


def main() -> None:
    corpus, runs = Path(sys.argv[1]), int(sys.argv[2])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS):
        for target in range(len(TARGETS)):
            (corpus / f"seed-{number}-{target}").write_bytes(bytes([target]) + seed)
    bounds = ["-max_len=4096", "-timeout=20", "-rss_limit_mb=1024", f"-artifact_prefix={corpus.parent}{os.sep}"]
    atheris.Setup([sys.argv[0], f"-runs={runs}", *bounds, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
