"""Numbers that do not depend on how many cores a machine has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

__all__ = ["on_one_thread"]


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Let products of matrices, eigenvalues and the like be computed on one thread, whatever the machine offers.

    On several threads they are added up in another order, so that their last digits differ.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401 - loads its library of linear algebra, which is another than numpy's

    return ThreadpoolController()
