"""What Brian2 does in silence, each provoked once: the package prevents it or says what is wrong.

The numbers P1-P15 are those of the project's list of Brian2 pitfalls.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from dataclasses import replace

import brian2
import numpy as np
import pytest

from brainmem.engine import program as compiled
from brainmem.engine.device import BuildJob, Device, thread_seeds
from brainmem.engine.prepare import prepare
from brainmem.errors import DeviceError

NUMPY = Device("runtime", target="numpy")
EVERYWHERE = pytest.mark.parametrize("device", [NUMPY, Device()], ids=str)
FINE = {"unit.x": 1.0, "param.tau": 0.01}
DECAYED = (1 - 1e-4 / 0.01) ** 100


def job(fault=None, **payload):
    return BuildJob("tests.support.builders:decay", payload | ({"fault": fault} if fault else {}))


def run(executable, **changes):
    inputs = FINE | {name.replace("__", "."): value for name, value in changes.items()}
    return executable.run(inputs, duration=0.01)


def leaky(device=None):
    """A network whose program reads static arrays, and inputs that fit it."""
    inputs = {
        "recurrent.w": np.linspace(-1, 1, 36),
        "table.cue_values": np.linspace(0, 1, 24).reshape(4, 6),
        "param.tau": 0.01,
        "param.sigma": 0.0,
        "param.limit": 1.0,
    }
    return prepare(
        BuildJob("tests.support.builders:leaky_network", {"units": 6, "stop": True}), device or Device()
    ), inputs


def refused(words, fault, device):
    with pytest.raises(DeviceError, match=words):
        run(prepare(job(fault), device))


@EVERYWHERE
def test_p1_python_code_is_refused_as_compiled_runs_drop_it(device):
    refused("'python_code' is a NetworkOperation", "network operation", device)
    refused("'counter' is a Counter", "python object", device)


@EVERYWHERE
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_p2_numbers_that_are_not_finite_are_refused(device, bad):
    executable = prepare(job(units=3), device)
    with pytest.raises(DeviceError, match=r"'param.tau' holds -?(nan|inf)"):
        run(executable, param__tau=bad)
    with pytest.raises(DeviceError, match=r"'unit.x' holds -?(nan|inf) at index \(1,\)"):
        run(executable, unit__x=[1.0, bad, 2.0])


@EVERYWHERE
def test_p3_arrays_of_the_wrong_length_are_refused(device):
    executable, inputs = leaky(device)
    for name, wrong in (
        ("recurrent.w", np.zeros(35)),
        ("recurrent.w", np.zeros((6, 6))),
        ("table.cue_values", np.zeros((6, 4))),
        ("param.tau", np.ones(2)),
    ):
        with pytest.raises(DeviceError, match=rf"'{name}' has shape .* takes shape"):
            executable.run(inputs | {name: wrong}, duration=0.0)


def test_p4_arrays_for_randomly_drawn_synapses_are_refused():
    refused("'random.w': the synapses of 'random' are drawn at random", "random synapses as input", Device())


def test_p4_arrays_longer_than_the_synapses_are_refused():
    with pytest.raises(DeviceError, match=r"random_w was set from 400 values, but there are \d+ synapses"):
        prepare(job("array for random synapses", units=20), Device())


def test_p5_results_that_cannot_be_written_end_the_program_with_an_error(tmp_path):
    program = prepare(job(), Device())
    arguments = ["./main", "--results_dir", str(tmp_path / "missing") + "/"]
    done = subprocess.run(arguments, cwd=program.folder, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Error writing results" in done.stderr


def test_p5_results_cut_short_are_refused(monkeypatch):
    program, real = prepare(job(units=3), Device()), compiled._run_program

    def cut_short(folder, results, *arguments, **options):
        real(folder, results, *arguments, **options)
        os.truncate(results / "output_0", 8)

    monkeypatch.setattr(compiled, "_run_program", cut_short)
    with pytest.raises(DeviceError, match=r"'x' has 1 values instead of \(3,\)"):
        run(program)


def test_p6_the_folder_where_python_runs_does_not_matter(monkeypatch, tmp_path):
    program, inputs = leaky()
    expected = program.run(inputs, duration=0.01)["trace"]
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(program.run(inputs, duration=0.01)["trace"], expected)


def test_p6_a_program_without_its_static_arrays_is_noticed(tmp_path):
    program, inputs = leaky()
    copy = tmp_path / program.folder.name
    shutil.copytree(program.folder, copy)
    for path in (copy / "static_arrays").iterdir():
        path.unlink()
    with pytest.raises(DeviceError, match="is damaged again as soon as it was built"):
        replace(program, folder=copy).run(inputs, duration=0.0)


@EVERYWHERE
def test_p7_parameters_without_a_value_are_refused(device):
    refused("'tau' of 'unit' is unset", "unset parameter", device)
    with pytest.raises(DeviceError, match=r"Inputs not set: param\.tau"):
        prepare(job(), device).run({"unit.x": 1.0}, duration=0.01)


@EVERYWHERE
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_p7_results_that_are_not_finite_are_warned_of(device):
    executable = prepare(job(), device)
    with pytest.warns(RuntimeWarning, match="Not finite at the end of the run: x"):
        run(executable, unit__x=1e300, param__tau=1e-9)


@EVERYWHERE
def test_p8_text_with_a_unit_is_refused_and_quantities_are_converted(device):
    executable = prepare(job(), device)
    with pytest.raises(DeviceError, match="'10ms' is not a number"):
        run(executable, param__tau="10ms")
    with pytest.raises(DeviceError, match=r"param\.tau.*has the unit V, and s is wanted"):
        run(executable, param__tau=10 * brian2.mV)
    result = run(executable, param__tau=10 * brian2.ms)
    np.testing.assert_allclose(result["x"], DECAYED, rtol=1e-12)


def test_p9_runs_write_to_folders_of_their_own_and_leave_nothing_in_the_program():
    program = prepare(job(units=3), Device())
    before = {path: path.stat().st_mtime for path in program.folder.rglob("*")}
    first = run(program, unit__x=[1.0, 2.0, 3.0])
    second = run(program, unit__x=[4.0, 5.0, 6.0])
    np.testing.assert_allclose(first["x"] / DECAYED, [1, 2, 3])
    np.testing.assert_allclose(second["x"] / DECAYED, [4, 5, 6])
    assert {path: path.stat().st_mtime for path in program.folder.rglob("*")} == before


def test_p10_the_project_is_built_in_the_cache_and_nowhere_else(own_cache, monkeypatch, tmp_path):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    program = prepare(job(), Device())
    assert program.folder.parent == own_cache / "programs"
    assert (program.folder / "main").exists()
    assert not list((tmp_path / "here").iterdir())
    assert not list((own_cache / "building").iterdir())


@EVERYWHERE
def test_p11_automatic_names_are_refused(device):
    refused(r"NeuronGroup 'neurongroup.*' was named by Brian2", "automatic name", device)
    refused(r"'unit_run_regularly.*' was named by Brian2", "automatic operation", device)


def test_p11_what_was_built_before_changes_nothing(own_cache, monkeypatch):
    programs = []
    for name in ("first", "second"):
        monkeypatch.setenv("BRAINMEM_CACHE", str(own_cache / name))
        programs.append(prepare(job(), Device()))
        brian2.NeuronGroup(1, "y : 1", namespace={})
    texts = [(program.folder / "whole.cpp").read_text() for program in programs]
    assert texts[0] == texts[1]
    assert programs[0].folder.name == programs[1].folder.name


def test_p12_initial_values_drawn_by_brian2_from_inputs_are_refused():
    refused("'param.tau' is read while the network is built", "input read while building", Device())


def test_p12_every_seed_and_thread_has_random_numbers_of_its_own():
    states = [state for seed in range(50) for state in thread_seeds(seed, 4)]
    assert len(set(states)) == 200
    assert thread_seeds(3, 4)[:1] == thread_seeds(3, 1)
    for wrong in (-1, 1.5, True, "1", None):
        with pytest.raises(DeviceError, match="give a whole number"):
            thread_seeds(wrong, 1)


@EVERYWHERE
def test_p13_a_run_that_stops_without_being_done_is_refused(device):
    with pytest.raises(DeviceError, match=r"stopped after 1\.0% of its time"):
        run(prepare(job("halts without done"), device))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_p13_an_interrupted_program_leaves_no_result(monkeypatch, number):
    program, real = prepare(job("runs forever"), Device()), subprocess.Popen

    def start(*arguments, **options):
        child = real(*arguments, **options)
        threading.Timer(0.5, child.send_signal, [number]).start()
        return child

    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(DeviceError, match=f"ended by {number.name}"):
        program.run(FINE, duration=1e6)


def test_p14_progress_counts_wall_time():
    network = (prepare(job(), Device()).folder / "network.cpp").read_text()
    assert "brainmem::wall_" in network
    assert "std::clock()" not in network
    assert "clock::now()" not in network


def test_p15_devices_agree_to_rounding_where_no_noise_is_drawn():
    results = [executable.run(inputs, duration=0.03) for executable, inputs in (leaky(NUMPY), leaky(Device()))]
    np.testing.assert_allclose(results[0]["trace"], results[1]["trace"], rtol=1e-10, atol=1e-13)
    repeated, inputs = leaky()
    np.testing.assert_array_equal(repeated.run(inputs, duration=0.03)["trace"], results[1]["trace"])


@EVERYWHERE
def test_parts_of_groups_and_subexpressions_are_refused_as_inputs(device):
    refused("'unit.some_x' views part of a group", "subgroup input", device)
    refused("'other.y' is .*only state variables", "subexpression input", device)


@EVERYWHERE
def test_a_builder_that_runs_the_network_itself_is_refused(device):
    refused(r"has already run|called run\(\)", "run inside", device)


@EVERYWHERE
def test_a_done_that_is_no_output_is_refused(device):
    refused("done='complete' is not an output. Outputs: x", "unknown done", device)


@EVERYWHERE
def test_unknown_inputs_are_refused_with_the_nearest_name(device):
    with pytest.raises(DeviceError, match=r"'unit\.y'\. Did you mean 'unit\.x'\? This network takes: param\.tau"):
        prepare(job(), device).run(FINE | {"unit.y": 0.0}, duration=0.0)


@EVERYWHERE
@pytest.mark.parametrize("duration", [-1.0, np.inf, np.nan, "long"])
def test_durations_that_cannot_be_are_refused(device, duration):
    with pytest.raises(DeviceError, match="give a finite number of seconds"):
        prepare(job(), device).run(FINE, duration=duration)


def test_a_function_without_cpp_code_is_refused_before_compiling():
    with pytest.raises(DeviceError, match="twice"):
        prepare(job("python function"), Device())


@pytest.mark.cython
def test_code_that_cython_refuses_is_not_left_out_of_the_run():
    with pytest.raises(DeviceError, match="could not translate the code of 'unit_breaks'"):
        prepare(job("broken cython"), Device("runtime", target="cython")).run(FINE, duration=0.01)
