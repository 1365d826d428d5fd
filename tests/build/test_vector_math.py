"""Mathematical functions of compiled programs: vector versions where glibc has them, with the scalar ones' values."""

from __future__ import annotations

import platform
import sys

import numpy as np
import pytest

from brainmem.engine.device import BuildJob, Device
from brainmem.engine.prepare import prepare
from tests.support.builders import MATH_FUNCTIONS


def program(units, bits=64):
    return prepare(BuildJob("tests.support.builders:mathematics", {"units": units}), Device(float=bits))


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.filterwarnings("ignore:Not finite")
def test_every_function_agrees_with_numpy(bits):
    x = np.concatenate([np.random.default_rng(1).uniform(-20, 20, 4000), np.linspace(-0.999, 0.999, 4000)])
    x = np.concatenate([x, [0.0, 1e-30, 800.0, 1.0, -1.0, 0.0]]).astype(f"float{bits}")
    y = np.concatenate([np.ones(x.size - 3), np.zeros(3)])
    run = program(x.size, bits).run({"units.x": x, "units.y": y}, duration=1e-4)
    for name in MATH_FUNCTIONS:
        with np.errstate(all="ignore"):
            exact = getattr(np, name)(x.astype(np.longdouble) / y)
        found = run[name]
        np.testing.assert_array_equal(np.isnan(found), np.isnan(exact), err_msg=name)
        finite = np.isfinite(exact) & (np.abs(exact) < np.finfo(found.dtype).max)
        spacing = np.spacing(np.abs(exact[finite]).astype(found.dtype))
        assert np.max(np.abs(found[finite] - exact[finite]) / spacing) <= 4, name
        beyond = np.isinf(exact)
        np.testing.assert_array_equal(found[beyond], exact[beyond].astype(found.dtype), err_msg=name)


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64" or platform.libc_ver() < ("glibc", "2.35"),
    reason="glibc has vector versions of all of them from 2.35 on, for x86-64",
)
def test_powers_of_single_precision_are_taken_in_single_precision():
    """The compiler may take them in double otherwise, in vectors of half the length."""
    program = prepare(BuildJob("tests.support.builders:powers", {}), Device(float=32))
    text = (program.folder / "whole.cpp").read_text()
    assert "(brainmem::power((x), (y)))" in text
    assert "(pow((x), (y)))" not in text
    x = np.linspace(-2, 2, 9, dtype=np.float32)
    found = program.run({"unit.x": x}, duration=0.0002)
    np.testing.assert_allclose(found["cube"], x**3, rtol=1e-6)
    np.testing.assert_allclose(found["root"], np.abs(x) ** np.float32(0.5), rtol=1e-6)


def test_programs_call_the_vector_versions():
    binary = (program(1000).folder / "main").read_bytes()
    short = {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}
    for name in MATH_FUNCTIONS:
        assert f"v_{short.get(name, name)}".encode() in binary, name
