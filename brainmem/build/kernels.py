"""Choose how the synapses of each connection are computed: as a matrix, or as Brian2's list of pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from brainmem.build.deferral import Deferral, find_deferral
from brainmem.engine.device import Device
from brainmem.model.reading import extreme_of
from brainmem.text.equations import DRAWS, Equation, identifiers, read_equations
from brainmem.text.statements import targets_of
from brainmem.text.statistics import forms_statistics
from brainmem.translation import schedule
from brainmem.translation.sizes import Pairs
from brainmem.translation.text import Connection, Translation

__all__ = ["Kernel", "choose_kernels"]


@dataclass(frozen=True)
class Kernel:
    """How one connection is computed.

    Attributes
    ----------
    dense : bool
        Whether its arrays are matrices ``[post, pre]`` without index arrays.
    fused : (str, int) or None
        Where in a time step sums and update run in one pass over the weights.
    reason : str
        Why, in words.
    deferral : Deferral or None
        The change of the weights, where it waits until several can be added in one pass.
    gates : mapping of str to tuple of str
        Postsynaptic variables of gates of the protocol, by the part of the connection that each of them shuts
        (`translation.gates`): where one is 0 nothing changes, not even by a factor that is no number.
    sorts : bool
        Whether its sums, ranks of units, are found by sorting these; it has no synapses.
    swept : tuple of str
        Sums that the sweep over the target's units forms and corrects; its matrices are ``[pre, post]``.
    """

    dense: bool
    fused: tuple[str, int] | None = None
    reason: str = ""
    swept: tuple[str, ...] = ()
    deferral: Deferral | None = None
    sorts: bool = False
    gates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def choose_kernels(translated: Translation, device: Device) -> dict[str, Kernel]:
    """Return the kernel of every connection of `translated` on `device`."""
    chosen = {item.name: _choose(translated, item, device) for item in translated.connections}
    gates = {item.name: _seen(item.gates) for item in translated.connections}
    return {name: replace(kernel, gates=gates[name]) if kernel.dense else kernel for name, kernel in chosen.items()}


def _seen(gates: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the gates of parts under the names by which synapses read them."""
    return {part: tuple(f"{gate}_post" for gate in names) for part, names in gates.items()}


def _choose(translated: Translation, item: Connection, device: Device) -> Kernel:
    if item.pairs is Pairs.OWN_CELLS:
        return Kernel(False, reason="connects cells with their own unit, not all pairs")
    if device.kernels == "plain":
        return Kernel(False, reason="the device asks for plain kernels")
    if item.ranks:
        return Kernel(False, reason="the units are sorted in each time step that reads their ranks", sorts=True)
    if device.name == "runtime" and device.target != "cython":
        return Kernel(False, reason="numpy runs vectorised over the list of pairs")
    if reason := _why_not_dense(item):
        return Kernel(False, reason=reason)
    sweep = translated.group(item.target).visits
    if sweep and sweep.projection == item.name:
        reason = "a change of one unit adds its column of weights to the sums"
        return Kernel(True, reason=reason, swept=tuple(sweep.sums))
    deferral = find_deferral(item) if device.name == "cpp_standalone" else None
    if deferral is not None and not any(translated.group(name).visits for name in (item.source, item.target)):
        reason = "changes wait as products of vectors, and eight products at a time are added to the weights"
        return Kernel(True, reason=reason, deferral=deferral)
    refused = _why_not_fused(translated, item)
    if refused:
        return Kernel(True, reason=refused)
    slot = _fused_slot(translated, item)
    return Kernel(True, slot, "each row is summed and updated while it is in the cache")


def _why_not_dense(item: Connection) -> str:
    """Return what of the synapses' text needs Brian2's list of pairs, or nothing."""
    texts = [line.expr for line in read_equations(item.equations)]
    texts += [part.code for part in (*item.operations, *item.pathways)]
    if set().union(*map(identifiers, texts), set()) & {"i", "j"}:
        return "its text reads the numbers i, j of the units"
    lines = read_equations(item.equations)
    if any(map(extreme_of, lines)):
        return "the least or greatest of many values is found along the list of pairs"
    if any(line.kind == "subexpression" and line.stored for line in lines):
        return "it stores a subexpression of its synapses once per step"
    parts = (part for part in (*item.operations, *item.pathways) if forms_statistics(part.code))
    formed = {name for part in parts for name in targets_of(part.code)}
    if any("shared" in line.flags and "constant" not in line.flags and line.name not in formed for line in lines):
        return "its synapses share a variable, which must change once per step and not once per row"
    return ""


