"""One folder of compiled programs that test runs share."""

from __future__ import annotations

import os

import pytest

pytest.register_assert_rewrite("tests.support")


def pytest_configure(config: pytest.Config) -> None:
    if "BRAINMEM_CACHE" not in os.environ:
        os.environ["BRAINMEM_CACHE"] = str(config.cache.mkdir("brainmem"))


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty folder of compiled programs, for tests that look at the cache itself."""
    monkeypatch.setenv("BRAINMEM_CACHE", str(tmp_path / "programs"))
    return tmp_path / "programs"
