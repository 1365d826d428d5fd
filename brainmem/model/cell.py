"""A spiking cell of the user's own, in Brian2's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from brian2.units import Quantity

from brainmem.model.checks.cell import check_cell
from brainmem.model.checks.cell_parts import input_unit, names_of, noise_of, number_of, statements_of, values_of
from brainmem.text.equations import Equation, read_equations, rename

__all__ = ["Cell"]

DIGITS = 12  # of a number written as text


@dataclass(frozen=True)
class Cell:
    """A spiking cell as Brian2 text, for ``Spiking(neuron=Cell(...))``.

    Its f-I curve is measured with this text at the time step of the run, and inverted: a unit's drive gives the rate
    wanted, and the curve the input with which the cell fires at this rate. In the translated text every name of the
    cell has the cell's own in front (``v`` of a cell ``adex`` is ``adex_v``), which keeps it apart from those of a
    model; ``parameters={"adex_C": 100*pF}`` gives a run another value, and sweeps many.

    Parameters
    ----------
    name : str
        Short: it stands in front of the names of its variables and parameters.
    equations : str
        Brian2 equations, with ``xi`` where they have noise of their own; ``xi_v`` and ``xi_w`` in two equations are
        independent. They may read `parameters`, and those of the spiking variant that are not among them: ``tau_m``,
        ``t_ref``, ``sigma_v``. Flags may be ``(unless refractory)`` of differential equations and
        ``(constant over dt)`` of subexpressions. What is declared without an equation (``g : 1``) has its value in
        `parameters`, or is a variable that the reset changes or `initial` sets.
    threshold : str
        Condition of a spike, ``"v > V_t"``.
    reset : str
        Statements at a spike, ``"v = V_r"``; none for a cell that repolarises by itself.
    refractory : Quantity or str, optional
        A time, or text that gives one, or a condition that holds while the cell cannot spike again,
        ``"v > -40*mV"``. As in Brian2, equations stand still meanwhile that have the flag ``(unless refractory)``.
    input : str
        The variable through which the drive enters, declared in the equations with its unit (``I : amp``). Any unit
        will do; the range that the cell needs is found.
    noise : str, optional
        Noise that is added to the equation of the membrane, the first variable of the greater side of `threshold` (v
        in ``"v > th"`` and in ``"th < v"``): text over parameters, whose unit is that of the membrane (the standard
        deviation of a membrane with time constant ``tau_m``: ``noise*sqrt(2/tau_m)*xi``), or that over the root of a
        time (``noise*xi``). None adds none.
    parameters : mapping of str to number, Quantity or str
        Constants by name; text may read others.
    initial : mapping of str to number, Quantity or str
        Where variables start when the cell is measured, as text over parameters and the draws of `Pattern`, in the
        unit of the variable; others start at 0. Runs begin with cells as the measurement has left them.
    method : {"euler", "exponential_euler", "heun", "milstein", "rk2", "rk4", "exact"}
        Brian2's integration method; euler, heun and milstein integrate noise. The time step is the run's ``spike_dt``.

    Raises
    ------
    RuleError
        For text that cannot be read, unknown names, and units that do not fit.

    Examples
    --------
    >>> from brian2 import ms
    >>> leaky = Cell(
    ...     "leaky", "dv/dt = (I - v)/tau : 1", threshold="v > 1", reset="v = 0", input="I",
    ...     noise="0.3*sqrt(2/tau)", parameters={"tau": 10*ms})
    >>> leaky.parameter_names["tau"]
    'leaky_tau'
    """

    name: str
    equations: str
    threshold: str = field(kw_only=True)
    reset: str = field(default="", kw_only=True)
    refractory: Any = field(default=None, kw_only=True)
    input: str = field(kw_only=True)
    noise: str | None = field(default=None, kw_only=True)
    parameters: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    initial: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    method: str = field(default="euler", kw_only=True)

    def __post_init__(self) -> None:
        check_cell(self)
        values = values_of(self)
        own = {name: given if isinstance(given, str) else values[name] for name, given in self.parameters.items()}
        starts = {
            name: given if isinstance(given, str) else number_of(self, name, given, {})
            for name, given in self.initial.items()
        }
        object.__setattr__(self, "parameters", own)
        object.__setattr__(self, "initial", starts)

    def __hash__(self) -> int:
        return hash((self.name, self.equations, self.threshold, self.reset, self.input, self.noise, self.method))

    def __getstate__(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @cached_property
    def lines(self) -> tuple[Equation, ...]:
        """Its equations, without declarations of its parameters and its input."""
        gone = {*self.parameters, self.input}
        return tuple(line for line in read_equations(self.equations) if line.name not in gone)

    @property
    def states(self) -> tuple[str, ...]:
        """The variables that hold its state, in its own words."""
        return tuple(line.name for line in self.lines if line.kind != "subexpression")

    @property
    def read(self) -> str:
        """All texts that its program reads, in one."""
        held = self.refractory if isinstance(self.refractory, str) else ""
        return "\n".join((*map(str, self.lines), noise_of(self), self.threshold, statements_of(self.reset), held))

    @cached_property
    def unit(self) -> str:
        """Unit of its input, as Brian2 text."""
        return input_unit(self)

    @property
    def names(self) -> dict[str, str]:
        """The names in translated text of all that is its own."""
        return {name: f"{self.name}_{name}" for name in names_of(self)}

    @property
    def parameter_names(self) -> dict[str, str]:
        """The names in translated text, and in ``parameters={...}`` of a run, of its parameters."""
        return {name: f"{self.name}_{name}" for name in values_of(self) if name != self.input}

    @property
    def values(self) -> dict[str, Any]:
        """The numbers of its parameters, or text over others, by their names in translated text."""
        names, given = self.parameter_names, {"refractory": self.refractory, **self.parameters}
        texts = {name: rename(given[name], names) for name in names if isinstance(given[name], str)}
        return {own: texts.get(name, values_of(self)[name]) for name, own in names.items()}

    @property
    def text(self) -> dict[str, Any]:
        """All that it is, without the numbers of parameters, which results keep beside; see `defaults`."""
        shown = ("name", "equations", "threshold", "reset", "refractory", "input", "noise", "method")
        found = {name: getattr(self, name) for name in shown}
        found["equations"] = "\n".join(map(str, read_equations(self.equations)))
        found["refractory"] = "refractory" if "refractory" in values_of(self) else self.refractory
        return {name: given for name, given in {**found, "initial": self.starts}.items() if given}

    @property
    def starts(self) -> dict[str, str]:
        """Where its variables start, as text, in its own words."""
        return {name: _written(given) for name, given in self.initial.items()}

    @property
    def defaults(self) -> dict[str, str]:
        """Its parameters as text, by their names in translated text: texts, and numbers with their unit."""
        return {name: _written(value) for name, value in self.values.items()}


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Quantity) and not value.dim.is_dimensionless:
        return value.in_best_unit(precision=DIGITS, python_code=True)
    return repr(float(value))
