"""The short form of `make fuzz`: 20,000 inputs. Whatever comes in, nothing falls and nobody else is disturbed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import live
from tests.fuzz.mutation import mutated
from tests.fuzz.targets import SEEDS, TARGETS
from tests.harness.processes import Edge

EXAMPLES = int(os.environ.get("GARDU_FUZZ_EXAMPLES", "500"))
MUTATIONS = 1000
GUIDED = 8000
FRAMES, UPGRADES = 2600, 400

near_a_seed = st.builds(
    lambda seed, at, length, other: seed[:at] + other + seed[at + length :],
    st.sampled_from(SEEDS),
    st.integers(0, 300),
    st.integers(0, 40),
    st.binary(max_size=40) | st.sampled_from(SEEDS) | st.text(max_size=20).map(str.encode),
)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
@given(data=near_a_seed | st.binary() | st.text().map(str.encode))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_input_is_taken(target: Callable[[bytes], None], data: bytes) -> None:
    target(data)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_any_mutation_of_what_charge_points_send_is_taken(target: Callable[[bytes], None]) -> None:
    for data in mutated(SEEDS, MUTATIONS, seed=1):
        target(data)


def test_the_coverage_guided_fuzzer_finds_nothing(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        assert os.environ.get("CI") != "true", "atheris has to be installed where CI runs"
        pytest.skip("atheris has no wheel for this Python or machine; hypothesis runs alone")
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.guided", str(tmp_path / "corpus"), str(GUIDED)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]


async def test_a_running_edge_stands_while_another_charge_point_charges(tmp_path: Path) -> None:
    with Edge.create(tmp_path / "edge", LOG__LEVEL="ERROR").start() as edge:
        await live.fuzz(edge, FRAMES, UPGRADES, seed=1)
        assert edge.stop() == 0
    log = edge.log.read_text()
    assert "Traceback" not in log, log[:6000]
