"""Generate and compile C++ standalone projects, each in a process of its own.

``python -m brainmem.engine.generate PARENT`` reads requests, one on each line, and forks for each: the fork builds the
network with Brian2's cpp_standalone device active and leaves in a folder the program ``main`` and ``manifest.json``, or
``error.json`` with what went wrong. Two lines answer a request: the number of the fork, and its status. All ends,
compiler included, when the process with the number PARENT does.
Beside `brainmem.engine.device` this is the only module that sets Brian2's device and preferences.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import re
import select
import shutil
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NoReturn

from brainmem.storage.leaving import end_group, with_parent

if __name__ == "__main__":
    sys.modules.setdefault("pylab", None)  # type: ignore[arg-type] # without matplotlib, as in `brainmem.sweeps.preload`
    # The imports take seconds, in which nobody looks whether they are still needed. Forks come later: without threads
    imported = with_parent(int(sys.argv[1]), lambda: os._exit(1))

import brian2
import numpy as np
from brian2.core.variables import ArrayVariable, DynamicArrayVariable
from brian2.devices.device import device as current_device
from brian2.devices.device import get_device

from brainmem.engine.compiler import MEMORY, compile_project, run_probe
from brainmem.engine.device import BuildJob, Device, Name, load_builder
from brainmem.engine.inputs import Input
from brainmem.engine.preflight import check_network, declared_inputs, output_variables, views_of
from brainmem.engine.rows import RowTable
from brainmem.errors import BrainmemError, DeviceError

__all__ = ["build_project", "main"]

# The real duration comes from the environment of each run; this one only has to be valid.
_PLACEHOLDER = 1.0
# Seconds between two lines of progress.
_REPORT_PERIOD = 0.2
_LOOK = 0.1  # seconds between two looks at the parent
_PATIENCE = 600.0  # seconds without a request, after which the memory is given back


def build_project(job: BuildJob, device: Device, folder: Path) -> dict[str, Any]:
    """Build `job` into `folder`, compile it, and return its manifest."""
    _activate(device)
    brian2.seed(0)
    current_device.insert_code("before_start", "brainmem::end_with_parent();")
    current_device.insert_code("main", "brainmem::reseed();")
    built = load_builder(job.builder)(job.payload)
    check_network(built)
    _check_not_run()
    standalone = get_device()
    variables = output_variables(built)
    built.network.run(
        _PLACEHOLDER * brian2.second,
        report="brainmem::report(elapsed, completed);",
        report_period=_REPORT_PERIOD * brian2.second,
        namespace={},
    )
    inputs = declared_inputs(built, {table.name for table in standalone.timed_arrays})
    _check_inputs_unread(built)
    _make_duration_and_tables_settable()
    outputs = _insert_ending(variables, _sized_arrays(built, inputs))
    _write_project(folder)
    compile_project(folder, owners=_owners(built.network))
    sizes = run_probe(folder)
    _check_baked_arrays(sizes)
    sized = {name: _with_size(item, sizes) for name, item in inputs.items()}
    return {
        "inputs": {name: asdict(item) for name, item in sized.items()},
        "outputs": outputs,
        "done": built.done,
        "threads": max(1, device.threads),
    }


def _activate(device: Device) -> None:
    brian2.set_device(device.name, build_on_run=False)
    brian2.prefs.core.default_float_dtype = np.dtype(f"float{device.float}").type
    brian2.prefs.devices.cpp_standalone.openmp_threads = device.threads
    # Brian2's handler would end an interrupted run as if it were complete.
    brian2.prefs.core.stop_on_keyboard_interrupt = False
    current_device.headers.append('"run_control.h"')


def _check_not_run() -> None:
    if any(kind == "run_network" for kind, _ in get_device().main_queue):
        raise DeviceError(
            "The builder called run(). A builder only builds: remove the call, the device runs the network once "
            "for all phases."
        )


def _check_inputs_unread(built: Any) -> None:
    """Refuse inputs that building itself reads or whose number of synapses is random."""
    inputs = {view.variable: name for name, value in built.inputs.items()
              if not isinstance(value, brian2.TimedArray) for view in views_of(value)}  # fmt: skip
    for kind, arguments in get_device().main_queue:
        if kind == "run_network":
            return
        if kind == "run_code_object":
            _check_initial_code(arguments[0], inputs)


def _check_initial_code(code: Any, inputs: dict[ArrayVariable, str]) -> None:
    text = code.code.cpp_file
    random = re.search(r"_randn?\(_vectorisation_idx\)", text)
    for variable, name in inputs.items():
        own = variable.owner.name == code.owner.name and isinstance(variable, DynamicArrayVariable)
        if random and own and code.template_name.startswith("synapses_create"):
            raise DeviceError(
                f"Input {name!r}: the synapses of {code.owner.name!r} are drawn at random, so an array has no "
                "fixed length. Connect with explicit i=, j= arrays, or all to all."
            )
        if _reads(text, get_device().get_array_name(variable)):
            raise DeviceError(
                f"Input {name!r} is read while the network is built ({code.name}), before it can be set. Draw "
                "such initial values with numpy and pass them as inputs."
            )


def _reads(text: str, array: str) -> bool:
    """Whether C++ `text` takes an element of `array` on the right of an assignment."""
    return re.search(rf"=[^=;]*\b(_ptr)?{array}\s*\[", text) is not None


def _make_duration_and_tables_settable() -> None:
    names = sorted(table.name for table in get_device().timed_arrays if isinstance(table, RowTable))
    for kind, arguments in get_device().main_queue:
        if kind == "run_network":
            lines = arguments[1]
            changed = [line.replace(f".run({_PLACEHOLDER!r},", f".run(brainmem::duration({_PLACEHOLDER!r}),")
                       for line in lines]  # fmt: skip
            if changed == lines:
                raise DeviceError(f"Brian2 {brian2.__version__} writes its run() call in an unknown form.")
            lines[:] = [f'brainmem::read_rows("{name}.values", brian::{name}_values);' for name in names] + changed


def _sized_arrays(built: Any, inputs: dict[str, Input]) -> dict[str, ArrayVariable]:
    """Arrays whose length only the program knows: synaptic inputs, and synaptic arrays set while building."""
    names = {name: variable for variable, name in get_device().dynamic_arrays.items()}
    sized = {array: names[array] for array in _baked_arrays()}
    for name, item in inputs.items():
        if item.shape == (-1,):
            sized[item.keys[0]] = views_of(built.inputs[name])[0].variable
    return sized


def _baked_arrays() -> dict[str, int]:
    """Dynamic arrays that the builder filled from an array, with that array's length."""
    standalone = get_device()
    return {
        arguments[0]: standalone.static_arrays[arguments[1]].size
        for kind, arguments in standalone.main_queue
        if kind == "set_by_array" and arguments[2]
    }


