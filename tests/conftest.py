"""One folder of compiled programs that test runs share, and a heap that is quick to look through."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brainmem import Device

pytest.register_assert_rewrite("tests.support")

# Tests run side by side; the threads of linear algebra would wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Programs of tests run for a moment; those of `tests/build` are optimised as a user's are.
FAST_TO_COMPILE = "-O1"


def pytest_configure(config: pytest.Config) -> None:
    if "BRAINMEM_CACHE" not in os.environ:
        os.environ["BRAINMEM_CACHE"] = str(config.cache.mkdir("brainmem"))
    os.environ.setdefault("CXXFLAGS", FAST_TO_COMPILE)


# Files that take longest begin first, so that no process is left with one at the end (with --no-loadscope-reorder).
LONGEST = (
    "models/test_every_model.py",
    "papers/test_claims.py",
    "translation/test_own_cells.py",
    "papers/test_agmon2023.py",
    "simulation/test_going_on.py",
    "numbers/test_own_cells.py",
    "verification/test_verify.py",
)


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not str(item.path).endswith(LONGEST))
    _mark_compiled_twins(items)


def _mark_compiled_twins(items: list[pytest.Item]) -> None:
    """Mark as slow what compiles a program for numbers that the same test has from the runtime device as well."""
    found: dict[tuple, list[tuple[Any, pytest.Item]]] = {}
    for item in items:
        given = getattr(getattr(item, "callspec", None), "params", {})
        if len(names := [name for name, value in given.items() if isinstance(value, Device)]) == 1:
            others = tuple((name, repr(value)) for name, value in given.items() if name not in names)
            case = (item.path, getattr(item, "originalname", item.name), others)
            found.setdefault(case, []).append((given[names[0]].name, item))
    for twins in found.values():
        if any(name == "runtime" for name, _ in twins):
            for name, item in twins:
                if name == "cpp_standalone":
                    item.add_marker("slow")


def pytest_collection_finish() -> None:
    _leave_alone_what_stays()


@pytest.fixture(autouse=True, scope="module")
def _quick_to_look_through() -> Iterator[None]:
    yield
    _leave_alone_what_stays()


@pytest.fixture(autouse=True, scope="module")
def _compiled_as_one_file() -> Iterator[None]:
    """Programs whose parts do not fit into one file still compile, one by one, which takes ten times as long."""
    programs = Path(os.environ["BRAINMEM_CACHE"], "programs")
    before = set(programs.glob("*/whole.log"))
    yield
    failed = sorted(set(programs.glob("*/whole.log")) - before)
    assert not failed, f"not compiled as one file: {failed[0].read_text(encoding='utf-8')[:2000]}"


def _leave_alone_what_stays() -> None:
    """Keep what is there out of later collections: Brian2 makes one in every run, and looks at all modules and tests.

    A run of a few time steps on the runtime device takes 0.2 s in place of 1 s.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty folder of compiled programs, for tests that look at the cache itself."""
    monkeypatch.setenv("BRAINMEM_CACHE", str(tmp_path / "programs"))
    return tmp_path / "programs"
