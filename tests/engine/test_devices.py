"""Devices: the same numbers everywhere, one compilation, and nothing left behind."""

from __future__ import annotations

import ast
import concurrent.futures
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import brian2
import numpy as np
import pytest

from brainmem import simulate
from brainmem.engine import cache
from brainmem.engine import program as compiled
from brainmem.engine.cache import cache_info, clear_cache
from brainmem.engine.device import BuildJob, Device, as_device
from brainmem.engine.doctor import doctor
from brainmem.engine.prepare import prepare
from brainmem.errors import DeviceError

SIZE = 6
QUIET = BuildJob("tests.support.builders:leaky_network", {"units": SIZE, "stop": True})
NOISY = BuildJob("tests.support.builders:leaky_network", {"units": SIZE, "stop": True, "noise": True})
DECAY = BuildJob("tests.support.builders:decay", {})
DT = 1e-4
NUMPY = Device("runtime", target="numpy")
BOTH = pytest.mark.parametrize("device", [NUMPY, Device()], ids=str)


def drawn(**changes):
    """Inputs of `leaky_network`, drawn with numpy; `changes` replace some of them (``tau=...``)."""
    rng = np.random.default_rng(7)
    inputs = {
        "units.x": rng.normal(size=SIZE),
        "recurrent.w": rng.normal(size=SIZE * SIZE),
        "table.cue_values": rng.normal(size=(4, SIZE)),
        "param.tau": 0.01,
        "param.sigma": 0.3,
        "param.limit": 0.02,
    }
    return inputs | changes


def reference(inputs, *, duration):
    """The noise-free `leaky_network` by numpy: x at the end of ``[step, unit]`` and the state it ends in."""
    x, table = inputs["units.x"].copy(), inputs["table.cue_values"]
    weights = inputs["recurrent.w"].reshape(SIZE, SIZE).T
    trace = []
    for step in range(round(duration / DT)):
        trace.append(x)
        row = min(int(step * DT / 0.002 + 1e-9), len(table) - 1)
        x = x + DT / inputs["param.tau"] * (-x + np.tanh(weights @ x) + table[row])
    return np.array(trace), x