def _why_not_fused(translated: Translation, item: Connection) -> str:
    """Return why sums and update need a pass each, or nothing."""
    slots, update = set(item.always_formed.values()), _update(item)
    if not slots or not update:
        return "one pass: there is nothing to fuse"
    if len(slots) > 1:
        return "its sums are formed at different times"
    if any(name.endswith("_pre") for name in item.always_formed):
        return "a sum onto presynaptic units is known only after all rows"
    if any(translated.group(name).visits for name in (item.source, item.target)):
        return "the units of one side change between its sums and its update"
    if any((op.when, op.order) == schedule.STATISTICS for op in item.operations):
        return "its rule reads a statistic of all synapses, which is formed between its sums and its update"
    names = set().union(*(line.names for line in update))
    if names & DRAWS:
        return "its rule draws random numbers"
    own, reads = _sums(item), _reads(translated, item, update)
    if any(name.endswith("_pre") for key, name in reads if key in own):
        return "its rule reads the sum of the presynaptic unit, which belongs to another row"
    late = bool({key for key, _ in reads} & _other_sums(translated, item))
    if late and any(own & _sums_read_by(translated, other) for other in _others(translated, item)):
        return "its rule waits for a sum that waits for its own"
    return ""


def _fused_slot(translated: Translation, item: Connection) -> tuple[str, int]:
    reads = {key for key, _ in _reads(translated, item, _update(item))}
    if reads & (_other_sums(translated, item) | _set_behind_sums(translated)):
        return schedule.PLASTICITY
    return next(iter(item.always_formed.values()))


def _set_behind_sums(translated: Translation) -> set[str]:
    """Return the variables that phases set after the sums of a time step."""
    late = (
        (g.name, op) for g in translated.groups for op in g.operations if (op.when, op.order) == schedule.START_DRIVE
    )
    return {f"{name}.{line.partition(' = ')[0]}" for name, op in late for line in op.code.splitlines()}


def _update(item: Connection) -> list[Equation]:
    return [line for line in read_equations(item.equations) if line.kind == "differential"]


def _others(translated: Translation, item: Connection) -> Iterator[Connection]:
    return (other for other in translated.connections if other.name != item.name)


def _sums(item: Connection) -> set[str]:
    return {".".join(item.takes(name)) for name in item.summed_order}


def _other_sums(translated: Translation, item: Connection) -> set[str]:
    return set().union(*(_sums(other) for other in _others(translated, item)), set()) - _sums(item)


def _sums_read_by(translated: Translation, item: Connection) -> set[str]:
    return {key for key, _ in _reads(translated, item, list(read_equations(item.equations)))}


def _reads(translated: Translation, item: Connection, lines: list[Equation]) -> set[tuple[str, str]]:
    """Return (``"group.variable"``, name as the synapse sees it) of every stored variable that `lines` read."""
    groups = {
        "_pre": _subexpressions(translated, item.source),
        "_post": _subexpressions(translated, item.target),
    }
    own = {line.name: line.expr for line in read_equations(item.equations) if line.kind == "subexpression"}
    todo = [name for line in lines for name in line.names]
    found: set[tuple[str, str]] = set()
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        suffix = next((end for end in groups if name.endswith(end)), "")
        base = name.removesuffix(suffix)
        if name in own and not suffix:
            todo += identifiers(own[name])
        elif suffix and base in groups[suffix]:
            todo += [f"{inner}{suffix}" for inner in identifiers(groups[suffix][base])]
        elif suffix:
            found.add((f"{item.source if suffix == '_pre' else item.target}.{base}", name))
    return found


def _subexpressions(translated: Translation, group: str) -> Mapping[str, str]:
    lines = read_equations(translated.group(group).equations)
    return {line.name: line.expr for line in lines if line.kind == "subexpression" and not line.stored}
