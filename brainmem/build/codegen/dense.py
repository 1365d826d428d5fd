"""All-to-all synapses as matrices: no index arrays, rows in one piece, sum and update in one pass.

Brian2 walks a flat list of synapses through two index arrays, which compilers cannot vectorise. Here the weight
from unit ``i`` to unit ``j`` is element ``j*N_pre + i`` of its array, and Brian2's own generated statements stand
inside loops over rows. Brian2's `Synapses` still holds the variables; its index arrays stay empty.

Where the units are updated one at a time (`brainmem.build.codegen.visits`) a change needs the weights of one
presynaptic unit. There the matrix is stored presynaptic-major, as element ``i*N_post + j``, and loops run over columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from brian2 import Clock, NeuronGroup, Synapses
from brian2.codegen.generators.cpp_generator import CPPCodeGenerator
from brian2.codegen.generators.numpy_generator import NumpyCodeGenerator
from brian2.core.variables import ArrayVariable, DynamicArrayVariable
from brian2.devices.device import get_device
from brian2.groups.group import CodeRunner

from brainmem.build.codegen.watching import CHANGES, add_number

__all__ = [
    "DenseCode",
    "DenseEvent",
    "DenseStep",
    "Diagonal",
    "dense_class",
    "dense_synapses",
    "events_of",
]

_ROW, _COLUMN = "_postsynaptic_idx", "_presynaptic_idx"
_INDICES = frozenset({_ROW, _COLUMN})
_ROW_ENDS = "// of each synapse:"


def dense_synapses(
    source: NeuronGroup,
    target: NeuronGroup,
    equations: str,
    *,
    method: str,
    clock: Clock,
    namespace: Mapping[str, Any],
    name: str,
    presynaptic_first: bool = False,
    trials: int = 1,
) -> Synapses:
    """Return synapses between all pairs of units whose arrays are matrices ``[post, pre]``.

    With `presynaptic_first` they are ``[pre, post]``.

    They run nothing by themselves: add a `DenseStep` for what happens at every step or period, and a `DenseEvent`
    for what happens at events. Pairs of a unit with itself have a place in the arrays even where they are absent.
    With several `trials` (see `brainmem.build.codegen.products`) the units of all of them share one matrix.
    """
    synapses = Synapses(
        source,
        target,
        equations,
        method=method,
        clock=clock,
        namespace=dict(namespace),
        name=name,
        codeobj_class=dense_class(get_device().code_object_class(), presynaptic_first=presynaptic_first),
    )
    pairs = len(source) * len(target) // trials
    for variable in synapses._registered_variables:
        if variable.name not in ("_synaptic_pre", "_synaptic_post"):
            variable.resize(pairs // trials)
    synapses.variables["N"].set_value(pairs)
    synapses._connect_called = True
    # What Brian2 made of the equations serves as text only; a DenseStep runs it.
    for updater in [*synapses.summed_updaters.values(), synapses.state_updater]:
        if updater is not None:
            synapses.contained_objects.remove(updater)
    return synapses


@dataclass(frozen=True)
class Diagonal:
    """The synapses of units to themselves in a matrix.

    Attributes
    ----------
    exists : bool
    shift : int or None
        Row ``k`` meets itself in column ``k + shift``, which may lie outside of the matrix; None is a square matrix
        with its own diagonal.
    """

    exists: bool
    shift: int | None = None

    @property
    def transposed(self) -> Diagonal:
        """Where column ``k`` meets itself, as a row."""
        return Diagonal(self.exists, None if self.shift is None else -self.shift)


class DenseCode(CodeRunner):
    """Statements run on the synapses of a matrix, in every time step or where an `event` occurs at the end `side`.

    With `changes` they set variables of the synapses; with `once` they form sums that change only where these have
    changed (`brainmem.build.codegen.watching`).
    """

    def __init__(
        self,
        synapses: Synapses,
        template: str,
        *,
        diagonal: Diagonal,
        clock: Any,
        slot: tuple[str, int],
        name: str,
        dt: Any = None,
        needed: tuple[str, ...] = (),
        event: str = "",
        side: str = "pre",
        changes: bool = False,
        once: bool = False,
        **template_kwds: Any,
    ) -> None:
        self.synapses = synapses  # CodeRunner holds a weak reference only
        events = events_of(synapses, side, event) if event else ""
        formed = add_number(synapses, f"_formed_{name}") if once else ""
        changing = add_number(synapses, CHANGES) if once or changes else ""
        needed = (*needed, *filter(None, [events, formed, changing]))
        super().__init__(
            group=synapses,
            template=template,
            clock=clock,
            dt=dt,
            when=slot[0],
            order=slot[1],
            name=name,
            check_units=False,  # brainmem has checked the text, and Brian2's integrator drops units
            needed_variables=list(needed),
            template_kwds={
                "_matrix": _matrix_of(synapses),
                "_diagonal": diagonal.exists,
                "_shift": diagonal.shift,
                "_by_columns": synapses.codeobj_class.generator_class.common == _COLUMN,
                "_when": synapses.variables[events] if events else None,
                "_formed": synapses.variables[formed] if formed else None,
                "_changing": synapses.variables[changing] if changing else None,
                **template_kwds,
            },
        )
        synapses.contained_objects.append(self)


def events_of(synapses: Synapses, side: str, event: str) -> str:
    """Return the name of the array of the units of one side at which an event occurs, with their number behind."""
    name = f"_{side}_{event}space"
    if name not in synapses.variables:
        group = synapses.source if side == "pre" else synapses.target
        synapses.variables.add_reference(name, group, f"_{event}space")
    return name


def _matrix_of(synapses: Synapses) -> DynamicArrayVariable | None:
    """Return a variable that every pass over the synapses is likely to read, or None where they store nothing."""
    stored = sorted(synapses.equations.diff_eq_names | synapses.equations.parameter_names)
    variables = [synapses.variables[name] for name in stored]
    return next((item for item in variables if isinstance(item, DynamicArrayVariable)), None)


class DenseStep(DenseCode):
    """Form sums over the presynaptic side and change synapses, row by row.

    Each row's sums are formed from the values at the beginning, then the row is changed while it is in the cache;
    `update` may read the sums of its own row.

    Parameters
    ----------
    synapses : Synapses
        From `dense_synapses`.
    sums : mapping of str to str
        Summed variables and their expressions, ``{"u_post": "w*x_pre"}``.
    update : callable, optional
        Called with the run's namespace; returns the statements that change each synapse.
    diagonal : Diagonal
        Whether a unit's synapse to itself exists, and where it stands.
    clock, dt : Clock, Quantity
        When it runs; one of the two.
    slot : (str, int)
        Where in a time step.
    name : str
    gates : tuple of str
        Postsynaptic variables each of which shuts the change; rows where one is 0 are left as they are.
    event, side : str, optional
        Event, of the end ``"pre"`` or ``"post"``, without which nothing runs.
    once : bool
        Whether the sums change only with variables of the synapses, and are formed where these have changed.
    """

    def __init__(
        self,
        synapses: Synapses,
        sums: Mapping[str, str],
        update: Callable[[Mapping[str, Any]], str] | None,
        *,
        diagonal: Diagonal,
        clock: Any,
        slot: tuple[str, int],
        name: str,
        dt: Any = None,
        gates: tuple[str, ...] = (),
        event: str = "",
        side: str = "pre",
        once: bool = False,
    ) -> None:
        self.sums, self.update = dict(sums), update
        targets = {f"sum_{k}": synapses.variables[variable] for k, variable in enumerate(sums)}
        super().__init__(
            synapses,
            "dense_step",
            diagonal=diagonal,
            clock=clock,
            slot=slot,
            name=name,
            dt=dt,
            needed=(*sums, *gates),
            event=event,
            side=side,
            changes=update is not None,
            once=once,
            _sums=targets,
            _updates=update is not None,
            _gate=[synapses.variables[gate] for gate in gates],
        )

    def update_abstract_code(self, run_namespace: Mapping[str, Any]) -> None:
        """Set the statements of every block."""
        code = {f"sum_{k}": f"_synaptic_var = {expression}" for k, expression in enumerate(self.sums.values())}
        if self.update is not None:
            code["update"] = self.update(run_namespace)
        self.abstract_code = self.user_code = code


class DenseEvent(DenseCode):
    """Run statements on all synapses of the units where an event occurs.

    Parameters
    ----------
    synapses : Synapses
        From `dense_synapses`.
    code : str
    side : {"pre", "post"}
        Whose event it is.
    event : str
        Name of the event, ``"spike"`` or one of the group's own.
    diagonal, slot, name
        See `DenseStep`.
    """

    def __init__(
        self,
        synapses: Synapses,
        code: str,
        *,
        side: str,
        event: str,
        diagonal: Diagonal,
        slot: tuple[str, int],
        name: str,
    ) -> None:
        events = events_of(synapses, side, event)
        super().__init__(
            synapses,
            "dense_event",
            diagonal=diagonal,
            clock=synapses._clock,
            slot=slot,
            name=name,
            needed=(events,),
            changes=True,
            _side=side,
            _events=synapses.variables[events],
        )
        self.abstract_code = self.user_code = {"update": code}


def dense_class(base: type, *, presynaptic_first: bool = False) -> type:
    """Derive the active target's code object class with loops over a matrix; once, as it compiles its templates."""
    return _dense_class(base, presynaptic_first)  # however it was called: the cache tells a default from what is given


