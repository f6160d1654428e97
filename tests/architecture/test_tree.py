"""The rules of the tree that no linter knows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("contract", "edge", "cloud", "simulator")
LONGEST_FILE = 400
NAMELESS = {"utils", "util", "helpers", "helper", "common", "base", "misc"}
FOREIGN_WORDS = {"charger", "csms", "wallbox"}
"""What others call a charge point and a central system. At the edge only OCPP 1.6's words are used."""


def tracked(*patterns: str) -> list[Path]:
    """The files that git knows and that are there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    found = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in found if path.is_file()]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_source_file_holds_two_ideas() -> None:
    lengths = {shown(path): len(path.read_bytes().splitlines()) for path in tracked("*.py", "*.ts", "*.tsx")}
    too_long = {name: length for name, length in lengths.items() if length > LONGEST_FILE}
    assert not too_long, f"Longer than {LONGEST_FILE} lines; split them: {too_long}"


def test_every_module_is_named_after_what_it_holds() -> None:
    parts = {shown(path): {path.stem, *path.relative_to(ROOT).parts[:-1]} for path in tracked("*.py", "*.ts", "*.tsx")}
    nameless = [name for name, words in parts.items() if words & NAMELESS]
    assert not nameless, f"Name these after the one idea that they hold: {nameless}"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_the_edge_uses_the_words_of_ocpp() -> None:
    found = [place for path in tracked("edge/*.py") for place in _foreign_words(path)]
    assert not found, f"OCPP 1.6 says 'charge point' and 'central system': {found}"


def _foreign_words(path: Path) -> Iterator[str]:
    with path.open("rb") as source:
        for token in tokenize.tokenize(source.readline):
            words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", token.string) if token.type == tokenize.NAME else []
            if FOREIGN_WORDS & {word.lower() for word in words}:
                yield f"{shown(path)}:{token.start[0]} {token.string}"


PAGES = tracked("docs/**/*.md", "docs/*.md") + [page for page in tracked("*.md") if page.parent == ROOT]


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = [target for target in _links(page) if not _leads_somewhere(page, target)]
    assert not broken, f"{shown(page)} links to what is not there: {broken}"


def _links(page: Path) -> list[str]:
    targets = re.findall(r"(?<!\\)\]\(([^)\s]+)\)", _without_code(page))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def _leads_somewhere(page: Path, target: str) -> bool:
    name, _, heading = target.partition("#")
    goal = page.parent / name if name else page
    if not goal.resolve().is_relative_to(ROOT) or not goal.exists():
        return False
    return not heading or goal.suffix != ".md" or heading in _headings(goal)


def _headings(page: Path) -> set[str]:
    """The anchors that GitHub and GitLab make of headings."""
    titles = re.findall(r"^#+ (.+)$", _without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def _without_code(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_every_locked_package_carries_hashes_and_no_address(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index|--find-links|^-[if]\b", text, re.MULTILINE)
    packages = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    assert packages
    for package in filter(None, packages):
        assert re.match(r"[\w.\-]+(\[[\w,\-]+\])?==\S+", package), package
        assert "--hash=sha256:" in package, package


def test_the_locked_npm_packages_carry_hashes_and_no_address() -> None:
    lock = json.loads((ROOT / "tests/peers/npm/package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_rooms_know_only_the_rooms_below_them() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