def _check_baked_arrays(sizes: dict[str, int]) -> None:
    for name, length in _baked_arrays().items():
        if sizes[name] != length:
            raise DeviceError(
                f"{name.removeprefix('_dynamic_array_')} was set from {length} values, but there are "
                f"{sizes[name]} synapses. Connect with explicit i=, j= arrays, or all to all, and give one value "
                "for each synapse."
            )


def _with_size(item: Input, sizes: dict[str, int]) -> Input:
    return replace(item, shape=(sizes[item.keys[0]],)) if item.shape == (-1,) else item


def _insert_ending(variables: dict[Name, ArrayVariable], sized: dict[str, ArrayVariable]) -> list[dict[str, Any]]:
    """Write C++ that stores only the outputs and skips Brian2's own writing; return their part of the manifest."""
    name_of = get_device().get_array_name
    lines = ['if (std::getenv("BRAINMEM_PROBE")) {', '    brainmem::Results probe("probe.json");']
    for name, variable in sized.items():
        lines.append(f'    probe.size("{name}", brian::{name_of(variable, False)}.size());')
    lines += ["    return probe.finish();", "}", 'brainmem::Results results("finished.json");']
    outputs = []
    for number, (name, variable) in enumerate(variables.items()):
        file = f"output_{number}"
        lines.append(_store(file, variable, name_of(variable, False)))
        dtype = str(np.dtype(variable.dtype))
        outputs.append({"name": name, "file": file, "dtype": dtype, "scalar": bool(variable.scalar)})
    current_device.insert_code("before_end", "\n".join([*lines, "return results.finish();"]))
    return outputs