@lru_cache
def _dense_class(base: type, presynaptic_first: bool) -> type:
    common = _COLUMN if presynaptic_first else _ROW
    mixins = {CPPCodeGenerator: _CommonFirst, NumpyCodeGenerator: _Distinct}
    mixin = next((ours for kind, ours in mixins.items() if issubclass(base.generator_class, kind)), _LoopIndices)
    generator = type(f"Dense{base.generator_class.__name__}", (mixin, base.generator_class), {"common": common})
    templater = base.templater.derive("brainmem.build.codegen", env_globals={"row_ends": _ROW_ENDS})
    return type(f"Dense{base.__name__}", (base,), {"generator_class": generator, "templater": templater})


class _LoopIndices:
    """A generator whose pre- and postsynaptic indices are the template's loop variables, not arrays."""

    def arrays_helper(self, statements):
        read, write, indices, conditional = super().arrays_helper(statements)
        return read - _INDICES, write, indices - _INDICES, conditional

    def determine_keywords(self):
        everything = self.variables
        self.variables = {name: item for name, item in everything.items() if not _is_index(name, item)}
        try:
            return super().determine_keywords()
        finally:
            self.variables = everything


class _Distinct(_LoopIndices):
    """Runs statements for synapses that share no unit on the side that they write to."""

    def has_repeated_indices(self, statements):
        return False


class _CommonFirst(_LoopIndices):
    """Reads what a row (or column) has in common first, so that templates can do so before they loop over the rest.

    Compilers do not move such reads out of a loop that writes to memory.
    """

    def translate_to_read_arrays(self, read, write, indices):
        first = {name for name in read if self.variable_indices[name] == self.common and name not in write}
        lines = super().translate_to_read_arrays(first, write, indices)
        return [*lines, _ROW_ENDS, *super().translate_to_read_arrays(set(read) - first, write, set())]


def _is_index(name: str, variable: Any) -> bool:
    return isinstance(variable, ArrayVariable) and (name in _INDICES or name in ("_synaptic_pre", "_synaptic_post"))
