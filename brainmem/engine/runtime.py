"""Run a network on Brian2's runtime device, inside this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import brian2
import numpy as np

from brainmem.engine.device import (
    BuildJob,
    Built,
    Device,
    Progress,
    check_completed,
    check_duration,
    load_builder,
    runtime_active,
    thread_seeds,
    warn_not_finite,
)
from brainmem.engine.inputs import Input, check_inputs
from brainmem.engine.preflight import check_network, declared_inputs, output_variables, views_of
from brainmem.engine.rows import RowTable
from brainmem.errors import BrainmemError, DeviceError

__all__ = ["RuntimeExecutable"]

# Brian2's active device, preferences and numpy's random state belong to the process: one run at a time.
_ONE_AT_A_TIME = threading.RLock()


@dataclass(frozen=True)
class RuntimeExecutable:
    """Builds the network anew for every run, so that nothing of a run is left in Brian2 afterwards."""

    job: BuildJob
    device: Device

    def run(
        self,
        inputs: Mapping[str, Any] | None = None,
        *,
        seed: int = 0,
        duration: float,
        progress: Progress | None = None,
    ) -> dict[Any, np.ndarray]:
        """See `brainmem.engine.device.Executable.run`."""
        seconds, (state,) = check_duration(duration), thread_seeds(seed, 1)
        with _ONE_AT_A_TIME, runtime_active(self.device):
            brian2.seed(state)
            built = self._build()
            variables = output_variables(built)
            _set_inputs(built, inputs)
            _run_network(built.network, seconds, progress)
            outputs = {name: _read(variable) for name, variable in variables.items()}
            reached = float(built.network.t)
        check_completed(built.done, outputs, reached / seconds if seconds else 1.0)
        warn_not_finite(outputs)
        if progress:
            progress(1.0)
        return outputs

    def _build(self) -> Built:
        with _as_device_errors("build"):
            built = load_builder(self.job.builder)(self.job.payload)
        check_network(built)
        return built


@contextmanager
def _as_device_errors(doing: str) -> Iterator[None]:
    try:
        yield
    except BrainmemError:
        raise
    except Exception as error:
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        raise DeviceError(f"Brian2 could not {doing} this network: {error}{cause}") from error


def _set_inputs(built: Built, given: Mapping[str, Any] | None) -> None:
    tables = {value.name for value in built.inputs.values() if isinstance(value, brian2.TimedArray)}
    declared = {name: _with_size(item, built) for name, item in declared_inputs(built, tables).items()}
    for name, array in check_inputs(declared, given).items():
        target = built.inputs[name]
        if isinstance(target, RowTable):
            target.values = array
        elif isinstance(target, brian2.TimedArray):
            target.values[...] = array
        else:
            for view in views_of(target):
                view.variable.set_value(array)


def _with_size(item: Input, built: Built) -> Input:
    if item.shape != (-1,):
        return item
    return replace(item, shape=views_of(built.inputs[item.name])[0].variable.get_value().shape)


def _run_network(network: brian2.Network, seconds: float, progress: Progress | None) -> None:
    def report(elapsed, completed, start, whole):
        if not completed:  # the call after everything was compiled and before the first step
            _check_compiled(network)
        if progress:
            progress(min(float(completed), 1.0))

    with _as_device_errors("run"):
        network.run(seconds * brian2.second, report=report, report_period=0.2 * brian2.second, namespace={})


def _check_compiled(network: brian2.Network) -> None:
    """Raise for code that Cython refused: Brian2 prints Cython's message and goes on without that code."""
    for item in network.sorted_objects:
        for code in item.code_objects:
            if code.compiled_code.get("run") is None and _has_code(code):
                raise DeviceError(
                    f"Cython could not translate the code of {item.name!r} ({code.name}); its message stands above. "
                    "Use Device('runtime', target='numpy') or Device('cpp_standalone'), and report the model to "
                    "brainmem's developers."
                )


def _has_code(code: Any) -> bool:
    text = getattr(code.code, "run", "").strip()
    return bool(text) and "EMPTY_CODE_BLOCK" not in text


def _read(variable: Any) -> np.ndarray:
    value = np.array(variable.get_value())
    return value.reshape(()) if variable.scalar else value
