"""Print the visits of a sweep as the Python function that a Brian2 script would define."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from brian2.core.namespace import DEFAULT_UNITS

from brainmem.model.differences import continuous
from brainmem.model.visits import expanded
from brainmem.text.equations import Equation, identifiers, read_equations, rename
from brainmem.translation.controller import TRIAL, VISIT_SEED, stop_apart
from brainmem.translation.sequential import with_site_draws
from brainmem.translation.sizes import TRIALS
from brainmem.translation.text import Connection, Group, Translation, Visits

__all__ = ["print_visits", "visit_code"]


def visit_code(visits: Visits, unit: str = "_k") -> str:
    """Return the statements of a visit to unit ``_k``, with its random numbers."""
    return with_site_draws(visits.code, unit)


def print_visits(translated: Translation, group: Group) -> Iterator[str]:
    """Yield the function that visits the units of a group, and the operation that calls it in every time step."""
    assert group.visits is not None
    visits, name = group.visits, f"{group.name}_sweep"
    unit = next(line.unit for line in read_equations(group.equations) if line.name == visits.state)
    if left_out := _left_out(translated, group):
        yield f"# Visits set {visits.state} in place of its equation, which cells follow in the spiking variant:"
        yield f"#     {left_out}"
    yield "# Brian2 has no text for units that change one at a time: this function runs on its runtime device only."
    yield f"{group.name}_moved = np.zeros({group.size})"
    yield ""
    yield f"def visit_{group.name}(i):"
    yield from (f"    {line}" for line in _body(translated, group, visits))
    yield ""
    yield f"{name} = Function(visit_{group.name}, arg_units=[1], return_unit={unit}, stateless=False)"
    code = f'"{visits.change} = {name}(i)"'
    yield (
        f"{group.name}.run_regularly({code}, clock=clock, "
        f'when="{visits.when}", order={visits.order}, name="{group.name}_visits")'
    )


def _left_out(translated: Translation, group: Group) -> str:
    """Return the equation of a state that visits set, which the rate variant leaves out."""
    written = translated.written.population(group.name) if translated.written else None
    if written is None or not continuous(written):
        return ""
    return next(str(line) for line in read_equations(written.equations) if line.name == written.state)


def _body(translated: Translation, group: Group, visits: Visits) -> Iterator[str]:
    follows = f"; sums of {visits.projection} follow every change at once" if visits.projection else ""
    shown = visits.code.replace("\n", "; ")
    yield f'"""Visit each unit once, in a fresh random order: {shown}{follows}."""'
    lines = {line.name: line for line in read_equations(group.equations)}
    code = visit_code(visits, f"(_k//{TRIALS})" if translated.trials else "_k")
    *locals_, visit = (expanded(line, lines) for line in code.splitlines())
    value = visit.partition("=")[2].strip()
    item = translated.connection(visits.projection) if visits.projection else None
    yield "if np.min(i) == 0:"
    yield from (f"    {line}" for line in _values(group, item, visits, "\n".join([*locals_, visit])))
    yield f"    sweep = round(float({group.name}.t/{group.name}.dt))"
    yield from _loops(translated, group, visits)
    yield from (f"        {_at_unit(line, lines)}" for line in locals_)
    yield f"        _before, {visits.state}[_k] = {visits.state}[_k], {_at_unit(value, lines)}"
    yield f"        {group.name}_moved[_k] = {visits.state}[_k] - _before"
    if item is not None:
        yield f"        if {group.name}_moved[_k] != 0:"
        yield "            _onto = slice(*np.searchsorted(_sources, [_k, _k + 1]))"
        for name, term in visits.follow.items():
            target = name.removesuffix("_post")
            yield f"            {target}[_targets[_onto]] += {_at_synapses(term, group, item, visits, lines)}"
    yield f"return {group.name}_moved[i]"


def _loops(translated: Translation, group: Group, visits: Visits) -> Iterator[str]:
    """Yield the lines that find each visited element of the group, and what its random numbers are drawn from."""
    key = f"site_key = key_of_sweep(float(protocol.{VISIT_SEED}[:]), sweep, {visits.place}, {{}})"
    order = f"order_of_key(site_key, {replace(group.size, trials=False)})"
    if not translated.trials:
        yield f"    {key.format(0)}"
        yield f"    for _k in {order}:"
        return
    going = f" if not {TRIAL}.stopped[_trial] > 0.5" if stop_apart(translated.model) else ""
    yield "    visited = []"
    yield f"    for _trial in (_trial for _trial in range({TRIALS}){going}):"
    yield f"        {key.format('_trial')}"
    yield f"        visited += [(site_key, _k*{TRIALS} + _trial) for _k in {order}]"
    yield "    for site_key, _k in visited:"


def _values(group: Group, item: Connection | None, visits: Visits, visit: str) -> Iterator[str]:
    """Yield the lines that fetch Brian2's arrays."""
    texts = [visit, visits.state, *visits.follow, *visits.follow.values()]
    used = set().union(*map(identifiers, texts))
    used |= {name.removesuffix("_pre").removesuffix("_post") for name in used} - {visits.change}
    names = [line.name for line in read_equations(group.equations) if line.name in used - {visits.change}]
    yield from (f'{name} = {group.name}.variables["{name}"].get_value()' for name in names)
    if item is None:
        return
    own = [
        line.name for line in read_equations(item.equations) if line.name in used and line.name not in item.summed_order
    ]
    yield from (f'_{name} = {item.name}.variables["{name}"].get_value()' for name in own)
    yield f"_sources, _targets = np.array({item.name}.i), np.array({item.name}.j)"


def _plain(text: str) -> str:
    units = {name: f"float({name})" for name in identifiers(text) & set(DEFAULT_UNITS)}
    return rename(text, units)


def _at_unit(text: str, lines: dict[str, Equation]) -> str:
    names = {name: f"{name}[0]" if "shared" in line.flags else f"{name}[_k]" for name, line in lines.items()}
    return rename(_plain(text), names)


def _at_synapses(text: str, group: Group, item: Connection, visits: Visits, lines: dict[str, Equation]) -> str:
    own = {line.name: line for line in read_equations(item.equations)}
    names = {name: f"_{name}[0]" if "shared" in line.flags else f"_{name}[_onto]" for name, line in own.items()}
    for name, line in lines.items():
        shared = "shared" in line.flags
        names[f"{name}_pre"] = f"{name}[0]" if shared else f"{name}[_k]"
        names[f"{name}_post"] = f"{name}[0]" if shared else f"{name}[_targets[_onto]]"
    names |= {f"{visits.change}_pre": f"{group.name}_moved[_k]", "N_pre": group.size.text, "N_post": group.size.text}
    return rename(_plain(text), names)
