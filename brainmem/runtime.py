"""Run a network on Brian2's runtime device, inside this process."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import brian2
import numpy as np

from brainmem.devices import BuildJob, Built, Device, Progress, load_builder, runtime_active
from brainmem.errors import DeviceError
from brainmem.inputs import check_inputs
from brainmem.preflight import check_network, declared_inputs, output_variables, views_of

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
    ) -> dict[str, np.ndarray]:
        """See `brainmem.devices.Executable.run`."""
        with _ONE_AT_A_TIME, runtime_active(self.device):
            brian2.seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
            built = load_builder(self.job.builder)(self.job.payload)
            check_network(built)
            variables = output_variables(built)
            _set_inputs(built, inputs)
            _run_network(built.network, duration, progress)
            outputs = {name: _read(variable) for name, variable in variables.items()}
            check_complete(built.done, outputs, stopped=float(built.network.t) < duration * (1 - 1e-9), where="runtime")
        return outputs


def check_complete(done: str | None, outputs: Mapping[str, np.ndarray], *, stopped: bool, where: str) -> None:
    """Raise unless the run reached its end, or stopped early with `done` set."""
    if stopped and not (done and np.all(outputs[done] == 1)):
        reason = f"output {done!r} is not 1" if done else "its builder names no 'done' output"
        raise DeviceError(
            f"The run ({where}) stopped before its end, and {reason}: it was interrupted, and its results are dropped."
        )


def _set_inputs(built: Built, given: Mapping[str, Any] | None) -> None:
    tables = {value.name for value in built.inputs.values() if isinstance(value, brian2.TimedArray)}
    declared = declared_inputs(built, tables)
    sized = {name: _with_size(item, built.inputs[name]) for name, item in declared.items()}
    for name, array in check_inputs(sized, given).items():
        target = built.inputs[name]
        if isinstance(target, brian2.TimedArray):
            target.values[...] = array
        else:
            for view in views_of(target):
                view.variable.set_value(array)


def _with_size(item: Any, target: Any) -> Any:
    if item.shape != (-1,):
        return item
    from dataclasses import replace

    return replace(item, shape=(len(views_of(target)[0].variable.get_value()),))


def _run_network(network: brian2.Network, duration: float, progress: Progress | None) -> None:
    def report(elapsed, completed, start, whole):
        progress(min(float(completed), 1.0))

    network.run(
        duration * brian2.second,
        report=report if progress else None,
        report_period=0.2 * brian2.second,
        namespace={},
    )


def _read(variable: Any) -> np.ndarray:
    value = np.array(variable.get_value())
    return value.reshape(()) if variable.scalar else value
