"""`gardu-edge drill`: the link of a running edge is cut on purpose, and the command tells what came of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness.processes import Cloud, Edge
from tests.integration.edge.test_process import refused

pytestmark = pytest.mark.timeout(180)


def test_a_drill_is_told_from_its_begin_until_the_cloud_has_everything(tmp_path: Path) -> None:
    with Cloud.create(tmp_path / "cloud").start() as cloud:
        linked = Edge.create(
            tmp_path / "edge", cloud_url=cloud.url, cloud_secret=cloud.secrets["north"], CLOUD__LONGEST_WAIT_S="1"
        )
        with linked.start() as edge:
            edge.wait_drained()
            report = json.loads(edge.cli("drill", "--for", "2s", "--json").splitlines()[-1])
            assert report["drained_at"] > report["ended_at"] > report["began_at"]
            assert (report["waiting"], report["transactions_started"]) == (0, 0)
            said = edge.cli("drill", "--for", "1s")
            assert "The link to the cloud is cut until" in said
            assert "all of it in the cloud" in said


def test_what_cannot_be_drilled_is_told_in_a_sentence(tmp_path: Path) -> None:
    with Edge.create(tmp_path / "edge").start() as edge:
        assert "works on its own" in refused(edge, "drill")
        assert "Write for example 90s" in refused(edge, "drill", "--for", "soon")