@BOTH
def test_a_run_follows_the_equations_step_by_step(device):
    inputs = drawn(**{"param.limit": 1.0})
    result = prepare(QUIET, device).run(inputs, duration=0.03)
    trace, end = reference(inputs, duration=0.03)
    np.testing.assert_allclose(result["trace"], trace, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(result["x"], end, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(result["w"], inputs["recurrent.w"])
    assert result["done"].shape == ()
    assert result["done"] == 0
    steps, units = np.nonzero(np.vstack([trace[1:], end]) > 0.5)
    np.testing.assert_array_equal(result["spike_i"], units)
    np.testing.assert_allclose(result["spike_t"], steps * DT, atol=1e-12)


@pytest.mark.cython
def test_cython_gives_the_numbers_of_numpy():
    expected = prepare(QUIET, NUMPY).run(drawn(), duration=1.0)
    result = prepare(QUIET, Device("runtime", target="cython")).run(drawn(), duration=1.0)
    for name, array in expected.items():
        np.testing.assert_allclose(result[name], array, rtol=1e-9, err_msg=name)


@BOTH
def test_a_run_stops_when_the_protocol_says_so(device):
    result = prepare(QUIET, device).run(drawn(**{"param.limit": 0.0042}), duration=1000.0)
    assert result["done"] == 1
    assert len(result["trace_t"]) == 43
    np.testing.assert_allclose(result["x"], reference(drawn(), duration=0.0043)[1], rtol=1e-9)


@BOTH
def test_the_seed_decides_the_noise_and_nothing_else_does(device):
    executable = prepare(NOISY, device)
    first = executable.run(drawn(), seed=1, duration=1.0)
    again = executable.run(drawn(), seed=1, duration=1.0)
    other = executable.run(drawn(), seed=2, duration=1.0)
    np.testing.assert_array_equal(first["trace"], again["trace"])
    assert np.abs(first["trace"][1] - other["trace"][1]).min() > 1e-6


def test_noise_has_the_variance_of_its_process():
    """The stationary variance of dx = -x/tau dt + sigma tau^-1/2 dW is sigma^2/2."""
    inputs = drawn(**{"recurrent.w": 0.0, "table.cue_values": 0.0, "param.sigma": 0.2, "param.limit": 1e9})
    trace = prepare(NOISY, Device()).run(inputs, seed=5, duration=40.0)["trace"][1000:]
    # 40 s / (2 * 10 ms) * 6 units = 12000 independent samples of a variance: 1.3 % relative error.
    assert trace.var() == pytest.approx(0.2**2 / 2, rel=0.05)


def test_a_program_is_compiled_once_and_takes_any_inputs(own_cache, monkeypatch):
    executable = prepare(DECAY, Device())
    monkeypatch.setattr(compiled, "_build", lambda *args: pytest.fail("compiled a second time"))
    again = prepare(BuildJob("tests.support.builders:decay", {}), Device())
    for tau, start in ((0.01, 1.0), (0.02, -3.0)):
        for program in (executable, again):
            result = program.run({"unit.x": start, "param.tau": tau}, duration=0.01)
            np.testing.assert_allclose(result["x"], start * (1 - DT / tau) ** 100, rtol=1e-12)
    assert cache_info().entries == 1
    assert "Error writing output" not in (executable.folder / "whole.cpp").read_text()  # Brian2's, never called


def test_numbers_reach_the_program_unrounded():
    value = np.nextafter(0.1, 1)
    result = prepare(DECAY, Device()).run({"unit.x": value, "param.tau": 1.0}, duration=0.0)
    assert result["x"][0] == value


def test_another_payload_device_or_builder_is_another_program():
    keys = {
        cache.entry_key(job, device)
        for job in (
            DECAY,
            BuildJob("tests.support.builders:decay", {"units": 2}),
            BuildJob("tests.support.builders:leaky_network", {}),
        )
        for device in (Device(), Device(float=32), Device(threads=2))
    }
    assert len(keys) == 9


# What build/ reads beside the files whose content is hashed, and why it shapes no program by itself.
UNHASHED = {
    "brainmem.numbers.calibrate": "CellProgram, which is the payload",
    "brainmem.numbers.calibration": "OwnProgram, which is the payload",
}


def test_every_source_that_shapes_a_program_is_part_of_its_key():
    package = Path(cache.__file__).parents[1]
    hashed = {path for pattern in cache._SOURCES for path in package.glob(pattern) if path.suffix == ".py"}
    read = set()
    for path in sorted(package.glob("build/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("brainmem."):
                read.add(node.module)
    files = {name: package.joinpath(*name.split(".")[1:]) for name in read}
    outside = {name for name, path in files.items() if not {path.with_suffix(".py"), path / "__init__.py"} & hashed}
    assert outside == set(UNHASHED)


def test_equal_payloads_have_one_key_in_every_process():
    code = (
        "from brainmem.engine.cache import canonical; import numpy as np; from brainmem.engine.device import Device\n"
        "print(canonical({'b': ('x', 1.5), 'a': np.arange(3), 'c': {'p', 'q', 'r'}, 'd': Device()}))"
    )
    texts = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                       env=child_environment(PYTHONHASHSEED=seed)).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(texts) == 1


def child_environment(**changes):
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **changes}


def test_two_processes_that_want_one_program_build_it_once(own_cache):
    code = (
        "from brainmem.engine.device import BuildJob, Device; from brainmem.engine.prepare import prepare\n"
        "seen = []\n"
        "program = prepare(BuildJob('tests.support.builders:decay', {'units': 3}), Device(), progress=seen.append)\n"
        "print(len(seen), program.run({'unit.x': 2.0, 'param.tau': 1.0}, duration=0.0)['x'].sum())"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=child_environment())
        for _ in range(2)
    ]
    answers = sorted(child.communicate()[0].split() for child in children)
    assert [answer[1] for answer in answers] == ["6.0", "6.0"]
    assert answers[0][0] == "0"
    assert int(answers[1][0]) > 0


def test_runs_of_one_program_at_the_same_time_do_not_mix():
    executable = pickle.loads(pickle.dumps(prepare(DECAY, Device())))

    def end(start):
        return executable.run({"unit.x": start, "param.tau": 0.1}, duration=0.1)["x"][0]

    starts = np.arange(1.0, 13.0)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(end, starts))
    np.testing.assert_allclose(ends, starts * (1 - DT / 0.1) ** 1000, rtol=1e-9)


