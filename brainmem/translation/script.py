"""Print a translation as the Brian2 script that a user could have typed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cached_property

from brainmem.model.reading import extreme_of
from brainmem.text.counter import counter_normal, counter_uniform
from brainmem.text.curves import curve_value
from brainmem.text.delays import DelayLines
from brainmem.text.equations import read_equations
from brainmem.text.sites import key_of_sweep, order_of_key, site_normal, site_poisson, site_uniform, sites_mixed
from brainmem.text.slices import slice_texts
from brainmem.translation.controller import run_numbers
from brainmem.translation.gates import guarded
from brainmem.translation.printed_statistics import (
    printed_shuffle,
    shown_with_statistics,
    shuffling,
    statistic_functions,
)
from brainmem.translation.sizes import TRIALS
from brainmem.translation.text import Connection, Group, Operation, Table, Translation
from brainmem.translation.trials import connect_arguments
from brainmem.translation.visits import print_visits, visit_code

__all__ = ["TranslatedModel", "script", "sizes"]


class TranslatedModel(Translation):
    """A model lowered to one variant; ``print`` shows it as a Brian2 script."""

    def __str__(self) -> str:
        return self._script

    @cached_property
    def _script(self) -> str:
        return script(self)


def script(translated: Translation) -> str:
    """Return a plain Brian2 script: it needs only ``arrays``, the numbers of one run.

    ``numpy.savez("arrays.npz", **brainmem.arrays(model, variant))`` writes them; `brainmem.script` is the public door.
    """
    plain = guarded(translated, [item.name for item in translated.connections])
    return "\n".join(_script(plain)) + "\n"


def _script(translated: Translation) -> Iterator[str]:
    protocol = translated.model.protocol.name
    yield f"# {translated.model.name}, {f'protocol {protocol}, ' if protocol else ''}{translated.variant} variant"
    yield "import numpy as np"
    yield "from brian2 import *"
    yield ""
    named = f", protocol={protocol!r}" if protocol else ""
    yield f"# numbers of one run, from brainmem.arrays({translated.model.name!r}, {translated.variant!r}{named})"
    yield 'arrays = dict(np.load("arrays.npz"))'
    yield from (f'{name} = int(arrays["size.{name}"])' for name in sizes(translated))
    yield 'clock = Clock(dt=float(arrays["dt"])*second, name="clock")'
    yield ""
    yield from (_table(table) for table in translated.tables if not table.returns)
    yield from _curves(translated)
    yield from _functions(translated)
    for group in translated.groups:
        yield ""
        yield from _group(group)
    yield ""
    yield from _links(translated)
    for connection, shown in zip(translated.connections, shown_with_statistics(translated).connections, strict=True):
        yield ""
        yield from _connection(shown)
        yield from printed_shuffle(connection)
    yield ""
    yield from _numbers(translated)
    for group in translated.groups:
        if group.visits:
            yield ""
            yield from print_visits(translated, group)
    yield ""
    names = ", ".join(item.name for item in (*translated.groups, *translated.connections))
    yield f'network = Network({names}, name="network")'
    yield 'seed(int(arrays["seed"]))'
    yield 'network.run(float(arrays["duration"])*second)'


def _functions(translated: Translation) -> Iterator[str]:
    """Yield the functions of ours that the text calls."""
    code = "\n".join(op.code for group in translated.groups for op in group.operations)
    called = [function for function in (counter_uniform, counter_normal) if f"{function.__name__}(" in code]
    if called:
        yield ""
        yield "from numpy.typing import ArrayLike"
    for function in called if counter_normal not in called else (counter_uniform, counter_normal):
        yield ""
        yield "# This function runs on Brian2's runtime device with numpy code."
        yield inspect.getsource(function).rstrip()
        yield f"{function.__name__} = Function({function.__name__}, arg_units=[1]*5, return_unit=1)"
    if any(group.visits for group in translated.groups) or shuffling(translated):
        yield from _site_functions(translated, typed=bool(called))
    yield from statistic_functions(translated)
    if "delay_store(" in code:
        yield from _delay_functions()


def _site_functions(translated: Translation, *, typed: bool) -> Iterator[str]:
    """Yield the functions that give orders of visits, and the random numbers drawn in them."""
    code = "\n".join(visit_code(group.visits) for group in translated.groups if group.visits)
    if not typed:
        yield ""
        yield "from numpy.typing import ArrayLike"
    drawn = [function for function in (site_normal, site_poisson) if f"{function.__name__}(" in code]
    drawn = [site_uniform, *drawn] if drawn or "site_uniform(" in code else []
    for function in (sites_mixed, key_of_sweep, order_of_key, *drawn):
        yield ""
        yield inspect.getsource(function).rstrip()


def _delay_functions() -> Iterator[str]:
    yield ""
    yield "from typing import Any"
    yield "# This class runs on Brian2's runtime device with numpy code."
    yield inspect.getsource(DelayLines).rstrip()
    yield "delay_lines = DelayLines()"
    for name, others in (("store", 5), ("begin", 8)):
        units = f"arg_units=[None] + [1]*{others}, return_unit=lambda value, *_: value"
        yield f"delay_{name} = Function(delay_lines.{name}, {units}, stateless=False)"


def sizes(translated: Translation) -> tuple[str, ...]:
    """Return the whole-number parameters that a script needs: those of sizes, and of parts of groups."""
    slices = (text for item in translated.connections for text in (item.source_units, item.target_units))
    names = [name for text in slices for name in re.findall(r"\w+", text) if name.isidentifier()]
    return tuple(dict.fromkeys((*translated.sized_by, *names)))


def _table(table: Table) -> str:
    unit = "" if table.unit == "1" else f"*{table.unit}"
    return (
        f'{table.name} = TimedArray(arrays["table.{table.name}"]{unit}, dt=1*second, '
        f'name="{table.name}")  # {table.meaning}'
    )


def _curves(translated: Translation) -> Iterator[str]:
    """Yield the functions of curves, whose rows are numbers of the run."""
    tables = [table for table in translated.tables if table.returns]
    if tables:
        yield ""
        yield inspect.getsource(curve_value).rstrip()
    for table in tables:
        units = f"arg_units=[{table.argument}], return_unit={table.unit}"
        value = f'lambda x: curve_value(x, arrays["table.{table.name}"], "{table.returns}")'
        yield ""
        yield f"{table.name} = Function(None, {units})  # {table.meaning}"
        yield f"{table.name}.implementations.add_numpy_implementation({value}, discard_units=True)"


def _block(text: str, indent: str = "    ") -> str:
    inner = "\n".join(indent + line.strip() for line in text.splitlines() if line.strip())
    return f'"""\n{inner}\n{indent}"""' if inner else '""'


def _group(group: Group) -> Iterator[str]:
    yield f"{group.name} = NeuronGroup("
    yield f"    {group.size},"
    yield f"    {_block(group.equations)},"
    for key in ("threshold", "reset", "refractory"):
        value = getattr(group, key)
        if value is not None:
            yield f"    {key}={value!r},"
    if group.events:
        yield f"    events={ {name: condition for name, (condition, _, _) in group.events.items()}!r},"
    yield f'    method="{group.method}",'
    yield "    clock=clock,"
    yield f'    name="{group.name}",'
    yield ")"
    if group.state_when != "groups":
        updater = f"{group.name}.state_updater"
        yield f'{updater}.when, {updater}.order = "{group.state_when}", {group.state_order}'
    for name, (_, when, order) in group.events.items():
        yield f'{group.name}.set_event_schedule("{name}", when="{when}", order={order})'
    for operation in group.operations:
        yield _operation(group.name, operation)


def _operation(owner: str, operation: Operation) -> str:
    code = _block(operation.code)
    if operation.event is not None:
        return f'{owner}.run_on_event("{operation.event}", {code}, when="{operation.when}", order={operation.order})'
    clock = "clock=clock" if operation.dt is None else f'dt=float(arrays["period.{operation.dt}"])*second'
    return (
        f'{owner}.run_regularly({code}, {clock}, when="{operation.when}", '
        f'order={operation.order}, name="{operation.name}")'
    )


def _links(translated: Translation) -> Iterator[str]:
    for group in translated.groups:
        for name, link in group.links.items():
            index = re.sub(r"\b(repeat|tile|arange)\(", r"np.\1(", link.text)
            extra = f", index={index}" if index else ""
            yield f'{group.name}.{name} = linked_var({link.group}, "{link.variable}"{extra})'


def _connection(item: Connection) -> Iterator[str]:
    if any(extreme_of(line) for line in read_equations(item.equations)):
        yield "# What is clipped stays nan: clip(x, y, y) is y, or nan where x is."
    if item.ranks:
        yield "# Each sum counts the units that stand before one; brainmem sorts them to find it."
    yield f"{item.name} = Synapses("
    yield f"    {_part(item.source, item.source_units, item)},"
    yield f"    {_part(item.target, item.target_units, item)},"
    yield f"    {_block(item.stated)},"
    for side in ("pre", "post"):
        paths = [path for path in item.pathways if path.side == side]
        if paths:
            code = ", ".join(f'"{path.name}": {_block(path.code)}' for path in paths)
            yield f"    on_{side}={{{code}}},"
    if item.pathways:
        yield f"    on_event={ {path.name: path.event for path in item.pathways}!r},"
    yield f'    method="{item.method}",'
    yield "    clock=clock,"
    yield f'    name="{item.name}",'
    yield ")"
    yield f"{item.name}.connect({_connect(item)})"
    for path in item.pathways:
        yield f'{item.name}.{path.name}.when, {item.name}.{path.name}.order = "{path.when}", {path.order}'
    for name, (when, order) in item.always_formed.items():
        updater = f'{item.name}.summed_updaters["{name}"]'
        yield f'{updater}.when, {updater}.order = "{when}", {order}'
    if any(line.kind == "differential" for line in read_equations(item.equations)):
        yield f"{item.name}.state_updater.order = {item.state_order}"
    for operation in item.operations:
        yield _operation(item.name, operation)


def _connect(item: Connection) -> str:
    return ", ".join(f"{name}={text!r}" for name, text in connect_arguments(item).items())


def _part(group: str, units: str, item: Connection) -> str:
    """Return a group, or the part of it that a slice such as ``":n"`` takes."""
    if not units:
        return group
    ends = (f"({end})*{TRIALS}" if item.trials and end else end for end in slice_texts(units))
    return f"{group}[{':'.join(ends)}]"


def _numbers(translated: Translation) -> Iterator[str]:
    for item in (*translated.groups, *translated.connections):
        units = {line.name: line.unit for line in read_equations(item.equations)}
        for name in item.constants:
            unit = "" if units[name] == "1" else f"*{units[name]}"
            yield f'{item.name}.{name} = float(arrays["param.{name}"]){unit}'
    yield from (f'protocol.{name} = float(arrays["param.{name}"])' for name in run_numbers(translated.model))
    for start in (start for start in translated.initial if start.owner):
        owner = next(i for i in (*translated.groups, *translated.connections) if i.name == start.owner)
        units = {line.name: line.unit for line in read_equations(owner.equations)}
        unit = units.get(start.variable, "second")  # Brian2's own variable of cells, the time of the last spike
        suffix = "" if unit == "1" else f"*{unit}"
        yield f'{start.owner}.{start.variable} = arrays["{start.owner}.{start.variable}"]{suffix}'
