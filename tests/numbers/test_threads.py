"""Numbers that do not depend on how many cores a machine has."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

import brainmem.simulation.ready as ready
from brainmem import simulate, sweep
from brainmem.numbers.threads import on_one_thread
from tests.support.counting_models import counting


def threads() -> set[int]:
    """Return how many threads the libraries of linear algebra use."""
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_products_are_the_same_on_any_number_of_threads():
    x = np.random.default_rng(0).normal(size=(300, 300))
    found = []
    for number in (1, 2, 3):
        with threadpool_limits(number, user_api="blas"):
            before = threads()
            with on_one_thread():
                assert threads() == {1}
                found.append((x @ x, np.linalg.eigvals(x[:100, :100])))
            assert threads() == before
    for product, values in found[1:]:
        np.testing.assert_array_equal(product, found[0][0])
        np.testing.assert_array_equal(values, found[0][1])


def count_threads(result) -> int:
    return max(threads())


def test_numbers_of_runs_and_what_is_measured_of_them_are_computed_on_one(tmp_path, monkeypatch):
    seen, numbers_of = [], ready.numbers_of

    def watched(*arguments):
        seen.append(threads())
        return numbers_of(*arguments)

    monkeypatch.setattr(ready, "numbers_of", watched)
    with threadpool_limits(2, user_api="blas"):
        simulate(counting(), device="runtime")
        found = sweep(counting(), store=tmp_path, device="runtime", jobs=1, measure=count_threads)
        assert threads() == {2}
    assert seen == [{1}] * len(seen)
    assert seen
    assert found.dataset().values == [1]
