"""A device, what is built for it and run on it, and how Brian2 is left as it was found."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from brainmem.errors import DeviceError, closest, quoted

__all__ = [
    "BuildJob",
    "Built",
    "Device",
    "Executable",
    "as_device",
    "check_completed",
    "check_duration",
    "in_words",
    "load_builder",
    "runtime_active",
    "thread_seeds",
    "warn_not_finite",
]

Progress = Callable[[float], Any]
Name = str | tuple[str, ...]

NAMES = ("cpp_standalone", "cuda_standalone", "runtime")
TARGETS = ("cython", "numpy")
KERNELS = ("dense", "plain")


@dataclass(frozen=True)
class Device:
    """Where a network runs.

    Parameters
    ----------
    name : {"cpp_standalone", "runtime", "cuda_standalone"}
        Compiled C++ (the fastest; needs a compiler), Brian2 inside this process, or CUDA (needs brian2cuda).
    threads : int
        OpenMP threads inside one compiled run; 0 compiles without OpenMP. Noise drawn inside a run depends on it.
    float : {64, 32}
        Bits of state variables.
    target : {"numpy", "cython"}, optional
        Code of the runtime device; numpy when not given.
    kernels : {"dense", "plain"}
        Whether synapses between all pairs of units are computed as matrices, or by Brian2's own loops over a list
        of pairs. The numbers are the same to rounding.
    """

    name: str = "cpp_standalone"
    threads: int = field(default=0, kw_only=True)
    float: int = field(default=64, kw_only=True)
    target: str | None = field(default=None, kw_only=True)
    kernels: str = field(default="dense", kw_only=True)

    def __post_init__(self) -> None:
        _one_of("device", self.name, NAMES)
        _one_of("float", self.float, (64, 32))
        _one_of("kernels", self.kernels, KERNELS)
        if not isinstance(self.threads, int) or self.threads < 0:
            raise DeviceError(f"threads={self.threads!r}: give 0 (no OpenMP) or a positive whole number.")
        if self.name == "runtime":
            _one_of("target", "numpy" if self.target is None else self.target, TARGETS)
            if self.threads:
                raise DeviceError(
                    f"Device('runtime', threads={self.threads}): the runtime device runs on one thread. "
                    "Leave threads at 0, or use Device('cpp_standalone', threads=...)."
                )
        elif self.target is not None:
            raise DeviceError(
                f"Device({self.name!r}, target={self.target!r}): only the runtime device has a target. Leave it out."
            )

    def __str__(self) -> str:
        details = [self.target or "numpy"] if self.name == "runtime" else []
        details += [f"{self.threads} threads"] if self.threads else []
        details += [f"float{self.float}"] if self.float != 64 else []
        details += ["plain kernels"] if self.kernels == "plain" else []
        return f"{self.name} ({', '.join(details)})" if details else self.name


@dataclass(frozen=True)
class BuildJob:
    """What to build: a function named ``"package.module:function"`` and its argument.

    `payload` is a picklable value. `key` may replace it in the cache's key, when the caller knows a shorter text
    that says the same.
    """

    builder: str
    payload: Any = None
    key: str | None = None


@dataclass
class Built:
    """What a builder returns: the network, what may be set before a run and what is read after it.

    Parameters
    ----------
    network : brian2.Network
    inputs : mapping of str to VariableView, TimedArray, or list of VariableView
        A list shares one value. Synaptic arrays are in the order of the synapses.
    outputs : mapping of str, or tuple of str, to Variable or VariableView
        Arrays of groups, synapses and monitors.
    done : str or tuple of str, optional
        Output that is 1 once the protocol is complete; a run that stops early without it is an error.
    """

    network: Any
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[Any, Any] = field(default_factory=dict)
    done: Name | None = None


class Executable(Protocol):
    """A prepared network. It may be run often, and from several processes or threads at once."""

    @property
    def device(self) -> Device:
        """The device that it was prepared for."""
        ...

    @property
    def job(self) -> BuildJob:
        """What it was built from, of which other machines build their own."""
        ...

    def run(
        self,
        inputs: Mapping[str, Any] | None = None,
        *,
        seed: int = 0,
        duration: float,
        progress: Progress | None = None,
    ) -> dict[Any, np.ndarray]:
        """Run for `duration` seconds from fresh initial values; `inputs` are numbers in base SI units.

        Returns the outputs by name; a two-dimensional monitor is ``[time, unit]``. `progress` is called with the
        completed fraction.
        """
        ...


def as_device(device: Device | str | None, *, threads: int = 0) -> Device:
    """Return `device` itself, the device of that name, or the default for None; ``runtime:cython`` names code too."""
    if isinstance(device, Device):
        return device
    if not isinstance(device, str):
        return Device(threads=threads) if device is None else Device(device, threads=threads)
    name, sign, target = device.partition(":")
    return Device(name, threads=threads, target=target if sign else None)


def load_builder(builder: str) -> Callable[[Any], Built]:
    """Import the function that ``"package.module:function"`` names."""
    module, _, name = builder.partition(":")
    if not name or module == "__main__":
        raise DeviceError(
            f"Builder {builder!r}: write 'package.module:function', naming a module that another process can import."
        )
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise DeviceError(f"Builder {builder!r} cannot be imported: {error}.") from error


@contextmanager
def runtime_active(device: Device) -> Iterator[None]:
    """Run Brian2 code on the runtime device with `device`'s preferences; put everything back afterwards.

    Kept as found: active device, default clock and its dt, preferences, numpy's and Brian2's random state, and the
    global stop flag. The device is swapped, not `set_device`: that would write the default clock's dt into a
    standalone project that the user is setting up.
    """
    import brian2

    # ``from brian2.devices import device`` would give the proxy of that name, not the module.
    devices: Any = importlib.import_module("brian2.devices.device")
    runtime = devices.runtime_device
    wanted = {
        # Otherwise Brian2 takes Ctrl+C for a request to stop early, and half a run looks complete.
        "core.stop_on_keyboard_interrupt": False,
        "codegen.target": device.target or "numpy",
        "core.default_float_dtype": np.dtype(f"float{device.float}").type,
    }
    found = {name: brian2.prefs[name] for name in wanted}
    active, clock, random = devices.active_device, runtime.defaultclock, runtime.get_random_state()
    flags = brian2.Network._globally_stopped, brian2.Network._globally_running
    last = {name: value for name, value in vars(runtime).items() if name.startswith("_last_run")}
    devices.active_device = runtime
    try:
        for name, value in wanted.items():
            brian2.prefs[name] = value
        runtime.defaultclock = brian2.Clock(dt=0.1 * brian2.ms, name="defaultclock")
        yield
    finally:
        runtime.defaultclock, devices.active_device = clock, active
        for name, value in found.items():
            brian2.prefs[name] = value
        runtime.set_random_state(random)
        brian2.Network._globally_stopped, brian2.Network._globally_running = flags
        for name in [name for name in vars(runtime) if name.startswith("_last_run")]:
            delattr(runtime, name)
        vars(runtime).update(last)


def thread_seeds(seed: int, count: int) -> list[int]:
    """Return one 32-bit seed per thread, independent of each other and of those of any other `seed`."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise DeviceError(f"seed={seed!r}: give a whole number, 0 or larger.")
    return [int(state) for state in np.random.SeedSequence(int(seed)).generate_state(max(1, count))]


