"""The two variants of a model, as values: the paper's own network, and drive-matched populations of spiking cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from brainmem.errors import RuleError, TranslationError, closest, quoted
from brainmem.model.cell import Cell
from brainmem.text.equations import identifiers

__all__ = ["NEURONS", "PAIRINGS", "READINGS", "Rate", "Spiking", "Variant", "spiking_of", "variant_of", "with_cells"]

NEURONS = ("lif", "affine", "poisson")
READINGS = ("auto", "event", "drive", "trace")
PAIRINGS = ("symmetric", "causal", "anticausal")
_OF_LIF = ("tau_m", "t_ref", "sigma_v")  # parameters of the cells that not every cell reads
_CHOICES = {"neuron": NEURONS, "read": (None, *READINGS), "pairing": (None, *PAIRINGS)}


@dataclass(frozen=True)
class Rate:
    """The paper's own network of rate units; ``"rate"`` is its short form."""

    name: ClassVar[str] = "rate"
    parameters: ClassVar[Mapping[str, Any]] = {}


@dataclass(frozen=True, kw_only=True)
class Spiking:
    """Populations of spiking cells in place of rate units; ``"spiking"`` is the short form of all defaults.

    Parameters
    ----------
    neuron : {"lif", "affine", "poisson"} or Cell
        The cell: LIF cells whose input current is looked up, so that they fire at the rate wanted; LIF cells whose
        current is a slope times the drive plus an offset, the least-squares fit to that (a fixed scaling factor
        between rate and spiking weights, as in Kim, Li & Sejnowski 2019); Poisson cells, the clean reference; or a cell
        of your own, whose input is looked up likewise.
    read : {"auto", "event", "drive", "trace"}, optional
        How every rule reads rates; None keeps each rule's own choice.
    pairing : {"symmetric", "causal", "anticausal"}, optional
        Which spikes carry a term with a pre and a post rate; None keeps each rule's own choice.
    rate_max, cells_per_unit, tau_m, t_ref, sigma_v, spike_dt : number, Quantity or text, optional
        Parameters of the cells, as in ``parameters={...}``: the firing rate that stands for the top of the rate
        range, spiking cells of each unit, membrane time constant, refractory period, membrane noise, time step. The
        model's own when not given.

    Raises
    ------
    TranslationError
        For a choice that does not exist.

    Examples
    --------
    >>> Spiking(neuron="poisson", cells_per_unit=4).parameters
    {'cells_per_unit': 4}
    """

    name: ClassVar[str] = "spiking"
    neuron: str | Cell = "lif"
    read: str | None = None
    pairing: str | None = None
    rate_max: Any = None
    cells_per_unit: Any = None
    tau_m: Any = None
    t_ref: Any = None
    sigma_v: Any = None
    spike_dt: Any = None

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if name != "neuron" or not isinstance(self.neuron, Cell):
                also = " A cell of your own is a brainmem.Cell(...)." if name == "neuron" else ""
                _check(f"Spiking(): {name}", getattr(self, name), allowed, also=also)
        if self.cell and self.cell.name in NEURONS:
            raise TranslationError(
                f"Spiking(): a cell called {self.cell.name!r} would be taken for brainmem's own. Choose another name= "
                f"for it, such as 'my_{self.cell.name}'."
            )
        for name in _OF_LIF if self.cell else ():
            if getattr(self, name) is not None and name not in self.cell_reads:
                self._refuse_unread(name)

    def _refuse_unread(self, name: str) -> None:
        assert self.cell is not None
        own = self.cell.parameter_names
        known = (
            f" It has parameters of its own, {', '.join(own.values())}: give them in parameters={{...}}." if own else ""
        )
        raise TranslationError(
            f"Spiking(): {name}={quoted(getattr(self, name))}: the equations of the cell {self.cell.name!r} do not "
            f"read the {name} of the spiking variant. Leave it out.{known}"
        )

    @property
    def cell(self) -> Cell | None:
        """The cell of the user's own, None for the short forms."""
        return self.neuron if isinstance(self.neuron, Cell) else None

    @property
    def kind(self) -> str:
        """Name of the cell."""
        return self.neuron.name if isinstance(self.neuron, Cell) else self.neuron

    @property
    def cell_reads(self) -> frozenset[str]:
        """The parameters of the spiking variant that the texts of the cell read."""
        if self.cell is None:
            return frozenset(_OF_LIF) if self.neuron != "poisson" else frozenset()
        return frozenset(identifiers(self.cell.read)) & set(_OF_LIF) - set(self.cell.parameter_names)

    @property
    def options(self) -> dict[str, Any]:
        """The choices by name, and the text of a cell of the user's own."""
        found = {name: getattr(self, name) for name in _CHOICES}
        return {**found, "neuron": self.kind, **({"cell": self.cell.text} if self.cell else {})}

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the cells that were given."""
        given = {item.name: getattr(self, item.name) for item in fields(self) if item.name not in _CHOICES}
        return {name: value for name, value in given.items() if value is not None}


Variant = Rate | Spiking
_SHORT: dict[str, type[Variant]] = {"rate": Rate, "spiking": Spiking}


def variant_of(given: Variant | str) -> Variant:
    """Return the variant that a value or its short form stands for.

    Raises
    ------
    TranslationError
        For anything else.
    """
    if isinstance(given, Rate | Spiking):
        return given
    _check("variant", given, _SHORT, also=" For choices of the spiking variant give Spiking(neuron=...).")
    return _SHORT[given]()


def spiking_of(given: Variant | str, where: str) -> Spiking:
    """Return the spiking variant that is meant; `where` only that one will do."""
    variant = variant_of(given)
    if isinstance(variant, Rate):
        raise TranslationError(f"{where}: variant='rate' has no spikes; give 'spiking' or Spiking(...).")
    return variant


def with_cells(variant: Variant, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the parameters of a run with those of its cells.

    Raises
    ------
    RuleError
        For one that is given in both places.
    """
    given = dict(parameters or {})
    for name in variant.parameters:
        if name in given:
            raise RuleError(
                f"{name!r} is given twice, Spiking({name}={variant.parameters[name]!r}) and parameters={{{name!r}: "
                f"{given[name]!r}}}: leave one of them out."
            )
    return {**given, **variant.parameters}


def _check(what: str, given: Any, allowed: Iterable[Any], *, also: str = "") -> None:
    if not isinstance(given, str | None) or given not in list(allowed):
        words = [item for item in allowed if item is not None]
        raise TranslationError(
            f"{what}={quoted(given)} is not allowed; choose one of {', '.join(map(repr, words))}."
            f"{closest(str(given), words)}{also}"
        )
