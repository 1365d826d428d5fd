"""Programs are optimised here: what is tested is the loops that the compiler makes of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def _optimised() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXXFLAGS", "")
        yield