def check_duration(duration: Any) -> float:
    """Return `duration` in seconds as a float, or say why it cannot be one."""
    try:
        seconds = float(duration)
    except (TypeError, ValueError):
        seconds = float("nan")
    if not (np.isfinite(seconds) and seconds >= 0):
        raise DeviceError(f"duration={duration!r}: give a finite number of seconds, 0 or larger.")
    return seconds


def check_completed(done: Name | None, outputs: Mapping[Any, np.ndarray], fraction: float) -> None:
    """Raise unless the run reached its end, or stopped early with its output `done` at 1.

    A stopped run's arrays look like those of a complete one; only the controller's own word tells them apart.
    """
    if fraction >= 1 - 1e-9 or (done and np.all(outputs[done] == 1)):
        return
    reason = f"output {in_words(done)!r} is not 1" if done else "its builder names no 'done' output"
    raise DeviceError(
        f"The run stopped after {fraction:.1%} of its time, and {reason}: it was interrupted. "
        "Its results are dropped; run it again."
    )


def warn_not_finite(outputs: Mapping[Any, np.ndarray]) -> None:
    """Warn of outputs that hold nan or inf: the run went on, but its numbers mean nothing from there."""
    bad = [name for name, array in outputs.items() if array.dtype.kind == "f" and not np.isfinite(array).all()]
    if bad:
        warnings.warn(
            f"Not finite at the end of the run: {', '.join(map(in_words, bad))}. Check the parameters and the "
            "time step.",
            RuntimeWarning,
            stacklevel=4,
        )


def in_words(name: Name) -> str:
    """Return the name of an output as messages show it."""
    return name if isinstance(name, str) else ".".join(part for part in name if isinstance(part, str))


def _one_of(what: str, value: Any, allowed: tuple) -> None:
    if not isinstance(value, str | int) or value not in allowed:
        hint = closest(str(value), [str(item) for item in allowed])
        raise DeviceError(f"Unknown {what} {quoted(value)}.{hint} Allowed: {', '.join(map(repr, allowed))}.")
