"""Make a job ready to run: compiled or found in the cache, or checked for the runtime device.

`prepare` turns a `BuildJob` into an executable; ``executable.run(inputs, seed=..., duration=...)`` gives the arrays
that the job's `Built` named as outputs. C++ standalone is compiled in a process of its own and cached
(`brainmem.engine.cache`), so that the user's process never sees another device; the runtime device works in this
process inside `runtime_active`.
"""

from __future__ import annotations

import importlib.util

from brainmem.engine.device import BuildJob, Device, Executable, Progress, as_device
from brainmem.engine.program import prepare_compiled
from brainmem.errors import DeviceError

__all__ = ["prepare"]


def prepare(job: BuildJob, device: Device | str | None = None, progress: Progress | None = None) -> Executable:
    """Make `job` ready to run on `device`: compile it, find it in the cache, or check it for the runtime device."""
    device = as_device(device)
    if device.name == "runtime":
        from brainmem.engine.runtime import RuntimeExecutable  # late: a compiled run needs no Brian2

        return RuntimeExecutable(job, device)
    if device.name == "cuda_standalone":
        _refuse_cuda()
    return prepare_compiled(job, device, progress=progress)


def _refuse_cuda() -> None:
    if importlib.util.find_spec("brian2cuda") is None:
        raise DeviceError(
            "Device 'cuda_standalone' needs the package brian2cuda, which is not installed here. Install it in an "
            "environment of its own (it pins Brian2's version), or use 'cpp_standalone' or 'runtime'."
        )
    raise DeviceError("Device 'cuda_standalone' is not supported yet. Use 'cpp_standalone' or 'runtime'.")
