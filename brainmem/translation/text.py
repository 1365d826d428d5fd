"""What a translation produces: the keyword arguments of Brian2 objects, as text and small values.

These are plain frozen records. `brainmem.build.network` turns each `Group` into one `NeuronGroup` and each
`Connection` into one `Synapses`; `brainmem.translation.script` prints them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Parameter
from brainmem.model.variants import Spiking
from brainmem.text.equations import read_equations, write_equations
from brainmem.text.ranking import RANKED
from brainmem.translation.sizes import Link, Pairs, Size

__all__ = [
    "WHOLE",
    "Connection",
    "Group",
    "Initial",
    "Operation",
    "Pathway",
    "Table",
    "Translation",
    "Visits",
]

# Ends the name under which draws read start weights as a matrix over all units of both populations.
WHOLE = "_whole"


@dataclass(frozen=True)
class Operation:
    """Statements run every `dt` (``run_regularly``) or at an `event` (``run_on_event``) of a group."""

    name: str
    code: str
    when: str
    order: int = 0
    dt: str | None = None
    event: str | None = None


@dataclass(frozen=True)
class Visits:
    """A visit to each unit of a group in every time step, in a fresh random order.

    The order, and the random numbers of the statement, are those of `brainmem.text.sites`.

    Attributes
    ----------
    code : str
        The statement run for the visited unit, over names of the group.
    state, change : str
        The variable that it sets, and the variable that holds by how much.
    place : int
        Place of the population among those with visits, which is a part of the key of orders and random numbers.
    projection : str
        The connection, from the group to itself, whose sums follow every change; empty if there is none.
    sums, follow : mapping of str to str
        Expressions of these sums (``{"h_post": "w*S_pre"}``), and what a change of the presynaptic unit adds to them
        (``{"h_post": "w*S_change_pre"}``).
    """

    code: str
    state: str
    change: str
    place: int
    when: str
    order: int
    projection: str = ""
    sums: Mapping[str, str] = field(default_factory=dict)
    follow: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """The keyword arguments of one `NeuronGroup`.

    ``events`` maps an event's name to (condition, when, order); ``links`` has the linked variables by name.
    ``constants`` names the parameters that the group declares as ``(shared, constant)``.
    """

    name: str
    size: Size
    equations: str
    threshold: str | None = None
    reset: str | None = None
    refractory: str | None = None
    events: Mapping[str, tuple[str, str, int]] = field(default_factory=dict)
    operations: tuple[Operation, ...] = ()
    links: Mapping[str, Link] = field(default_factory=dict)
    constants: tuple[str, ...] = ()
    method: str = "euler"
    state_when: str = "groups"
    state_order: int = 0
    visits: Visits | None = None


@dataclass(frozen=True)
class Pathway:
    """Statements run on the synapses of units whose `event` occurs on `side` ("pre" or "post").

    With `sum_`, the name of a summed variable, they form that sum (or least or greatest value) anew.
    """

    name: str
    side: str
    code: str
    event: str
    when: str
    order: int
    sum_: str = ""


@dataclass(frozen=True)
class Connection:
    """The keyword arguments of one `Synapses`.

    ``summed_order`` maps a summed target variable to (when, order); those among them that are ``resting`` are formed by
    pathways alone, and not in every time step. ``gates`` names the gates of the protocol each of
    which shuts a part: the operation or pathway of that name, ``""`` for the differential equations.
    ``source_units`` and ``target_units`` are slices such as ``":n"`` of the groups, empty for all units. With
    ``trials``, only units of the same trial are connected, and all trials share the weights. ``delay`` is a time as
    text; it is in the names of presynaptic variables already (`brainmem.translation.delays`).
    """

    name: str
    source: str
    target: str
    equations: str
    pathways: tuple[Pathway, ...] = ()
    operations: tuple[Operation, ...] = ()
    pairs: Pairs = Pairs.ALL
    constants: tuple[str, ...] = ()
    method: str = "euler"
    state_order: int = -2
    summed_order: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    resting: frozenset[str] = frozenset()
    gates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source_units: str = ""
    target_units: str = ""
    trials: bool = False
    delay: str = ""

    @property
    def no_self(self) -> bool:
        """Whether the pairs of a unit with itself are left out."""
        return self.pairs is Pairs.NO_SELF

    def takes(self, sum_: str) -> tuple[str, str]:
        """Return the group and its variable that take a sum: the target's for ``u_post``, or the source's."""
        end = "_pre" if sum_.endswith("_pre") else "_post"
        return (self.source if end == "_pre" else self.target), sum_.removesuffix(end)

    @property
    def always_formed(self) -> dict[str, tuple[str, int]]:
        """The sums that are formed in every time step, each with (when, order)."""
        return {name: slot for name, slot in self.summed_order.items() if name not in self.resting}

    @property
    def stated(self) -> str:
        """The equations as Brian2 has them, without the sums that pathways form."""
        lines = (line for line in read_equations(self.equations) if line.name not in self.resting)
        return write_equations(
            replace(line, flags=tuple(flag for flag in line.flags if flag != RANKED)) for line in lines
        )

    @property
    def ranks(self) -> bool:
        """Whether its sums count the units that stand before each; nothing else is formed along it then."""
        return any(RANKED in line.flags for line in read_equations(self.equations))

    @property
    def texts(self) -> tuple[str, ...]:
        """All that its synapses compute."""
        return (self.equations, *(part.code for part in (*self.operations, *self.pathways)))


@dataclass(frozen=True)
class Table:
    """A `TimedArray` that equations read by row number: ``name(row*second)`` or ``name(row*second, i)``.

    ``columns`` is the size of the second dimension, or None; ``unit`` is Brian2 unit text. With ``returns``, "value",
    "integral" or "slope", it is a function of a curve instead, of what has the unit ``argument``.
    """

    name: str
    columns: Size | None = None
    unit: str = "1"
    meaning: str = ""
    returns: str = ""
    argument: str = ""


@dataclass(frozen=True)
class Initial:
    """A state variable of `owner` (a group or connection) whose start values are passed as an array.

    Arrays of a connection are given ``[post, pre]``. `stream` names the random stream, so that both
    variants start from the same numbers; where it stands it is also the model's own name for the value, and `given`
    the text that turns a value given under that name into one of the variable. An empty `owner` marks a value only
    other draws read.
    """

    owner: str
    variable: str
    draw: str
    stream: str = ""
    given: str = "given"


@dataclass(frozen=True)
class Translation:
    """A model lowered to one variant: text only, ready to print or to build.

    ``parameters`` are the model's and, in the spiking variant, the cells'; ``spiking`` has the choices of that variant.
    ``units`` holds by population how its rates are read from spikes, a `SpikingUnit` each; ``splits`` how each rule's
    terms are. ``trials`` is the number of trials run at once, 0 for a plain run, and ``shown`` the items of which each
    trial shows one. ``final`` names the variables of groups that are read when the run has ended. ``changes`` are the
    texts that read what is expected in place of noisy rates, ``reported`` the observables that stay what the cells did,
    though their mean holds noise; ``deciding`` the ranks, by (group, variable), in which noise of spikes decides as it
    does in drives. ``written`` is the model as its author wrote it, with both variants in it.
    """

    model: MemoryModel
    variant: str
    parameters: tuple[Parameter, ...]
    groups: tuple[Group, ...]
    connections: tuple[Connection, ...]
    tables: tuple[Table, ...]
    initial: tuple[Initial, ...]
    dt: str
    spiking: Spiking | None = None
    units: Mapping[str, Any] = field(default_factory=dict)
    splits: tuple[Any, ...] = ()
    trials: int = 0
    shown: range | None = None
    final: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    changes: tuple[Any, ...] = ()
    reported: tuple[str, ...] = ()
    deciding: tuple[tuple[str, str], ...] = ()
    written: MemoryModel | None = None

    @property
    def neuron(self) -> str:
        """Name of the cell, empty in the rate variant."""
        return self.spiking.kind if self.spiking else ""

    @property
    def options(self) -> dict[str, Any]:
        """The choices with which it was translated."""
        return self.spiking.options if self.spiking else {}

    def group(self, name: str) -> Group:
        """Return the group called `name`."""
        return next(item for item in self.groups if item.name == name)

    def connection(self, name: str) -> Connection:
        """Return the connection called `name`."""
        return next(item for item in self.connections if item.name == name)

    @property
    def sized_by(self) -> tuple[str, ...]:
        """The parameters that sizes of groups and tables depend on."""
        sizes = [item.size for item in self.groups] + [table.columns for table in self.tables if table.columns]
        return tuple(dict.fromkeys(name for size in sizes for name in size.names))
