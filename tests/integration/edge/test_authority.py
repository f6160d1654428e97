"""The edge's certificate authority on a real disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.store import roots
from edge.store.authority import Authority
from tests.integration.edge.played_site import NOON, PlayedSite


@pytest.mark.parametrize(("used", "expected"), [((), 1), ((1,), 1), ((1, 2), 2)])
def test_a_database_that_is_lost_finds_the_root_again_that_was_in_use(
    site: PlayedSite, tmp_path: Path, used: tuple[int, ...], expected: int
) -> None:
    authority = Authority(tmp_path / "authority", "site")
    first = site.write(lambda tx: authority.ensure_root(tx.connection, NOON))
    second = site.write(lambda tx: authority.add_root(tx.connection, NOON))
    for root in (first, second):
        if root.number in used:
            authority.server_certificates(root, ["edge.example"], NOON)
    site.connection.execute("DELETE FROM root_certificate")
    assert site.write(lambda tx: authority.ensure_root(tx.connection, NOON)).number == expected
    assert [root.number for root in roots.all_of(site.connection)] == [1, 2]
