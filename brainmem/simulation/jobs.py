"""What is to be built for a run that is ready: its program, with what ``record=`` asks to be recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from brainmem.build.program import Program
from brainmem.engine.device import BuildJob
from brainmem.errors import RuleError, closest
from brainmem.model.nouns import Parameter
from brainmem.model.parts import unchecked
from brainmem.numbers.run import Numbers
from brainmem.simulation.ready import Ready
from brainmem.text.equations import read_equations
from brainmem.translation.recorded import Recorded
from brainmem.translation.text import Translation

__all__ = ["job_of"]


def job_of(ready: Ready, record: tuple[str, ...], interval: Any) -> BuildJob:
    """Return what to build, so that it serves every run that differs in numbers only."""
    return BuildJob("brainmem.build.network:build", _program(ready, record, interval))


def _program(ready: Ready, record: tuple[str, ...], interval: Any) -> Program:
    step = 10 * ready.dt if interval is None else _sampled(float(np.asarray(interval)), ready.dt)
    recorded = _recorded(ready.translated, ready.numbers, record)
    return Program(
        translated=_without_numbers(ready.translated),
        sizes=ready.sizes,
        dt=ready.dt,
        periods=ready.periods,
        kernels=ready.kernels,
        ends={name: ends for name, ends in ready.numbers.ends.items() if not ends.whole},
        recorded=recorded,
        interval=step if any(item.kind == "time" for item in recorded) else 0.0,
    )


def _without_numbers(translated: Translation) -> Translation:
    """Return what is left of a translation without defaults, descriptions and draws, which no program depends on."""
    nothing: dict[str, Any] = {"name": "", "description": "", "reference": None, "recalled": None, "parameters": ()}
    nothing |= {
        "limits": (),
        "choices": (),
        "chosen": {},
        "unused": (),
        "protocols": {},
        "protocol": replace(translated.model.protocol, name=""),
        "spiking": {},
        "rate_dt": "",
        "time_unit": "",
        "varied": False,
    }
    model = unchecked(translated.model, **nothing)  # it is no model any more
    names = tuple(Parameter(item.name, 0.0) for item in translated.parameters)
    return replace(
        translated,
        model=model,
        parameters=names,
        spiking=None,
        units={},
        splits=(),
        changes=(),
        reported=(),
        written=None,
    )


def _recorded(translated: Translation, numbers: Numbers, record: tuple[str, ...]) -> tuple[Recorded, ...]:
    """Return what a user asks to be recorded."""
    found: list[Recorded] = []
    for name in record:
        if name == "weights":
            keys = () if translated.trials else tuple(key.split(".") for key in numbers.weights)
            found += [Recorded(owner, variable, "epochs") for owner, variable in keys]
        elif name == "spikes":
            cells = [item.name for item in translated.groups if item.size.cells]
            found += [Recorded(owner, variable, "spikes") for owner in cells for variable in ("i", "t")]
        else:
            found.append(_in_time(translated, name))
    return tuple(dict.fromkeys(found))


def _in_time(translated: Translation, name: str) -> Recorded:
    """Return the variable that a name stands for, as ``"x"`` or ``"units.x"``."""
    readable = [
        Recorded(item.name, line.name, "time")
        for item in translated.groups
        for line in read_equations(item.equations)
        if "linked" not in line.flags and "shared" not in line.flags
    ]
    matches = [item for item in readable if name in (_key(item), item.variable)]
    own = [item for item in matches if item.owner in {found.name for found in translated.model.populations}]
    matches = own or matches  # a unit's variable, where its cells have one of the same name
    if len(matches) != 1:
        known = ["weights", "spikes", *map(_key, readable)]
        reason = "is ambiguous" if matches else "names nothing that can be recorded"
        left_out = [item for item in translated.model.unused if _means(item, name)]
        if left_out and not matches:
            reason += f", as nothing in its {_protocol(translated)} needs the {left_out[0]},"
        raise RuleError(
            f"record={name!r} {reason} in the {translated.variant} variant of {translated.model.name!r}; allowed: "
            f"{', '.join([*map(_key, matches)] or known)}."
            f"{closest(name, [*known, *(item.variable for item in readable)])}"
        )
    return matches[0]


def _means(left_out: str, name: str) -> bool:
    """Tell whether a name in ``record=`` is that of something which a protocol leaves out, ``"variable units.u"``."""
    word, _, known = left_out.partition(" ")
    return word in ("gate", "stimulus", "variable") and known.rpartition(".")[2] == name.rpartition(".")[2]


def _protocol(translated: Translation) -> str:
    name = translated.model.protocol.name
    return f"protocol {name!r}" if name else "phases"


def _key(item: Recorded) -> str:
    return f"{item.owner}.{item.variable}"


def _sampled(interval: float, dt: float) -> float:
    """Return the time between samples, a whole number of time steps."""
    if not 0 < interval < 1e9:
        raise RuleError(f"interval={interval:g} s must be a time longer than 0 and shorter than 1e9 s.")
    steps = round(interval / dt)
    if steps < 1 or abs(interval / dt - steps) > 1e-6:
        raise RuleError(
            f"interval={1e3 * interval:g} ms is no multiple of the time step of {1e3 * dt:g} ms, at whose ends samples "
            f"are taken. Take {1e3 * dt * max(1, steps):g} ms."
        )
    return float(f"{steps * dt:.12g}")
