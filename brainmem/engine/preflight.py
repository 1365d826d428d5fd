"""Checks of a built network before it is compiled or run: refuse what Brian2 would drop or misread in silence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import brian2
import numpy as np
from brian2.core.base import BrianObject
from brian2.core.variables import ArrayVariable, DynamicArrayVariable, VariableView

from brainmem.engine.device import in_words
from brainmem.engine.inputs import Input
from brainmem.engine.rows import RowTable
from brainmem.errors import DeviceError

__all__ = ["check_network", "declared_inputs", "output_variables", "views_of"]


def check_network(built: Any) -> None:
    """Refuse objects that standalone would drop, automatic names, and networks that have run already."""
    if float(built.network.t) > 0:
        raise DeviceError(
            f"Network {built.network.name!r} has already run to {built.network.t}. A builder only builds: "
            "remove its run() call, the device runs the network once for all phases."
        )
    for item in built.network.sorted_objects:
        _check_code(item)
        _check_name(item)
    if built.done is not None and built.done not in built.outputs:
        outputs = ", ".join(sorted(map(in_words, built.outputs)))
        raise DeviceError(f"done={in_words(built.done)!r} is not an output. Outputs: {outputs}.")


def _check_code(item: BrianObject) -> None:
    if isinstance(item, brian2.NetworkOperation) or type(item).run is not BrianObject.run:
        raise DeviceError(
            f"{item.name!r} is a {type(item).__name__}: it runs Python code, which compiled runs drop without "
            "a warning. Write it as equations, run_regularly(), or a Function with C++ code."
        )


def _check_name(item: BrianObject) -> None:
    classes = [kind.__name__.lower() for kind in type(item).__mro__]
    automatic = re.sub(r"_\d+$", "", item.name) in classes
    if automatic or re.search(r"_run_(regularly|on_event)(_\d+)?$", item.name):
        raise DeviceError(
            f"{type(item).__name__} {item.name!r} was named by Brian2. Such names change with what was built "
            "before, and with them the order of execution and of random numbers. Give it a name= of its own."
        )


def declared_inputs(built: Any, tables: set[str]) -> dict[str, Input]:
    """Describe the inputs of `built`; `tables` names the TimedArrays that some equation reads.

    Raises
    ------
    DeviceError
        If an input cannot be set, or a shared constant is neither an input nor given a value.
    """
    inputs = {name: _declare(name, value, tables) for name, value in built.inputs.items()}
    known = {key for item in inputs.values() for key in item.keys}
    for group, variable in _shared_constants(built.network):
        if f"{group.name}.{variable.name}" not in known and _value(variable) in (None, 0):
            raise DeviceError(
                f"Parameter {variable.name!r} of {group.name!r} is unset (0). Make it an input, which may be 0, or "
                "set it when building."
            )
    return inputs


def views_of(value: Any) -> list[VariableView]:
    """Return the views that share one value: an input's own list, or the single one."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _declare(name: str, value: Any, tables: set[str]) -> Input:
    if isinstance(value, brian2.TimedArray):
        keys = (f"{value.name}.values",) if value.name in tables else ()
        rows = isinstance(value, RowTable)
        return Input(name, keys, (str(value.values.dtype),), value.values.shape, _exponents(value.dim), rows=rows)
    views = views_of(value)
    for view in views:
        _check_view(name, view)
    keys = tuple(f"{view.variable.owner.name}.{view.variable.name}" for view in views)
    dtypes = tuple(str(np.dtype(view.variable.dtype)) for view in views)
    if len({(_shape(view.variable), _exponents(view.dim)) for view in views}) != 1:
        raise DeviceError(f"Input {name!r} joins variables of unequal size or unit: {', '.join(keys)}.")
    variable = views[0].variable
    required = _is_shared_constant(variable)
    return Input(name, keys, dtypes, _shape(variable), _exponents(views[0].dim), required=required)


def _exponents(dimensions: Any) -> tuple[float, ...]:
    """Return the exponents of the seven base units as plain floats: those of a power are numpy's, unknown to JSON."""
    return tuple(map(float, dimensions._dims))


def _check_view(name: str, view: Any) -> None:
    if not isinstance(view, VariableView) or not isinstance(view.variable, ArrayVariable):
        raise DeviceError(
            f"Input {name!r} is {_describe(view)}: only state variables (group.x) and TimedArrays can be set before a "
            "run, not subexpressions, constants or values."
        )
    try:
        owner = view.variable.owner.name
    except ReferenceError:
        raise DeviceError(
            f"Input {name!r}: its group no longer exists. Keep the group itself in the network."
        ) from None
    if view.variable.read_only:
        raise DeviceError(f"Input {name!r}: {owner}.{view.name} is read-only and cannot be set.")
    if view.group_name != owner:
        raise DeviceError(
            f"Input {name!r} views part of a group ({view.group_name}). Use the variable of the whole group {owner!r}."
        )


def _describe(value: Any) -> str:
    # The repr of a subexpression's view would evaluate it, which standalone refuses to do.
    kind = type(getattr(value, "variable", value)).__name__
    return f"{kind} {value.name!r}" if hasattr(value, "name") else f"{kind} {value!r}"


def _shape(variable: ArrayVariable) -> tuple[int, ...]:
    # A synaptic array's length is known once its synapses exist; compiled programs are asked for it.
    if variable.scalar:
        return ()
    if isinstance(variable, DynamicArrayVariable):
        return (-1,)
    return (int(variable.size),)


def _shared_constants(network: brian2.Network) -> Iterator[tuple[Any, ArrayVariable]]:
    for item in network.sorted_objects:
        equations = getattr(item, "equations", None)
        for name in getattr(equations, "parameter_names", ()):
            variable = item.variables[name]
            if _is_shared_constant(variable) and variable.owner.name == item.name:  # linked ones are set at their owner
                yield item, variable


def _is_shared_constant(variable: Any) -> bool:
    return (
        isinstance(variable, ArrayVariable)
        and variable.scalar and variable.constant and not variable.read_only
    )  # fmt: skip


def _value(variable: ArrayVariable) -> float | None:
    try:
        return float(np.ravel(variable.get_value())[0])
    except (NotImplementedError, IndexError):
        return None


def output_variables(built: Any) -> dict[Any, ArrayVariable]:
    """Return the array variable behind each output, or say which output is not stored as an array."""
    variables = {}
    for name, value in built.outputs.items():
        variable = getattr(value, "variable", value)
        if not isinstance(variable, ArrayVariable):
            raise DeviceError(
                f"Output {in_words(name)!r} is {_describe(value)}: only stored variables can be read back. Make a "
                "subexpression '(constant over dt)' or record it with a monitor."
            )
        variables[name] = variable
    return variables
