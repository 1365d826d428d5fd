"""One page of a fit, and its figures."""

from __future__ import annotations


def figures(fit):
    from brainmem import plot

    steps = (fit.recording.step, fit.interval)
    return {
        "sequences": (plot.sequences(fit.recording.rates, fit.rates, steps=steps, names=("recording", "network")), ""),
        "training": (plot.pvar_of_tests(fit.tests), ""),
    }


def write_page(fit, path):
    return path