def test_the_cache_drops_what_was_used_longest_ago_but_nothing_that_runs(own_cache, monkeypatch):
    for age, name in enumerate(("new", "running", "old", "older")):
        entry = cache.cache_folder() / "programs" / name
        entry.mkdir()
        (entry / "main").write_bytes(bytes(600_000))
        os.utime(entry, (1e9 - age, 1e9 - age))
    monkeypatch.setenv("BRAINMEM_CACHE_MB", "1")
    with cache.locked("running", shared=True):
        cache.make_room(keep="new")
    assert {path.name for path in (cache.cache_folder() / "programs").iterdir()} == {"new", "running"}
    assert clear_cache() == 2
    assert cache_info().entries == 0


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["main", pytest.param("manifest.json", marks=pytest.mark.full)])
def test_half_a_program_is_built_anew(own_cache, lost):
    (prepare(DECAY, Device()).folder / lost).unlink()
    result = prepare(DECAY, Device()).run({"unit.x": 2.0, "param.tau": 1.0}, duration=0.0)
    np.testing.assert_array_equal(result["x"], 2.0)
    assert list((cache.cache_folder() / "building").iterdir()) == []


def test_a_cleared_program_says_so(own_cache):
    executable = prepare(DECAY, Device())
    clear_cache()
    with pytest.raises(DeviceError, match="cache was cleared"):
        executable.run({"unit.x": 1.0, "param.tau": 1.0}, duration=0.0)


def brian2_state():
    """Everything of Brian2 and numpy that a run might disturb."""
    import importlib

    module = importlib.import_module("brian2.devices.device")
    prefs = {name: brian2.prefs[name] for name in ("codegen.target", "core.default_float_dtype",
                                                   "core.stop_on_keyboard_interrupt")}  # fmt: skip
    return {
        "device": module.active_device,
        "previous": list(module.previous_devices),
        "clock": module.runtime_device.defaultclock,
        "dt": module.runtime_device.defaultclock.dt_,
        "t": module.runtime_device.defaultclock.t_,
        "prefs": prefs,
        "random": str(module.runtime_device.get_random_state()),
        "magic": (brian2.magic_network.t_, len(brian2.magic_network.objects)),
        "stopped": brian2.Network._globally_stopped,
        "last": {name: value for name, value in vars(module.runtime_device).items() if name.startswith("_last")},
    }


@BOTH
@pytest.mark.parametrize("fault", [None, "run inside", "automatic name", "python function"])
def test_brian2_is_left_as_found_even_after_errors(device, fault):
    brian2.defaultclock.dt = 0.25 * brian2.ms
    np.random.seed(3)
    before = brian2_state()
    job = BuildJob("tests.support.builders:decay", {"fault": fault} if fault else {})
    try:
        prepare(job, device).run({"unit.x": 1.0, "param.tau": 0.01}, duration=0.01)
    except DeviceError:
        assert fault
    finally:
        after = brian2_state()
        brian2.defaultclock.dt = 0.1 * brian2.ms
    assert after == before


