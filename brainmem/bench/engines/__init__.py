"""The same networks written for other software. ``load(engine, network, start)`` returns an `Engine`."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np

from brainmem.bench.networks import Start

__all__ = ["ENGINES", "Engine", "installed", "load"]


class Engine(Protocol):
    """One network, ready to run."""

    def prepare(self, steps: int) -> None:
        """Go back to the start and do all that is not timed, so that `advance` can run `steps` steps."""
        ...

    def advance(self, steps: int) -> None:
        """Run, and return when everything is computed."""
        ...

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights ``[post, pre]`` and the rates ``x``."""
        ...


# The module and function of each engine, and the package that it needs.
ENGINES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "numpy": ("numpy_loop:load", "numpy"),
        "dgemv": ("matrix_product:load", "scipy"),
        "jax": ("jax_scan:load", "jax"),
        "annarchy": ("annarchy_network:load", "ANNarchy"),
        "annarchy -ffast-math": ("annarchy_network:load_fast", "ANNarchy"),
    }
)


def installed(engine: str) -> bool:
    """Whether the package that `engine` needs can be found."""
    return importlib.util.find_spec(ENGINES[engine][1]) is not None


def load(engine: str, network: str, start: Start) -> Engine:
    """Return `engine`'s version of the network called `network`."""
    module, function = ENGINES[engine][0].split(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), function)(network, start)
