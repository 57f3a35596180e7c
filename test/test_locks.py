"""The lock files: nothing without a hash, and what is pinned in two places is the same in both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = (ROOT / "pyproject.toml").read_text()
LOCKS = sorted(ROOT.glob("requirements*.lock"))


def entries(lock: Path) -> dict[str, str]:
    """Each requirement's first line, to the next one's: by name and version."""
    parts = re.split(r"^(?=[A-Za-z0-9])", lock.read_text(), flags=re.MULTILINE)[1:]
    return {part.split()[0]: part for part in parts}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_requirement_is_one_version_with_hashes(lock):
    assert entries(lock)
    for requirement, text in entries(lock).items():
        assert re.fullmatch(r"[a-z0-9-]+==[^\s;]+", requirement)
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", text), requirement
    assert "://" not in re.sub(r"^#.*", "", lock.read_text(), flags=re.MULTILINE)  # of no index but the one asked


def pinned(name: str) -> set[str]:
    return set(re.findall(rf'"({name}==[^";]+)', PROJECT))


def test_what_builds_and_what_locks_are_pinned_and_locked():
    (setuptools,), (uv,) = pinned("setuptools"), pinned("uv")
    assert setuptools in entries(ROOT / "requirements.lock")
    assert setuptools in entries(ROOT / "requirements-test.lock")
    assert set(entries(ROOT / "requirements-uv.lock")) == {uv}


def test_the_tests_have_the_torch_that_their_other_packages_were_locked_beside():
    (torch,) = entries(ROOT / "requirements-torch.lock")
    assert pinned("torch") == {torch, torch.removesuffix("+cpu")}


def test_no_package_is_of_two_versions_in_two_locks():
    shared = set(entries(ROOT / "requirements.lock"))
    names = {requirement.partition("==")[0] for requirement in shared}
    tested = {r for r in entries(ROOT / "requirements-test.lock") if r.partition("==")[0] in names}
    assert tested == shared