def test_a_halted_runtime_run_does_not_stop_the_users_next_one():
    prepare(QUIET, NUMPY).run(drawn(), duration=1.0)
    group = brian2.NeuronGroup(1, "dx/dt = 1/second : 1", method="euler", name="users_group", namespace={})
    brian2.Network(group).run(1 * brian2.ms, namespace={})
    assert group.x[0] == pytest.approx(1e-3)


def test_a_compiled_run_needs_no_brian2_in_this_process():
    prepare(DECAY, Device())
    code = (
        "import sys; from brainmem.engine.device import BuildJob, Device; from brainmem.engine.prepare import prepare\n"
        "program = prepare(BuildJob('tests.support.builders:decay', {}), Device())\n"
        "program.run({'unit.x': 1.0, 'param.tau': 1.0}, duration=0.0)\n"
        "print('brian2' in sys.modules)"
    )
    environment = child_environment()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.slow
@BOTH
def test_progress_is_reported_from_inside_the_run(device):
    seen = []
    job = BuildJob("tests.support.builders:decay", {"fault": "runs forever"})
    prepare(job, device).run({"unit.x": 1.0, "param.tau": 1.0}, duration=5.0 if device.name != "runtime" else 1.0,
                             progress=seen.append)  # fmt: skip
    assert seen[-1] == 1.0
    assert seen == sorted(seen)
    assert any(0.02 < fraction < 0.98 for fraction in seen)


def test_single_precision_is_single_precision():
    inputs = {"unit.x": 1.0, "param.tau": 0.01}
    for device in (Device(float=32), Device("runtime", float=32)):
        result = prepare(DECAY, device).run(inputs, duration=0.01)
        assert result["x"].dtype == np.float32
        np.testing.assert_allclose(result["x"], (1 - DT / 0.01) ** 100, rtol=1e-4)


def test_threads_give_the_numbers_of_one_thread():
    expected = prepare(QUIET, Device()).run(drawn(), duration=1.0)
    result = prepare(QUIET, Device(threads=2)).run(drawn(), duration=1.0)
    np.testing.assert_allclose(result["trace"], expected["trace"], rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("cpp_standalon",), "Did you mean 'cpp_standalone'"),
        (("runtime", {"target": "c++"}), "'cython', 'numpy'"),
        (("cpp_standalone", {"target": "numpy"}), "only the runtime device has a target"),
        (("cpp_standalone", {"threads": -1}), "threads=-1"),
        (("runtime", {"threads": 2}), "runs on one thread"),
        (("cpp_standalone", {"float": 16}), "Allowed: 64, 32"),
    ],
)
def test_a_device_that_cannot_be_is_refused_with_what_is_allowed(arguments, words):
    name, options = (*arguments, {})[:2]
    with pytest.raises(DeviceError, match=words):
        Device(name, **options)


@pytest.mark.parametrize("target", ["numpy", "cython"])
def test_a_text_names_a_device_and_the_code_of_the_runtime_device(target):
    assert as_device(f"runtime:{target}") == Device("runtime", target=target)
    assert as_device("cpp_standalone") == as_device(None) == Device()
    assert as_device("cpp_standalone", threads=2) == Device(threads=2)


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("runtime:", "Unknown target ''. Allowed: 'cython', 'numpy'"),
        ("runtime:cyton", "Unknown target 'cyton'. Did you mean 'cython'"),
        ("cpp_standalone:numpy", "only the runtime device has a target"),
        (3, "Unknown device 3"),
    ],
)
def test_a_text_that_names_no_device_is_refused(device, words):
    with pytest.raises(DeviceError, match=words):
        as_device(device)


def test_cuda_without_brian2cuda_says_what_to_install():
    with pytest.raises(DeviceError, match="brian2cuda"):
        prepare(DECAY, "cuda_standalone")


@pytest.mark.parametrize(
    "builder",
    ["tests.support.builders.decay", "__main__:decay", "no_such_module:decay", "tests.support.builders:no_such"],
)
@BOTH
def test_a_builder_that_cannot_be_found_is_named(builder, device):
    with pytest.raises(DeviceError, match=builder):
        prepare(BuildJob(builder, {}), device).run(duration=0.0)