def _store(file: str, variable: ArrayVariable, array: str) -> str:
    if not isinstance(variable, DynamicArrayVariable):
        return f'results.array("{file}", brian::{array}, {variable.size});'
    return f'results.{"vector" if variable.ndim == 1 else "table"}("{file}", brian::{array});'


def _write_project(folder: Path) -> None:
    current_device.build(directory=str(folder), compile=False, run=False)
    for source in ("delays.h", "run_control.h", "turns.h", "vector_math.h", "waiting.h", MEMORY):
        shutil.copy(Path(__file__).parents[1] / "build" / "codegen" / source, folder)


def _owners(network: brian2.Network) -> dict[str, str]:
    """Map each code object's name to the object it belongs to."""
    return {code.name: item.name for item in network.sorted_objects for code in item.code_objects}


def main(request: str, folder: str) -> int:
    """Build what `request` (a pickled job and device) asks for; returns the exit status."""
    target = Path(folder)
    try:
        job, device = pickle.loads(Path(request).read_bytes())
        manifest = build_project(job, device, target)
    except BrainmemError as error:
        return _fail(target, type(error).__name__, str(error))
    except Exception as error:
        return _fail(target, "DeviceError", _explain(error))
    (target / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return 0


def serve(parent: int) -> None:
    """Answer requests until `parent` is no more, or none comes for a while.

    A builder of ours is imported once, and its `warm_up` called, so that forks need not.
    """
    warm: set[str] = set()
    while _has_line(parent):
        line = sys.stdin.buffer.raw.readline()  # type: ignore[attr-defined]
        if not line:
            return
        asked = json.loads(line)
        if asked["builder"] not in warm and asked["builder"].startswith("brainmem."):  # ours do not change meanwhile
            warm.add(asked["builder"])
            stop = with_parent(parent, lambda: os._exit(1))
            getattr(importlib.import_module(asked["builder"]), "warm_up", lambda: None)()
            stop()
        child = os.fork()
        if child == 0:
            _build_in_fork(asked)
        _say(child)
        _say(_status_of(child, parent))


def _has_line(parent: int) -> bool:
    """Wait for a request; false when it is time to end."""
    for _ in range(int(_PATIENCE / _LOOK)):
        if select.select([sys.stdin], [], [], _LOOK)[0]:
            return True
        if os.getppid() != parent:
            break
    return False


def _say(number: int) -> None:
    os.write(1, f"{number}\n".encode())


def _status_of(child: int, parent: int) -> int:
    """Wait for a fork; end it, and this process, if `parent` is no more."""
    watched = os.pidfd_open(child) if hasattr(os, "pidfd_open") else None
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if os.getppid() != parent:
            end_group(child)
            sys.exit(1)
        if watched is None:
            time.sleep(_LOOK / 20)
        else:
            select.select([watched], [], [], _LOOK)


def _build_in_fork(asked: dict[str, Any]) -> NoReturn:
    status = 1
    try:
        os.setsid()
        with_parent(os.getppid(), lambda: end_group(os.getpid()))
        log = os.open(os.path.join(asked["folder"], "build.log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for number in (1, 2):
            os.dup2(log, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.clear()
        os.environ.update(asked["environment"])
        tempfile.tempdir = None
        sys.path[:] = asked["path"]
        importlib.invalidate_caches()
        os.chdir(asked["folder"])
        status = main(asked["request"], asked["folder"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _fail(folder: Path, kind: str, message: str) -> int:
    (folder / "error.json").write_text(json.dumps({"kind": kind, "message": message}), encoding="utf-8")
    return 1


def _explain(error: BaseException) -> str:
    chain = []
    cause: BaseException | None = error
    while cause is not None:
        chain.append(f"{type(cause).__name__}: {cause}")
        cause = cause.__cause__ or cause.__context__
    where = traceback.format_exc(limit=-3)
    return "Brian2 could not generate code for this network.\n" + "\n".join(chain) + f"\n{where}"


if __name__ == "__main__":
    imported()
    serve(int(sys.argv[1]))