def test_a_missing_compiler_says_what_to_install(own_cache, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="apt install g"):
        prepare(DECAY, Device())
    findings = {name: status for name, status, _ in doctor()}
    assert findings["compiler"] == findings["device cpp_standalone"] == "missing"


@pytest.mark.slow
def test_a_failed_compilation_names_the_object_and_shows_the_compilers_words():
    with pytest.raises(DeviceError, match=r"(?s)'unit_breaks'.*oops"):
        prepare(BuildJob("tests.support.builders:decay", {"fault": "broken C++"}), Device())


def test_the_doctor_finds_this_machine_well():
    findings = {name: (status, detail) for name, status, detail in doctor()}
    assert findings["python"][0] == "ok"
    assert sys.version.split()[0] in findings["python"][1]
    assert findings["brian2"] == ("ok", brian2.__version__)
    assert findings["device cpp_standalone"][0] == "ok"
    assert str(cache_info().folder) in findings["cache"][1]


BUILD = (
    "from brainmem.engine.device import BuildJob, Device; from brainmem.engine.prepare import prepare\n"
    "prepare(BuildJob('tests.support.builders:decay', {'units': 4}), Device())\n"
)


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
def test_interrupting_a_build_ends_the_compiler_and_leaves_nothing(own_cache):
    child = subprocess.Popen([sys.executable, "-c", BUILD], stderr=subprocess.PIPE, text=True, env=child_environment())
    try:
        assert wait_until(lambda: list(own_cache.glob("building/*/whole.cpp")), seconds=60)
        (work,) = own_cache.glob("building/*")
        assert running_programs(work) > 0
    finally:
        child.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in child.communicate(timeout=20)[1]
    assert wait_until(lambda: running_programs(work) == 0)
    assert cache_info().entries == 0
    assert not list(own_cache.glob("building/*"))


def running_programs(folder: Path) -> int:
    """How many processes run in `folder`."""
    found = 0
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                found += os.readlink(process / "cwd") == str(folder)
            except OSError:
                continue
    return found


def wait_until(condition, *, seconds=10.0):
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        time.sleep(0.02)
    return condition()


LONG_RUN = (
    "import pickle, sys\n"
    "program = pickle.load(open(sys.argv[1], 'rb'))\n"
    "program.run({'unit.x': 1.0, 'param.tau': 1.0}, duration=1e6)\n"
)


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ending_python_ends_its_program_and_leaves_nothing(number, tmp_path):
    program = prepare(BuildJob("tests.support.builders:decay", {"fault": "runs forever"}), Device())
    (tmp_path / "program.pickle").write_bytes(pickle.dumps(program))
    arguments = [sys.executable, "-c", LONG_RUN, str(tmp_path / "program.pickle")]
    environment = child_environment(TMPDIR=str(tmp_path))
    child = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert wait_until(lambda: running_programs(program.folder) == 1, seconds=60)
        time.sleep(0.3)
    finally:
        child.send_signal(number)
    words = child.communicate(timeout=20)[1]
    assert wait_until(lambda: running_programs(program.folder) == 0)
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in words
        assert not list(tmp_path.glob("brainmem-*"))


@pytest.mark.slow
def test_flags_of_the_environment_stand_behind_brian2s_own(own_cache, monkeypatch):
    monkeypatch.setenv("CXXFLAGS", "-O1 -DBRAINMEM_TEST_FLAG=1")
    simulate("kurikawa2020", parameters={"N": 3, "M": 1, "epochs": 1, "starts": 1, "T_learn": "2*tau"}, seed=1)
    flags = [line for path in own_cache.rglob("makefile") for line in path.read_text().splitlines() if "-O3" in line]
    assert [line for line in flags if line.endswith("-O1 -DBRAINMEM_TEST_FLAG=1")] == flags != []
